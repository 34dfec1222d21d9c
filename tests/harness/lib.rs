//! The harness of the acceptance tests: the surroundings of the built `chat` and `threads`
//! binaries, and nothing of their insides.
//!
//! It knows every wire: the browser's, the gateway's, Lambda's and DynamoDB's. It does not know how
//! the binaries work, and observes only what is visible from outside. `tests/README.md` shows how
//! its parts fit together.

#![allow(
    clippy::disallowed_methods,
    reason = "the harness reads the tester's environment and owns no invocation its tasks could be frozen with"
)]

pub mod assert;
pub mod aws;
pub mod browser;
pub mod client;
pub mod database;
pub mod gateway;
pub mod http_client;
pub mod process;
pub mod seed;
pub mod session;
pub mod sse;
pub mod tools;
pub mod world;

pub use testing::{gate, surrogates, wait, wire};

//! The harness of the acceptance tests: the surroundings of the built `chat` and `threads`
//! binaries, and nothing of their insides.
//!
//! It knows every wire: the browser's, the gateway's, Lambda's and DynamoDB's. It does not know how
//! the binaries work, and observes only what is visible from outside.

#![allow(
    clippy::disallowed_methods,
    reason = "the harness reads the tester's environment and owns no invocation its tasks could be frozen with"
)]

pub mod better_auth;
pub mod binary;
pub mod browser;
pub mod client;
pub mod engine;
pub mod function;
pub mod http_client;
pub mod ledger;
pub mod logs;
pub mod node;
pub mod openai_server;
pub mod page;
pub mod pair;
pub mod process;
pub mod promises;
pub mod routes;
pub mod schemathesis;
pub mod scripts;
pub mod seed;
pub mod session;
pub mod site;
pub mod sse;
pub mod stored_turn;
pub mod tools;
pub mod world;

pub use testing::gateway::answers;
pub use testing::{gate, gateway, lone, wait, wire};

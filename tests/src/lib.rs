//! The harness of the acceptance tests: everything that stands round the built `chat` binary, and nothing of what is in it.
//!
//! It knows the wire on all sides: the browser's, the gateway's, Lambda's and DynamoDB's. It does not know how the binary
//! does its work, and finds out only what somebody outside could see.

#![allow(
    clippy::disallowed_methods,
    reason = "the harness reads the tester's environment and owns no invocation its tasks could be frozen with"
)]

pub mod answers;
pub mod better_auth;
pub mod binary;
pub mod browser;
pub mod client;
pub mod engine;
pub mod function;
pub mod gate;
pub mod gateway;
pub mod http_client;
pub mod ledger;
pub mod logs;
pub mod lone;
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
pub mod wait;
pub mod wire;
pub mod world;

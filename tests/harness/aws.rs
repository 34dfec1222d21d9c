//! The functions in each of their run modes, always reached over plain HTTP, and the parts of
//! Lambda that a run mode needs.

mod chat;
mod emulator;
mod event;
mod function;
pub mod function_pair;
mod function_url;
mod plain;
mod ports;
mod runtime_api;
mod simulated_lambda;
mod threads;
mod watch;

pub use function::{Function, RunMode};
pub use runtime_api::{Invocation, Outcome, Reading, RuntimeApi};

//! The built `chat` binary, seen from outside. One module for each promise; the harness is this package's library.

#![allow(clippy::disallowed_methods, reason = "a test owns no invocation its tasks could be frozen with")]

mod clients;
mod deadline;
mod dev;
mod gateway_faults;
mod load;
mod openai_servers;
mod parts;
mod refusals;
mod samples;
mod secrets;
mod start;
mod store_faults;
mod turns;
mod ways;
mod wire;

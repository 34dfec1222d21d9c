//! Acceptance tests: the built binaries, seen from outside. Each module covers one promise; the
//! harness is this package's library.

#![allow(
    clippy::disallowed_methods,
    reason = "a test owns no invocation its tasks could be frozen with"
)]

mod better_auth;
mod branches;
mod browser;
mod clients;
mod crash;
mod deadline;
mod dev;
mod disconnect;
mod endings;
mod gateway_faults;
mod history;
mod load;
mod log_lines;
mod memory;
mod openai_servers;
mod openapi;
mod parts;
mod quota;
mod races;
mod refusals;
mod resume;
mod retry;
mod samples;
mod secrets;
mod sources;
mod start;
mod stop;
mod store_faults;
mod store_trouble;
mod threads;
mod titles;
mod turns;
mod ways;
mod wire;

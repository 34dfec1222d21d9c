//! The read side: a user's threads, their messages, the models, and the user's usage. It calls no
//! model.
//!
//! On Lambda (where `AWS_LAMBDA_RUNTIME_API` is set) it serves invocations, elsewhere plain HTTP.

mod config;
mod conversation;
mod error;
mod handlers;
#[cfg(test)]
mod openapi;
mod query;
mod response;
mod routes;
mod serve;
mod state;

use config::Config;

/// The crates of this workspace, which log at the configured level.
const OWN_CRATES: [&str; 5] = ["threads", "front", "recovery", "session", "store"];

fn main() -> std::process::ExitCode {
    front::start(
        &OWN_CRATES,
        Config::read,
        |config| config.front.log_level,
        serve::run,
    )
}

//! The read side: a user's threads, their messages, the models, and what the user has used. It calls no model.
//!
//! On Lambda (where `AWS_LAMBDA_RUNTIME_API` is set) it serves invocations, elsewhere plain HTTP.

mod clients;
mod config;
mod delete;
mod error;
mod list;
mod messages;
mod models;
#[cfg(test)]
mod openapi;
mod query;
mod rename;
mod routes;
mod serve;
mod shapes;
mod usage;

use config::Config;
use front::{Variables, failure, log_to_stdout};
use tracing::Level;

/// Our own crates, of which as much is logged as is asked for.
const OURS: [&str; 5] = ["threads", "front", "recovery", "session", "store"];

fn main() -> std::process::ExitCode {
    let config = match Config::read(Variables::of_process()) {
        Ok(config) => config,
        Err(error) => {
            log_to_stdout(Level::INFO, &OURS);
            tracing::error!(error = failure::chain(&error), "the configuration is not usable");
            return std::process::ExitCode::FAILURE;
        }
    };
    log_to_stdout(config.front.log_level, &OURS);
    match serve::run(config) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = failure::chain(error.as_ref()), "the function cannot go on");
            std::process::ExitCode::FAILURE
        }
    }
}

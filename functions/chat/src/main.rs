//! `POST /api/chat`: one user message in, the answer out as a stream, both stored.
//!
//! On Lambda (where `AWS_LAMBDA_RUNTIME_API` is set) it serves invocations, elsewhere plain HTTP.

mod access;
mod body;
mod chat;
mod clients;
mod config;
mod error;
mod failure;
mod invocation;
mod log;
mod recorder;
mod relay;
mod routes;
mod secrets;
mod serve;
mod turn;

use config::Config;

fn main() -> std::process::ExitCode {
    let config = match Config::from_environment() {
        Ok(config) => config,
        Err(error) => {
            log_to_stdout(tracing::Level::INFO);
            tracing::error!(error = failure::chain(&error), "the configuration is not usable");
            return std::process::ExitCode::FAILURE;
        }
    };
    log_to_stdout(config.log_level);
    match serve::run(config) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = failure::chain(error.as_ref()), "the function cannot go on");
            std::process::ExitCode::FAILURE
        }
    }
}

/// One JSON object a line, in the shape that Lambda's own JSON log format has.
fn log_to_stdout(level: tracing::Level) {
    tracing_subscriber::fmt().json().flatten_event(true).with_target(false).with_max_level(level).init();
}

//! `POST /api/chat`: one user message in, the answer out as a stream, both stored. A running answer can be read along
//! and stopped at `/api/chat/{threadId}/stream` and `/stop`.
//!
//! On Lambda (where `AWS_LAMBDA_RUNTIME_API` is set) it serves invocations, elsewhere plain HTTP.

mod body;
mod chat;
mod clients;
mod config;
mod error;
mod follow;
mod history;
mod invocation;
mod journal;
mod live;
mod log;
#[cfg(test)]
mod openapi;
mod recorder;
mod relay;
mod replay;
mod resume;
mod routes;
mod serve;
mod title;
mod turn;
mod watch;

use config::Config;
use front::{Variables, failure, log_to_stdout};
use tracing::Level;

/// Our own crates, of which as much is logged as is asked for.
const OURS: [&str; 8] =
    ["chat", "front", "gateway", "recovery", "session", "store", "ui_stream", "validation"];

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

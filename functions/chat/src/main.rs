//! `POST /api/chat`: takes one user message, streams the answer and stores both. A running answer
//! can be followed and stopped at `/api/chat/{threadId}/stream` and `/stop`.
//!
//! On Lambda (where `AWS_LAMBDA_RUNTIME_API` is set) it serves invocations, elsewhere plain HTTP.

mod config;
mod error;
mod handlers;
mod invocation;
#[cfg(test)]
mod openapi;
mod path;
mod routes;
mod serve;
mod state;
mod stream;
mod turn;

use config::Config;

/// The crates of this workspace, which log at the configured level.
const OWN_CRATES: [&str; 8] = [
    "chat",
    "front",
    "gateway",
    "recovery",
    "session",
    "store",
    "ui_stream",
    "validation",
];

fn main() -> std::process::ExitCode {
    front::start(
        &OWN_CRATES,
        Config::read,
        |config| config.front.log_level,
        serve::run,
    )
}

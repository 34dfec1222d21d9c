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
mod open_turns;
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

/// Our own crates, of which as much is logged as is asked for.
const OURS: [&str; 8] = [
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
        &OURS,
        Config::read,
        |config| config.front.log_level,
        serve::run,
    )
}

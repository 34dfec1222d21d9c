//! `POST /api/chat`: one user message in, the answer out as a stream, both stored. A running answer can be read along
//! and stopped at `/api/chat/{threadId}/stream` and `/stop`.
//!
//! On Lambda (where `AWS_LAMBDA_RUNTIME_API` is set) it serves invocations, elsewhere plain HTTP.

mod access;
mod body;
mod chat;
mod clients;
mod config;
mod error;
mod failure;
mod follow;
mod history;
mod invocation;
mod journal;
mod live;
mod log;
mod recorder;
mod relay;
mod replay;
mod resume;
mod routes;
mod secrets;
mod serve;
mod turn;
mod watch;

use config::Config;
use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

fn main() -> std::process::ExitCode {
    let config = match Config::from_environment() {
        Ok(config) => config,
        Err(error) => {
            log_to_stdout(Level::INFO);
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

/// The level asked for is for our own crates. Below `info` the AWS SDK and the Lambda runtime print whole requests,
/// with cookies and conversations in them.
fn levels(level: Level) -> Targets {
    let ours = ["chat", "gateway", "recovery", "session", "store", "ui_stream", "validation"];
    Targets::new().with_default(level.min(Level::INFO)).with_targets(ours.map(|target| (target, level)))
}

/// One JSON object a line, in the shape that Lambda's own JSON log format has.
fn log_to_stdout(level: Level) {
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_target(false);
    tracing_subscriber::registry().with(lines.with_filter(levels(level))).init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_crates_never_say_more_than_info() {
        for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE] {
            let levels = levels(level);
            assert!(levels.would_enable("chat::relay", &level), "{level}");
            assert_eq!(
                levels.would_enable("lambda_runtime::layers", &level),
                level <= Level::INFO,
                "{level}"
            );
            assert!(!levels.would_enable("aws_smithy_runtime::client", &Level::DEBUG), "{level}");
        }
    }
}

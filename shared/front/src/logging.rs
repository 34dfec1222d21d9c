//! The format and the levels of the log.

use tracing::{Level, Span, error_span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging one JSON object per line to stdout, in the format of Lambda's own JSON logs. The
/// crates `own_crates` log at `level`, all others at `info` at most.
pub(crate) fn log_to_stdout(level: Level, own_crates: &[&'static str]) {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_target(false);
    let lines = lines.with_span_list(false);
    tracing_subscriber::registry()
        .with(lines.with_filter(levels(level, own_crates)))
        .init();
}

/// Creates the span of one request, which every log line on its behalf carries:
/// `"span":{"requestId":…}`. It is enabled at every level.
pub fn request_span(request_id: &str) -> Span {
    error_span!("request", requestId = request_id)
}

/// Returns the log levels by crate. Below `info` the AWS SDK and the Lambda runtime print complete
/// requests, including cookies and conversations.
fn levels(level: Level, own_crates: &[&'static str]) -> Targets {
    let own_crates = own_crates.iter().map(|target| (*target, level));
    Targets::new()
        .with_default(level.min(Level::INFO))
        .with_targets(own_crates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_crates_never_log_more_than_info() {
        for level in [
            Level::ERROR,
            Level::WARN,
            Level::INFO,
            Level::DEBUG,
            Level::TRACE,
        ] {
            let levels = levels(level, &["chat"]);
            assert!(levels.would_enable("chat::relay", &level), "{level}");
            assert_eq!(
                levels.would_enable("lambda_runtime::layers", &level),
                level <= Level::INFO,
                "{level}"
            );
            assert!(
                !levels.would_enable("aws_smithy_runtime::client", &Level::DEBUG),
                "{level}"
            );
        }
    }
}

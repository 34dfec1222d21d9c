//! What is logged, and how.

use tracing::{Level, Span, error_span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Logs one JSON object a line, in the shape that Lambda's own JSON log format has: of the crates `ours` what is as
/// severe as `level`, of all others nothing below `info`.
pub(crate) fn log_to_stdout(level: Level, ours: &[&'static str]) {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_target(false);
    let lines = lines.with_span_list(false);
    tracing_subscriber::registry()
        .with(lines.with_filter(levels(level, ours)))
        .init();
}

/// What everything that is logged on behalf of one request is logged in: `"span":{"requestId":…}`. It is there whatever the
/// level.
pub fn request_span(request_id: &str) -> Span {
    error_span!("request", requestId = request_id)
}

/// Below `info` the AWS SDK and the Lambda runtime print whole requests, with cookies and conversations in them.
fn levels(level: Level, ours: &[&'static str]) -> Targets {
    let ours = ours.iter().map(|target| (*target, level));
    Targets::new()
        .with_default(level.min(Level::INFO))
        .with_targets(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_crates_never_say_more_than_info() {
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

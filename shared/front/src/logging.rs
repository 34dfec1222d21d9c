//! The format and the levels of the log.

use tracing::{Level, Span, error_span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The crates of this workspace that functions consist of. They log at the configured level.
const OWN_CRATES: [&str; 12] = [
    "chat",
    "front",
    "gateway",
    "json",
    "message",
    "recovery",
    "registry",
    "session",
    "store",
    "threads",
    "ui_stream",
    "validation",
];

/// Starts logging one JSON object per line to stdout, in the format of Lambda's own JSON logs. The
/// crates of this workspace log at `level`, all others at `info` at most.
pub fn init_logging(level: Level) {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_target(false);
    let lines = lines.with_span_list(false);
    tracing_subscriber::registry()
        .with(lines.with_filter(levels(level)))
        .init();
}

/// Creates the span of one request, which every log line on its behalf carries:
/// `"span":{"requestId":…}`. It is enabled at every level.
pub fn request_span(request_id: &str) -> Span {
    error_span!("request", requestId = request_id)
}

/// Returns the log levels by crate. Below `info` the AWS SDK and the Lambda runtime print complete
/// requests, including cookies and conversations.
fn levels(level: Level) -> Targets {
    let own_crates = OWN_CRATES.map(|target| (target, level));
    Targets::new()
        .with_default(level.min(Level::INFO))
        .with_targets(own_crates)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The members of the workspace that no function links.
    const TOOLS: [&str; 3] = ["acceptance", "testing", "xtask"];

    fn read(file: &Path) -> String {
        std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// Returns the names of the crates in the folders that the workspace's manifest lists.
    fn workspace_crates() -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let manifest = read(&root.join("Cargo.toml"));
        let members = manifest
            .lines()
            .find_map(|line| line.strip_prefix("members = "));
        let members: Vec<String> = serde_json::from_str(members.unwrap()).unwrap();
        let folders = members
            .iter()
            .flat_map(|member| match member.strip_suffix("/*") {
                Some(parent) => std::fs::read_dir(root.join(parent))
                    .unwrap()
                    .map(|entry| entry.unwrap().path())
                    .collect(),
                None => vec![root.join(member)],
            });
        let manifests = folders.map(|folder| folder.join("Cargo.toml"));
        let names = manifests.filter(|file| file.exists()).map(|file| {
            let manifest = read(&file);
            let name = manifest
                .lines()
                .find_map(|line| line.strip_prefix("name = "));
            name.unwrap().trim_matches('"').replace('-', "_")
        });
        names.collect()
    }

    #[test]
    fn every_crate_of_the_functions_logs_at_the_configured_level() {
        let own = OWN_CRATES.iter().chain(&TOOLS).map(ToString::to_string);
        assert_eq!(own.collect::<BTreeSet<_>>(), workspace_crates());
    }

    #[test]
    fn no_other_crate_is_taken_for_one_of_ours() {
        let lock = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock"));
        let names = lock.lines().filter_map(|line| line.strip_prefix("name = "));
        let names = names.map(|name| name.trim_matches('"').replace('-', "_"));
        let others = names.filter(|name| !OWN_CRATES.contains(&name.as_str()));
        for name in others {
            // A level counts for all targets that begin with the name of the crate.
            let own = OWN_CRATES.iter().find(|own| name.starts_with(**own));
            assert_eq!(own, None, "{name}");
        }
    }

    #[test]
    fn other_crates_never_log_more_than_info() {
        for level in [
            Level::ERROR,
            Level::WARN,
            Level::INFO,
            Level::DEBUG,
            Level::TRACE,
        ] {
            let levels = levels(level);
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

//! The binaries under test: builds them with cargo and finds them in cargo's messages.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

use crate::tools;

/// Returns the path of the `chat` binary: `SIDEKIQ_CHAT`, or a build made once per process.
pub async fn chat_binary() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    find_or_build("chat", &BUILT).await
}

/// Returns the path of the `threads` binary: `SIDEKIQ_THREADS`, or a build made once per process.
pub async fn threads_binary() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    find_or_build("threads", &BUILT).await
}

/// Returns the path of the `xtask` binary: `SIDEKIQ_XTASK`, or a build made once per process.
pub async fn xtask_binary() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    find_or_build("xtask", &BUILT).await
}

async fn find_or_build(
    package: &'static str,
    once: &'static OnceLock<Result<PathBuf, String>>,
) -> Result<PathBuf> {
    let find = move || tools::prebuilt(package).map_or_else(|| build(package), Ok);
    let found = tokio::task::spawn_blocking(move || {
        once.get_or_init(|| find().map_err(|error| format!("{error:#}")))
    });
    found.await?.clone().map_err(|error| anyhow!(error))
}

/// Returns `true` if a variable of the tester's environment is meant for tools that a test starts.
///
/// Excluded are the variables in which cargo describes the current test, so that a cargo inside the
/// test decides as one outside would, and those that configure the function.
pub fn is_for_tools(name: &str) -> bool {
    let function_prefixes = [
        "AI_GATEWAY_",
        "BETTER_AUTH_",
        "AWS_",
        "MODELS",
        "DEFAULT_MODEL",
        "SYSTEM_PROMPT",
        "ALLOWED_ORIGINS",
    ];
    !function_prefixes
        .iter()
        .any(|start| name.starts_with(start))
        && !is_about_this_test(name)
}

fn is_about_this_test(name: &str) -> bool {
    let kept_names = [
        "CARGO_HOME",
        "CARGO_TARGET_DIR",
        "CARGO_INCREMENTAL",
        "CARGO_TERM_COLOR",
    ];
    let kept_prefixes = [
        "CARGO_NET_",
        "CARGO_BUILD_",
        "CARGO_PROFILE_",
        "CARGO_REGISTR",
    ];
    let kept =
        kept_names.contains(&name) || kept_prefixes.iter().any(|start| name.starts_with(start));
    name.starts_with("CARGO") && !kept
}

fn build(package: &str) -> Result<PathBuf> {
    let output = Command::new(tools::cargo())
        .args(["build", "--package", package, "--message-format", "json"])
        .current_dir(tools::workspace())
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| is_for_tools(&name.to_string_lossy())))
        .stderr(Stdio::piped())
        .output()
        .context("cargo cannot be started")?;
    ensure!(
        output.status.success(),
        "{package} does not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let messages = String::from_utf8(output.stdout)?;
    find_executable(&messages, package)
        .with_context(|| format!("cargo named no executable for {package}"))
}

fn find_executable(messages: &str, package: &str) -> Option<PathBuf> {
    let mut found = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| {
            let ours = message["target"]["name"] == package
                && message["target"]["kind"] == serde_json::json!(["bin"]);
            message["executable"]
                .as_str()
                .filter(|_| ours)
                .map(PathBuf::from)
        });
    found.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_among_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"chat","kind":["lib"]},"executable":null}"#,
            "\nnot JSON\n",
            r#"{"reason":"compiler-artifact","target":{"name":"chat","kind":["bin"]},"executable":"/t/debug/chat"}"#,
        );
        assert_eq!(
            find_executable(messages, "chat"),
            Some(PathBuf::from("/t/debug/chat"))
        );
        assert_eq!(find_executable("{}", "chat"), None);
    }
}

//! The binaries under test. Knows how cargo builds them and how cargo says where it put them.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

use crate::tools;

/// The function: what `SIDEKIQ_CHAT` names, or else built once.
pub async fn chat_binary() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    built("chat", &BUILT).await
}

/// The read side: what `SIDEKIQ_THREADS` names, or else built once.
pub async fn threads_binary() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    built("threads", &BUILT).await
}

/// The developer's tool: what `SIDEKIQ_XTASK` names, or else built once.
pub async fn xtask_binary() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    built("xtask", &BUILT).await
}

async fn built(
    package: &'static str,
    once: &'static OnceLock<Result<PathBuf, String>>,
) -> Result<PathBuf> {
    let find = move || tools::prebuilt(package).map_or_else(|| build(package), Ok);
    let found = tokio::task::spawn_blocking(move || {
        once.get_or_init(|| find().map_err(|error| format!("{error:#}")))
    });
    found.await?.clone().map_err(|error| anyhow!(error))
}

/// Whether a variable of the tester's is for a tool that a test starts: not what cargo tells this test about itself, so
/// that a cargo inside the test decides as one outside would, and not what configures the function.
pub fn is_for_tools(name: &str) -> bool {
    let of_the_function = [
        "AI_GATEWAY_",
        "BETTER_AUTH_",
        "AWS_",
        "MODELS",
        "DEFAULT_MODEL",
        "SYSTEM_PROMPT",
        "ALLOWED_ORIGINS",
    ];
    !of_the_function.iter().any(|start| name.starts_with(start)) && !is_about_this_test(name)
}

fn is_about_this_test(name: &str) -> bool {
    let its_own = [
        "CARGO_HOME",
        "CARGO_TARGET_DIR",
        "CARGO_INCREMENTAL",
        "CARGO_TERM_COLOR",
    ];
    let of_the_user = [
        "CARGO_NET_",
        "CARGO_BUILD_",
        "CARGO_PROFILE_",
        "CARGO_REGISTR",
    ];
    let kept = its_own.contains(&name) || of_the_user.iter().any(|start| name.starts_with(start));
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
    executable(&messages, package)
        .with_context(|| format!("cargo named no executable for {package}"))
}

fn executable(messages: &str, package: &str) -> Option<PathBuf> {
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
            executable(messages, "chat"),
            Some(PathBuf::from("/t/debug/chat"))
        );
        assert_eq!(executable("{}", "chat"), None);
    }
}

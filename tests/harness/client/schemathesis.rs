//! Schemathesis: valid and invalid requests generated from an OpenAPI document, with checks of the
//! responses. Knows its command line; `tests/openapi/schemathesis.toml` configures the checks.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::aws::Function;
use crate::seed::seed;
use crate::session::SignedIn;
use crate::tools;
use crate::wait::within_limit;

/// The timeout of a run, far longer than the examples take.
const RUN_TIMEOUT: Duration = Duration::from_secs(300);

/// Tests `function` against `docs/openapi/<document>.json`, as this user. Does nothing if
/// schemathesis is not installed.
pub async fn run_schemathesis(function: &Function, document: &str, who: &SignedIn) -> Result<()> {
    let Some(program) = tools::schemathesis() else {
        tools::report_skipped(
            "the OpenAPI documents on the running functions",
            "schemathesis",
        );
        return Ok(());
    };
    let root = tools::workspace();
    let mut command = Command::new(program);
    command
        .arg("--config-file")
        .arg(root.join("tests/openapi/schemathesis.toml"))
        .args([
            "run",
            "--no-color",
            "--url",
            &function.url,
            "--seed",
            &seed()?.to_string(),
        ])
        .arg(root.join(format!("docs/openapi/{document}.json")))
        .env_clear()
        .env("SIDEKIQ_BEARER", who.bearer().trim_start_matches("Bearer "))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env(
            "HYPOTHESIS_STORAGE_DIRECTORY",
            tools::target().join("hypothesis"),
        )
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = within_limit(RUN_TIMEOUT, "schemathesis", command.output()).await?;
    let output = output.context("schemathesis does not start")?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{document}:\n{stdout}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

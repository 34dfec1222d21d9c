//! Start-up with a bad configuration: the function does not start, and names the bad variable
//! without repeating its value.

use std::path::Path;

use acceptance::process::binary::chat_binary;
use acceptance::process::{Process, Variables};
use acceptance::world::World;
use anyhow::{Result, ensure};

async fn ensure_refuses_to_start(
    binary: &Path,
    variables: &Variables,
    name: &str,
    value: &str,
) -> Result<()> {
    let mut process = Process::start::<&str>(binary, &[], variables)?;
    let status = process.exit().await?;
    ensure!(!status.success(), "ended with {status}");
    let lines = process.logs.complete().await?;
    ensure!(
        lines.iter().any(|line| line.contains(name)),
        "does not name the variable: {lines:?}"
    );
    if !value.is_empty() {
        process.logs.ensure_clean(&[value.to_owned()])?;
    }
    Ok(())
}

#[tokio::test]
async fn an_invalid_variable_is_named_without_its_value() -> Result<()> {
    let world = World::new().await?;
    let binary = chat_binary().await?;
    let mut wrong = Vec::new();
    for (name, value) in [
        ("TABLE_NAME", ""),
        ("AI_GATEWAY_API_KEY", ""),
        ("AI_GATEWAY_BASE_URL", "canary://not-a-gateway"),
        ("BETTER_AUTH_SECRET", ""),
        ("BETTER_AUTH_SECRET", "canary-too-short"),
        (
            "BETTER_AUTH_SECRET",
            "better-auth-secret-12345678901234567890",
        ),
        ("ALLOWED_ORIGINS", "https://canary.example/with/a/path"),
        ("FIRST_PART_TIMEOUT_MS", "canary-soon"),
        ("DEFAULT_MODEL", "canary/unknown"),
        ("MODELS", r#"[{"id":"no-provider"}]"#),
        ("TITLE_MODEL", "canary/unknown"),
        ("SEND_SOURCES", "canary-yes"),
    ] {
        let mut variables = world.variables_with(&[(name, value), ("PORT", "0")]);
        if value.is_empty() {
            variables.remove(name);
        }
        // A model's id is no secret; the error has to name the entry.
        let hidden = if ["MODELS", "DEFAULT_MODEL"].contains(&name) {
            ""
        } else {
            value
        };
        if let Err(error) = ensure_refuses_to_start(&binary, &variables, name, hidden).await {
            wrong.push(format!("{name}={value:?}: {error:#}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(
        world.engine.operations().is_empty(),
        "nothing is read before the configuration is known to be good"
    );
    Ok(())
}

//! The sample events in `events/` do what their README says.

use std::path::Path;

use acceptance::function::{Function, RuntimeApi};
use acceptance::world::World;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

const TOKEN: &str = "SampleTokenForTheEventsFolder000";
/// Far beyond what the sample session needs, in seconds since 1970.
const FOR_EVER: u64 = 4_070_908_800;

#[tokio::test]
async fn every_sample_event_is_answered_as_described() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let readme = std::fs::read_to_string(folder.join("README.md"))?;
    let world = World::new().await?;
    world.engine.store().put_session(TOKEN, &json_block(&readme)?, FOR_EVER).await?;
    let variables = world.variables_with(&[
        ("BETTER_AUTH_SECRET", "test-secret-for-the-samples-32-chars!"),
        ("BETTER_AUTH_URL", "https://app.example.com"),
        ("ALLOWED_ORIGINS", "https://app.example.com"),
    ]);
    let function = Function::on(RuntimeApi::start(1).await?, &variables).await?;

    let mut described = Vec::new();
    for row in readme.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let file = cells[1].trim_matches('`');
        let status: u64 = cells[3].split(',').next().unwrap_or_default().parse()?;
        let event: Value = serde_json::from_str(&std::fs::read_to_string(folder.join(file))?)?;
        let mut invocation = function.api()?.invoke(&event);
        let prelude = invocation.prelude().await?;
        ensure!(prelude["statusCode"] == status, "{file}: {prelude}");
        if status == 200 {
            let mut body = Vec::new();
            while let Some(piece) = invocation.piece().await {
                body.extend_from_slice(&piece);
            }
            ensure!(body.ends_with(b"data: [DONE]\n\n"), "{file}: {}", String::from_utf8_lossy(&body));
        }
        invocation.outcome().await?;
        described.push(file.to_owned());
    }

    let mut files: Vec<String> = std::fs::read_dir(&folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".json"))
        .collect();
    files.sort();
    described.sort();
    ensure!(files == described, "the README describes {described:?}");
    function.stop().await
}

/// The session that the README tells to store.
fn json_block(readme: &str) -> Result<String> {
    let block = readme.split("```json").nth(1).and_then(|rest| rest.split("```").next());
    Ok(block.context("no JSON block in the README")?.trim().to_owned())
}

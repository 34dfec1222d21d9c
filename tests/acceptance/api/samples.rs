//! The sample events in `events/`, which do what their READMEs describe.

use std::path::Path;

use acceptance::aws::{Function, RuntimeApi};
use acceptance::process::Variables;
use acceptance::world::World;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

const TOKEN: &str = "SampleTokenForTheEventsFolder000";
/// An expiry far beyond what the sample session needs, in seconds since 1970.
const FAR_FUTURE_SECS: u64 = 4_070_908_800;

#[tokio::test]
async fn every_sample_event_of_the_chat_function_is_answered_as_described() -> Result<()> {
    let start = async |variables: &Variables| {
        Function::start_under(RuntimeApi::start(1).await?, variables).await
    };
    send_samples(".", start, |file, status, body| {
        let is_complete = status != 200 || body.ends_with(b"data: [DONE]\n\n");
        ensure!(is_complete, "{file}: {}", String::from_utf8_lossy(body));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn every_sample_event_of_the_threads_function_is_answered_as_described() -> Result<()> {
    let start = async |variables: &Variables| {
        Function::start_threads_under(RuntimeApi::start(1).await?, variables).await
    };
    send_samples("threads", start, |file, status, body| {
        let body: Value = serde_json::from_slice(body)?;
        ensure!(
            body.is_object() && body["error"].is_object() == (status != 200),
            "{file}: {body}"
        );
        Ok(())
    })
    .await
}

/// Sends all events of a folder; its README has a row for each of them.
async fn send_samples(
    folder: &str,
    start: impl AsyncFn(&Variables) -> Result<Function>,
    check: impl Fn(&str, u64, &[u8]) -> Result<()>,
) -> Result<()> {
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let folder = events.join(folder);
    let world = World::new().await?;
    let session = json_block(&std::fs::read_to_string(events.join("README.md"))?)?;
    world
        .engine
        .store()
        .put_session(TOKEN, &session, FAR_FUTURE_SECS)
        .await?;
    let variables = world.variables_with(&[
        (
            "BETTER_AUTH_SECRET",
            "test-secret-for-the-samples-32-chars!",
        ),
        ("BETTER_AUTH_URL", "https://app.example.com"),
        ("ALLOWED_ORIGINS", "https://app.example.com"),
    ]);
    let function = start(&variables).await?;

    let mut described = Vec::new();
    let readme = std::fs::read_to_string(folder.join("README.md"))?;
    for row in readme.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let file = cells[1].trim_matches('`');
        let status: u64 = cells[3].split(',').next().unwrap_or_default().parse()?;
        let event: Value = serde_json::from_str(&std::fs::read_to_string(folder.join(file))?)?;
        let mut invocation = function.api()?.invoke(&event);
        let prelude = invocation.prelude().await?;
        ensure!(prelude["statusCode"] == status, "{file}: {prelude}");
        let mut body = Vec::new();
        while let Some(piece) = invocation.next_piece().await {
            body.extend_from_slice(&piece);
        }
        check(file, status, &body)?;
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

/// Extracts the session that the README instructs to store.
fn json_block(readme: &str) -> Result<String> {
    let block = readme
        .split("```json")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    Ok(block
        .context("no JSON block in the README")?
        .trim()
        .to_owned())
}

//! The log as an operator reads it: each line names its request.

use acceptance::aws::{Function, RunMode};
use acceptance::client::requests::{ensure_refused, turn_request};
use acceptance::http_client::fetch;
use acceptance::process::logs::{Logs, field};
use acceptance::session::SignedIn;
use acceptance::world::World;
use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::Value;

#[tokio::test]
async fn log_lines_of_a_request_hold_its_id_over_plain_http() -> Result<()> {
    log_lines_of_a_request_hold_its_id(RunMode::Plain).await
}

#[tokio::test]
async fn log_lines_of_a_request_hold_its_id_in_an_environment_that_freezes() -> Result<()> {
    log_lines_of_a_request_hold_its_id(RunMode::RuntimeApi).await
}

async fn log_lines_of_a_request_hold_its_id(mode: RunMode) -> Result<()> {
    let world = World::new().await?;
    let chat = Function::start(mode, &world.variables())
        .await?
        .context("it needs nothing else")?;
    let threads = Function::start_threads_in(mode, &world.variables()).await?;
    let (alice, signed_out) = (world.sign_in("alice").await?, SignedIn::forged("alice"));
    fetch(turn_request(&chat, &alice, "t", "m1")?)
        .await?
        .transcript()
        .await?;
    let turn = request_id(&chat.process.logs, "a turn has ended").await?;
    ensure_refused(
        turn_request(&chat, &signed_out, "t", "m2")?,
        401,
        "unauthorized",
    )
    .await?;
    let refused = request_id(&chat.process.logs, "a request was refused").await?;
    ensure!(turn != refused, "two requests are both {turn}");
    ensure_refused(
        threads.request(Method::GET, "/api/models", &signed_out, "")?,
        401,
        "unauthorized",
    )
    .await?;
    request_id(&threads.process.logs, "a request was refused").await?;
    chat.stop().await?;
    threads.stop().await
}

/// Returns the request of the first line with this message.
async fn request_id(logs: &Logs, message: &str) -> Result<String> {
    let line = logs.find(message, |line| {
        field(line, "message").filter(|found| found == message)?;
        Some(line.to_owned())
    });
    let line = line.await?;
    let parsed: Value = serde_json::from_str(&line)?;
    let id = parsed["span"]["requestId"]
        .as_str()
        .filter(|id| !id.is_empty());
    id.map(str::to_owned)
        .with_context(|| format!("no request is named: {line}"))
}

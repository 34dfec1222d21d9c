//! Failures, as a page meets them.

use acceptance::gateway::Step;
use acceptance::gateway::responses::{self, full_text};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Outcome;
use super::stage::{Stage, assistant_message, ensure_answered, roles, user_message};

pub(super) async fn refused(stage: &mut Stage) -> Result<Outcome> {
    let mut request = stage.request("refused", "One");
    request.headers.clear();
    let refused = stage.fail(&request.into()).await?;
    let body: Value = serde_json::from_str(&refused.error.clone().unwrap_or_default())?;
    ensure!(
        body["error"]["code"] == "unauthorized" && roles(&refused) == ["user"],
        "{refused:?}"
    );
    ensure_recovery(stage, "refused").await
}

pub(super) async fn at_once(stage: &mut Stage) -> Result<Outcome> {
    fail_at_once(stage, "at-once").await?;
    ensure_recovery(stage, "at-once").await
}

pub(super) async fn message_after_error(stage: &mut Stage) -> Result<Outcome> {
    fail_at_once(stage, "then").await?;
    let state = stage.send("then", "Two").await?;
    ensure!(state.text() == full_text(), "{state:?}");
    stage.ensure_prompt(&json!([user_message("One"), user_message("Two")]))?;
    Ok(Outcome::Works)
}

pub(super) async fn half_way(stage: &mut Stage) -> Result<Outcome> {
    let begun = [responses::opening_parts(), vec![responses::delta("Sweet ")]].concat();
    stage
        .world
        .gateway
        .next(responses::stream(&begun, Step::Cut));
    let act = stage.request("half-way", "One").into();
    let failed = stage.fail(&act).await?;
    ensure_answered(&failed, "Sweet ")?;
    // The metadata known so far precedes the error chunk, at which the client stops reading.
    let metadata = &failed.messages[1]["metadata"];
    ensure!(
        metadata["error"] == "gateway_cut" && metadata["latencyMs"].is_u64(),
        "{failed:?}"
    );
    let state = stage.send("half-way", "Two").await?;
    ensure!(state.text() == full_text(), "{state:?}");
    stage.ensure_prompt(&json!([
        user_message("One"),
        assistant_message("Sweet "),
        user_message("Two")
    ]))?;
    Ok(Outcome::Works)
}

pub(super) async fn model_error(stage: &mut Stage) -> Result<Outcome> {
    let mut parts = responses::parts(&["Sweet ", "and done."]);
    parts.insert(
        4,
        json!({"type": "error", "error": {"message": "overloaded"}}),
    );
    stage.plan_answer(&parts);
    let act = stage.request("model", "One").into();
    let failed = stage.fail(&act).await?;
    ensure_answered(&failed, "Sweet ")?;
    ensure_recovery(stage, "model").await
}

async fn fail_at_once(stage: &mut Stage, thread: &str) -> Result<()> {
    stage
        .world
        .gateway
        .next(responses::error(400, "invalid_request_error"));
    let act = stage.request(thread, "One").into();
    let failed = stage.fail(&act).await?;
    ensure!(
        failed.error.as_deref() == Some("The model did not accept this conversation."),
        "{failed:?}"
    );
    ensure_answered(&failed, "")
}

/// Asks again for the answer to `One`, and checks that it succeeds.
async fn ensure_recovery(stage: &mut Stage, thread: &str) -> Result<Outcome> {
    let state = stage.regenerate(thread, Value::Null).await?;
    ensure_answered(&state, &full_text())?;
    stage.ensure_prompt(&json!([user_message("One")]))?;
    Ok(Outcome::Works)
}

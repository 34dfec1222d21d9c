//! Failures, as a page meets them.

use acceptance::gateway::Step;
use acceptance::gateway::responses::{self, full_text};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Outcome;
use super::setup::{ClientSetup, assistant_message, ensure_answered, roles, user_message};

pub(super) async fn refused(setup: &mut ClientSetup) -> Result<Outcome> {
    let mut request = setup.request("refused", "One");
    request.headers.clear();
    let refused = setup.fail(&request.into()).await?;
    let body: Value = serde_json::from_str(&refused.error.clone().unwrap_or_default())?;
    ensure!(
        body["error"]["code"] == "unauthorized" && roles(&refused) == ["user"],
        "{refused:?}"
    );
    ensure_recovery(setup, "refused").await
}

pub(super) async fn at_once(setup: &mut ClientSetup) -> Result<Outcome> {
    fail_at_once(setup, "at-once").await?;
    ensure_recovery(setup, "at-once").await
}

pub(super) async fn message_after_error(setup: &mut ClientSetup) -> Result<Outcome> {
    fail_at_once(setup, "then").await?;
    let state = setup.send("then", "Two").await?;
    ensure!(state.text() == full_text(), "{state:?}");
    setup.ensure_prompt(&json!([user_message("One"), user_message("Two")]))?;
    Ok(Outcome::Works)
}

pub(super) async fn half_way(setup: &mut ClientSetup) -> Result<Outcome> {
    let begun = [responses::opening_parts(), vec![responses::delta("Sweet ")]].concat();
    setup
        .world
        .gateway
        .next(responses::stream(&begun, Step::Cut));
    let act = setup.request("half-way", "One").into();
    let failed = setup.fail(&act).await?;
    ensure_answered(&failed, "Sweet ")?;
    // The metadata known so far precedes the error chunk, at which the client stops reading.
    let metadata = &failed.messages[1]["metadata"];
    ensure!(
        metadata["error"] == "gateway_cut" && metadata["latencyMs"].is_u64(),
        "{failed:?}"
    );
    let state = setup.send("half-way", "Two").await?;
    ensure!(state.text() == full_text(), "{state:?}");
    setup.ensure_prompt(&json!([
        user_message("One"),
        assistant_message("Sweet "),
        user_message("Two")
    ]))?;
    Ok(Outcome::Works)
}

pub(super) async fn model_error(setup: &mut ClientSetup) -> Result<Outcome> {
    let mut parts = responses::parts(&["Sweet ", "and done."]);
    parts.insert(
        4,
        json!({"type": "error", "error": {"message": "overloaded"}}),
    );
    setup.plan_answer(&parts);
    let act = setup.request("model", "One").into();
    let failed = setup.fail(&act).await?;
    ensure_answered(&failed, "Sweet ")?;
    ensure_recovery(setup, "model").await
}

async fn fail_at_once(setup: &mut ClientSetup, thread: &str) -> Result<()> {
    setup
        .world
        .gateway
        .next(responses::error(400, "invalid_request_error"));
    let act = setup.request(thread, "One").into();
    let failed = setup.fail(&act).await?;
    ensure!(
        failed.error.as_deref() == Some("The model did not accept this conversation."),
        "{failed:?}"
    );
    ensure_answered(&failed, "")
}

/// Asks again for the answer to `One`, and checks that it succeeds.
async fn ensure_recovery(setup: &mut ClientSetup, thread: &str) -> Result<Outcome> {
    let state = setup.regenerate(thread, Value::Null).await?;
    ensure_answered(&state, &full_text())?;
    setup.ensure_prompt(&json!([user_message("One")]))?;
    Ok(Outcome::Works)
}

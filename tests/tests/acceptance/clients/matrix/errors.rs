//! Failures, as a page meets them.

use acceptance::answers::{self, full_text};
use acceptance::gateway::Step;
use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Seen;
use super::stage::{Stage, assistant, ensure_answered, roles, user};

pub(super) async fn refused(stage: &mut Stage) -> Result<Seen> {
    let mut say = stage.words("refused", "One");
    say.headers.clear();
    let refused = stage.fail(&say.into()).await?;
    let told: Value = serde_json::from_str(&refused.error.clone().unwrap_or_default())?;
    ensure!(
        told["error"]["code"] == "unauthorized" && roles(&refused) == ["user"],
        "{refused:?}"
    );
    recovers(stage, "refused").await
}

pub(super) async fn at_once(stage: &mut Stage) -> Result<Seen> {
    fail_at_once(stage, "at-once").await?;
    recovers(stage, "at-once").await
}

pub(super) async fn then_a_message(stage: &mut Stage) -> Result<Seen> {
    fail_at_once(stage, "then").await?;
    let heard = stage.send("then", "Two").await?;
    ensure!(heard.text() == full_text(), "{heard:?}");
    stage.ensure_asked(&json!([user("One"), user("Two")]))?;
    Ok(Seen::Works)
}

pub(super) async fn half_way(stage: &mut Stage) -> Result<Seen> {
    let begun = [answers::opening_parts(), vec![answers::delta("Sweet ")]].concat();
    stage.world.gateway.next(answers::stream(&begun, Step::Cut));
    let act = stage.words("half-way", "One").into();
    let failed = stage.fail(&act).await?;
    ensure_answered(&failed, "Sweet ")?;
    // The metadata known so far precedes the error chunk, at which the client stops reading.
    let metadata = &failed.messages[1]["metadata"];
    ensure!(
        metadata["error"] == "gateway_cut" && metadata["latencyMs"].is_u64(),
        "{failed:?}"
    );
    let heard = stage.send("half-way", "Two").await?;
    ensure!(heard.text() == full_text(), "{heard:?}");
    stage.ensure_asked(&json!([user("One"), assistant("Sweet "), user("Two")]))?;
    Ok(Seen::Works)
}

pub(super) async fn of_the_model(stage: &mut Stage) -> Result<Seen> {
    let mut parts = answers::parts(&["Sweet ", "and done."]);
    parts.insert(
        4,
        json!({"type": "error", "error": {"message": "overloaded"}}),
    );
    stage.next(&parts);
    let act = stage.words("model", "One").into();
    let failed = stage.fail(&act).await?;
    ensure_answered(&failed, "Sweet ")?;
    recovers(stage, "model").await
}

async fn fail_at_once(stage: &mut Stage, thread: &str) -> Result<()> {
    stage
        .world
        .gateway
        .next(answers::error(400, "invalid_request_error"));
    let act = stage.words(thread, "One").into();
    let failed = stage.fail(&act).await?;
    ensure!(
        failed.error.as_deref() == Some("The model did not accept this conversation."),
        "{failed:?}"
    );
    ensure_answered(&failed, "")
}

/// Asks again for the answer to `One`, and checks that it succeeds.
async fn recovers(stage: &mut Stage, thread: &str) -> Result<Seen> {
    let heard = stage.regenerate(thread, Value::Null).await?;
    ensure_answered(&heard, &full_text())?;
    stage.ensure_asked(&json!([user("One")]))?;
    Ok(Seen::Works)
}

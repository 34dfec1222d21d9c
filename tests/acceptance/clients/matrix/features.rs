//! The features that a page uses while all goes well.

use acceptance::client::ai_sdk::ChatAction;
use acceptance::gateway::responses::{self, full_text};
use acceptance::gateway::{Gate, Step};
use acceptance::wait::poll_until_ok;
use acceptance::world::{DEFAULT_MODEL, text_of};
use anyhow::{Result, ensure};
use message::Role;
use serde_json::{Value, json};

use super::Outcome;
use super::setup::{
    ClientSetup, assistant_message, ensure_answered, ensure_part, has_fields, roles, user_message,
};

pub(super) async fn send(setup: &mut ClientSetup) -> Result<Outcome> {
    let state = setup.send("send", "Hello").await?;
    ensure_answered(&state, &full_text())?;
    setup.ensure_prompt(&json!([user_message("Hello")]))?;
    setup
        .world
        .ensure_complete_answer(&setup.alice, "send")
        .await?;
    let stored = setup.world.stored_messages(&setup.alice, "send").await?;
    for (held, kept) in state.messages.iter().zip(&stored) {
        ensure!(
            held["id"] == kept.id.as_str(),
            "the client holds {held}, the table {kept:?}"
        );
    }
    Ok(Outcome::Works)
}

pub(super) async fn turns(setup: &mut ClientSetup) -> Result<Outcome> {
    setup.send("turns", "One").await?;
    let state = setup.send("turns", "Two").await?;
    ensure!(
        roles(&state) == ["user", "assistant", "user", "assistant"],
        "{state:?}"
    );
    setup.ensure_prompt(&json!([
        user_message("One"),
        assistant_message(&full_text()),
        user_message("Two")
    ]))?;
    ensure!(
        setup
            .world
            .stored_messages(&setup.alice, "turns")
            .await?
            .len()
            == 4
    );
    Ok(Outcome::Works)
}

pub(super) async fn regenerate(setup: &mut ClientSetup) -> Result<Outcome> {
    let first = setup.send("again", "One").await?;
    setup.plan_answer(&responses::parts(&["Another."]));
    let state = setup.regenerate("again", Value::Null).await?;
    ensure_answered(&state, "Another.")?;
    ensure!(state.messages[0] == first.messages[0], "{state:?}");
    ensure!(
        state.messages[1]["id"] != first.messages[1]["id"],
        "{state:?}"
    );
    setup.ensure_prompt(&json!([user_message("One")]))?;
    ensure_questions(setup, "again", &["One"]).await
}

pub(super) async fn regenerate_earlier(setup: &mut ClientSetup) -> Result<Outcome> {
    let first = setup.send("earlier", "One").await?;
    setup.send("earlier", "Two").await?;
    setup.plan_answer(&responses::parts(&["Another."]));
    let state = setup
        .regenerate("earlier", json!({"messageId": first.messages[1]["id"]}))
        .await?;
    ensure_answered(&state, "Another.")?;
    setup.ensure_prompt(&json!([user_message("One")]))?;
    Ok(Outcome::Works)
}

pub(super) async fn edit(setup: &mut ClientSetup) -> Result<Outcome> {
    let first = setup.send("edit", "One").await?;
    setup.send("edit", "Two").await?;
    setup.plan_answer(&responses::parts(&["Another."]));
    let more = json!({"messageId": first.messages[0]["id"]});
    let act = ChatAction {
        more,
        ..setup.request("edit", "Other").into()
    };
    let state = setup.succeed(&act).await?;
    ensure_answered(&state, "Another.")?;
    ensure!(
        state.messages[0]["id"] == first.messages[0]["id"],
        "{state:?}"
    );
    setup.ensure_prompt(&json!([user_message("Other")]))?;
    Ok(Outcome::Works)
}

pub(super) async fn stop(setup: &mut ClientSetup) -> Result<Outcome> {
    let gate = Gate::default();
    let parts = responses::parts(&responses::PIECES);
    let (begun, rest) = parts.split_at(4);
    let mut steps = responses::stream(begun, Step::Wait(gate.clone()));
    steps.extend(responses::send_steps(rest));
    steps.push(Step::End);
    setup.world.gateway.next(steps);
    let request = setup.request("stop", "One");
    let stopped = setup
        .succeed(&ChatAction {
            leave_at: Some(responses::PIECES[0]),
            ..request.into()
        })
        .await?;
    ensure_answered(&stopped, responses::PIECES[0])?;
    let state = setup.send("stop", "Two").await?;
    ensure!(state.text() == full_text(), "{state:?}");
    setup.ensure_prompt(&json!([
        user_message("One"),
        assistant_message(responses::PIECES[0]),
        user_message("Two")
    ]))?;
    gate.open();
    let (world, alice) = (&setup.world, &setup.alice);
    let all_stored = async || {
        let stored = world.stored_messages(alice, "stop").await?;
        let mut answered = stored
            .iter()
            .filter(|message| message.role == Role::Assistant);
        ensure!(
            stored.len() == 4 && answered.all(|answer| answer.status.is_some()),
            "{stored:?}"
        );
        Ok(())
    };
    poll_until_ok("both answers", all_stored).await?;
    Ok(Outcome::Works)
}

const IMAGE_URL: &str = "data:image/png;base64,iVBORw0KGgo=";

/// Returns the image of [`IMAGE_URL`] as the gateway sends and receives it.
fn image() -> Value {
    json!({"type": "file", "mediaType": "image/png", "data": {"type": "data", "data": "iVBORw0KGgo="}})
}

pub(super) async fn files(setup: &mut ClientSetup) -> Result<Outcome> {
    let more = json!({"files": [
        {"type": "file", "mediaType": "image/png", "url": IMAGE_URL},
        {"type": "file", "mediaType": "application/pdf", "filename": "b.pdf", "url": "https://example.com/b c.pdf"},
    ]});
    let act = ChatAction {
        more,
        ..setup.request("files", "What is it?").into()
    };
    setup.succeed(&act).await?;
    let url = json!({"type": "url", "url": "https://example.com/b%20c.pdf"});
    let document =
        json!({"type": "file", "mediaType": "application/pdf", "filename": "b.pdf", "data": url});
    let text = json!({"type": "text", "text": "What is it?"});
    setup.ensure_prompt(&json!([{"role": "user", "content": [image(), document, text]}]))?;
    Ok(Outcome::Works)
}

pub(super) async fn generated_files(setup: &mut ClientSetup) -> Result<Outcome> {
    let mut parts = responses::parts(&["Here."]);
    parts.insert(2, image());
    setup.plan_answer(&parts);
    let state = setup.send("made", "Draw").await?;
    ensure_part(
        &state,
        &json!({"type": "file", "mediaType": "image/png", "url": IMAGE_URL}),
    )?;
    setup.send("made", "Again").await?;
    let prompt = setup.last_prompt()?;
    ensure!(prompt[1]["content"][0] == image(), "{prompt}");
    Ok(Outcome::Works)
}

pub(super) async fn reasoning(setup: &mut ClientSetup) -> Result<Outcome> {
    let signature = json!({"anthropic": {"signature": "c2ln"}});
    let mut parts = responses::parts(&["So."]);
    let thoughts = [
        json!({"type": "reasoning-start", "id": "r0"}),
        json!({"type": "reasoning-delta", "id": "r0", "delta": "Let me "}),
        json!({"type": "reasoning-delta", "id": "r0", "delta": "think."}),
        json!({"type": "reasoning-delta", "id": "r0", "delta": "", "providerMetadata": signature}),
        json!({"type": "reasoning-end", "id": "r0"}),
    ];
    parts.splice(2..2, thoughts);
    setup.plan_answer(&parts);
    let state = setup.send("reasoning", "Why?").await?;
    let thought = json!({"type": "reasoning", "text": "Let me think."});
    ensure_part(&state, &thought)?;
    ensure_part(
        &state,
        &json!({"type": "reasoning", "state": "done", "providerMetadata": signature}),
    )?;
    setup.send("reasoning", "Really?").await?;
    let prompt = setup.last_prompt()?;
    let sent = &prompt[1]["content"][0];
    ensure!(
        has_fields(sent, &thought) && has_fields(sent, &json!({"providerOptions": signature})),
        "{prompt}"
    );
    Ok(Outcome::Works)
}

pub(super) async fn sources(setup: &mut ClientSetup) -> Result<Outcome> {
    let mut parts = responses::parts(&["So."]);
    parts.insert(
        2,
        json!({"type": "source", "sourceType": "url", "id": "s", "url": "https://example.com"}),
    );
    setup.plan_answer(&parts);
    let state = setup.send("sources", "Where?").await?;
    ensure_answered(&state, "So.")?;
    ensure!(
        !state
            .chunks
            .iter()
            .any(|chunk| chunk["type"].to_string().contains("source")),
        "{state:?}"
    );
    Ok(Outcome::Works)
}

pub(super) async fn odd_text(setup: &mut ClientSetup) -> Result<Outcome> {
    let deltas = [r#""gr\u00fc\u0000\ud83c""#, "\"\\udf4f\u{2028} \""];
    let frames = deltas.map(|delta| {
        format!("data: {{\"type\":\"text-delta\",\"id\":\"0\",\"delta\":{delta}}}\n\n")
    });
    let mut steps = responses::stream(
        &responses::opening_parts(),
        Step::Send(frames.concat().into()),
    );
    steps.extend(responses::send_steps(&[
        responses::text_end(),
        responses::finish(),
    ]));
    steps.push(Step::End);
    setup.world.gateway.next(steps);
    let state = setup.send("odd", "Fruit?").await?;
    let text = "gr\u{fc}\0\u{1f34f}\u{2028} ";
    ensure_answered(&state, text)?;
    setup.send("odd", "More?").await?;
    setup.ensure_prompt(&json!([
        user_message("Fruit?"),
        assistant_message(text),
        user_message("More?")
    ]))?;
    Ok(Outcome::Works)
}

/// Checks the metadata that the function sends with a message.
pub(super) async fn metadata(setup: &mut ClientSetup) -> Result<Outcome> {
    let state = setup.send("metadata", "Hello").await?;
    let held = &state.messages[1]["metadata"];
    let known = json!({"model": DEFAULT_MODEL, "finishReason": "stop", "aborted": false});
    ensure!(has_fields(held, &known), "{held}");
    ensure!(
        has_fields(
            &held["usage"],
            &json!({"inputTokens": 12, "outputTokens": 7, "totalTokens": 19})
        ),
        "{held}"
    );
    ensure!(
        held["latencyMs"].is_u64() && held["createdAt"].is_u64(),
        "{held}"
    );
    let at_start = &state.chunks[0]["messageMetadata"];
    let known = json!({"model": held["model"], "createdAt": held["createdAt"]});
    ensure!(*at_start == known, "{at_start}");
    setup.send("metadata", "And?").await?;
    setup.ensure_prompt(&json!([
        user_message("Hello"),
        assistant_message(&full_text()),
        user_message("And?")
    ]))?;
    Ok(Outcome::Works)
}

async fn ensure_questions(setup: &ClientSetup, thread: &str, expected: &[&str]) -> Result<Outcome> {
    let stored = setup.world.stored_messages(&setup.alice, thread).await?;
    let questions = stored.iter().filter(|message| message.role == Role::User);
    let questions: Vec<_> = questions.map(text_of).collect::<Result<_>>()?;
    ensure!(questions == expected, "{thread}: {questions:?}");
    Ok(Outcome::Works)
}

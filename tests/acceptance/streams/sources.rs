//! The sources of an answer: shown, stored and shown again if the operator enables them, and never
//! sent to a model.

use acceptance::aws::Function;
use acceptance::aws::function_pair::FunctionPair;
use acceptance::client::requests::{
    fetch_transcript, last_message_body, post_request, question_message, resume_request,
    turn_request,
};
use acceptance::gateway::parts::mixed_parts;
use acceptance::gateway::responses::{
    self, delta, finish, frame, head, opening_parts, send_steps, text_end,
};
use acceptance::gateway::{Gate, Step};
use acceptance::http_client::fetch;
use acceptance::sse::Transcript;
use acceptance::world::World;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

const ON: &[(&str, &str)] = &[("SEND_SOURCES", "true")];

/// Returns two sources between words.
fn answer_with_sources() -> Vec<Value> {
    let page = json!({"type": "source", "sourceType": "url", "id": "s1", "url": "https://example.com/", "title": "x",
        "providerMetadata": {"a": {"b": 1}}});
    let paper = json!({"type": "source", "sourceType": "document", "id": "s2", "mediaType": "application/pdf",
        "title": "y", "filename": "y.pdf"});
    let mut parts = opening_parts();
    parts.extend([
        delta("It is "),
        page,
        paper,
        delta("so."),
        text_end(),
        finish(),
    ]);
    parts
}

/// Returns the chunks of the sources that the page gets and that are stored.
fn expected_sources() -> [Value; 2] {
    [
        json!({"type": "source-url", "sourceId": "s1", "url": "https://example.com/", "title": "x",
            "providerMetadata": {"a": {"b": 1}}}),
        json!({"type": "source-document", "sourceId": "s2", "mediaType": "application/pdf", "title": "y",
            "filename": "y.pdf"}),
    ]
}

fn only_sources(list: &[Value]) -> Vec<Value> {
    let is_source = |item: &&Value| {
        item["type"]
            .as_str()
            .is_some_and(|kind| kind.starts_with("source"))
    };
    list.iter().filter(is_source).cloned().collect()
}

fn ensure_shown(case: &str, transcript: &Transcript) -> Result<()> {
    let found = only_sources(&transcript.chunks);
    ensure!(
        transcript.done && found == expected_sources(),
        "{case}: {transcript:?}"
    );
    ensure!(transcript.text() == "It is so.", "{case}: {transcript:?}");
    Ok(())
}

#[tokio::test]
async fn sources_are_shown_stored_and_shown_again() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, ON).await?;
    let threads = Function::start_threads(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let gate = Gate::default();
    let mut parts = answer_with_sources();
    let rest = parts.split_off(opening_parts().len() + 3);
    let mut steps = vec![head()];
    steps.extend(send_steps(&parts));
    steps.push(Step::Wait(gate.clone()));
    steps.extend(rest.iter().map(|part| Step::Send(frame(part))));
    steps.push(Step::End);
    world.gateway.next(steps);

    let mut answer = fetch(turn_request(&pair.first, &alice, "t", "m1")?).await?;
    answer.chunks(6).await?;
    let here = fetch(resume_request(&pair.first, &alice, "t")?).await?;
    let mut there = fetch(resume_request(&pair.second, &alice, "t")?).await?;
    there.chunks(5).await?;
    gate.open();
    ensure_shown("the turn", &answer.transcript().await?)?;
    ensure_shown("resumed in the same process", &here.transcript().await?)?;
    ensure_shown("resumed elsewhere", &there.transcript().await?)?;

    let stored = world.only_answer(&alice, "t").await?;
    let stored: Vec<Value> = serde_json::from_str(&stored.parts)?;
    ensure!(only_sources(&stored) == expected_sources(), "{stored:?}");
    let read = fetch(threads.get("/api/threads/t/messages", &alice)?)
        .await?
        .json()
        .await?;
    let read = read["messages"][1]["parts"].as_array().context("parts")?;
    ensure!(read == &stored, "{read:?}");
    ensure_shown(
        "sent again",
        &fetch_transcript(turn_request(&pair.second, &alice, "t", "m1")?).await?,
    )?;

    let calls = world.gateway.calls().len();
    fetch_transcript(post_request(
        &pair.first,
        &alice,
        last_message_body("t", &question_message("m2")).to_string(),
    )?)
    .await?;
    let prompt = world.gateway.call(calls).await?.body["prompt"].to_string();
    ensure!(
        prompt.contains("It is so.") && !prompt.contains("example.com"),
        "{prompt}"
    );
    pair.stop().await?;
    threads.stop().await
}

#[tokio::test]
async fn a_recovered_turn_keeps_its_sources() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start_with_short_turns(&world, ON).await?;
    let alice = world.sign_in("alice").await?;
    let mut parts = answer_with_sources();
    parts.truncate(opening_parts().len() + 3);
    world.gateway.next(responses::stream(&parts, Step::Hold));
    let mut answer = fetch(turn_request(&pair.first, &alice, "t", "m1")?).await?;
    answer.chunks(6).await?;
    // A reader in another process can read only what is in the journal.
    let mut elsewhere = fetch(resume_request(&pair.second, &alice, "t")?).await?;
    elsewhere.chunks(6).await?;
    pair.first.kill().await?;
    ensure!(only_sources(&elsewhere.transcript().await?.chunks) == expected_sources());
    let stored = world.only_answer(&alice, "t").await?;
    let stored: Vec<Value> = serde_json::from_str(&stored.parts)?;
    ensure!(only_sources(&stored) == expected_sources(), "{stored:?}");
    pair.second.stop().await
}

#[tokio::test]
async fn sources_are_neither_sent_nor_stored_by_default() -> Result<()> {
    for changes in [&[][..], &[("SEND_SOURCES", "false")]] {
        let world = World::new().await?;
        let function = Function::start_plain(&world.variables_with(changes)).await?;
        let alice = world.sign_in("alice").await?;
        world
            .gateway
            .next(responses::stream(&mixed_parts(), Step::End));
        let transcript = fetch(turn_request(&function, &alice, "t", "m1")?)
            .await?
            .transcript()
            .await?;
        ensure!(
            transcript.done && only_sources(&transcript.chunks).is_empty(),
            "{changes:?}: {transcript:?}"
        );
        let stored = world.only_answer(&alice, "t").await?;
        ensure!(
            !stored.parts.contains("\"source"),
            "{changes:?}: {}",
            stored.parts
        );
        function.stop().await?;
    }
    Ok(())
}

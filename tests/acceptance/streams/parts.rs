//! Every kind of part in an answer: the real client reads it, it is stored, and it can be sent
//! back.

use std::time::Duration;

use acceptance::aws::Function;
use acceptance::client::ai_sdk::{ChatRequest, Client};
use acceptance::client::requests::{post_request, question, turn_body, turn_request};
use acceptance::gateway::responses::{self, delta, finish, frame, opening_parts, text_end};
use acceptance::gateway::{Ended, Step};
use acceptance::http_client::fetch;
use acceptance::world::{World, metadata, text_of};
use anyhow::{Context, Result, ensure};
use message::Role;
use serde_json::{Value, json};
use store::Status;

const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// Returns one part of each kind.
fn parts_of_every_kind() -> Vec<Value> {
    let mut parts = opening_parts();
    parts.extend([
        delta("See: "),
        text_end(),
        json!({"type": "reasoning-start", "id": "r0", "providerMetadata": {"anthropic": {"signature": "s"}}}),
        json!({"type": "reasoning-delta", "id": "r0", "delta": "hm, marzipan"}),
        json!({"type": "reasoning-end", "id": "r0"}),
        json!({"type": "source", "sourceType": "url", "id": "s1", "url": "https://example.com/", "title": "x"}),
        json!({"type": "file", "mediaType": "image/png", "data": {"type": "data", "data": PIXEL}}),
        json!({"type": "custom", "kind": "anthropic.compaction", "providerMetadata": {"anthropic": {}}}),
        json!({"type": "tool-input-start", "id": "call_1", "toolName": "getWeather"}),
        json!({"type": "tool-input-delta", "id": "call_1", "delta": "{\"city\":"}),
        json!({"type": "tool-input-delta", "id": "call_1", "delta": "\"Paris\"}"}),
        json!({"type": "tool-input-end", "id": "call_1"}),
        json!({"type": "tool-call", "toolCallId": "call_1", "toolName": "getWeather", "input": "{\"city\":\"Paris\"}"}),
        json!({"type": "tool-call", "toolCallId": "call_2", "toolName": "web_search", "input": "{\"query\":\"x\"}",
               "providerExecuted": true, "dynamic": true}),
        json!({"type": "tool-result", "toolCallId": "call_2", "toolName": "web_search", "result": {"hits": [1, null]},
               "providerExecuted": true, "dynamic": true}),
        json!({"type": "tool-call", "toolCallId": "call_3", "toolName": "web_search", "input": "{}",
               "providerExecuted": true, "dynamic": true}),
        json!({"type": "tool-result", "toolCallId": "call_3", "toolName": "web_search", "isError": true,
               "result": {"code": "unavailable"}, "providerExecuted": true, "dynamic": true}),
        json!({"type": "text-start", "id": "0"}),
        delta("that is all."),
        text_end(),
        finish(),
    ]);
    parts
}

#[tokio::test]
async fn every_kind_of_part_reaches_the_real_client_and_can_be_sent_back() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let Some(mut client) = Client::start()? else {
        return Ok(());
    };
    world
        .gateway
        .next(responses::stream(&parts_of_every_kind(), Step::End));
    let text = question();
    let state = client
        .send(&ChatRequest::new(&function, &alice, "t1", &text))
        .await?;
    ensure!(state.status == "ready", "{state:?}");
    ensure!(state.text() == "See: that is all.", "{state:?}");

    let stored = world.only_answer(&alice, "t1").await?;
    ensure!(text_of(&stored)? == "See: that is all.", "{}", stored.parts);
    let kinds = |parts: &Value| -> Vec<String> {
        let kinds = parts
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|part| part["type"].as_str());
        kinds.map(str::to_owned).collect()
    };
    let held = state.messages.last().context("the answer")?;
    let stored_parts: Value = serde_json::from_str(&stored.parts)?;
    ensure!(
        kinds(&stored_parts) == kinds(&held["parts"]),
        "stored {stored_parts}\nheld {}",
        held["parts"]
    );
    ensure!(held["id"] == stored.id.as_str(), "{held}");

    let state = client
        .send(&ChatRequest::new(&function, &alice, "t1", &text))
        .await?;
    ensure!(
        state.status == "ready",
        "the history must be accepted: {state:?}"
    );
    let prompt = world.gateway.call(1).await?.body["prompt"].clone();
    for expected in ["hm, marzipan", "getWeather", "call_2", "unavailable", PIXEL] {
        ensure!(
            prompt.to_string().contains(expected),
            "the prompt lacks {expected}: {prompt}"
        );
    }
    function.stop().await
}

#[tokio::test]
async fn a_message_of_a_megabyte_is_stored_completely_and_sent_to_the_model() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let text: String = (0..60_000)
        .map(|line| format!("marzipan, line {line}\n"))
        .collect();
    let mut body = turn_body("t1", "m1");
    body["messages"][0]["parts"][0]["text"] = text.clone().into();
    let answer = fetch(post_request(&function, &alice, body.to_string())?)
        .await?
        .transcript()
        .await?;
    ensure!(
        answer.done && answer.text() == responses::full_text(),
        "{answer:?}"
    );
    let stored = world.stored_messages(&alice, "t1").await?;
    let own = stored
        .iter()
        .find(|message| message.role == Role::User)
        .context("the question")?;
    ensure!(
        text_of(own)? == text,
        "{} bytes of {}",
        text_of(own)?.len(),
        text.len()
    );
    ensure!(
        world.gateway.call(0).await?.body["prompt"][0]["content"][0]["text"] == text,
        "sent on"
    );
    function.stop().await
}

#[tokio::test]
async fn an_endless_answer_is_cut_off_and_its_text_so_far_is_stored() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let endless = Step::Forever(frame(&delta(&"marzipan ".repeat(60_000))), Duration::ZERO);
    world
        .gateway
        .next(responses::stream(&responses::opening_parts(), endless));
    let answer = fetch(turn_request(&function, &alice, "t1", "m1")?)
        .await?
        .transcript()
        .await?;
    ensure!(
        answer.done && answer.first("error").is_some(),
        "{:?}",
        answer.types()
    );
    ensure!(
        world.gateway.call(0).await?.ended().await? == Ended::Left,
        "the model call must be dropped"
    );
    let stored = world.only_answer(&alice, "t1").await?;
    ensure!(stored.status == Some(Status::Failed) && metadata(&stored, "error") == "too_long");
    ensure!(
        text_of(&stored)? == answer.text(),
        "all that was sent is stored"
    );
    function.stop().await
}

//! The items in the table after turns: each once, in order, and with an up-to-date thread.

use std::collections::BTreeSet;

use acceptance::aws::Function;
use acceptance::client::ai_sdk::{ChatRequest, Client};
use acceptance::client::requests::{question, turn_request};
use acceptance::database::{number, text};
use acceptance::gateway::{Gate, Step, responses};
use acceptance::http_client::{fetch, send};
use acceptance::wait::poll_until_ok;
use acceptance::world::{World, text_of};
use anyhow::{Context, Result, ensure};
use message::Role;
use serde_json::json;
use store::Status;

#[tokio::test]
async fn the_same_message_sent_twice_is_stored_once() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    for _ in 0..2 {
        let transcript = fetch(turn_request(&function, &alice, "t1", "m1")?)
            .await?
            .transcript()
            .await?;
        ensure!(
            transcript.done && transcript.text() == responses::full_text(),
            "{transcript:?}"
        );
    }
    let stored = world.stored_messages(&alice, "t1").await?;
    let questions: Vec<_> = stored
        .iter()
        .filter(|message| message.role == Role::User)
        .collect();
    ensure!(
        questions.len() == 1 && questions[0].id.as_str() == "m1",
        "{stored:?}"
    );
    ensure!(
        world.gateway.calls().len() == 1,
        "the answer that exists is shown"
    );
    function.stop().await
}

#[tokio::test]
async fn the_same_message_sent_while_it_is_answered_gets_the_same_answer_and_costs_nothing()
-> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let gate = Gate::default();
    world
        .gateway
        .next([vec![Step::Wait(gate.clone())], responses::good()].concat());
    let first = send(turn_request(&function, &alice, "t1", "m1")?).await?;
    gate.wait_until_reached().await?;
    let mut again = Vec::new();
    for _ in 0..3 {
        again.push(fetch(turn_request(&function, &alice, "t1", "m1")?).await?);
    }
    gate.open();
    let first = first.head().await?.transcript().await?;
    ensure!(
        first.done && first.text() == responses::full_text(),
        "{first:?}"
    );
    for again in again {
        ensure!(again.status == 200, "{}", again.status);
        ensure!(again.transcript().await? == first, "another answer");
    }
    ensure!(world.gateway.calls().len() == 1);
    world.ensure_complete_answer(&alice, "t1").await?;
    function.stop().await
}

#[tokio::test]
async fn a_regenerated_answer_does_not_double_the_question() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let Some(mut client) = Client::start()? else {
        return Ok(());
    };
    let text = question();
    let request = ChatRequest::new(&function, &alice, "t1", &text);
    ensure!(client.send(&request).await?.status == "ready");
    world.gateway.next(responses::stream(
        &responses::parts(&["Another."]),
        Step::End,
    ));
    let state = client
        .send(&ChatRequest {
            text: None,
            ..request
        })
        .await?;
    ensure!(
        state.status == "ready" && state.text() == "Another.",
        "{state:?}"
    );
    let stored = world.stored_messages(&alice, "t1").await?;
    let questions = stored
        .iter()
        .filter(|message| message.role == Role::User)
        .count();
    ensure!(questions == 1, "{stored:?}");
    let last = stored.last().context("something is stored")?;
    ensure!(
        last.role == Role::Assistant && text_of(last)? == "Another.",
        "{stored:?}"
    );
    function.stop().await
}

#[tokio::test]
async fn the_next_message_ends_an_abandoned_answer() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let Some(mut client) = Client::start()? else {
        return Ok(());
    };
    world
        .gateway
        .next(responses::stream(&responses::opening_parts(), Step::Hold));
    let text = question();
    let request = ChatRequest::new(&function, &alice, "t1", &text);
    let stopped = client
        .send(&ChatRequest {
            leave_after: Some(3),
            ..request.clone()
        })
        .await?;
    ensure!(
        stopped.status == "ready" && stopped.text().is_empty(),
        "{stopped:?}"
    );
    let state = client.send(&request).await?;
    ensure!(
        state.status == "ready" && state.text() == responses::full_text(),
        "{state:?}"
    );
    let both = async || {
        let stored = world.stored_messages(&alice, "t1").await?;
        let roles: Vec<_> = stored.iter().map(|message| message.role).collect();
        ensure!(
            roles == [Role::User, Role::Assistant, Role::User, Role::Assistant],
            "{roles:?}"
        );
        ensure!(stored[1].status == Some(Status::Stopped), "{stored:?}");
        ensure!(stored[3].status == Some(Status::Completed), "{stored:?}");
        Ok(())
    };
    poll_until_ok("both answers", both).await?;
    function.stop().await
}

#[tokio::test]
async fn a_thread_is_updated_by_every_turn_and_keeps_its_title() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let mut last_activity = 0;
    for turn in 1..=3_u64 {
        fetch(turn_request(&function, &alice, "t1", &format!("m{turn}"))?)
            .await?
            .transcript()
            .await?;
        let thread = world
            .thread(&alice, "t1")
            .await?
            .context("the thread exists")?;
        ensure!(
            thread.last_activity_at_ms > last_activity,
            "turn {turn}: {thread:?}"
        );
        ensure!(
            thread.created_at_ms <= thread.last_activity_at_ms,
            "turn {turn}: {thread:?}"
        );
        ensure!(
            thread.turns == turn && thread.title == Some(question()),
            "turn {turn}: {thread:?}"
        );
        last_activity = thread.last_activity_at_ms;
    }
    let stored = world.stored_messages(&alice, "t1").await?;
    let roles: Vec<_> = stored.iter().map(|message| message.role).collect();
    ensure!(
        roles == [Role::User, Role::Assistant].repeat(3),
        "{roles:?}"
    );
    let ids: BTreeSet<_> = stored.iter().map(|message| message.id.as_str()).collect();
    ensure!(ids.len() == 6, "{ids:?}");
    function.stop().await
}

#[tokio::test]
async fn the_items_match_the_design_of_the_table() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    fetch(turn_request(&function, &alice, "t1", "m1")?)
        .await?
        .transcript()
        .await?;
    let items = world.engine.items()?;
    let keys: Vec<_> = items
        .iter()
        .map(|item| text(item, "pk").map(str::to_owned))
        .collect::<Result<_>>()?;
    ensure!(
        keys.iter().filter(|key| *key == "U#alice").count() == 2,
        "{keys:?}"
    );
    ensure!(
        keys.iter().filter(|key| *key == "T#alice#t1").count() == 2,
        "{keys:?}"
    );
    ensure!(
        keys.len() == 5,
        "the session, the thread, the day and two messages: {keys:?}"
    );
    ensure!(
        items.iter().any(|item| item["sk"]["S"]
            .as_str()
            .is_some_and(|sk| sk.starts_with("Q#"))),
        "{items:?}"
    );
    let thread = items
        .iter()
        .find(|item| item["sk"] == json!({"S": "T#t1"}))
        .context("the thread's item")?;
    ensure!(
        number(thread, "lastActivityAt")? > 1_700_000_000_000,
        "milliseconds: {thread}"
    );
    let roles: Vec<_> = items
        .iter()
        .filter_map(|item| item["role"]["S"].as_str())
        .collect();
    ensure!(roles == ["user", "assistant"], "{roles:?}");
    function.stop().await
}

#[tokio::test]
async fn a_thread_of_another_user_can_neither_be_read_nor_written() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let (alice, mallory) = (
        world.sign_in("alice").await?,
        world.sign_in("mallory").await?,
    );
    fetch(turn_request(&function, &alice, "t1", "m1")?)
        .await?
        .transcript()
        .await?;
    let of_alice = |world: &World| -> Result<Vec<_>> {
        let items = world.conversation_items()?;
        Ok(items
            .into_iter()
            .filter(|item| item["pk"].to_string().contains("#alice"))
            .collect())
    };
    let before = of_alice(&world)?;
    let transcript = fetch(turn_request(&function, &mallory, "t1", "m1")?)
        .await?
        .transcript()
        .await?;
    ensure!(transcript.done, "{transcript:?}");
    ensure!(
        of_alice(&world)? == before,
        "something of Alice's has changed"
    );
    world.ensure_complete_answer(&mallory, "t1").await?;
    let message_count = world.gateway.call(1).await?.body["prompt"]
        .as_array()
        .map(Vec::len);
    ensure!(
        message_count == Some(1),
        "Mallory's prompt holds {message_count:?} messages"
    );
    function.stop().await
}

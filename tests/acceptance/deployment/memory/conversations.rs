//! Conversations that are longer than a request, a response or a page can hold.

use acceptance::aws::{Function, RuntimeApi};
use acceptance::client::requests::{
    fetch_transcript, last_message_body, post_request, turn_body, user_message,
};
use acceptance::database::stored_turn::StoredTurn;
use acceptance::gateway::responses;
use acceptance::http_client::fetch;
use acceptance::session::SignedIn;
use acceptance::world::World;
use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::{Value, json};

use super::content::{noise, picture, text};
use super::report::Report;
use super::{MAX_PEAK_MIB, Peak, start_chat};

#[tokio::test]
async fn long_conversations_fit_the_smallest_function() -> Result<()> {
    let mut report = Report::new("conversation");
    report.add("chat: a small turn", MAX_PEAK_MIB, small_turn().await);
    report.add(
        "chat: a message after 5.6 MB",
        MAX_PEAK_MIB,
        message_after_history().await,
    );
    let world = World::new().await?;
    let alice = world.sign_in("alice").await?;
    for number in 0..12 {
        let (question, answer) = (json!([text("marzipan")]), json!([picture(1_200_000)]));
        store(&world, &alice, number, &question, &answer).await?;
    }
    report.add(
        "threads: pages of pictures",
        MAX_PEAK_MIB,
        pages(&world, &alice).await,
    );
    report.add(
        "threads: delete of such a thread",
        MAX_PEAK_MIB,
        delete(&world, &alice).await,
    );
    report.finish()
}

async fn small_turn() -> Result<Peak> {
    let world = World::new().await?;
    let alice = world.sign_in("alice").await?;
    let function = start_chat(&world).await?;
    fetch_transcript(post_request(
        &function,
        &alice,
        turn_body("t", "m1").to_string(),
    )?)
    .await?;
    let peak = Peak::of(&function).await?;
    function.stop().await?;
    Ok(peak)
}

async fn message_after_history() -> Result<Peak> {
    const TURNS: u64 = 14;
    let world = World::new().await?;
    let alice = world.sign_in("alice").await?;
    let (question, answer) = (json!([text("marzipan")]), json!([text(&noise(400_000))]));
    for number in 0..TURNS {
        store(&world, &alice, number, &question, &answer).await?;
    }
    let function = start_chat(&world).await?;
    let body = last_message_body("t", &user_message("m1", "marzipan")).to_string();
    let transcript = fetch_transcript(post_request(&function, &alice, body)?).await?;
    ensure!(
        transcript.done && transcript.text() == responses::full_text(),
        "{transcript:?}"
    );
    let prompt = world.gateway.call(0).await?.body["prompt"].take();
    let messages = prompt.as_array().map(Vec::len);
    ensure!(
        messages == Some(2 * TURNS as usize + 1),
        "{messages:?} messages in the prompt"
    );
    let peak = Peak::of(&function).await?;
    function.stop().await?;
    Ok(peak)
}

/// Reads all pages of the conversation.
async fn pages(world: &World, who: &SignedIn) -> Result<Peak> {
    let threads = start_threads(world).await?;
    let (mut query, mut pages, mut messages) = (String::new(), 0, 0);
    loop {
        let page = fetch(threads.get(&format!("/api/threads/t/messages{query}"), who)?)
            .await?
            .json()
            .await?;
        messages += page["messages"].as_array().context("messages")?.len();
        pages += 1;
        let Some(cursor) = page["nextCursor"].as_str() else {
            break;
        };
        query = format!("?cursor={cursor}");
    }
    ensure!(
        (pages, messages) == (3, 24),
        "{messages} messages on {pages} pages"
    );
    let peak = Peak::of(&threads).await?;
    threads.stop().await?;
    Ok(peak)
}

async fn delete(world: &World, who: &SignedIn) -> Result<Peak> {
    let threads = start_threads(world).await?;
    let answer = fetch(threads.request(Method::DELETE, "/api/threads/t", who, "")?).await?;
    ensure!(answer.status == 204, "{}", answer.status);
    let peak = Peak::of(&threads).await?;
    ensure!(
        world.stored_messages(who, "t").await?.is_empty(),
        "something is left"
    );
    threads.stop().await?;
    Ok(peak)
}

async fn start_threads(world: &World) -> Result<Function> {
    Function::start_threads_under(RuntimeApi::start(1).await?, &world.variables()).await
}

async fn store(
    world: &World,
    who: &SignedIn,
    number: u64,
    question: &Value,
    answer: &Value,
) -> Result<()> {
    let (question, answer) = (question.to_string(), answer.to_string());
    StoredTurn {
        thread: "t",
        number,
        question: &question,
        answer: &answer,
    }
    .store(world, who)
    .await
}

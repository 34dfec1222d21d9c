//! Messages of a thread, as a page reads them.

use acceptance::aws::{Function, RunMode, RuntimeApi};
use acceptance::client::reloaded_page::text_of_parts;
use acceptance::client::requests::{
    fetch_transcript, post_request, question, question_message, regenerate_body, turn_request,
};
use acceptance::database::stored_turn::StoredTurn;
use acceptance::database::{Behaviour, Fault};
use acceptance::gate::Gate;
use acceptance::gateway::responses::{INPUT_TOKENS, OUTPUT_TOKENS, PIECES, full_text};
use acceptance::gateway::timed_responses::{
    FIRST_HALF_CHUNKS, answer_in_halves, first_half, half_answer,
};
use acceptance::http_client::{fetch, send};
use acceptance::process::resident_bytes;
use acceptance::session::SignedIn;
use acceptance::wait::poll_until_ok;
use acceptance::world::{DEFAULT_MODEL, World};
use anyhow::{Context, Result, ensure};
use message::{ThreadId, UserId};
use serde_json::{Value, json};
use store::Status;

use super::{fetch_json, field_values, run_turn};

const MESSAGES_PATH: &str = "/api/threads/t/messages";

#[tokio::test]
async fn a_conversation_is_returned_as_the_page_holds_it_over_plain_http() -> Result<()> {
    a_conversation_is_returned_as_the_page_holds_it(RunMode::Plain).await
}

#[tokio::test]
async fn a_conversation_is_returned_as_the_page_holds_it_in_an_environment_that_freezes()
-> Result<()> {
    a_conversation_is_returned_as_the_page_holds_it(RunMode::RuntimeApi).await
}

async fn a_conversation_is_returned_as_the_page_holds_it(mode: RunMode) -> Result<()> {
    let world = World::new().await?;
    let chat = Function::start_plain(&world.variables()).await?;
    let threads = Function::start_threads_in(mode, &world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    run_turn(&chat, &alice, "t", "m1").await?;
    run_turn(&chat, &alice, "t", "m2").await?;

    let read = fetch_json(threads.get(MESSAGES_PATH, &alice)?).await?;
    let thread = &read["thread"];
    ensure!(
        thread["id"] == "t" && thread["title"] == question() && thread["turns"] == 2,
        "{thread}"
    );
    ensure!(
        thread["createdAt"].as_u64() < thread["lastActivityAt"].as_u64(),
        "{thread}"
    );
    ensure!(
        read["running"].is_null() && read["nextCursor"].is_null(),
        "{read}"
    );
    let messages = read["messages"].as_array().context("messages")?;
    ensure!(
        field_values(&read["messages"], "role") == ["user", "assistant", "user", "assistant"],
        "{read}"
    );
    ensure!(
        (&messages[0]["id"], &messages[2]["id"]) == (&json!("m1"), &json!("m2")),
        "{read}"
    );
    ensure!(
        messages[0]
            == json!({
                "id": "m1", "role": "user", "parts": [{ "type": "text", "text": question() }]
            })
    );
    ensure!(text_of_parts(&messages[1]) == full_text(), "{read}");
    let metadata = &messages[3]["metadata"];
    ensure!(
        metadata["model"] == DEFAULT_MODEL && metadata["finishReason"] == "stop",
        "{metadata}"
    );
    ensure!(
        metadata["usage"]["inputTokens"] == INPUT_TOKENS,
        "{metadata}"
    );
    ensure!(
        metadata["usage"]["outputTokens"] == OUTPUT_TOKENS,
        "{metadata}"
    );
    ensure!(
        metadata["createdAt"].is_u64() && metadata["latencyMs"].is_u64(),
        "{metadata}"
    );
    ensure!(metadata["aborted"] == false, "{metadata}");

    for limit in [1, 3] {
        let mut paged: Vec<Value> = Vec::new();
        let mut query = format!("?limit={limit}");
        loop {
            let page = fetch_json(threads.get(&format!("{MESSAGES_PATH}{query}"), &alice)?).await?;
            paged.splice(
                0..0,
                page["messages"].as_array().context("messages")?.clone(),
            );
            let Some(cursor) = page["nextCursor"].as_str() else {
                break;
            };
            query = format!("?limit={limit}&cursor={cursor}");
        }
        ensure!(&paged == messages, "by {limit}: {paged:?}");
    }
    chat.stop().await?;
    threads.stop().await
}

#[tokio::test]
async fn a_running_turn_is_reported_and_its_question_is_returned_at_once() -> Result<()> {
    let world = World::new().await?;
    let chat = Function::start_plain(&world.variables()).await?;
    let threads = Function::start_threads(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let gate = Gate::default();
    world.gateway.next(answer_in_halves(&gate));
    let mut answer = fetch(turn_request(&chat, &alice, "t", "m1")?).await?;
    answer.chunks(FIRST_HALF_CHUNKS).await?;

    let running = fetch_json(threads.get(MESSAGES_PATH, &alice)?).await?;
    ensure!(
        field_values(&running["messages"], "id") == ["m1"],
        "{running}"
    );
    ensure!(running["running"]["streamId"].is_string(), "{running}");
    gate.open();
    answer.transcript().await?;
    let ended = fetch_json(threads.get(MESSAGES_PATH, &alice)?).await?;
    ensure!(ended["running"].is_null(), "{ended}");
    ensure!(
        text_of_parts(&ended["messages"][1]) == full_text(),
        "{ended}"
    );
    chat.stop().await?;
    threads.stop().await
}

#[tokio::test]
async fn a_question_that_is_still_being_stored_is_returned() -> Result<()> {
    let world = World::new().await?;
    let chat = Function::start_plain(&world.variables()).await?;
    let threads = Function::start_threads(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    run_turn(&chat, &alice, "t", "m1").await?;
    let gate = Gate::default();
    world
        .engine
        .fault(Fault::of("PutItem", "m2", Behaviour::Hold(gate.clone())));
    let answer = send(turn_request(&chat, &alice, "t", "m2")?).await?;
    gate.wait_until_reached().await?;

    let running = fetch_json(threads.get(MESSAGES_PATH, &alice)?).await?;
    ensure!(
        field_values(&running["messages"], "role") == ["user", "assistant", "user"],
        "{running}"
    );
    let question = &running["messages"][2];
    ensure!(
        question["id"] == "m2" && text_of_parts(question) == self::question(),
        "{running}"
    );
    gate.open();
    answer.head().await?.transcript().await?;
    let ended = fetch_json(threads.get(MESSAGES_PATH, &alice)?).await?;
    ensure!(
        field_values(&ended["messages"], "role") == ["user", "assistant", "user", "assistant"],
        "{ended}"
    );
    ensure!(&ended["messages"][2] == question, "{ended}");
    chat.stop().await?;
    threads.stop().await
}

#[tokio::test]
async fn the_older_answer_is_hidden_while_another_is_generated() -> Result<()> {
    let world = World::new().await?;
    let chat = Function::start_plain(&world.variables()).await?;
    let threads = Function::start_threads(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    for message in ["m1", "m2", "m3"] {
        run_turn(&chat, &alice, "t", message).await?;
    }
    for shown in [["m1", "m2", "m3"].as_slice(), &["m1", "m2"], &["m1"]] {
        let gate = Gate::default();
        world.gateway.next(answer_in_halves(&gate));
        let listed = fetch_json(threads.get(MESSAGES_PATH, &alice)?).await?;
        let conversation = listed["messages"].as_array().context("messages")?;
        let (kept, answered) = (
            &conversation[..2 * shown.len() - 1],
            &conversation[2 * shown.len() - 1],
        );
        let body = regenerate_body("t", kept, answered["id"].as_str()).to_string();
        let mut answer = fetch(post_request(&chat, &alice, body)?).await?;
        answer.chunks(FIRST_HALF_CHUNKS).await?;
        let running = fetch_json(threads.get(MESSAGES_PATH, &alice)?).await?;
        let kept: Vec<_> = field_values(&running["messages"], "id")
            .into_iter()
            .step_by(2)
            .collect();
        ensure!(kept == shown, "{shown:?}: {running}");
        let last = field_values(&running["messages"], "role").pop();
        ensure!(
            last == Some("user"),
            "{shown:?}: the older answer is shown: {running}"
        );
        gate.open();
        answer.transcript().await?;
        let ended = fetch_json(threads.get(MESSAGES_PATH, &alice)?).await?;
        ensure!(
            field_values(&ended["messages"], "role").len() == 2 * shown.len(),
            "{shown:?}: {ended}"
        );
    }
    chat.stop().await?;
    threads.stop().await
}

#[tokio::test]
async fn a_dead_turn_is_recovered_when_its_thread_is_read() -> Result<()> {
    let world = World::new().await?;
    let mortal = [("MAX_TURN_MS", "1500"), ("JOURNAL_INTERVAL_MS", "50")];
    let chat = Function::start_plain(&world.variables_with(&mortal)).await?;
    let threads = Function::start_threads(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    world.gateway.next(half_answer());
    let mut answer = fetch(turn_request(&chat, &alice, "t", "m1")?).await?;
    answer.chunks(FIRST_HALF_CHUNKS).await?;
    wait_for_journal(&world, &alice, PIECES[1]).await?;
    chat.kill().await?;

    let read = poll_until_ok("the turn to be recovered", async || {
        let read = fetch_json(threads.get(MESSAGES_PATH, &alice)?).await?;
        ensure!(read["running"].is_null(), "it runs: {read}");
        Ok(read)
    })
    .await?;
    let recovered = &read["messages"][1];
    ensure!(text_of_parts(recovered) == first_half(), "{read}");
    let stored = world.only_answer(&alice, "t").await?;
    ensure!(stored.status == Some(Status::Interrupted), "{stored:?}");
    threads.stop().await
}

/// Waits until the journal of the running turn holds these words.
async fn wait_for_journal(world: &World, who: &SignedIn, expected: &str) -> Result<()> {
    let (store, user) = (world.engine.store(), UserId::parse(&who.user)?);
    let current = store.current_turn(&user, &ThreadId::parse("t")?).await?;
    let open = current
        .and_then(|current| current.open)
        .context("a turn runs")?;
    poll_until_ok("the words to be in the journal", async || {
        let journal = store.journal(&open.journal(), 0, true).await?;
        let text = String::from_utf8(journal.bytes)?;
        ensure!(text.contains(expected.trim()), "{text}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_older_branch_can_be_read_by_its_last_message() -> Result<()> {
    let world = World::new().await?;
    let chat = Function::start_plain(&world.variables()).await?;
    let threads = Function::start_threads(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    run_turn(&chat, &alice, "t", "m1").await?;
    let first = fetch_json(threads.get(MESSAGES_PATH, &alice)?).await?;
    let old = first["messages"][1]["id"].as_str().context("an id")?;
    let again = regenerate_body("t", &[question_message("m1")], Some(old)).to_string();
    fetch_transcript(post_request(&chat, &alice, again)?).await?;

    let current = fetch_json(threads.get(MESSAGES_PATH, &alice)?).await?;
    ensure!(
        current["messages"].as_array().map(Vec::len) == Some(2),
        "{current}"
    );
    ensure!(current["messages"][1]["id"] != old, "{current}");
    let branch =
        fetch_json(threads.get(&format!("{MESSAGES_PATH}?message={old}"), &alice)?).await?;
    ensure!(branch["messages"] == first["messages"], "{branch}");
    let unknown = fetch(threads.get(&format!("{MESSAGES_PATH}?message=none"), &alice)?).await?;
    ensure!(unknown.status == 404, "{}", unknown.status);
    chat.stop().await?;
    threads.stop().await
}

#[tokio::test]
async fn a_long_conversation_is_paged_within_the_response_limit_of_lambda() -> Result<()> {
    const LAMBDA_RESPONSE_LIMIT: usize = 6 * 1024 * 1024;
    let world = World::new().await?;
    let alice = world.sign_in("alice").await?;
    // In a string within a string a quote takes twice the bytes or more.
    let quotes = json!([{ "type": "text", "text": "\"".repeat(700_000) }]).to_string();
    for number in 0..6 {
        StoredTurn {
            thread: "t",
            number,
            question: "[]",
            answer: &quotes,
        }
        .store(&world, &alice)
        .await?;
    }
    let long = json!([{ "type": "text", "text": "x".repeat(6_000_000) }]).to_string();
    StoredTurn {
        thread: "t",
        number: 6,
        question: "[]",
        answer: &long,
    }
    .store(&world, &alice)
    .await?;
    let threads =
        Function::start_threads_under(RuntimeApi::start(1).await?, &world.variables()).await?;

    let (mut query, mut ids, mut pages, mut most) = (String::new(), Vec::new(), 0, 0);
    loop {
        let answer = fetch(threads.get(&format!("{MESSAGES_PATH}{query}"), &alice)?).await?;
        let body = answer.bytes().await?;
        let text = String::from_utf8(body.to_vec())?;
        let event = json!({ "statusCode": 200, "headers": {}, "body": text }).to_string();
        ensure!(
            event.len() + 10_000 < LAMBDA_RESPONSE_LIMIT,
            "a page of {} bytes",
            event.len()
        );
        let read: Value = serde_json::from_str(&text)?;
        if pages == 0 {
            let last = read["messages"]
                .as_array()
                .and_then(|all| all.last())
                .context("a message")?;
            ensure!(
                text_of_parts(last) == "This message is too long to be shown here.",
                "{last}"
            );
        }
        let found = field_values(&read["messages"], "id")
            .into_iter()
            .map(str::to_owned);
        ids.splice(0..0, found.collect::<Vec<_>>());
        pages += 1;
        most = most.max(resident_bytes(threads.process.pid())?);
        let Some(cursor) = read["nextCursor"].as_str() else {
            break;
        };
        query = format!("?cursor={cursor}");
    }
    let expected: Vec<_> = (0..7)
        .flat_map(|number| [format!("q{number}"), format!("a{number}")])
        .collect();
    ensure!(ids == expected, "{ids:?}");
    ensure!(pages > 2, "{pages} pages");
    println!("{pages} pages, at most {} MB resident", most / 1024 / 1024);
    ensure!(
        most < 120 * 1024 * 1024,
        "{most} bytes do not fit the smallest function"
    );
    threads.stop().await
}

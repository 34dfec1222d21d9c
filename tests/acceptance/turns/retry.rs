//! Retries of a message: one answer and one model call, however often and to whichever process it
//! is sent.

use std::time::SystemTime;

use acceptance::assert::thread_snapshot::ThreadSnapshot;
use acceptance::aws::Function;
use acceptance::aws::function_pair::FunctionPair;
use acceptance::client::reloaded_page::{Page, PageLoad, VERSIONS, ensure_shows, to_page_messages};
use acceptance::client::requests::{
    conversation_body, edit_body, ensure_refused, post_request, question, question_message,
    stop_turn, turn_request, user_message,
};
use acceptance::gateway::parts::mixed_parts;
use acceptance::gateway::responses::{self, delta, opening_parts};
use acceptance::gateway::timed_responses::{
    FIRST_HALF_CHUNKS, answer_after, answer_in_halves, first_half, half_answer,
};
use acceptance::gateway::{Gate, Step};
use acceptance::http_client::{Response, fetch, send};
use acceptance::session::{SignedIn, epoch_ms};
use acceptance::wait::poll_until_some;
use acceptance::world::{World, text_of};
use anyhow::{Context, Result, ensure};
use message::Role;
use store::Status;

const CONCURRENT_REQUESTS: usize = 20;

#[tokio::test]
async fn twenty_equal_requests_at_once_make_one_model_call_and_twenty_equal_answers() -> Result<()>
{
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    for (number, (name, functions)) in [("one", [&pair.first, &pair.first]), ("two", pair.both())]
        .into_iter()
        .enumerate()
    {
        let gate = Gate::default();
        world.gateway.next(answer_after(&gate));
        let mut sent = Vec::new();
        for request in 0..CONCURRENT_REQUESTS {
            sent.push(send(turn_request(functions[request % 2], &alice, name, "m1")?).await?);
        }
        gate.wait_until_reached().await?;
        let mut answers = Vec::new();
        for sent in sent {
            let answer = sent.head().await?;
            ensure!(answer.status == 200, "{name}: {}", answer.status);
            answers.push(answer);
        }
        gate.open();
        let first = answers.remove(0).transcript().await?;
        ensure!(
            first.done && first.text() == responses::full_text(),
            "{name}: {first:?}"
        );
        for answer in answers {
            let transcript = answer.transcript().await?;
            ensure!(
                transcript.done && transcript.text() == first.text(),
                "{name}: {transcript:?}"
            );
            ensure!(
                transcript.types() == first.types(),
                "{name}: {transcript:?}\n{first:?}"
            );
            ensure!(
                transcript.chunks[0] == first.chunks[0],
                "{name}: another answer: {transcript:?}"
            );
            ensure!(
                transcript.first("finish") == first.first("finish"),
                "{name}: {transcript:?}"
            );
        }
        ensure!(
            world.gateway.calls().len() == number + 1,
            "{name}: {} model calls",
            world.gateway.calls().len()
        );
        world.ensure_complete_answer(&alice, name).await?;
        ThreadSnapshot::read_at_rest(&world.engine, &alice, name).await?;
    }
    pair.stop().await
}

/// Sends a message from two pages, the second after the first has seen the end, and compares what
/// they show.
async fn ensure_replayed(
    world: &World,
    pair: &FunctionPair,
    who: &SignedIn,
    package: &str,
) -> Result<()> {
    let Some(mut page) = Page::start(package)? else {
        return Ok(());
    };
    let broken = [opening_parts(), vec![delta("Half a "), delta("marzipan")]].concat();
    let model_error = [
        &broken[..],
        &[
            serde_json::json!({"type": "error", "error": "overloaded"}),
            responses::finish(),
        ],
    ]
    .concat();
    for (name, steps, status) in [
        ("text", responses::good(), "ready"),
        (
            "many kinds",
            responses::stream(&mixed_parts(), Step::End),
            "ready",
        ),
        ("cut", responses::stream(&broken, Step::Cut), "error"),
        (
            "a model's error",
            responses::stream(&model_error, Step::End),
            "error",
        ),
    ] {
        let thread = format!("{package}-{}", name.replace([' ', '\''], "-"));
        let calls = world.gateway.calls().len();
        world.gateway.next(steps);
        let load =
            |function| PageLoad::send(function, who, &thread, vec![], question_message("m1"));
        let first = page.load(&load(&pair.first)).await?;
        ensure!(
            first.status == status && !first.text().is_empty(),
            "{name}: {first:?}"
        );
        for function in pair.both() {
            let again = page.load(&load(function)).await?;
            ensure!(again.status == status, "{name}: {again:?}");
            let held =
                [&again, &first].map(|state| state.messages.last().cloned().unwrap_or_default());
            let has_late_metadata = name == "a model's error";
            for field in ["id", "role", "parts", "metadata"] {
                // Metadata known only at the end came after the error then, and comes before it
                // now.
                let same =
                    held[0][field] == held[1][field] || (has_late_metadata && field == "metadata");
                ensure!(
                    same,
                    "{package}: {name}: {field}:\nagain {}\nfirst {}",
                    held[0],
                    held[1]
                );
            }
            again.ensure_legal().context(name)?;
        }
        ensure!(
            world.gateway.calls().len() == calls + 1,
            "{name}: the model was called again"
        );
        let snapshot = ThreadSnapshot::read_at_rest(&world.engine, who, &thread).await?;
        ensure!(
            snapshot.answers().len() == 1 && snapshot.thread["turns"] == 1,
            "{name}: {snapshot:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_stored_answer_is_replayed_unchanged() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    for package in VERSIONS {
        ensure_replayed(&world, &pair, &alice, package).await?;
    }
    pair.stop().await
}

#[tokio::test]
async fn a_stopped_answer_is_replayed_with_its_text_so_far() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    world.gateway.next(half_answer());
    let mut answer = fetch(turn_request(&pair.first, &alice, "t1", "m1")?).await?;
    answer.chunks(FIRST_HALF_CHUNKS).await?;
    ensure!(stop_turn(&pair.second, &alice, "t1").await?.stopping);
    let first = answer.transcript().await?;
    for function in pair.both() {
        let again = fetch(turn_request(function, &alice, "t1", "m1")?)
            .await?
            .transcript()
            .await?;
        ensure!(
            again.done && again.types().last() == Some(&"abort"),
            "{again:?}"
        );
        ensure!(again.text() == first.text(), "{again:?}");
        ensure!(
            again.chunks[0]["messageId"] == first.chunks[0]["messageId"],
            "{again:?}"
        );
        let metadata = again
            .chunks
            .iter()
            .rfind(|chunk| chunk["type"] == "message-metadata");
        ensure!(
            metadata
                == first
                    .chunks
                    .iter()
                    .rfind(|chunk| chunk["type"] == "message-metadata"),
            "{again:?}"
        );
    }
    for package in VERSIONS {
        let Some(mut page) = Page::start(package)? else {
            continue;
        };
        let shown = page
            .load(&PageLoad::send(
                &pair.second,
                &alice,
                "t1",
                vec![],
                question_message("m1"),
            ))
            .await?;
        ensure!(shown.status == "ready", "{package}: {shown:?}");
        ensure_shows(&shown, &[&question(), &first_half()]).context(package)?;
        let stored = to_page_messages(&world.stored_messages(&alice, "t1").await?)?;
        ensure!(
            shown.messages.last() == stored.last(),
            "{package}: {shown:?}\n{stored:?}"
        );
    }
    ensure!(
        world.gateway.calls().len() == 1,
        "the model was called again"
    );
    pair.stop().await
}

#[tokio::test]
async fn a_message_whose_answer_failed_before_its_first_word_is_answered_again() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    for (number, (name, steps)) in [
        ("refused", responses::error(400, "invalid_request_error")),
        ("cut", responses::stream(&opening_parts(), Step::Cut)),
    ]
    .into_iter()
    .enumerate()
    {
        world.gateway.next(steps);
        let failed = fetch(turn_request(&pair.first, &alice, name, "m1")?)
            .await?
            .transcript()
            .await?;
        ensure!(
            failed.done && failed.first("error").is_some() && failed.text().is_empty(),
            "{name}: {failed:?}"
        );
        let again = fetch(turn_request(&pair.second, &alice, name, "m1")?)
            .await?
            .transcript()
            .await?;
        ensure!(
            again.done && again.text() == responses::full_text(),
            "{name}: {again:?}"
        );
        world
            .ensure_complete_answer(&alice, name)
            .await
            .context("the empty answer is not shown")?;
        let third = fetch(turn_request(&pair.first, &alice, name, "m1")?)
            .await?
            .transcript()
            .await?;
        ensure!(
            third.text() == responses::full_text() && third.done,
            "{name}: {third:?}"
        );
        ensure!(
            world.gateway.calls().len() == 2 * (number + 1),
            "{name}: two calls a message"
        );
        let snapshot = ThreadSnapshot::read_at_rest(&world.engine, &alice, name).await?;
        ensure!(
            snapshot.thread["turns"] == 2,
            "{name}: {:?}",
            snapshot.thread
        );
    }
    pair.stop().await
}

async fn wait_for_lease_end(world: &World, who: &SignedIn, thread: &str) -> Result<()> {
    poll_until_some("the lease to pass", || {
        let snapshot = ThreadSnapshot::read(&world.engine, who, thread).ok()?;
        (snapshot.thread["lease"].as_u64()? < epoch_ms(SystemTime::now())).then_some(())
    })
    .await
}

#[tokio::test]
async fn the_partial_answer_of_a_dead_turn_is_replayed_with_an_error() -> Result<()> {
    for waits in [true, false] {
        let world = World::new().await?;
        let mut pair = FunctionPair::start_with_short_turns(&world, &[]).await?;
        let alice = world.sign_in("alice").await?;
        world.gateway.next(half_answer());
        let mut answer = fetch(turn_request(&pair.first, &alice, "t1", "m1")?).await?;
        answer.chunks(FIRST_HALF_CHUNKS).await?;
        let journal = || {
            let written = world
                .engine
                .operations()
                .into_iter()
                .any(|one| one.body.contains("C#alice#"));
            written.then_some(())
        };
        poll_until_some("the journal", journal).await?;
        pair.first.process.kill().await?;
        if waits {
            wait_for_lease_end(&world, &alice, "t1").await?;
        }
        let again = fetch(turn_request(&pair.second, &alice, "t1", "m1")?)
            .await?
            .transcript()
            .await?;
        ensure!(
            again.done && again.first("error").is_some(),
            "waits {waits}: {again:?}"
        );
        ensure!(again.text() == first_half(), "waits {waits}: {again:?}");
        ensure!(
            world.gateway.calls().len() == 1,
            "waits {waits}: the model was called again"
        );
        let stored = world.only_answer(&alice, "t1").await?;
        ensure!(
            stored.status == Some(Status::Interrupted),
            "waits {waits}: {stored:?}"
        );
        ensure!(
            text_of(&stored)? == first_half(),
            "waits {waits}: {stored:?}"
        );
        ensure!(
            again.chunks[0]["messageId"] == stored.id.as_str(),
            "waits {waits}: {again:?}"
        );
        let snapshot = ThreadSnapshot::read_at_rest(&world.engine, &alice, "t1").await;
        snapshot
            .with_context(|| format!("waits {waits}"))?
            .ensure_consistent()?;
        pair.second.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_message_whose_process_died_before_the_first_word_is_answered_again() -> Result<()> {
    let world = World::new().await?;
    let mut pair = FunctionPair::start_with_short_turns(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    let gate = Gate::default();
    world.gateway.next(answer_after(&gate));
    let answer = fetch(turn_request(&pair.first, &alice, "t1", "m1")?).await?;
    gate.wait_until_reached().await?;
    pair.first.process.kill().await?;
    drop(answer);
    wait_for_lease_end(&world, &alice, "t1").await?;
    let again = fetch(turn_request(&pair.second, &alice, "t1", "m1")?)
        .await?
        .transcript()
        .await?;
    ensure!(
        again.done && again.text() == responses::full_text(),
        "{again:?}"
    );
    world.ensure_complete_answer(&alice, "t1").await?;
    pair.second.stop().await
}

#[tokio::test]
async fn a_message_followed_by_others_is_answered_once() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    for message in ["m1", "m2", "m3"] {
        fetch(turn_request(&pair.first, &alice, "t1", message)?)
            .await?
            .transcript()
            .await?;
    }
    let before = world.conversation_items()?;
    for (function, message) in [(&pair.second, "m1"), (&pair.first, "m2")] {
        let again = fetch(turn_request(function, &alice, "t1", message)?)
            .await?
            .transcript()
            .await?;
        ensure!(
            again.done && again.text() == responses::full_text(),
            "{message}: {again:?}"
        );
    }
    ensure!(
        world.gateway.calls().len() == 3,
        "{} model calls",
        world.gateway.calls().len()
    );
    ensure!(
        world.conversation_items()? == before,
        "a repetition changes nothing"
    );
    let other = conversation_body("t1", &[user_message("m1", "Something else?")]);
    ensure_refused(
        post_request(&pair.first, &alice, other.to_string())?,
        409,
        "message_conflict",
    )
    .await?;
    Ok(())
}

#[tokio::test]
async fn another_message_under_a_used_id_is_refused() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    let other = |function: &Function, thread: &str| {
        let body = conversation_body(thread, &[user_message("m1", "Something else?")]);
        post_request(function, &alice, body.to_string())
    };
    let gate = Gate::default();
    world.gateway.next(answer_in_halves(&gate));
    let mut running = fetch(turn_request(&pair.first, &alice, "running", "m1")?).await?;
    running.chunks(FIRST_HALF_CHUNKS).await?;
    fetch(turn_request(&pair.first, &alice, "done", "m1")?)
        .await?
        .transcript()
        .await?;
    world
        .gateway
        .next(responses::error(400, "invalid_request_error"));
    fetch(turn_request(&pair.first, &alice, "failed", "m1")?)
        .await?
        .transcript()
        .await?;
    for thread in ["running", "done", "failed"] {
        for function in pair.both() {
            let refused = ensure_refused(other(function, thread)?, 409, "message_conflict").await;
            refused.with_context(|| thread.to_owned())?;
        }
    }
    gate.open();
    let transcript = running.transcript().await?;
    ensure!(
        transcript.done && transcript.text() == responses::full_text(),
        "undisturbed: {transcript:?}"
    );
    ensure!(world.gateway.calls().len() == 3);
    let body = edit_body("done", &[user_message("m1", "Something else?")]);
    let answer = fetch(post_request(&pair.second, &alice, body.to_string())?).await?;
    ensure!(
        answer.status == 200,
        "an edit says that it is one: {}",
        answer.status
    );
    answer.transcript().await?;
    pair.stop().await
}

#[tokio::test]
async fn without_a_journal_one_process_still_answers_once() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[("JOURNAL_INTERVAL_MS", "0")]).await?;
    let alice = world.sign_in("alice").await?;
    let gate = Gate::default();
    world.gateway.next(answer_in_halves(&gate));
    let mut answers: Vec<Response> = Vec::new();
    for _ in 0..3 {
        let mut answer = fetch(turn_request(&pair.first, &alice, "t1", "m1")?).await?;
        answer.chunks(FIRST_HALF_CHUNKS).await?;
        answers.push(answer);
    }
    let refused = ensure_refused(
        turn_request(&pair.second, &alice, "t1", "m1")?,
        409,
        "turn_in_progress",
    )
    .await?;
    let snapshot = ThreadSnapshot::read(&world.engine, &alice, "t1")?;
    ensure!(
        refused["error"]["streamId"] == snapshot.thread["streamId"],
        "{refused}"
    );
    gate.open();
    for answer in answers {
        let transcript = answer.transcript().await?;
        ensure!(
            transcript.done && transcript.text() == responses::full_text(),
            "{transcript:?}"
        );
    }
    for function in pair.both() {
        let again = fetch(turn_request(function, &alice, "t1", "m1")?)
            .await?
            .transcript()
            .await?;
        ensure!(
            again.done && again.text() == responses::full_text(),
            "{again:?}"
        );
    }
    ensure!(world.gateway.calls().len() == 1);
    world.gateway.next(half_answer());
    let mut answer = fetch(turn_request(&pair.first, &alice, "t1", "m2")?).await?;
    answer.chunks(FIRST_HALF_CHUNKS).await?;
    ensure!(
        stop_turn(&pair.first, &alice, "t1").await?.stopping,
        "a stop in the same process"
    );
    let stopped = answer.transcript().await?;
    ensure!(
        stopped.done && stopped.types().last() == Some(&"abort"),
        "{stopped:?}"
    );
    let roles: Vec<_> = world
        .stored_messages(&alice, "t1")
        .await?
        .iter()
        .map(|message| message.role)
        .collect();
    ensure!(
        roles == [Role::User, Role::Assistant].repeat(2),
        "{roles:?}"
    );
    pair.stop().await
}

//! Stops: in any process, at any time, once, and only of the turn that they name.

use std::time::Duration;

use acceptance::assert::thread_snapshot::ThreadSnapshot;
use acceptance::aws::Function;
use acceptance::aws::function_pair::FunctionPair;
use acceptance::client::reloaded_page::{Page, PageLoad, ensure_shows};
use acceptance::client::requests::{
    StopAnswer, conversation_body, ensure_refused, post_request, question, question_message,
    read_stop_answer, resume_request, stop_request, stop_turn, turn_request, user_message,
};
use acceptance::gateway::responses::{self, delta, frame, opening_parts};
use acceptance::gateway::timed_responses::{
    FIRST_HALF_CHUNKS, answer_after, answer_in_halves, first_half, half_answer,
};
use acceptance::gateway::{Ended, Gate, Step};
use acceptance::http_client::{fetch, send};
use acceptance::session::{ORIGIN, SignedIn};
use acceptance::sse::Transcript;
use acceptance::wait::poll_until_ok;
use acceptance::world::{World, metadata, text_of};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use message::Role;
use serde_json::Value;
use store::Status;

const NOT_STOPPING: StopAnswer = StopAnswer {
    stopping: false,
    stream: None,
};

fn ensure_aborted(name: &str, transcript: &Transcript, text: &str) -> Result<()> {
    let types = transcript.types();
    ensure!(
        transcript.done && types.last() == Some(&"abort"),
        "{name}: {transcript:?}"
    );
    ensure!(types.first() == Some(&"start"), "{name}: {transcript:?}");
    ensure!(transcript.text() == text, "{name}: {transcript:?}");
    let count = |kind: &str| {
        transcript
            .chunks
            .iter()
            .filter(|chunk| chunk["type"] == kind)
            .count()
    };
    ensure!(
        count("text-start") == count("text-end"),
        "{name}: a text is left open: {transcript:?}"
    );
    ensure!(
        count("abort") == 1 && count("finish") == 0 && count("error") == 0,
        "{name}: {transcript:?}"
    );
    let last = transcript
        .chunks
        .iter()
        .rfind(|chunk| chunk["type"] == "message-metadata");
    ensure!(
        last.is_some_and(|chunk| chunk["messageMetadata"]["aborted"] == true),
        "{name}: {transcript:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_stop_drops_the_model_call_and_keeps_the_text_so_far() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    for (number, (name, function)) in [("here", &pair.first), ("there", &pair.second)]
        .into_iter()
        .enumerate()
    {
        world.gateway.next(half_answer());
        let mut answer = fetch(turn_request(&pair.first, &alice, name, "m1")?).await?;
        answer.chunks(FIRST_HALF_CHUNKS).await?;
        let readers = [
            fetch(resume_request(&pair.first, &alice, name)?).await?,
            fetch(resume_request(&pair.second, &alice, name)?).await?,
        ];
        let stopping = stop_turn(function, &alice, name).await?;
        ensure!(stopping.stopping, "{name}: {stopping:?}");
        ensure!(
            world.gateway.call(number).await?.ended().await? == Ended::Left,
            "{name}: the model call goes on"
        );
        ensure_aborted(name, &answer.transcript().await?, &first_half())?;
        for reader in readers {
            ensure_aborted(
                &format!("{name}: a reader"),
                &reader.transcript().await?,
                &first_half(),
            )?;
        }
        let stored = world.only_answer(&alice, name).await?;
        ensure!(stored.status == Some(Status::Stopped), "{name}: {stored:?}");
        ensure!(
            metadata(&stored, "aborted") == true,
            "{name}: {:?}",
            stored.metadata
        );
        ensure!(
            text_of(&stored)? == first_half(),
            "{name}: {}",
            stored.parts
        );
        ensure!(
            stored.output_tokens.is_none(),
            "nothing was reported: {stored:?}"
        );
        let snapshot = ThreadSnapshot::read_at_rest(&world.engine, &alice, name).await?;
        ensure!(
            snapshot.thread["doneId"].as_str() == stopping.stream.as_deref(),
            "{name}: {:?}",
            snapshot.thread
        );
    }
    pair.stop().await
}

#[tokio::test]
async fn without_a_journal_a_stop_works_only_in_the_process_of_the_turn() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[("JOURNAL_INTERVAL_MS", "0")]).await?;
    let alice = world.sign_in("alice").await?;
    let gate = Gate::default();
    world.gateway.next(answer_in_halves(&gate));
    let mut answer = fetch(turn_request(&pair.first, &alice, "t1", "m1")?).await?;
    answer.chunks(FIRST_HALF_CHUNKS).await?;
    ensure!(
        stop_turn(&pair.second, &alice, "t1").await? == NOT_STOPPING,
        "another process cannot stop it"
    );
    gate.open();
    let complete = answer.transcript().await?;
    ensure!(
        complete.done && complete.text() == responses::full_text(),
        "{complete:?}"
    );

    world.gateway.next(half_answer());
    let mut answer = fetch(turn_request(&pair.first, &alice, "t2", "m1")?).await?;
    answer.chunks(FIRST_HALF_CHUNKS).await?;
    ensure!(
        stop_turn(&pair.first, &alice, "t2").await?.stopping,
        "it runs here"
    );
    ensure_aborted("here", &answer.transcript().await?, &first_half())?;
    for (thread, status) in [("t1", Status::Completed), ("t2", Status::Stopped)] {
        let stored = world.only_answer(&alice, thread).await?;
        ensure!(stored.status == Some(status), "{thread}: {stored:?}");
    }
    pair.stop().await
}

#[tokio::test]
async fn a_stop_before_the_first_word_drops_the_model_call() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    for (name, function) in [("here", &pair.first), ("there", &pair.second)] {
        let (gate, number) = (Gate::default(), world.gateway.calls().len());
        world.gateway.next(answer_after(&gate));
        let answer = fetch(turn_request(&pair.first, &alice, name, "m1")?).await?;
        gate.wait_until_reached().await?;
        let readers = [
            fetch(resume_request(&pair.first, &alice, name)?).await?,
            fetch(resume_request(&pair.second, &alice, name)?).await?,
        ];
        ensure!(stop_turn(function, &alice, name).await?.stopping, "{name}");
        ensure!(
            world.gateway.call(number).await?.ended().await? == Ended::Left,
            "{name}: the model call goes on"
        );
        ensure_aborted(name, &answer.transcript().await?, "")?;
        for (reader, place) in readers.into_iter().zip(["here", "there"]) {
            ensure_aborted(
                &format!("{name}: a reader {place}"),
                &reader.transcript().await?,
                "",
            )?;
        }
        let snapshot = ThreadSnapshot::read_at_rest(&world.engine, &alice, name).await?;
        let answers = snapshot.answers();
        ensure!(
            answers.len() == 1 && answers[0]["status"] == "stopped",
            "{name}: {answers:?}"
        );
        let next = fetch(turn_request(function, &alice, name, "m2")?)
            .await?
            .transcript()
            .await?;
        ensure!(
            next.done && next.text() == responses::full_text(),
            "{name}: {next:?}"
        );
    }
    pair.stop().await
}

/// Uses the default interval.
#[tokio::test]
async fn a_stop_reaches_another_process_within_about_a_second() -> Result<()> {
    let world = World::new().await?;
    let variables = world.variables();
    let (here, there) = (
        Function::start_plain(&variables).await?,
        Function::start_plain(&variables).await?,
    );
    let alice = world.sign_in("alice").await?;
    let piece = frame(&delta("marzipan "));
    world.gateway.next(responses::stream(
        &opening_parts(),
        Step::Forever(piece, Duration::from_millis(100)),
    ));
    let mut answer = fetch(turn_request(&here, &alice, "t1", "m1")?).await?;
    answer.chunks(4).await?;
    ensure!(stop_turn(&there, &alice, "t1").await?.stopping);
    ensure!(world.gateway.call(0).await?.ended().await? == Ended::Left);
    let transcript = answer.transcript().await?;
    // Counted in pieces of the gateway, ten a second, so that a slow machine counts slowly.
    let pieces = transcript.text().matches("marzipan").count();
    ensure!(
        pieces <= 25,
        "{pieces} pieces came before the stop was heeded"
    );
    ensure_aborted("another process", &transcript, &transcript.text())?;
    ensure!(
        text_of(&world.only_answer(&alice, "t1").await?)? == transcript.text(),
        "all that was sent is stored"
    );
    here.stop().await?;
    there.stop().await
}

#[tokio::test]
async fn a_repeated_or_late_stop_changes_nothing() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let (alice, mallory) = (
        world.sign_in("alice").await?,
        world.sign_in("mallory").await?,
    );
    for function in pair.both() {
        ensure!(stop_turn(function, &alice, "never-seen").await? == NOT_STOPPING);
    }
    world.gateway.next(half_answer());
    let mut answer = fetch(turn_request(&pair.first, &alice, "t1", "m1")?).await?;
    answer.chunks(FIRST_HALF_CHUNKS).await?;
    ensure!(
        stop_turn(&pair.first, &mallory, "t1").await? == NOT_STOPPING,
        "another user's thread"
    );
    let mut stops = Vec::new();
    for number in 0..10 {
        stops.push(send(stop_request(pair.both()[number % 2], &alice, "t1", "{}")?).await?);
    }
    let mut stopped = Vec::new();
    for stop in stops {
        stopped.extend(read_stop_answer(stop.head().await?).await?.stream);
    }
    stopped.dedup();
    ensure!(
        stopped.len() == 1,
        "one of them at least stops it, and all name the same: {stopped:?}"
    );
    ensure_aborted("the turn", &answer.transcript().await?, &first_half())?;
    ThreadSnapshot::read_at_rest(&world.engine, &alice, "t1").await?;
    // The end of the journal may be written later than the answer.
    let stored = || -> Result<Vec<Value>> {
        let mut items = world.engine.items()?;
        items.retain(|item| {
            !item["pk"]["S"]
                .as_str()
                .unwrap_or_default()
                .starts_with("C#")
        });
        Ok(items)
    };
    let before = stored()?;
    ensure!(!before.is_empty());
    for function in pair.both() {
        ensure!(
            stop_turn(function, &alice, "t1").await? == NOT_STOPPING,
            "it has ended"
        );
    }
    ensure!(
        stored()? == before,
        "a stop after the end has changed something"
    );
    fetch(turn_request(&pair.first, &alice, "done", "m1")?)
        .await?
        .transcript()
        .await?;
    ensure!(stop_turn(&pair.second, &alice, "done").await? == NOT_STOPPING);
    world.ensure_complete_answer(&alice, "done").await?;
    pair.stop().await
}

#[tokio::test]
async fn a_stop_for_another_turn_stops_nothing() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    world.gateway.next(half_answer());
    let mut old = fetch(turn_request(&pair.first, &alice, "t1", "m1")?).await?;
    old.chunks(FIRST_HALF_CHUNKS).await?;
    let of_old = stop_turn(&pair.first, &alice, "t1")
        .await?
        .stream
        .context("the old turn's stream")?;
    old.transcript().await?;

    let gate = Gate::default();
    world.gateway.next(answer_in_halves(&gate));
    let mut answer = fetch(turn_request(&pair.first, &alice, "t1", "m2")?).await?;
    answer.chunks(FIRST_HALF_CHUNKS).await?;
    for (name, stream) in [("old", of_old.as_str()), ("unknown", "an-unknown-stream")] {
        for function in pair.both() {
            let body = serde_json::json!({ "streamId": stream }).to_string();
            let answer =
                read_stop_answer(fetch(stop_request(function, &alice, "t1", body)?).await?).await?;
            ensure!(answer == NOT_STOPPING, "{name}: {answer:?}");
        }
    }
    gate.open();
    let transcript = answer.transcript().await?;
    ensure!(
        transcript.done && transcript.text() == responses::full_text(),
        "{transcript:?}"
    );
    let last = world
        .stored_messages(&alice, "t1")
        .await?
        .pop()
        .context("the answer")?;
    ensure!(last.status == Some(Status::Completed), "{last:?}");
    pair.stop().await
}

#[tokio::test]
async fn a_stop_that_names_its_turn_stops_it() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    world.gateway.next(half_answer());
    let mut answer = fetch(turn_request(&function, &alice, "t1", "m1")?).await?;
    answer.chunks(FIRST_HALF_CHUNKS).await?;
    let snapshot = ThreadSnapshot::read(&world.engine, &alice, "t1")?;
    let stream = snapshot.thread["streamId"].as_str().context("the stream")?;
    let body = serde_json::json!({ "streamId": stream, "messages": "not trusted" }).to_string();
    let stopping =
        read_stop_answer(fetch(stop_request(&function, &alice, "t1", body)?).await?).await?;
    ensure!(stopping.stream.as_deref() == Some(stream), "{stopping:?}");
    ensure_aborted("the turn", &answer.transcript().await?, &first_half())?;
    function.stop().await
}

#[tokio::test]
async fn an_invalid_stop_is_refused_and_stops_nothing() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let gate = Gate::default();
    world.gateway.next(answer_in_halves(&gate));
    let mut answer = fetch(turn_request(&function, &alice, "t1", "m1")?).await?;
    answer.chunks(FIRST_HALF_CHUNKS).await?;
    for (name, body, says) in [
        ("cut", "{\"streamId\":", ""),
        ("no JSON", "stop", ""),
        ("a list", "[]", ""),
        ("a text", "\"s\"", ""),
        ("a number", "{\"streamId\":1}", "streamId"),
        ("an object", "{\"streamId\":{}}", "streamId"),
        ("with a separator", "{\"streamId\":\"a#b\"}", "streamId"),
    ] {
        let answer = fetch(stop_request(&function, &alice, "t1", body)?).await?;
        let status = answer.status;
        let body = answer.json().await?;
        let message = body["error"]["message"].as_str().unwrap_or_default();
        ensure!(
            status == 400 && !message.is_empty() && message.contains(says),
            "{name}: {status} {body}"
        );
    }
    let large = fetch(stop_request(
        &function,
        &alice,
        "t1",
        " ".repeat(1_000_000),
    )?)
    .await?;
    ensure!(large.status == 413, "{}", large.status);
    let url = format!("{}/t1/stop", function.chat_url());
    let (cookie, forged) = (alice.cookie(), SignedIn::forged("alice").cookie());
    let request = |headers: &[(&str, &str)]| {
        let request = headers
            .iter()
            .fold(Request::post(&url), |request, (name, value)| {
                request.header(*name, *value)
            });
        request.body(Bytes::new())
    };
    ensure_refused(request(&[])?, 401, "unauthorized").await?;
    ensure_refused(
        request(&[("cookie", &forged), ("origin", ORIGIN)])?,
        401,
        "unauthorized",
    )
    .await?;
    ensure_refused(
        request(&[("cookie", &cookie), ("origin", "https://evil.example")])?,
        403,
        "bad_origin",
    )
    .await?;
    ensure_refused(request(&[("cookie", &cookie)])?, 403, "bad_origin").await?;
    let get = Request::get(&url)
        .header("cookie", &cookie)
        .header("origin", ORIGIN)
        .body(Bytes::new())?;
    let wrong = fetch(get).await?;
    ensure!(
        wrong.status == 405 && wrong.header("allow") == "POST",
        "{wrong:?}"
    );
    gate.open();
    let transcript = answer.transcript().await?;
    ensure!(
        transcript.done && transcript.text() == responses::full_text(),
        "{transcript:?}"
    );
    function.stop().await
}

#[tokio::test]
async fn after_a_stop_the_real_client_shows_the_text_so_far_and_can_continue() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    let Some(mut page) = Page::start("ai")? else {
        return Ok(());
    };
    let mut calls = 0;
    for (name, function) in [("here", &pair.first), ("there", &pair.second)] {
        world.gateway.next(half_answer());
        page.begin(&PageLoad::send(
            &pair.first,
            &alice,
            name,
            vec![],
            question_message("m1"),
        ))
        .await?;
        let begun = async || {
            let reader = fetch(resume_request(&pair.first, &alice, name)?).await?;
            ensure!(reader.status == 200, "nothing runs yet");
            Ok(reader)
        };
        poll_until_ok("the turn to begin", begun)
            .await?
            .chunks(FIRST_HALF_CHUNKS)
            .await?;
        ensure!(stop_turn(function, &alice, name).await?.stopping, "{name}");
        let stopped = page.wait_for_state().await?;
        ensure!(stopped.status == "ready", "{name}: {stopped:?}");
        ensure_shows(&stopped, &[&question(), &first_half()]).context(name)?;
        let shown = stopped.messages.clone();
        let next = page
            .load(&PageLoad::send(
                function,
                &alice,
                name,
                shown,
                user_message("m2", "Go on."),
            ))
            .await?;
        ensure!(next.status == "ready", "{name}: {next:?}");
        ensure_shows(
            &next,
            &[
                &question(),
                &first_half(),
                "Go on.",
                &responses::full_text(),
            ],
        )
        .context(name)?;
        calls += 2;
        let prompt = world.gateway.call(calls - 1).await?.body["prompt"].to_string();
        ensure!(
            prompt.contains(first_half().trim()),
            "{name}: the prompt lacks the partial answer: {prompt}"
        );
        let stored = world.stored_messages(&alice, name).await?;
        let roles: Vec<_> = stored.iter().map(|message| message.role).collect();
        ensure!(
            roles == [Role::User, Role::Assistant].repeat(2),
            "{name}: {roles:?}"
        );
        ensure!(
            stored[1].status == Some(Status::Stopped),
            "{name}: {stored:?}"
        );
        ensure!(
            stored[3].status == Some(Status::Completed),
            "{name}: {stored:?}"
        );
    }
    pair.stop().await
}

#[tokio::test]
async fn a_stop_that_races_the_end_leaves_a_stopped_or_a_complete_answer() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    for number in 0..20 {
        let thread = format!("t{number}");
        let gate = Gate::default();
        world.gateway.next(answer_in_halves(&gate));
        let mut answer = fetch(turn_request(&pair.first, &alice, &thread, "m1")?).await?;
        answer.chunks(FIRST_HALF_CHUNKS).await?;
        let stop = send(stop_request(pair.both()[number % 2], &alice, &thread, "")?).await?;
        gate.open();
        read_stop_answer(stop.head().await?).await?;
        let transcript = answer.transcript().await?;
        let stored = world.only_answer(&alice, &thread).await?;
        let ends = (
            stored.status,
            transcript.types().last().copied().unwrap_or_default(),
        );
        let legal = [
            (Some(Status::Completed), "finish"),
            (Some(Status::Stopped), "abort"),
        ]
        .contains(&ends);
        ensure!(
            transcript.done && legal,
            "{thread}: {ends:?}: {transcript:?}"
        );
        ensure!(
            text_of(&stored)? == transcript.text(),
            "{thread}: stored {}, sent {transcript:?}",
            stored.parts
        );
        ensure!(
            metadata(&stored, "aborted") == (stored.status == Some(Status::Stopped)),
            "{thread}: {stored:?}"
        );
        ThreadSnapshot::read_at_rest(&world.engine, &alice, &thread).await?;
    }
    let body = conversation_body("t0", &[question_message("m9")]);
    let next = fetch(post_request(&pair.second, &alice, body.to_string())?)
        .await?
        .transcript()
        .await?;
    ensure!(
        next.done && next.text() == responses::full_text(),
        "{next:?}"
    );
    pair.stop().await
}

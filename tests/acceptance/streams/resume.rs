//! Running answers that are resumed: read from the first byte again, by several readers, in any
//! process.

use acceptance::aws::Function;
use acceptance::aws::function_pair::FunctionPair;
use acceptance::client::reloaded_page::{
    Page, PageAction, PageLoad, VERSIONS, ensure_shows, to_page_messages,
};
use acceptance::client::requests::{
    ensure_nothing_to_resume, ensure_refused, question, question_message, resume_request,
    turn_request,
};
use acceptance::gateway::parts::mixed_parts;
use acceptance::gateway::responses::{self, send_steps};
use acceptance::gateway::timed_responses::{
    FIRST_HALF_CHUNKS, answer_after, answer_in_halves, first_half,
};
use acceptance::gateway::{Gate, Step};
use acceptance::http_client::{Response, fetch};
use acceptance::session::{ORIGIN, SignedIn};
use acceptance::sse::Transcript;
use acceptance::world::{World, text_of};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use store::Status;

fn ensure_complete_answer(name: &str, transcript: &Transcript) -> Result<()> {
    ensure!(
        transcript.done && transcript.text() == responses::full_text(),
        "{name}: {transcript:?}"
    );
    let starts = transcript
        .chunks
        .iter()
        .filter(|chunk| chunk["type"] == "start")
        .count();
    ensure!(
        starts == 1 && transcript.chunks[0]["type"] == "start",
        "{name}: {transcript:?}"
    );
    ensure!(
        transcript.finish_reason() == Some("stop"),
        "{name}: {transcript:?}"
    );
    Ok(())
}

/// Starts a turn whose first half is sent and whose second half waits for the gate.
async fn start_half_answer(
    world: &World,
    function: &Function,
    who: &SignedIn,
    thread: &str,
) -> Result<(Response, Gate)> {
    let gate = Gate::default();
    world.gateway.next(answer_in_halves(&gate));
    let mut answer = fetch(turn_request(function, who, thread, "m1")?).await?;
    answer.chunks(FIRST_HALF_CHUNKS).await?;
    Ok((answer, gate))
}

async fn fetch_resume(function: &Function, who: &SignedIn, thread: &str) -> Result<Response> {
    let answer = fetch(resume_request(function, who, thread)?).await?;
    ensure!(answer.status == 200, "{}", answer.status);
    Ok(answer)
}

#[tokio::test]
async fn without_a_running_turn_there_is_nothing_to_resume() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let (alice, mallory) = (
        world.sign_in("alice").await?,
        world.sign_in("mallory").await?,
    );
    ensure_nothing_to_resume(&pair.first, &alice, "never-seen").await?;
    fetch(turn_request(&pair.first, &alice, "done", "m1")?)
        .await?
        .transcript()
        .await?;
    for function in pair.both() {
        ensure_nothing_to_resume(function, &alice, "done").await?;
    }
    let (answer, gate) = start_half_answer(&world, &pair.first, &alice, "running").await?;
    for function in pair.both() {
        ensure_nothing_to_resume(function, &mallory, "running").await?;
        ensure_nothing_to_resume(function, &alice, "other").await?;
    }
    gate.open();
    ensure_complete_answer("the turn", &answer.transcript().await?)?;
    pair.stop().await
}

#[tokio::test]
async fn without_a_journal_there_is_nothing_to_resume_in_another_process() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[("JOURNAL_INTERVAL_MS", "0")]).await?;
    let alice = world.sign_in("alice").await?;
    let (answer, gate) = start_half_answer(&world, &pair.first, &alice, "t1").await?;
    ensure_nothing_to_resume(&pair.second, &alice, "t1").await?;
    let same = fetch_resume(&pair.first, &alice, "t1").await?;
    gate.open();
    ensure_complete_answer("in the same process", &same.transcript().await?)?;
    ensure_complete_answer("the turn", &answer.transcript().await?)?;
    let journals = world
        .engine
        .items()?
        .into_iter()
        .filter(|item| item["pk"].to_string().contains("\"C#"));
    ensure!(journals.count() == 0, "a journal was kept");
    pair.stop().await
}

#[tokio::test]
async fn a_user_who_may_not_send_may_not_resume() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let url = format!("{}/t1/stream", function.chat_url());
    let get = |headers: &[(&str, &str)]| {
        let request = headers
            .iter()
            .fold(Request::get(&url), |request, (name, value)| {
                request.header(*name, *value)
            });
        request.body(Bytes::new())
    };
    let (cookie, bearer) = (alice.cookie(), alice.bearer());
    ensure_refused(get(&[])?, 401, "unauthorized").await?;
    ensure_refused(
        get(&[
            ("cookie", &SignedIn::forged("alice").cookie()),
            ("origin", ORIGIN),
        ])?,
        401,
        "unauthorized",
    )
    .await?;
    ensure_refused(
        get(&[("cookie", &cookie), ("origin", "https://evil.example")])?,
        403,
        "bad_origin",
    )
    .await?;
    for allowed in [
        &[("authorization", bearer.as_str())][..],
        &[("cookie", &cookie), ("origin", ORIGIN)],
        &[("cookie", &cookie), ("referer", &format!("{ORIGIN}/chat"))],
    ] {
        let answer = fetch(get(allowed)?).await?;
        ensure!(answer.status == 204, "{allowed:?}: {}", answer.status);
    }
    let post = Request::post(&url)
        .header("cookie", &cookie)
        .header("origin", ORIGIN)
        .body(Bytes::new())?;
    let answer = fetch(post).await?;
    ensure!(
        answer.status == 405 && answer.header("allow").contains("GET"),
        "{answer:?}"
    );
    function.stop().await
}

#[tokio::test]
async fn readers_in_the_same_process_get_the_bytes_of_the_first_one() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let (first, gate) = start_half_answer(&world, &function, &alice, "t1").await?;
    let mut readers = Vec::new();
    for _ in 0..5 {
        readers.push(fetch_resume(&function, &alice, "t1").await?);
    }
    for name in [
        "content-type",
        "cache-control",
        "x-vercel-ai-ui-message-stream",
        "x-accel-buffering",
    ] {
        ensure!(
            readers[0].header(name) == first.header(name),
            "{name}: {:?}",
            readers[0].headers
        );
    }
    readers[1]
        .chunks(FIRST_HALF_CHUNKS)
        .await
        .context("what came before is replayed at once")?;
    drop(readers.remove(0));
    drop(readers.remove(0));
    gate.open();
    let first = first.transcript().await?;
    ensure_complete_answer("the first", &first)?;
    for reader in readers {
        ensure!(
            reader.transcript().await? == first,
            "another reader got something else"
        );
    }
    ensure_nothing_to_resume(&function, &alice, "t1").await?;
    function.stop().await
}

#[tokio::test]
async fn an_answer_continues_for_its_readers_when_the_first_one_leaves() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    let (first, gate) = start_half_answer(&world, &pair.first, &alice, "t1").await?;
    drop(first);
    let (here, there) = (
        fetch_resume(&pair.first, &alice, "t1").await?,
        fetch_resume(&pair.second, &alice, "t1").await?,
    );
    gate.open();
    ensure_complete_answer("here", &here.transcript().await?)?;
    ensure_complete_answer("there", &there.transcript().await?)?;
    world.ensure_complete_answer(&alice, "t1").await?;
    pair.stop().await
}

#[tokio::test]
async fn readers_in_another_process_follow_the_journal() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    let (gate, second) = (Gate::default(), Gate::default());
    let mut steps = answer_after(&gate);
    steps.truncate(1);
    steps.extend(answer_in_halves(&second));
    world.gateway.next(steps);
    let first = fetch(turn_request(&pair.first, &alice, "t1", "m1")?).await?;
    gate.wait_until_reached().await?;
    let early = fetch_resume(&pair.second, &alice, "t1")
        .await
        .context("before the first word")?;
    gate.open();
    let mut leaving = fetch_resume(&pair.second, &alice, "t1").await?;
    leaving.chunks(3).await?;
    drop(leaving);
    let mut late = fetch_resume(&pair.second, &alice, "t1")
        .await
        .context("half-way")?;
    late.chunks(4)
        .await
        .context("what came before is replayed")?;
    second.open();
    let first = first.transcript().await?;
    ensure_complete_answer("the first", &first)?;
    for (name, reader) in [("early", early), ("late", late)] {
        let transcript = reader.transcript().await?;
        ensure_complete_answer(name, &transcript)?;
        ensure!(
            transcript.types() == first.types(),
            "{name}: {transcript:?}"
        );
        ensure!(
            transcript.chunks[0] == first.chunks[0],
            "{name}: another message: {transcript:?}"
        );
        ensure!(
            transcript.first("finish") == first.first("finish"),
            "{name}: {transcript:?}"
        );
    }
    ensure!(world.gateway.calls().len() == 1);
    pair.stop().await
}

#[tokio::test]
async fn every_kind_of_part_is_rebuilt_from_the_journal() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    let (Some(mut sender), Some(mut reader)) = (Page::start("ai")?, Page::start("ai")?) else {
        return Ok(());
    };
    let mut parts = mixed_parts();
    for (number, cut) in (4..parts.len()).step_by(3).enumerate() {
        let thread = format!("t{number}");
        let gate = Gate::default();
        let second = parts.split_off(cut);
        let mut steps = responses::stream(&parts, Step::Wait(gate.clone()));
        steps.extend(send_steps(&second));
        steps.push(Step::End);
        parts.extend(second);
        world.gateway.next(steps);
        sender
            .begin(&PageLoad::send(
                &pair.first,
                &alice,
                &thread,
                vec![],
                question_message("m1"),
            ))
            .await?;
        gate.wait_until_reached().await?;
        let load = PageLoad::new(
            &pair.second,
            &alice,
            &thread,
            vec![question_message("m1")],
            PageAction::Resume,
        );
        reader
            .begin(&PageLoad {
                report_after: Some(2),
                ..load
            })
            .await?;
        reader
            .wait_for_chunks()
            .await
            .with_context(|| format!("cut at {cut}"))?;
        gate.open();
        let (sent, read) = (
            sender.wait_for_state().await?,
            reader.wait_for_state().await?,
        );
        ensure!(
            sent.status == "ready" && read.status == "ready",
            "cut at {cut}: {sent:?}\n{read:?}"
        );
        ensure!(
            sent.messages.last() == read.messages.last(),
            "cut at {cut}:\n{:?}\n{:?}",
            sent.messages,
            read.messages
        );
        ensure!(read.messages.len() == 2, "cut at {cut}: {read:?}");
    }
    pair.stop().await
}

#[tokio::test]
async fn readers_of_a_dead_turn_get_an_error_and_its_text_so_far_is_kept() -> Result<()> {
    let world = World::new().await?;
    let mut pair = FunctionPair::start_with_short_turns(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    let (answer, _gate) = start_half_answer(&world, &pair.first, &alice, "t1").await?;
    let mut reader = fetch_resume(&pair.second, &alice, "t1").await?;
    reader.chunks(4).await?;
    pair.first.process.kill().await?;
    drop(answer);
    let transcript = reader.transcript().await?;
    ensure!(
        transcript.done && transcript.first("error").is_some(),
        "{transcript:?}"
    );
    ensure!(transcript.text() == first_half(), "{transcript:?}");
    let stored = world
        .only_answer(&alice, "t1")
        .await
        .with_context(|| format!("{transcript:?}"))?;
    ensure!(stored.status == Some(Status::Interrupted), "{stored:?}");
    ensure!(text_of(&stored)? == first_half(), "{stored:?}");
    ensure!(
        transcript.chunks[0]["messageId"] == stored.id.as_str(),
        "{transcript:?}"
    );
    ensure_nothing_to_resume(&pair.second, &alice, "t1").await?;
    let next = fetch(turn_request(&pair.second, &alice, "t1", "m2")?)
        .await?
        .transcript()
        .await?;
    ensure_complete_answer("the next message", &next)?;
    pair.second.stop().await
}

#[tokio::test]
async fn a_resume_that_races_the_end_gets_the_complete_answer_or_finds_it_stored() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    let (answer, gate) = start_half_answer(&world, &pair.first, &alice, "t1").await?;
    let mut sent = Vec::new();
    for number in 0..20 {
        let function = pair.both()[number % 2];
        sent.push(acceptance::http_client::send(resume_request(function, &alice, "t1")?).await?);
        if number == 10 {
            gate.open();
        }
    }
    for (number, sent) in sent.into_iter().enumerate() {
        let answer = sent.head().await?;
        if answer.status == 204 {
            world
                .ensure_complete_answer(&alice, "t1")
                .await
                .with_context(|| format!("reader {number} was sent away"))?;
        } else {
            ensure_complete_answer(&format!("reader {number}"), &answer.transcript().await?)?;
        }
    }
    ensure_complete_answer("the first", &answer.transcript().await?)?;
    pair.stop().await
}

#[tokio::test]
async fn a_reloaded_page_shows_the_answer_once() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    for package in VERSIONS {
        let Some(mut page) = Page::start(package)? else {
            continue;
        };
        for (place, function) in [("here", &pair.first), ("there", &pair.second)] {
            let thread = format!("{package}-{place}");
            let (answer, gate) = start_half_answer(&world, &pair.first, &alice, &thread).await?;
            let loaded = to_page_messages(&world.stored_messages(&alice, &thread).await?)?;
            ensure!(loaded.len() == 1, "{thread}: {loaded:?}");
            let load = PageLoad::new(function, &alice, &thread, loaded, PageAction::Resume);
            page.begin(&PageLoad {
                report_after: Some(4),
                ..load
            })
            .await?;
            page.wait_for_chunks().await.context(thread.clone())?;
            gate.open();
            let state = page.wait_for_state().await?;
            ensure!(state.status == "ready", "{thread}: {state:?}");
            ensure_shows(&state, &[&question(), &responses::full_text()])
                .context(thread.clone())?;
            ensure_complete_answer(&thread, &answer.transcript().await?)?;

            let loaded = to_page_messages(&world.stored_messages(&alice, &thread).await?)?;
            let after = page
                .load(&PageLoad::new(
                    function,
                    &alice,
                    &thread,
                    loaded.clone(),
                    PageAction::Resume,
                ))
                .await?;
            ensure!(
                after.status == "ready" && after.messages == loaded,
                "{thread}: after the end: {after:?}"
            );
            ensure!(
                after.messages == state.messages,
                "{thread}: {after:?}\n{state:?}"
            );
        }
    }
    pair.stop().await
}

#[tokio::test]
async fn a_page_that_lost_its_connection_shows_the_answer_once() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    for package in VERSIONS {
        let Some(mut page) = Page::start(package)? else {
            continue;
        };
        let gate = Gate::default();
        world.gateway.next(answer_in_halves(&gate));
        let send = PageLoad::send(&pair.first, &alice, package, vec![], question_message("m1"));
        let left = page
            .load(&PageLoad {
                leave_after: Some(FIRST_HALF_CHUNKS),
                ..send
            })
            .await?;
        ensure!(
            left.messages.len() == 2,
            "it shows a part of the answer: {left:?}"
        );
        let stay = PageLoad::new(&pair.first, &alice, package, vec![], PageAction::Resume);
        page.begin(&PageLoad {
            stay: true,
            report_after: Some(FIRST_HALF_CHUNKS),
            ..stay
        })
        .await?;
        page.wait_for_chunks().await.context(package)?;
        gate.open();
        let state = page.wait_for_state().await?;
        ensure!(state.status == "ready", "{package}: {state:?}");
        ensure_shows(&state, &[&question(), &responses::full_text()]).context(package)?;
    }
    pair.stop().await
}

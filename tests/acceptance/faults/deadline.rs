//! Deadlines and shutdown: the text so far is stored and the stream ends properly.

use std::time::{Duration, Instant};

use acceptance::aws::{Function, RuntimeApi};
use acceptance::client::requests::turn_request;
use acceptance::gateway::responses::{self, delta, frame};
use acceptance::gateway::{Ended, Gate, Step};
use acceptance::http_client::fetch;
use acceptance::process::logs::field;
use acceptance::sse::Transcript;
use acceptance::world::{World, metadata, text_of};
use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use store::{Status, StoredMessage};

fn ensure_interrupted(transcript: &Transcript, stored: &StoredMessage) -> Result<()> {
    ensure!(
        transcript.first("error").is_some() && transcript.done,
        "{transcript:?}"
    );
    ensure!(
        stored.status == Some(Status::Interrupted),
        "{:?}",
        stored.status
    );
    let text = text_of(stored)?;
    ensure!(
        !text.is_empty() && text == transcript.text(),
        "stored {text:?}, sent {:?}",
        transcript.text()
    );
    ensure!(
        metadata(stored, "aborted") == false,
        "no stop was requested: {:?}",
        stored.metadata
    );
    ensure!(
        stored.output_tokens.is_none(),
        "nothing was reported: {:?}",
        stored.output_tokens
    );
    Ok(())
}

#[tokio::test]
async fn an_endless_answer_is_stored_before_the_deadline() -> Result<()> {
    let limit = Duration::from_secs(9);
    let world = World::new().await?;
    let api = RuntimeApi::start(1).await?;
    api.set_time_limit(limit);
    let function = Function::start_under(api, &world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let endless = Step::Forever(frame(&delta("more marzipan ")), Duration::from_millis(20));
    world
        .gateway
        .next(responses::stream(&responses::opening_parts(), endless));
    let begin = Instant::now();
    let transcript = fetch(turn_request(&function, &alice, "t1", "m1")?)
        .await?
        .transcript()
        .await?;
    function.api()?.wait_until_frozen().await?;
    ensure!(
        begin.elapsed() < limit,
        "the process would have been killed"
    );
    ensure_interrupted(&transcript, &world.only_answer(&alice, "t1").await?)?;
    ensure!(
        world.gateway.call(0).await?.ended().await? == Ended::Left,
        "the model call must be dropped"
    );

    function.api()?.set_time_limit(Duration::from_secs(60));
    let next = fetch(turn_request(&function, &alice, "t2", "m1")?)
        .await?
        .transcript()
        .await?;
    ensure!(
        next.text() == responses::full_text(),
        "the same process must go on: {next:?}"
    );
    function.stop().await
}

#[tokio::test]
async fn a_retry_after_beyond_the_deadline_is_not_awaited() -> Result<()> {
    let limit = Duration::from_secs(9);
    let world = World::new().await?;
    let api = RuntimeApi::start(1).await?;
    api.set_time_limit(limit);
    let function = Function::start_under(api, &world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    world.gateway.next(responses::refusal(
        429,
        "application/json",
        &[("retry-after", "30")],
        "{}",
    ));
    let begin = Instant::now();
    let transcript = fetch(turn_request(&function, &alice, "t1", "m1")?)
        .await?
        .transcript()
        .await?;
    ensure!(
        transcript.first("error").is_some() && transcript.done,
        "{transcript:?}"
    );
    function.api()?.wait_until_frozen().await?;
    ensure!(
        begin.elapsed() < limit,
        "the process would have been killed"
    );
    ensure!(world.gateway.calls().len() == 1);
    ensure!(world.only_answer(&alice, "t1").await?.status != Some(Status::Completed));
    function.stop().await
}

async fn shutdown_signal(function: &Function) -> Result<()> {
    function.process.signal(Signal::TERM)?;
    let shutdown_line =
        |line: &str| field(line, "message").filter(|message| message == "shutting down");
    function
        .process
        .logs
        .find("the log line of the shutdown", shutdown_line)
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_turn_may_finish_after_sigterm() -> Result<()> {
    let world = World::new().await?;
    let mut function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let gate = Gate::default();
    world
        .gateway
        .next([vec![Step::Wait(gate.clone())], responses::good()].concat());
    let mut answer = fetch(turn_request(&function, &alice, "t1", "m1")?).await?;
    answer.chunks(1).await?;
    gate.wait_until_reached().await?;
    shutdown_signal(&function).await?;
    let refused = async || match fetch(turn_request(&function, &alice, "t2", "m1")?).await {
        Err(_) => Ok(()),
        Ok(answer) => anyhow::bail!("still answers with {}", answer.status),
    };
    acceptance::wait::poll_until_ok("new requests to be refused", refused).await?;
    gate.open();
    let transcript = answer.transcript().await?;
    ensure!(
        transcript.done && transcript.text() == responses::full_text(),
        "{transcript:?}"
    );
    let status = function.process.exit().await?;
    ensure!(
        status.success(),
        "{status}: {:?}",
        function.process.logs.lines()
    );
    world.ensure_complete_answer(&alice, "t1").await
}

#[tokio::test]
async fn a_turn_that_outlasts_the_grace_period_is_stored_with_its_text_so_far() -> Result<()> {
    let world = World::new().await?;
    let mut function =
        Function::start_plain(&world.variables_with(&[("SHUTDOWN_GRACE_MS", "300")])).await?;
    let alice = world.sign_in("alice").await?;
    let begun = [responses::opening_parts(), vec![delta("Half a marzipan")]].concat();
    world.gateway.next(responses::stream(&begun, Step::Hold));
    let mut answer = fetch(turn_request(&function, &alice, "t1", "m1")?).await?;
    answer.chunks(4).await?;
    shutdown_signal(&function).await?;
    let transcript = answer.transcript().await?;
    let status = function.process.exit().await?;
    ensure!(
        status.success(),
        "{status}: {:?}",
        function.process.logs.lines()
    );
    ensure_interrupted(
        &transcript,
        &world.only_answer(&alice, "t1").await.context("stored")?,
    )
}

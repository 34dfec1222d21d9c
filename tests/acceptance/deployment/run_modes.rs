//! The ways of running the function: each behaves alike, and none loses an answer.

use acceptance::aws::{Function, Reading, RunMode, RuntimeApi};
use acceptance::client::ai_sdk::{ChatRequest, Client};
use acceptance::client::requests::{question, turn_request};
use acceptance::gateway::{Gate, Step, responses};
use acceptance::http_client::{fetch, send};
use acceptance::session::SignedIn;
use acceptance::wait::poll_until_ok;
use acceptance::world::{World, text_of};
use anyhow::{Context, Result, ensure};

#[tokio::test]
async fn a_conversation_works_over_plain_http() -> Result<()> {
    ensure_conversation_works(RunMode::Plain).await
}

#[tokio::test]
async fn a_conversation_works_under_cargo_lambda_watch() -> Result<()> {
    ensure_conversation_works(RunMode::Watch).await
}

#[tokio::test]
async fn a_conversation_works_under_the_runtime_interface_emulator() -> Result<()> {
    ensure_conversation_works(RunMode::Emulator).await
}

#[tokio::test]
async fn a_conversation_works_in_an_environment_that_freezes() -> Result<()> {
    ensure_conversation_works(RunMode::RuntimeApi).await
}

async fn ensure_conversation_works(mode: RunMode) -> Result<()> {
    let world = World::new().await?;
    let Some(function) = Function::start(mode, &world.variables()).await? else {
        return Ok(());
    };
    let alice = world.sign_in("alice").await?;
    let Some(mut client) = Client::start()? else {
        return Ok(());
    };
    for turn in 1..=2 {
        let state = client
            .send(&ChatRequest::new(&function, &alice, "t1", &question()))
            .await?;
        ensure!(state.status == "ready", "turn {turn}: {state:?}");
        ensure!(
            state.text() == responses::full_text(),
            "turn {turn}: {state:?}"
        );
        ensure!(state.messages.len() == 2 * turn, "turn {turn}: {state:?}");
    }
    ensure!(world.stored_messages(&alice, "t1").await?.len() == 4);
    let prompt = world.gateway.call(1).await?.body["prompt"].clone();
    let roles: Vec<_> = prompt
        .as_array()
        .into_iter()
        .flatten()
        .map(|message| message["role"].clone())
        .collect();
    ensure!(roles == ["user", "assistant", "user"], "{prompt}");
    function.stop().await
}

#[tokio::test]
async fn the_answer_is_stored_when_the_client_leaves_after_any_chunk_over_plain_http() -> Result<()>
{
    ensure_stored_when_client_leaves(RunMode::Plain, &EVERY_CHUNK).await
}

#[tokio::test]
async fn the_answer_is_stored_when_the_client_leaves_after_any_chunk_under_cargo_lambda_watch()
-> Result<()> {
    ensure_stored_when_client_leaves(RunMode::Watch, &EVERY_CHUNK).await
}

#[tokio::test]
async fn the_answer_is_stored_when_the_client_leaves_under_the_runtime_interface_emulator()
-> Result<()> {
    // The emulator passes on only complete answers: there is no chunk to leave after.
    ensure_stored_when_client_leaves(RunMode::Emulator, &[0]).await
}

#[tokio::test]
async fn the_answer_is_stored_when_the_client_leaves_after_any_chunk_in_an_environment_that_freezes()
-> Result<()> {
    ensure_stored_when_client_leaves(RunMode::RuntimeApi, &EVERY_CHUNK).await
}

/// The numbers of chunks after which a client leaves, from none to all but the last of the usual
/// answer.
const EVERY_CHUNK: [usize; 9] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

async fn ensure_stored_when_client_leaves(mode: RunMode, after: &[usize]) -> Result<()> {
    let world = World::new().await?;
    let Some(function) = Function::start(mode, &world.variables()).await? else {
        return Ok(());
    };
    let alice = world.sign_in("alice").await?;
    for &chunks in after {
        let (thread, gate) = (format!("t{chunks}"), plan_gate(&world, chunks));
        let sent = send(turn_request(&function, &alice, &thread, "m1")?).await?;
        if chunks == 0 {
            gate.wait_until_reached().await?;
            drop(sent);
        } else {
            let mut answer = sent.head().await?;
            answer
                .chunks(chunks)
                .await
                .with_context(|| format!("{chunks} chunks"))?;
            gate.wait_until_reached().await?;
            drop(answer);
        }
        gate.open();
        if mode == RunMode::RuntimeApi {
            // An answer that is not stored before the environment freezes is never stored.
            function.api()?.wait_until_frozen().await?;
            world.ensure_complete_answer(&alice, &thread).await?;
        } else {
            ensure_stored_completely(&world, &alice, &thread).await?;
        }
    }
    ensure!(
        world.gateway.calls().len() == after.len(),
        "the model was called twice for one turn"
    );
    function.stop().await
}

/// Plans an answer that waits for the test once this many chunks of it can be seen: `start` needs
/// no part, `start-step` two.
fn plan_gate(world: &World, chunks: usize) -> Gate {
    let gate = Gate::default();
    let mut parts = responses::parts(&responses::PIECES);
    let rest = parts.split_off(if chunks < 2 { 0 } else { chunks });
    let mut steps = responses::stream(&parts, Step::Wait(gate.clone()));
    steps.extend(responses::send_steps(&rest));
    steps.push(Step::End);
    world.gateway.next(steps);
    gate
}

async fn ensure_stored_completely(world: &World, who: &SignedIn, thread: &str) -> Result<()> {
    poll_until_ok("the stored answer", async || {
        world.ensure_complete_answer(who, thread).await
    })
    .await
}

#[tokio::test]
async fn the_answer_is_stored_when_the_runtime_api_refuses_the_response() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_under(RuntimeApi::start(1).await?, &world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let api = function.api()?;
    for (name, reading) in [
        ("close", Reading::Close(2)),
        ("reset", Reading::Reset(2)),
        ("early-413", Reading::Answer(413, 2)),
        ("early-413-and-close", Reading::AnswerAndClose(413, 2)),
        ("early-202", Reading::Answer(202, 2)),
        ("early-500", Reading::AnswerAndClose(500, 2)),
    ] {
        api.next_reading(reading);
        let gate = plan_gate(&world, 4);
        let mut answer = fetch(turn_request(&function, &alice, name, "m1")?)
            .await
            .context(name)?;
        answer.chunks(2).await.context(name)?;
        gate.wait_until_reached().await.context(name)?;
        api.ensure_not_frozen()
            .await
            .with_context(|| format!("{name}: the turn is still running"))?;
        gate.open();
        api.wait_until_frozen().await.context(name)?;
        world
            .ensure_complete_answer(&alice, name)
            .await
            .context(name)?;
    }
    let answer = fetch(turn_request(&function, &alice, "good", "m1")?)
        .await?
        .transcript()
        .await?;
    ensure!(
        answer.done && answer.text() == responses::full_text(),
        "the same process must go on: {answer:?}"
    );
    function.stop().await
}

#[tokio::test]
async fn the_answer_is_stored_when_the_runtime_api_stops_reading() -> Result<()> {
    let world = World::new().await?;
    // More bytes than the sockets between the two can hold.
    let text = "marzipan ".repeat(1_000_000);
    world
        .gateway
        .next(responses::stream(&responses::parts(&[&text]), Step::End));
    let function = Function::start_under(RuntimeApi::start(1).await?, &world.variables()).await?;
    function.api()?.next_reading(Reading::Stop(1));
    let alice = world.sign_in("alice").await?;
    let answer = fetch(turn_request(&function, &alice, "t1", "m1")?).await?;
    let stored = async || {
        let stored = world.only_answer(&alice, "t1").await?;
        text_of(&stored)
    };
    ensure!(poll_until_ok("the stored answer", stored).await? == text);
    drop(answer);
    function.stop().await
}

#[tokio::test]
async fn a_poll_cut_by_the_runtime_api_does_not_end_the_process() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_under(RuntimeApi::start(1).await?, &world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    for thread in ["t1", "t2", "t3"] {
        function.api()?.wait_until_frozen().await?;
        function.api()?.hang_up();
        ensure!(
            fetch(turn_request(&function, &alice, thread, "m1")?)
                .await?
                .transcript()
                .await?
                .done
        );
        world.ensure_complete_answer(&alice, thread).await?;
    }
    function.stop().await
}

#[tokio::test]
async fn an_early_answer_of_the_runtime_api_does_not_end_the_concurrent_mode() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_under(RuntimeApi::start(3).await?, &world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    for (name, reading) in [
        ("close", Reading::Close(2)),
        ("reset", Reading::Reset(2)),
        ("complete", Reading::Complete),
    ] {
        function.api()?.next_reading(reading);
        let gate = plan_gate(&world, 4);
        let mut answer = fetch(turn_request(&function, &alice, name, "m1")?)
            .await
            .context(name)?;
        answer.chunks(2).await.context(name)?;
        gate.open();
        function.api()?.wait_until_frozen().await.context(name)?;
        world
            .ensure_complete_answer(&alice, name)
            .await
            .context(name)?;
    }
    function.stop().await
}

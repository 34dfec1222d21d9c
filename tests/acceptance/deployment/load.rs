//! Many turns at once in one process.

use std::ops::Range;

use acceptance::aws::{Function, RuntimeApi};
use acceptance::client::requests::turn_request;
use acceptance::database::Engine;
use acceptance::gateway::{Gate, Gateway, Step, responses};
use acceptance::http_client::{PendingResponse, send};
use acceptance::process::resident_bytes;
use acceptance::session::SignedIn;
use acceptance::wait::poll_until_some;
use acceptance::world::World;
use anyhow::{Context, Result, ensure};

const TURNS: usize = 200;
const WAVE_SIZE: usize = 20;

/// The allowed growth of memory, far less than 200 leaked turns would take.
const MAX_GROWTH_BYTES: u64 = 8 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_turns_at_once_complete_over_plain_http() -> Result<()> {
    let (world, gate) = start_gated_world().await?;
    let function = Function::start_plain(&world.variables()).await?;
    run_many_turns(&world, &function, &gate).await?;
    function.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_turns_at_once_complete_in_the_concurrent_mode() -> Result<()> {
    let (world, gate) = start_gated_world().await?;
    let function =
        Function::start_under(RuntimeApi::start(TURNS).await?, &world.variables()).await?;
    run_many_turns(&world, &function, &gate).await?;
    function.api()?.wait_until_frozen().await?;
    function.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn turns_without_a_free_worker_wait_for_one() -> Result<()> {
    let (world, gate) = start_gated_world().await?;
    let function = Function::start_under(RuntimeApi::start(10).await?, &world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let sent = send_all(&function, &alice, "wait", 0..40).await?;
    world.gateway.call(9).await?;
    gate.open();
    ensure_all_answered(&world, &alice, "wait", sent).await?;
    function.api()?.wait_until_frozen().await?;
    function.stop().await
}

/// Starts a world in which each answer holds half of its text back until the gate opens.
async fn start_gated_world() -> Result<(World, Gate)> {
    let gate = Gate::default();
    let mut parts = responses::parts(&responses::PIECES);
    let rest = parts.split_off(5);
    let mut steps = responses::stream(&parts, Step::Wait(gate.clone()));
    steps.extend(responses::send_steps(&rest));
    steps.push(Step::End);
    Ok((
        World {
            engine: Engine::start().await?,
            gateway: Gateway::start(steps).await?,
        },
        gate,
    ))
}

async fn run_many_turns(world: &World, function: &Function, gate: &Gate) -> Result<()> {
    let alice = world.sign_in("alice").await?;
    let pid = function.process.pid();
    let mut sent = Vec::new();
    // They begin in waves, so that the local database keeps up, but none ends before all run.
    for wave in 0..TURNS / WAVE_SIZE {
        sent.extend(
            send_all(
                function,
                &alice,
                "first",
                wave * WAVE_SIZE..(wave + 1) * WAVE_SIZE,
            )
            .await?,
        );
        let reached = world.gateway.call(sent.len() - 1).await;
        reached.with_context(|| {
            format!(
                "{} of {} turns run",
                world.gateway.calls().len(),
                sent.len()
            )
        })?;
    }
    gate.open();
    ensure_all_answered(world, &alice, "first", sent).await?;
    // The allocator keeps memory after so many turns at once; as many again must not need more.
    let most = resident_bytes(pid)?;
    for wave in 0..TURNS / WAVE_SIZE {
        let sent = send_all(
            function,
            &alice,
            "second",
            wave * WAVE_SIZE..(wave + 1) * WAVE_SIZE,
        )
        .await?;
        ensure_all_answered(world, &alice, "second", sent).await?;
    }
    let no_more = || {
        resident_bytes(pid)
            .ok()
            .filter(|now| *now < most + MAX_GROWTH_BYTES)
    };
    let no_more = poll_until_some("the memory not to have grown", no_more).await;
    no_more.with_context(|| format!("{most} bytes at first, now {:?}", resident_bytes(pid)))?;
    Ok(())
}

async fn send_all(
    function: &Function,
    who: &SignedIn,
    name: &str,
    turns: Range<usize>,
) -> Result<Vec<PendingResponse>> {
    let mut sent = Vec::new();
    for turn in turns {
        sent.push(
            send(turn_request(
                function,
                who,
                &format!("{name}-{turn}"),
                "m1",
            )?)
            .await?,
        );
    }
    Ok(sent)
}

async fn ensure_all_answered(
    world: &World,
    who: &SignedIn,
    name: &str,
    sent: Vec<PendingResponse>,
) -> Result<()> {
    for (turn, sent) in sent.into_iter().enumerate() {
        let thread = format!("{name}-{turn}");
        let answer = sent
            .head()
            .await?
            .transcript()
            .await
            .with_context(|| thread.clone())?;
        ensure!(
            answer.done && answer.text() == responses::full_text(),
            "{thread}: {answer:?}"
        );
        world.ensure_complete_answer(who, &thread).await?;
    }
    Ok(())
}

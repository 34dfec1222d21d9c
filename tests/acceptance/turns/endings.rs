//! Every end of a turn is a single one: the thread records it, the user's quota slot is released,
//! and the journal has an end for readers in other processes.

use std::time::{Duration, SystemTime};

use acceptance::assert::invariants::text_of_row;
use acceptance::assert::thread_snapshot::ThreadSnapshot;
use acceptance::aws::Function;
use acceptance::client::requests::{ensure_nothing_to_resume, turn_request};
use acceptance::database::{Behaviour, Fault};
use acceptance::gateway::Step;
use acceptance::gateway::responses::{self, delta, frame, head, opening_parts};
use acceptance::http_client::fetch;
use acceptance::session::epoch_ms;
use acceptance::wait::poll_until_ok;
use acceptance::world::World;
use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde_json::Value;

/// A duration long enough for the journal's first piece.
const SPEECH_DURATION: Duration = Duration::from_millis(600);

/// An obstacle to an answer, and its expected result.
struct Case {
    name: &'static str,
    /// The model's steps after the beginning of its answer.
    then: Vec<Step>,
    variables: &'static [(&'static str, &'static str)],
    fault: Option<Fault>,
    /// The time at which the table works again.
    healed: HealTime,
    signal: Option<Signal>,
    /// The status with which the answer is finally stored.
    status: &'static str,
}

/// The time at which a failing table works again.
#[derive(Clone, Copy, PartialEq)]
enum HealTime {
    /// Once the client has received the error that its answer could not be saved.
    AfterError,
    /// Once the process has given up, and the turn counts as dead.
    AfterDeath,
}

impl Case {
    fn new(name: &'static str, then: Vec<Step>, status: &'static str) -> Self {
        let healed = HealTime::AfterError;
        Self {
            name,
            then,
            variables: &[],
            fault: None,
            healed,
            signal: None,
            status,
        }
    }
}

fn cases() -> Vec<Case> {
    // In the key of every assistant message, and of no other item.
    let no_answer = Fault::of("PutItem", "#1#", Behaviour::Fail);
    vec![
        Case::new("finished", remaining_steps(), "completed"),
        Case::new("cut by the gateway", vec![Step::Cut], "failed"),
        Case::new(
            "ended by the gateway without a finish",
            vec![Step::End],
            "failed",
        ),
        Case {
            variables: &[("IDLE_TIMEOUT_MS", "800")],
            ..Case::new("silence of the gateway", vec![Step::Hold], "failed")
        },
        Case {
            variables: &[("MAX_TURN_MS", "2400")],
            ..Case::new("deadline", vec![Step::Hold], "interrupted")
        },
        Case {
            variables: &[("SHUTDOWN_GRACE_MS", "300")],
            signal: Some(Signal::TERM),
            ..Case::new("shutdown signal", vec![Step::Hold], "interrupted")
        },
        Case {
            variables: &[("MAX_TURN_MS", "30000")],
            fault: Some(no_answer.clone()),
            ..Case::new(
                "an answer that can be stored only after the client has received an error",
                remaining_steps(),
                "completed",
            )
        },
        Case {
            variables: &[("MAX_TURN_MS", "4500")],
            fault: Some(no_answer),
            healed: HealTime::AfterDeath,
            ..Case::new(
                "an answer that its process cannot store",
                remaining_steps(),
                "interrupted",
            )
        },
    ]
}

/// Returns the steps of the usual answer without its beginning.
fn remaining_steps() -> Vec<Step> {
    let mut steps =
        responses::send_steps(&responses::parts(&responses::PIECES)[opening_parts().len() + 1..]);
    steps.push(Step::End);
    steps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_turn_ends_once_and_releases_what_it_held() -> Result<()> {
    let ended = cases().into_iter().map(async |case| {
        let name = case.name;
        ensure_ends_once(case).await.context(name)
    });
    futures_util::future::try_join_all(ended).await?;
    Ok(())
}

async fn ensure_ends_once(case: Case) -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables_with(case.variables)).await?;
    let alice = world.sign_in("alice").await?;
    let is_faulty = case.fault.is_some();
    if let Some(fault) = case.fault {
        world.engine.fault(fault);
    }
    let mut steps = vec![head()];
    steps.extend(responses::send_steps(&opening_parts()));
    steps.extend([
        Step::Send(frame(&delta(responses::PIECES[0]))),
        Step::Pause(SPEECH_DURATION),
    ]);
    steps.extend(case.then);
    world.gateway.next(steps);
    let answer = fetch(turn_request(&function, &alice, "t1", "m1")?).await?;
    if let Some(signal) = case.signal {
        world
            .engine
            .wait_for_requests("PutItem", "C#alice#", 1)
            .await?;
        function.process.signal(signal)?;
    }
    let transcript = answer.transcript().await?;
    let has_error = transcript.first("error").is_some();
    let is_good = case.status == "completed" && !is_faulty;
    ensure!(transcript.done && has_error != is_good, "{transcript:?}");

    if case.healed == HealTime::AfterDeath {
        let lease = ThreadSnapshot::read(&world.engine, &alice, "t1")?.thread["lease"]
            .as_u64()
            .context("a lease")?;
        let left = lease.saturating_sub(epoch_ms(SystemTime::now()));
        tokio::time::sleep(Duration::from_millis(left + 5)).await;
    }
    world.engine.heal();
    let at_rest = async || {
        if case.healed == HealTime::AfterDeath {
            ensure_nothing_to_resume(&function, &alice, "t1").await?;
        }
        let snapshot = ThreadSnapshot::read(&world.engine, &alice, "t1")?;
        snapshot.ensure_at_rest()?;
        ensure_journal_ends(&world, &snapshot)?;
        Ok(snapshot)
    };
    let snapshot = poll_until_ok("the end of the turn", at_rest).await?;
    let statuses: Vec<&Value> = snapshot
        .answers()
        .iter()
        .map(|answer| &answer["status"])
        .collect();
    ensure!(statuses == [case.status], "stored as {statuses:?}");
    ensure!(
        text_of_row(snapshot.answers()[0])? == transcript.text(),
        "the stored text differs from the sent text: {:?}",
        snapshot.answers()
    );
    ensure!(
        snapshot.thread["doneId"] == snapshot.thread["streamId"],
        "{}",
        snapshot.thread
    );
    ensure!(
        world.gateway.calls().len() == 1,
        "the model was asked again"
    );
    ensure!(snapshot.counted_turns() == 1, "{:?}", snapshot.days);
    Ok(())
}

/// Checks that the journal has all of its pieces, their number and an expiry.
fn ensure_journal_ends(world: &World, snapshot: &ThreadSnapshot) -> Result<()> {
    let stream = snapshot.thread["streamId"].as_str().context("a stream")?;
    let mut journal = world.engine.rows("C#alice#t1")?;
    journal.retain(|piece| {
        piece["sk"]
            .as_str()
            .is_some_and(|sk| sk.contains(&format!("#{stream}#")))
    });
    let (end, pieces) = journal.split_last().context("there is a journal")?;
    ensure!(
        end["sk"].as_str().is_some_and(|sk| sk.ends_with("#~end")),
        "the journal does not end: {journal:?}"
    );
    ensure!(
        !pieces.is_empty() && end["n"] == pieces.len(),
        "{} pieces: {end}",
        pieces.len()
    );
    ensure!(
        journal.iter().all(|piece| piece["ttl"].is_u64()),
        "not swept: {journal:?}"
    );
    Ok(())
}

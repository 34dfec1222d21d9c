//! Races of two processes on one table: whatever the order, every turn has one answer, one end and
//! one model call.
//!
//! Each seed is a race of its own, in a user's thread of its own, with dozens of them in parallel.
//! The table pauses before and after each request, the gateway before each word, and the requests
//! themselves begin a little apart; all pauses are drawn from the seed. `SIDEKIQ_RACES` is the
//! number of seeds, `SIDEKIQ_SEED` the first one.

mod dead_turn;
mod race;
mod scenarios;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use acceptance::seed;
use anyhow::{Context, Result, ensure};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use race::{Race, RaceSetup};

const RACES: u64 = 1_000;
const CONCURRENT_RACES: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_every_race_each_turn_has_one_answer_one_end_and_one_model_call() -> Result<()> {
    let races = run_races(seed::seed()?, seed::number("SIDEKIQ_RACES", RACES)?);
    LocalSet::new().run_until(Box::pin(races)).await
}

async fn run_races(first: u64, races: u64) -> Result<()> {
    let setup = Rc::new(RaceSetup::start().await?);
    let places = Arc::new(Semaphore::new(CONCURRENT_RACES));
    let mut running = JoinSet::new();
    for seed in first..first + races {
        let (setup, place) = (
            Rc::clone(&setup),
            Arc::clone(&places).acquire_owned().await?,
        );
        running.spawn_local(async move {
            let outcome = Race::new(&setup, seed).run().await;
            drop(place);
            (seed, outcome)
        });
    }
    let (mut failures, mut expected) = (Vec::new(), BTreeMap::new());
    while let Some(ended) = running.join_next().await {
        match ended? {
            (seed, Ok(calls)) => drop(expected.insert(seed, calls)),
            (seed, Err(error)) => {
                failures.push(format!("SIDEKIQ_SEED={seed} SIDEKIQ_RACES=1: {error:#}"));
            }
        }
    }
    let calls = setup.calls();
    for (seed, expected) in expected {
        let made = calls.get(&seed).copied().unwrap_or_default();
        if !expected.contains(&made) {
            let name = scenarios::find(seed).0;
            failures.push(format!(
                "SIDEKIQ_SEED={seed} SIDEKIQ_RACES=1: {name}: {made} model calls, not {expected:?}"
            ));
        }
    }
    ensure!(
        failures.is_empty(),
        "{} of {races} races went wrong:\n{}",
        failures.len(),
        failures.join("\n")
    );
    Rc::into_inner(setup)
        .context("a race goes on")?
        .stop()
        .await
}

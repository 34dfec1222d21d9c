//! Processes killed in the middle of their turns: no message, little text and no quota slot is
//! lost, at whatever point the turns are.
//!
//! `SIDEKIQ_KILLS` is the number of turns that have to die, `SIDEKIQ_SEED` the seed of the plans.

mod plan;
mod round;

use std::collections::BTreeMap;

use acceptance::seed::{number, seed};
use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use plan::{Fate, REQUESTS};

/// The number of rounds, and so of processes to kill, that run at the same time.
const CONCURRENT_ROUNDS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_a_process_is_killed_at_any_point_of_its_turns() -> Result<()> {
    let (seed, wanted) = (seed()?, number("SIDEKIQ_KILLS", 500)?);
    let mut killed: BTreeMap<String, usize> = BTreeMap::new();
    let (mut rounds, mut playing) = (0, FuturesUnordered::new());
    while killed.values().sum::<usize>() < wanted {
        while playing.len() < CONCURRENT_ROUNDS {
            let round = rounds;
            playing.push(Box::pin(
                async move { (round, round::play(seed, round).await) },
            ));
            rounds += 1;
        }
        let (round, dead) = playing.next().await.context("there is always one")?;
        for place in dead.with_context(|| format!("SIDEKIQ_SEED={seed}, round {round}"))? {
            *killed.entry(place).or_default() += 1;
        }
    }
    println!(
        "{} turns died in {rounds} processes: {killed:#?}",
        killed.values().sum::<usize>()
    );
    for request in &REQUESTS {
        for at in Fate::ALL {
            let place = format!("{}, {}", request.name, at.name());
            ensure!(
                wanted < 500 || killed.contains_key(&place),
                "SIDEKIQ_SEED={seed}: none died at {place}: {killed:#?}"
            );
        }
    }
    Ok(())
}

//! Generated gateway answers: no client refuses a chunk of the resulting stream, and each builds
//! from it the message that is stored.

use std::collections::BTreeMap;

use acceptance::client::ai_sdk::Readers;
use acceptance::gateway::{Step, responses};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use fastrand::Rng;

use super::parts::AnswerGenerator;
use super::relay::{Relay, Relayed};

const ANSWERS: u64 = 3000;

#[tokio::test]
async fn no_generated_answer_leads_to_a_chunk_that_a_client_refuses() -> Result<()> {
    let Some(mut readers) = Readers::start()? else {
        return Ok(());
    };
    let relay = Relay::new().await?;
    let mut coverage = Coverage::default();
    for seed in 0..ANSWERS {
        let events = AnswerGenerator::new(seed).events();
        let relayed = relay.relay(split_into_steps(seed, &events)).await?;
        coverage.count(&relayed);
        let read = relayed.ensure_readable(&mut readers).await;
        read.with_context(|| format!("answer {seed}:\n{}", events.concat()))?;
    }
    coverage.ensure_varied()
}

/// Splits the events as the network might: into up to four pieces, cut anywhere.
fn split_into_steps(seed: u64, events: &[String]) -> Vec<Step> {
    let mut rng = Rng::with_seed(seed);
    let mut steps = vec![responses::head()];
    let mut rest = Bytes::from(events.concat());
    for _ in 0..rng.usize(0..4) {
        let piece = rest.split_to(rng.usize(0..=rest.len()));
        steps.extend((!piece.is_empty()).then_some(Step::Send(piece)));
    }
    steps.extend((!rest.is_empty()).then_some(Step::Send(rest)));
    steps.push(Step::End);
    steps
}

/// The chunk types and ends that the generated answers have reached, as proof that the generator
/// varies enough.
#[derive(Default)]
struct Coverage {
    kinds: BTreeMap<String, u64>,
    cut_off: u64,
}

impl Coverage {
    fn count(&mut self, relayed: &Relayed) {
        for kind in &relayed.kinds {
            *self.kinds.entry(kind.clone()).or_default() += 1;
        }
        self.cut_off += u64::from(relayed.is_cut_off);
    }

    /// Checks that every type of chunk that parts can become has come often, and that many answers
    /// have finished.
    fn ensure_varied(&self) -> Result<()> {
        let rare = EVERY_KIND
            .iter()
            .find(|kind| self.kinds.get(**kind).is_none_or(|count| *count < 100));
        ensure!(rare.is_none(), "{rare:?} is rare: {:?}", self.kinds);
        ensure!(
            self.cut_off > ANSWERS / 10 && self.cut_off < ANSWERS / 2,
            "{} broke off",
            self.cut_off
        );
        Ok(())
    }
}

/// The types of chunks that parts can become, and those that end a stream.
const EVERY_KIND: [&str; 22] = [
    "start-step",
    "text-start",
    "text-delta",
    "text-end",
    "reasoning-start",
    "reasoning-delta",
    "reasoning-end",
    "file",
    "reasoning-file",
    "custom",
    "source-url",
    "source-document",
    "tool-input-start",
    "tool-input-delta",
    "tool-input-available",
    "tool-input-error",
    "tool-approval-request",
    "tool-output-available",
    "tool-output-error",
    "error",
    "finish-step",
    "finish",
];

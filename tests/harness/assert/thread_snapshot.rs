//! The items of one thread and of its user's quota, and the invariants that hold once no turn is
//! running.
//!
//! Knows the attributes that ARCHITECTURE.md names. Reads without the product's own code.

use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::database::Engine;
use crate::session::{SignedIn, epoch_ms};
use crate::wait::poll_until_ok;

/// The items of a thread and the quota items of its user.
#[derive(Debug, Clone)]
pub struct ThreadSnapshot {
    /// The thread's own item.
    pub thread: Value,
    /// The thread's messages, oldest first, on any branch.
    pub messages: Vec<Value>,
    /// The user's daily quota items.
    pub days: Vec<Value>,
}

impl ThreadSnapshot {
    /// Reads the items of a thread.
    pub fn read(engine: &Engine, who: &SignedIn, thread: &str) -> Result<Self> {
        let of_user = engine.rows(&format!("U#{}", who.user))?;
        let found = of_user
            .iter()
            .find(|row| row["sk"] == format!("T#{thread}"));
        let days = of_user
            .iter()
            .filter(|row| key(row).starts_with("Q#"))
            .cloned()
            .collect();
        let messages = engine.rows(&format!("T#{}#{thread}", who.user))?;
        let messages = messages
            .into_iter()
            .filter(|row| !key(row).contains("#~"))
            .collect();
        Ok(Self {
            thread: found.cloned().context("the thread has an item")?,
            messages,
            days,
        })
    }

    /// Reads the items of a thread once no turn of it is running.
    pub async fn read_at_rest(engine: &Engine, who: &SignedIn, thread: &str) -> Result<Self> {
        poll_until_ok("the thread to come to rest", async || {
            let snapshot = Self::read(engine, who, thread)?;
            snapshot.ensure_at_rest()?;
            Ok(snapshot)
        })
        .await
    }

    /// Returns the answers, on any branch.
    pub fn answers(&self) -> Vec<&Value> {
        self.messages
            .iter()
            .filter(|row| row["role"] == "assistant")
            .collect()
    }

    /// Returns the number of turns that the quota has counted.
    pub fn counted_turns(&self) -> u64 {
        self.days.iter().filter_map(|day| day["req"].as_u64()).sum()
    }

    /// Returns the occupied quota slots, including those of dead turns, which are released only
    /// when the user needs them.
    pub fn slots(&self) -> Vec<&Value> {
        self.days
            .iter()
            .filter_map(|day| day["slots"].as_array())
            .flatten()
            .collect()
    }

    /// Returns the sum of a counter over the days.
    pub fn sum(&self, counter: &str) -> f64 {
        self.days
            .iter()
            .filter_map(|day| day[counter].as_f64())
            .sum()
    }

    /// Fails unless the last turn has exactly one end, no earlier turn is unfinished, and no slot
    /// belongs to a live turn.
    pub fn ensure_at_rest(&self) -> Result<()> {
        let thread = &self.thread;
        let stream = &thread["streamId"];
        ensure!(stream.is_string(), "no turn has ever begun: {thread}");
        let (done, failed) = (thread["doneId"] == *stream, thread["failedId"] == *stream);
        ensure!(done != failed, "done: {done}, failed: {failed}: {thread}");
        ensure!(
            thread["prev"].is_null(),
            "an earlier turn is unfinished: {thread}"
        );
        let now_ms = epoch_ms(SystemTime::now());
        let taken = self
            .slots()
            .into_iter()
            .any(|slot| lease_of(slot).is_none_or(|lease| lease >= now_ms));
        ensure!(!taken, "slots are taken: {:?}", self.days);
        Ok(())
    }

    /// Fails unless every turn of the user's only thread has exactly one answer with exactly one
    /// end, and counts once, as do its tokens.
    pub fn ensure_consistent(&self) -> Result<()> {
        self.ensure_at_rest()?;
        let answers = self.answers();
        let begun = self.thread["turns"].as_u64().unwrap_or_default();
        ensure!(
            answers.len() as u64 == begun,
            "{begun} turns, {} answers: {answers:?}",
            answers.len()
        );
        ensure!(
            self.counted_turns() == begun,
            "{begun} turns, {} counted: {:?}",
            self.counted_turns(),
            self.days
        );
        for answer in answers {
            let status = answer["status"].as_str().unwrap_or_default();
            ensure!(
                ["completed", "stopped", "failed", "interrupted"].contains(&status),
                "{answer}"
            );
        }
        for (counter, reported) in [("tin", "inputTokens"), ("tout", "outputTokens")] {
            let spent: f64 = self
                .answers()
                .iter()
                .filter_map(|answer| answer[reported].as_f64())
                .sum();
            let added = [
                self.sum(counter),
                self.thread[counter].as_f64().unwrap_or_default(),
            ];
            ensure!(
                added == [spent, spent],
                "{counter}: {spent} spent, {added:?} added up by day and by thread"
            );
        }
        Ok(())
    }
}

/// Returns the lease of the turn that occupies a slot, in milliseconds since 1970.
fn lease_of(slot: &Value) -> Option<u64> {
    slot.as_str()?.split_once('#')?.0.parse().ok()
}

fn key(row: &Value) -> &str {
    row["sk"].as_str().unwrap_or_default()
}

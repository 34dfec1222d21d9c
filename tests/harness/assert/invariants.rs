//! The promises about a conversation in the table, once no turn is running after a fault.
//!
//! They are: every
//! accepted message is stored, each has one answer with as much of its text as can be required, and
//! nothing blocks the user's next turn.
//!
//! Judges items only; [`SentMessage`] describes the messages and the faults.

use std::io::Read;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use serde_json::Value;

use crate::assert::thread_snapshot::ThreadSnapshot;

/// A message that was sent, and the possible outcomes of it.
#[derive(Debug, Clone, Default)]
pub struct SentMessage {
    /// Its id.
    pub message: String,
    /// Its text.
    pub text: String,
    /// A flag for a message that the function has acknowledged to a client.
    pub is_acknowledged: bool,
    /// A flag for an answer whose loss was reported to a client: it carries no promise.
    pub is_loss_reported: bool,
    /// The text that the answer must at least begin with.
    pub min_text: String,
    /// The texts that a complete answer may have.
    pub possible_texts: Vec<String>,
    /// The number of model calls for it.
    pub calls: usize,
}

/// Returns the violations in a thread at `now_ms` as sentences.
pub fn find_violations(
    snapshot: &ThreadSnapshot,
    sent: &[SentMessage],
    now_ms: u64,
) -> Vec<String> {
    let mut violations = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            violations.push(what);
        }
    };
    let thread = &snapshot.thread;
    let ends = ["doneId", "failedId"].map(|end| thread[end] == thread["streamId"]);
    expect(
        thread["streamId"].is_string(),
        "no turn has begun".to_owned(),
    );
    expect(
        ends[0] != ends[1],
        format!("the last turn is done: {}, failed: {}", ends[0], ends[1]),
    );
    expect(
        thread["prev"].is_null(),
        "an older turn is still marked as open".to_owned(),
    );
    for slot in snapshot.slots() {
        expect(
            is_expired(slot, now_ms),
            format!("the slot {slot} is never given back"),
        );
    }
    let answers = snapshot.answers().len() as u64;
    let begun = thread["turns"].as_u64().unwrap_or_default();
    expect(
        answers <= begun,
        format!("{begun} turns have {answers} answers"),
    );
    let known = |id: &Value| sent.iter().any(|sent| *id == sent.message.as_str());
    for row in questions(snapshot).filter(|row| !known(&row["id"])) {
        expect(false, format!("no client sent {}", row["id"]));
    }
    expect(
        snapshot.messages.first().is_none_or(is_question),
        "it begins with an answer".to_owned(),
    );
    for sent in sent {
        if let Err(error) = ensure_stored(snapshot, sent) {
            expect(false, format!("{}: {error:#}", sent.message));
        }
    }
    violations
}

/// Returns `true` if the lease in a slot has passed; an unreadable lease never passes.
fn is_expired(slot: &Value, now_ms: u64) -> bool {
    let lease = slot
        .as_str()
        .and_then(|slot| slot.split_once('#'))
        .and_then(|(lease, _)| lease.parse().ok());
    lease.is_some_and(|lease: u64| lease < now_ms)
}

fn is_question(row: &Value) -> bool {
    row["role"] == "user"
}

fn questions(snapshot: &ThreadSnapshot) -> impl Iterator<Item = &Value> {
    snapshot.messages.iter().filter(|row| is_question(row))
}

fn ensure_stored(snapshot: &ThreadSnapshot, sent: &SentMessage) -> Result<()> {
    let found = questions(snapshot)
        .filter(|row| row["id"] == sent.message.as_str())
        .count();
    anyhow::ensure!(found <= 1, "it is stored {found} times");
    let place = snapshot
        .messages
        .iter()
        .position(|row| is_question(row) && row["id"] == sent.message.as_str());
    let Some(place) = place else {
        anyhow::ensure!(!sent.is_acknowledged, "it is lost");
        anyhow::ensure!(
            sent.calls == 0,
            "the model was asked, and the question is not stored"
        );
        return Ok(());
    };
    let text = text_of_row(&snapshot.messages[place])?;
    anyhow::ensure!(text == sent.text, "it says {text:?}");
    let after = snapshot.messages[place + 1..]
        .iter()
        .take_while(|row| !is_question(row));
    let after: Vec<_> = after.collect();
    if sent.is_loss_reported {
        // A table operation failed or timed out, so the state of the answer is undefined.
        return Ok(());
    }
    ensure_answered(&after, sent)
}

/// Checks the last answer. An earlier one may exist only if it is empty: its turn failed, and the
/// next turn ran again.
fn ensure_answered(answers: &[&Value], sent: &SentMessage) -> Result<()> {
    let (answer, before) = answers.split_last().context("it has no answer")?;
    for row in before {
        anyhow::ensure!(
            row["parts"] == "[]",
            "it has two answers, the first says {:?}",
            text_of_row(row)?
        );
    }
    anyhow::ensure!(
        sent.calls <= answers.len(),
        "the model was asked {} times for {} answers",
        sent.calls,
        answers.len()
    );
    let status = answer["status"].as_str().unwrap_or_default();
    let text = text_of_row(answer)?;
    let has_ended = ["completed", "stopped", "failed", "interrupted"].contains(&status);
    anyhow::ensure!(has_ended, "its answer has the status {status:?}");
    let lost = sent.min_text.len().saturating_sub(text.len());
    anyhow::ensure!(
        text.starts_with(&sent.min_text),
        "{lost} bytes of its answer are lost: {status}, {text:?}"
    );
    let is_genuine = sent
        .possible_texts
        .iter()
        .any(|text_of_answer| text_of_answer.starts_with(&text));
    anyhow::ensure!(is_genuine, "no model call gave the answer {text:?}");
    let is_complete = sent.possible_texts.contains(&text);
    anyhow::ensure!(
        is_complete || status != "completed",
        "a partial answer is marked as completed: {text:?}"
    );
    Ok(())
}

/// Returns the text of a stored message. Ignores parts in continuation items: no message that this
/// module judges is that long.
pub fn text_of_row(row: &Value) -> Result<String> {
    let stored = row["parts"]
        .as_str()
        .with_context(|| format!("no parts in {row}"))?;
    let mut parts = stored.to_owned();
    if row["len"].is_number() {
        parts.clear();
        DeflateDecoder::new(&*STANDARD.decode(stored)?).read_to_string(&mut parts)?;
    }
    let parts: Vec<Value> = serde_json::from_str(&parts)?;
    Ok(parts
        .iter()
        .filter(|part| part["type"] == "text")
        .filter_map(|part| part["text"].as_str())
        .collect())
}

#[cfg(test)]
mod tests;

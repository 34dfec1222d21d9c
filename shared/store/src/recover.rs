//! Ending a turn in the place of whoever should have, and did not.
//!
//! Safe for any number at once, and beside the turn's own process: the first answer under the turn's key stays, but
//! that the turn's own answer replaces a recovered one.

use message::AnswerMetadata;

use crate::finish::Marked;
use crate::item::{Item, PARTS, Status};
use crate::messages::{Put, UserMessage};
use crate::thread::ThreadItem;
use crate::turn::{OpenTurn, TurnKeys};
use crate::usage::TurnUsage;
use crate::{Answer, Store, StoreError, TurnOutcome};

/// What could be made of a turn that did not end.
#[derive(Debug, Clone, Copy)]
pub struct RecoveredAnswer<'a> {
    /// The parts as JSON text.
    pub parts: &'a str,
    /// Whether there is nothing of the model's in them.
    pub is_empty: bool,
    /// Everything else that is known of it.
    pub metadata: &'a AnswerMetadata,
    /// `Interrupted` for a turn that died, `Stopped` for one that was superseded.
    pub status: Status,
}

impl Store {
    /// Ends a turn that is dead or left behind: puts its question, if that was kept and is missing, and `answer`, if
    /// there is none, and marks it as over. Says how it ended, by whomever.
    pub async fn recover_turn(
        &self,
        turn: &OpenTurn,
        answer: &RecoveredAnswer<'_>,
    ) -> Result<TurnOutcome, StoreError> {
        let keys = turn.keys(None);
        self.recover_question(turn, &keys).await?;
        let recovered = Answer { parts: answer.parts, status: answer.status, metadata: answer.metadata };
        let outcome = match self.put_recovered_answer(&keys, &recovered).await? {
            Put::Done if answer.is_empty => TurnOutcome::Failed,
            Put::Done => TurnOutcome::Done,
            Put::There(item) => outcome_of(&item),
        };
        let mark = self.mark_end(&keys, outcome, &TurnUsage::default()).await?;
        if mark.thread().is_gone(keys.0.at_ms) && Box::pin(self.clear_if_gone(&keys)).await? {
            return Ok(TurnOutcome::Failed);
        }
        match mark {
            Marked::Now(_) => Ok(outcome),
            Marked::Not(thread) => {
                let is_previous =
                    thread.prev.as_ref().is_some_and(|run| run.stream_id == keys.0.stream.as_str());
                if is_previous {
                    self.forget_previous(&keys, &TurnUsage::default()).await?;
                }
                Ok(marked(&thread, &keys).unwrap_or(outcome))
            }
        }
    }

    async fn recover_question(&self, turn: &OpenTurn, keys: &TurnKeys) -> Result<(), StoreError> {
        let Some(kept) = turn.kept() else {
            return Ok(());
        };
        let parts = kept
            .unpack()
            .map_err(|error| StoreError::corrupt(&keys.0.thread_pk, &keys.0.thread_sk, error))?;
        let message = UserMessage { parts: &parts, created_at_ms: turn.began_at_ms() };
        self.put_user_message(keys, &message).await
    }
}

/// An answer without parts is none.
fn outcome_of(answer: &Item) -> TurnOutcome {
    match answer.get(PARTS).and_then(|parts| parts.as_s().ok()) {
        Some(parts) if parts == "[]" => TurnOutcome::Failed,
        _ => TurnOutcome::Done,
    }
}

/// How the thread says that the turn ended.
fn marked(thread: &ThreadItem, keys: &TurnKeys) -> Option<TurnOutcome> {
    let stream = Some(keys.0.stream.as_str());
    if thread.done_id.as_deref() == stream {
        Some(TurnOutcome::Done)
    } else if thread.failed_id.as_deref() == stream {
        Some(TurnOutcome::Failed)
    } else {
        None
    }
}

//! Recovery of a turn whose own process did not end it.
//!
//! Safe for any number of processes at once, the turn's own among them: the first answer under the
//! turn's key stays, but that the turn's own answer replaces a recovered one.

use message::AnswerMetadata;

use crate::attribute::{Item, string};
use crate::messages::item::{EMPTY_PARTS, PARTS, Status};
use crate::messages::write::{PutOutcome, UserMessage};
use crate::run::{OpenTurn, TurnKeys};
use crate::thread::item::ThreadItem;
use crate::turn::finish::{MarkResult, Usage};
use crate::usage::counters::TurnUsage;
use crate::{Answer, Store, StoreError, TurnOutcome};

/// The answer that was recovered of a turn that did not end.
#[derive(Debug, Clone, Copy)]
pub struct RecoveredAnswer<'a> {
    /// The parts as JSON text.
    pub parts: &'a str,
    /// True if they hold no content of the model.
    pub is_empty: bool,
    /// Everything else that is known of it.
    pub metadata: &'a AnswerMetadata,
    /// `Interrupted` for a turn that died, `Stopped` for one that was to end early, see
    /// [`OpenTurn::is_stopped`].
    pub status: Status,
    /// Now, in milliseconds since 1970: whether the turn's own process may still come.
    pub now_ms: u64,
}

impl Store {
    /// Puts the question of a turn that runs elsewhere, if its begin could not keep it. A client
    /// that sends the same message again has it too, and is promised that it is stored.
    pub async fn put_pending_question(
        &self,
        turn: &OpenTurn,
        message: &UserMessage<'_>,
    ) -> Result<(), StoreError> {
        match turn.inline_question() {
            Some(_) => Ok(()),
            None => self.put_user_message(&turn.keys(None), message).await,
        }
    }

    /// Ends a turn that is dead or superseded: puts its question, if the thread item holds it and
    /// it is missing, and `answer`, if there is none, and marks it as over. Its slot in the quota
    /// does not count from now on. Returns how it ended, by whomever.
    pub async fn recover_turn(
        &self,
        turn: &OpenTurn,
        answer: &RecoveredAnswer<'_>,
    ) -> Result<TurnOutcome, StoreError> {
        let keys = turn.keys(None);
        self.recover_question(turn, &keys).await?;
        let outcome = if answer.is_empty && !self.has_question(turn, &keys).await? {
            TurnOutcome::Failed
        } else {
            self.recover_answer(&keys, answer).await?
        };
        let outcome = self
            .mark_recovered(turn, &keys, outcome, answer.now_ms)
            .await?;
        // The turn is recovered. A slot that is still counted is free when the turn's lease has
        // passed.
        let _ = self.release_for_recovery(turn).await;
        Ok(outcome)
    }

    async fn mark_recovered(
        &self,
        turn: &OpenTurn,
        keys: &TurnKeys,
        outcome: TurnOutcome,
        now_ms: u64,
    ) -> Result<TurnOutcome, StoreError> {
        let nothing = TurnUsage::default();
        let mark = self.mark_end(keys, outcome, &nothing).await?;
        if mark.thread().is_deleted(keys.0.at_ms) && Box::pin(self.clear_if_deleted(keys)).await? {
            return Ok(TurnOutcome::Failed);
        }
        match mark {
            MarkResult::Applied(_) => Ok(outcome),
            MarkResult::Rejected(thread) => {
                if thread.has_previous(keys.0.stream.as_str()) {
                    let usage = if turn.is_dead(now_ms) {
                        Usage::Add(&nothing)
                    } else {
                        Usage::Deferred
                    };
                    self.clear_previous(keys, usage).await?;
                }
                Ok(marked_outcome(&thread, keys).unwrap_or(outcome))
            }
        }
    }

    /// Returns true if the question is stored or inlined. A long one is put before the client is
    /// promised anything; the answer of a turn that died before that would have no question.
    async fn has_question(&self, turn: &OpenTurn, keys: &TurnKeys) -> Result<bool, StoreError> {
        if turn.inline_question().is_some() {
            return Ok(true);
        }
        let found = self
            .client
            .get_item()
            .table_name(&*self.table)
            .key("pk", string(&keys.0.messages_pk))
            .key("sk", string(&keys.0.user_sk))
            .projection_expression("pk")
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::of("GetItem", error))?;
        Ok(found.item.is_some())
    }

    async fn recover_answer(
        &self,
        keys: &TurnKeys,
        answer: &RecoveredAnswer<'_>,
    ) -> Result<TurnOutcome, StoreError> {
        let recovered = Answer {
            parts: answer.parts,
            status: answer.status,
            metadata: answer.metadata,
        };
        Ok(match self.put_recovered_answer(keys, &recovered).await? {
            PutOutcome::Stored if answer.is_empty => TurnOutcome::Failed,
            PutOutcome::Stored => TurnOutcome::Done,
            PutOutcome::AlreadyExists(item) => outcome_of(&item),
        })
    }

    async fn recover_question(&self, turn: &OpenTurn, keys: &TurnKeys) -> Result<(), StoreError> {
        let Some(question) = turn.inline_question() else {
            return Ok(());
        };
        let parts = question
            .unpack()
            .map_err(|error| StoreError::corrupt(&keys.0.thread_pk, &keys.0.thread_sk, error))?;
        let message = UserMessage {
            parts: &parts,
            created_at_ms: turn.began_at_ms(),
        };
        self.put_user_message(keys, &message).await
    }
}

/// Returns the outcome of a turn with this answer. One without parts is none to show.
fn outcome_of(answer: &Item) -> TurnOutcome {
    match answer.get(PARTS).and_then(|parts| parts.as_s().ok()) {
        Some(parts) if parts == EMPTY_PARTS => TurnOutcome::Failed,
        _ => TurnOutcome::Done,
    }
}

/// Returns the outcome of the turn that the thread names.
fn marked_outcome(thread: &ThreadItem, keys: &TurnKeys) -> Option<TurnOutcome> {
    let stream = Some(keys.0.stream.as_str());
    if thread.done_id.as_deref() == stream {
        Some(TurnOutcome::Done)
    } else if thread.failed_id.as_deref() == stream {
        Some(TurnOutcome::Failed)
    } else {
        None
    }
}

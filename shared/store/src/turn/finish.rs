//! The end of a turn, for its thread.
//!
//! The usage of a turn is added to its thread's totals in the write that ends it. A turn that was
//! superseded may be ended by a recoverer while its process is still at work. Then its name goes
//! into the set `pendingUsage`, and when its process comes to its end it finds the name there and
//! adds the totals in the write that removes it: once, in either order.

use aws_sdk_dynamodb::types::ReturnValue;

use crate::attribute::{self, set_of, string};
use crate::run::{OpenTurn, TurnKeys};
use crate::thread::item::ThreadItem;
use crate::update::{Update, Updated};
use crate::usage::counters::TurnUsage;
use crate::{Store, StoreError};

/// The outcome of a turn, for the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnOutcome {
    /// The answer is stored, whatever its status.
    Done,
    /// There is no answer to show: the same message sent again is a first try, not a repetition.
    Failed,
}

/// The outcome of the mark that ends a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// The thread shows that the turn is over.
    Recorded {
        /// An earlier turn that was taken over from and is not known to be over. To be recovered.
        unfinished_previous: Option<OpenTurn>,
    },
    /// Another turn has taken the thread over, or the thread was deleted. The mark was left out.
    Superseded,
}

impl Store {
    /// Marks the turn as over and adds what it used to its thread's totals, once though it be
    /// repeated. A turn that was superseded has no mark; it is no longer waited for.
    ///
    /// A turn that others gave up for dead, and marked, keeps their mark, but for one: an answer
    /// that came late makes a failed turn a done one.
    pub async fn finish_turn(
        &self,
        keys: &TurnKeys,
        outcome: TurnOutcome,
        usage: &TurnUsage,
    ) -> Result<Finished, StoreError> {
        let mark = self.mark_end(keys, outcome, usage).await?;
        if mark.thread().is_deleted(keys.0.at_ms) && Box::pin(self.clear_if_deleted(keys)).await? {
            return Ok(Finished::Superseded);
        }
        let thread = match mark {
            MarkResult::Applied(thread) => thread,
            MarkResult::Rejected(thread)
                if thread.stream_id.as_deref() == Some(keys.0.stream.as_str()) =>
            {
                thread
            }
            MarkResult::Rejected(thread) => {
                self.finish_superseded(keys, *thread, usage).await?;
                return Ok(Finished::Superseded);
            }
        };
        Ok(Finished::Recorded {
            unfinished_previous: thread.unfinished_previous()?,
        })
    }

    async fn finish_superseded(
        &self,
        keys: &TurnKeys,
        mut thread: ThreadItem,
        usage: &TurnUsage,
    ) -> Result<(), StoreError> {
        let stream = keys.0.stream.as_str();
        if thread.has_previous(stream) {
            match self.clear_previous(keys, Usage::Add(usage)).await? {
                MarkResult::Applied(_) => return Ok(()),
                MarkResult::Rejected(found) => thread = *found,
            }
        }
        if thread.pending_usage.iter().any(|pending| pending == stream) {
            let update = Update::default()
                .delete("pendingUsage", set_of(stream))
                .condition("contains(pendingUsage, :stream)");
            self.end(keys, usage.add_to(update)).await?;
        }
        Ok(())
    }

    /// Marks the thread's current turn as over, if it is this one and has not ended.
    pub(crate) async fn mark_end(
        &self,
        keys: &TurnKeys,
        outcome: TurnOutcome,
        usage: &TurnUsage,
    ) -> Result<MarkResult, StoreError> {
        let update = Update::default()
            .condition("streamId = :stream")
            .condition("attribute_not_exists(doneId) OR doneId <> :stream")
            .remove("question");
        let update = match outcome {
            TurnOutcome::Done => update.set_to("doneId", ":stream").remove("failedId"),
            TurnOutcome::Failed => update
                .set_to("failedId", ":stream")
                .condition("attribute_not_exists(failedId) OR failedId <> :stream"),
        };
        let update = if keys.0.forgets {
            // Two go for the one that came, so that turns without an end of their own leave nothing
            // for long.
            update.remove("recent[0]").remove("recent[1]")
        } else {
            update
        };
        self.end(keys, usage.add_to(update)).await
    }

    /// Removes the turn from where a newer one has noted that it is not over.
    pub(crate) async fn clear_previous(
        &self,
        keys: &TurnKeys,
        usage: Usage<'_>,
    ) -> Result<MarkResult, StoreError> {
        let update = Update::default()
            .remove("prev")
            .condition("prev.streamId = :stream");
        let update = match usage {
            Usage::Add(usage) => usage.add_to(update),
            Usage::Deferred => update.add("pendingUsage", set_of(keys.0.stream.as_str())),
        };
        self.end(keys, update).await
    }

    /// Applies an update whose condition is about this turn.
    async fn end(&self, keys: &TurnKeys, update: Update) -> Result<MarkResult, StoreError> {
        let update = update
            .value(":stream", string(keys.0.stream.as_str()))
            .returning(ReturnValue::AllNew);
        let updated = self
            .update(&keys.0.thread_pk, &keys.0.thread_sk, update)
            .await?;
        Ok(match updated {
            Updated::Applied(thread) => MarkResult::Applied(Box::new(attribute::read(thread)?)),
            Updated::ConditionFailed(thread) => {
                MarkResult::Rejected(Box::new(attribute::read(thread)?))
            }
        })
    }
}

/// The effect of a superseded turn's end on its thread's totals.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Usage<'a> {
    /// Adds this.
    Add(&'a TurnUsage),
    /// Leaves it to the turn's own process, which may be at work.
    Deferred,
}

/// The outcome of a mark, with the thread as it is now.
pub(crate) enum MarkResult {
    Applied(Box<ThreadItem>),
    Rejected(Box<ThreadItem>),
}

impl MarkResult {
    pub(crate) fn thread(&self) -> &ThreadItem {
        match self {
            Self::Applied(thread) | Self::Rejected(thread) => thread,
        }
    }
}

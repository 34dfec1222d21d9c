//! The end of a turn, for its thread.
//!
//! The usage of a turn is added to its thread's totals in the write that ends it. A turn that was
//! superseded may be ended by a recoverer while its process is still at work. Then its name goes
//! into the set `pendingUsage`, and when its process comes to its end it finds the name there and
//! adds the totals in the write that removes it: once, in either order.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};

use crate::attribute::{self, condition_failed, set_of, string};
use crate::run::{OpenTurn, TurnKeys};
use crate::thread::item::ThreadItem;
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
            let (addition, mut values) = usage.addition();
            values.push(("pendingUsage".to_owned(), set_of(stream)));
            let update = format!("DELETE #pendingUsage :pendingUsage{addition}");
            self.end(keys, update, "contains(#pendingUsage, :stream)", values)
                .await?;
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
        let (update, condition) = match outcome {
            TurnOutcome::Done => (
                "SET doneId = :stream REMOVE question, failedId",
                "streamId = :stream AND (attribute_not_exists(doneId) OR doneId <> :stream)",
            ),
            TurnOutcome::Failed => (
                "SET failedId = :stream REMOVE question",
                "streamId = :stream AND (attribute_not_exists(doneId) OR doneId <> :stream) \
                 AND (attribute_not_exists(failedId) OR failedId <> :stream)",
            ),
        };
        let (addition, values) = usage.addition();
        // Two go for the one that came, so that turns without an end of their own leave nothing for
        // long.
        let forgotten = if keys.0.forgets {
            ", recent[0], recent[1]"
        } else {
            ""
        };
        self.end(
            keys,
            format!("{update}{forgotten}{addition}"),
            condition,
            values,
        )
        .await
    }

    /// Removes the turn from where a newer one has noted that it is not over.
    pub(crate) async fn clear_previous(
        &self,
        keys: &TurnKeys,
        usage: Usage<'_>,
    ) -> Result<MarkResult, StoreError> {
        let (addition, values) = match usage {
            Usage::Add(usage) => usage.addition(),
            Usage::Deferred => (
                " ADD #pendingUsage :pendingUsage".to_owned(),
                vec![("pendingUsage".to_owned(), set_of(keys.0.stream.as_str()))],
            ),
        };
        self.end(
            keys,
            format!("REMOVE prev{addition}"),
            "prev.streamId = :stream",
            values,
        )
        .await
    }

    async fn end(
        &self,
        keys: &TurnKeys,
        update: String,
        condition: &str,
        values: Vec<(String, AttributeValue)>,
    ) -> Result<MarkResult, StoreError> {
        let mut request = self.client.update_item();
        for (name, value) in values {
            request = request
                .expression_attribute_names(format!("#{name}"), &name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        let sent = request
            .table_name(&*self.table)
            .key("pk", string(&keys.0.thread_pk))
            .key("sk", string(&keys.0.thread_sk))
            .update_expression(update)
            .condition_expression(condition)
            .expression_attribute_values(":stream", string(keys.0.stream.as_str()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(answer) => {
                let thread = attribute::read(answer.attributes.unwrap_or_default())?;
                Ok(MarkResult::Applied(Box::new(thread)))
            }
            Err(error) => match condition_failed(&error) {
                Some(thread) => {
                    attribute::read(thread).map(|thread| MarkResult::Rejected(Box::new(thread)))
                }
                None => Err(StoreError::of("UpdateItem", error)),
            },
        }
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

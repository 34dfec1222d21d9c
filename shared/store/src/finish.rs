//! How a turn ends, for its thread.

use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use crate::item::{self, refused, string};
use crate::thread::ThreadItem;
use crate::turn::{OpenTurn, TurnKeys};
use crate::usage::TurnUsage;
use crate::{Store, StoreError};

/// How a turn ended, for the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnOutcome {
    /// The answer is stored, whatever its status.
    Done,
    /// There is no answer to show: the same message sent again is a first try, not a repetition.
    Failed,
}

/// What became of the mark that ends a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// The thread shows that the turn is over.
    Recorded {
        /// An earlier turn that was taken over from and is not known to be over. To be recovered.
        left_behind: Option<OpenTurn>,
    },
    /// Another turn has taken the thread over, or the thread was deleted. The mark was left out.
    Superseded,
}

impl Store {
    /// Marks the turn as over and adds what it used to its thread's totals, once though it be repeated. A turn that was
    /// superseded has no mark; it is no longer waited for.
    ///
    /// A turn that others gave up for dead, and marked, keeps their mark, but for one: an answer that came late makes a
    /// failed turn a done one.
    pub async fn finish_turn(
        &self,
        keys: &TurnKeys,
        outcome: TurnOutcome,
        usage: &TurnUsage,
    ) -> Result<Finished, StoreError> {
        let marked = self.mark_end(keys, outcome, usage).await?;
        if marked.thread().is_gone(keys.0.at_ms) && Box::pin(self.clear_if_gone(keys)).await? {
            return Ok(Finished::Superseded);
        }
        let thread = match marked {
            Marked::Now(thread) => thread,
            Marked::Not(thread) if thread.stream_id.as_deref() == Some(keys.0.stream.as_str()) => thread,
            Marked::Not(thread) => {
                let is_awaited = thread.prev.is_some_and(|run| run.stream_id == keys.0.stream.as_str());
                if is_awaited {
                    self.forget_previous(keys, usage).await?;
                }
                return Ok(Finished::Superseded);
            }
        };
        Ok(Finished::Recorded { left_behind: thread.left_behind()? })
    }

    /// Marks the thread's current turn as over, if it is this one and has not ended.
    pub(crate) async fn mark_end(
        &self,
        keys: &TurnKeys,
        outcome: TurnOutcome,
        usage: &TurnUsage,
    ) -> Result<Marked, StoreError> {
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
        self.end(keys, update, condition, usage).await
    }

    /// Removes the turn from where a newer one has noted that it is not over.
    pub(crate) async fn forget_previous(&self, keys: &TurnKeys, usage: &TurnUsage) -> Result<(), StoreError> {
        self.end(keys, "REMOVE prev", "prev.streamId = :stream", usage).await.map(|_| ())
    }

    async fn end(
        &self,
        keys: &TurnKeys,
        update: &str,
        condition: &str,
        usage: &TurnUsage,
    ) -> Result<Marked, StoreError> {
        let (addition, counters) = usage.addition();
        let mut request = self.client.update_item();
        for (name, value) in counters {
            request = request
                .expression_attribute_names(format!("#{name}"), &name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        let sent = request
            .table_name(&*self.table)
            .key("pk", string(&keys.0.thread_pk))
            .key("sk", string(&keys.0.thread_sk))
            .update_expression(format!("{update}{addition}"))
            .condition_expression(condition)
            .expression_attribute_values(":stream", string(keys.0.stream.as_str()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(answer) => {
                let thread = item::read(answer.attributes.unwrap_or_default())?;
                Ok(Marked::Now(Box::new(thread)))
            }
            Err(error) => match refused(&error) {
                Some(thread) => item::read(thread).map(|thread| Marked::Not(Box::new(thread))),
                None => Err(StoreError::of("UpdateItem", error)),
            },
        }
    }
}

/// What a mark came to, with the thread as it is now.
pub(crate) enum Marked {
    Now(Box<ThreadItem>),
    Not(Box<ThreadItem>),
}

impl Marked {
    pub(crate) fn thread(&self) -> &ThreadItem {
        match self {
            Self::Now(thread) | Self::Not(thread) => thread,
        }
    }
}

//! Asking a turn to stop, and seeing that one was asked.

use aws_sdk_dynamodb::types::ReturnValue;
use message::{StreamId, ThreadId, UserId};

use crate::attribute::{self, string};
use crate::run::{OpenTurn, TurnKeys};
use crate::thread::item::ThreadItem;
use crate::update::{Update, Updated};
use crate::{Store, StoreError, keys};

const NOT_ENDED: &str = "attribute_exists(streamId) \
     AND (attribute_not_exists(doneId) OR doneId <> streamId) \
     AND (attribute_not_exists(failedId) OR failedId <> streamId)";

/// The signal to a running turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnSignal {
    /// The turn continues.
    Continue,
    /// The user has requested a stop.
    StopRequested,
    /// Another turn has taken the thread over.
    Superseded,
}

impl Store {
    /// Asks the thread's current turn to stop, or only `stream` if it is that one. `None`: there is
    /// nothing to stop. May be repeated. A dead turn is returned too: it will not heed the stop, so
    /// that it is to be recovered.
    pub async fn stop_turn(
        &self,
        user: &UserId,
        thread: &ThreadId,
        stream: Option<&StreamId>,
    ) -> Result<Option<OpenTurn>, StoreError> {
        let mut update = Update::default()
            .set_to("stopId", "streamId")
            .condition(NOT_ENDED)
            .returning(ReturnValue::AllNew);
        if let Some(stream) = stream {
            update = update
                .condition("streamId = :stream")
                .value(":stream", string(stream.as_str()));
        }
        let (pk, sk) = (keys::user(user), keys::thread(thread));
        match self.update(&pk, &sk, update).await? {
            Updated::Applied(item) => attribute::read::<ThreadItem>(item)?.current().map(Some),
            Updated::ConditionFailed(_) => Ok(None),
        }
    }

    /// Returns the current signal to the turn. Eventually consistent, since it is read again and
    /// again.
    pub async fn watch_turn(&self, keys: &TurnKeys) -> Result<TurnSignal, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&*self.table)
            .key("pk", string(&keys.0.thread_pk))
            .key("sk", string(&keys.0.thread_sk))
            .projection_expression("streamId, stopId, lastActivityAt, deletedAt")
            .send()
            .await
            .map_err(|error| StoreError::of("GetItem", error))?;
        let thread: ThreadItem = attribute::read(found.item.unwrap_or_default())?;
        Ok(signal(&thread, keys.0.stream.as_str(), keys.0.at_ms))
    }
}

/// Returns no signal for an item that is older than the turn.
fn signal(thread: &ThreadItem, stream: &str, began_at_ms: u64) -> TurnSignal {
    if thread.stream_id.as_deref() != Some(stream) {
        let is_newer = thread
            .last_activity_at
            .max(thread.deleted_at.unwrap_or_default())
            > began_at_ms;
        return if is_newer {
            TurnSignal::Superseded
        } else {
            TurnSignal::Continue
        };
    }
    if thread.stop_id == thread.stream_id {
        TurnSignal::StopRequested
    } else {
        TurnSignal::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_newer_turn_supersedes() {
        let thread = |stream: Option<&str>, stop: Option<&str>, at| ThreadItem {
            stream_id: stream.map(str::to_owned),
            stop_id: stop.map(str::to_owned),
            last_activity_at: at,
            ..ThreadItem::default()
        };
        for (name, thread, expected) in [
            ("runs", thread(Some("s"), None, 5), TurnSignal::Continue),
            (
                "stop",
                thread(Some("s"), Some("s"), 5),
                TurnSignal::StopRequested,
            ),
            (
                "stop of another",
                thread(Some("s"), Some("r"), 5),
                TurnSignal::Continue,
            ),
            (
                "superseded",
                thread(Some("t"), None, 6),
                TurnSignal::Superseded,
            ),
            (
                "superseded, stopped",
                thread(Some("t"), Some("t"), 6),
                TurnSignal::Superseded,
            ),
            (
                "read too early",
                thread(Some("r"), Some("r"), 4),
                TurnSignal::Continue,
            ),
            (
                "read before there was a thread",
                thread(None, None, 0),
                TurnSignal::Continue,
            ),
            (
                "superseded, then deleted",
                ThreadItem {
                    deleted_at: Some(6),
                    ..thread(Some("t"), Some("t"), 0)
                },
                TurnSignal::Superseded,
            ),
            (
                "deleted",
                ThreadItem {
                    deleted_at: Some(5),
                    ..thread(Some("s"), Some("s"), 0)
                },
                TurnSignal::StopRequested,
            ),
        ] {
            assert_eq!(signal(&thread, "s", 5), expected, "{name}");
        }
    }
}

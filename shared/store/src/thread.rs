//! The thread item, and what a begin may do with it.

use message::{StreamId, ThreadId, UserId};
use serde::Deserialize;

use crate::item::{self, string};
use crate::turns::{BeginTurn, Question};
use crate::{Store, StoreError, keys};

/// The thread item. Its attributes may be absent one by one, since other writers may create it too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ThreadItem {
    pub(crate) pk: String,
    pub(crate) sk: String,
    pub(crate) title: Option<String>,
    pub(crate) created_at: Option<u64>,
    pub(crate) last_activity_at: u64,
    pub(crate) turns: u64,
    /// The id of the user's message that the current turn answers.
    pub(crate) last_msg: Option<String>,
    pub(crate) user_sk: Option<String>,
    pub(crate) asst_sk: Option<String>,
    pub(crate) stream_id: Option<String>,
    /// Until when the current turn lives, if nothing else ends it. Milliseconds.
    pub(crate) lease: u64,
    pub(crate) done_id: Option<String>,
    pub(crate) failed_id: Option<String>,
}

/// What a begin finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// An earlier attempt of this very begin was applied, and only its answer got lost.
    Ours,
    /// This message is being answered already.
    Running,
    /// The thread can be taken.
    Free,
}

impl ThreadItem {
    /// Some engines name the keys of an item that is not there, so presence means a `createdAt`.
    pub(crate) fn exists(&self) -> bool {
        self.created_at.is_some()
    }

    fn is_running(&self, now_ms: u64) -> bool {
        self.is_open() && self.lease >= now_ms
    }

    /// Whether the current turn has not said that it is over.
    fn is_open(&self) -> bool {
        self.stream_id.is_some() && self.done_id != self.stream_id && self.failed_id != self.stream_id
    }

    pub(crate) fn is_about(&self, begin: &BeginTurn<'_>) -> bool {
        self.last_msg.as_deref() == Some(begin.message.as_str())
    }

    pub(crate) fn judge(&self, begin: &BeginTurn<'_>) -> Verdict {
        if self.stream_id.as_deref() == Some(begin.stream.as_str()) {
            Verdict::Ours
        } else if begin.question == Question::Sent && self.is_about(begin) && self.is_running(begin.now_ms) {
            Verdict::Running
        } else {
            Verdict::Free
        }
    }

    pub(crate) fn stream(&self) -> Result<Option<StreamId>, StoreError> {
        let Some(stream) = &self.stream_id else {
            return Ok(None);
        };
        StreamId::parse(stream).map(Some).map_err(|error| StoreError::corrupt(&self.pk, &self.sk, error))
    }
}

/// A conversation, without its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The beginning of its first text, if there was one.
    pub title: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// When its latest turn began, in milliseconds since 1970. Never the same for two turns of a thread.
    pub last_activity_at_ms: u64,
    /// How many turns have begun in it.
    pub turns: u64,
    stream: Option<StreamId>,
    live_until_ms: u64,
}

impl Thread {
    /// The turn that is still being answered.
    pub fn running(&self, now_ms: u64) -> Option<&StreamId> {
        self.stream.as_ref().filter(|_| self.live_until_ms >= now_ms)
    }
}

impl TryFrom<ThreadItem> for Thread {
    type Error = StoreError;

    fn try_from(item: ThreadItem) -> Result<Self, StoreError> {
        let stream = item.stream()?.filter(|_| item.is_open());
        Ok(Self {
            stream,
            live_until_ms: item.lease,
            created_at_ms: item.created_at.unwrap_or_default(),
            last_activity_at_ms: item.last_activity_at,
            turns: item.turns,
            title: item.title,
        })
    }
}

impl Store {
    /// Reads a thread of `user`, strongly consistent. `None`: this user has no such thread.
    pub async fn thread(&self, user: &UserId, thread: &ThreadId) -> Result<Option<Thread>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&*self.table)
            .key("pk", string(keys::user(user)))
            .key("sk", string(keys::thread(thread)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::of("GetItem", error))?;
        let found = answer.item.map(item::read::<ThreadItem>).transpose()?;
        found.filter(ThreadItem::exists).map(Thread::try_from).transpose()
    }
}

#[cfg(test)]
mod tests {
    use message::MessageId;

    use super::*;

    fn found(change: impl FnOnce(&mut ThreadItem)) -> ThreadItem {
        let mut item = ThreadItem {
            created_at: Some(1),
            last_msg: Some("question".into()),
            stream_id: Some("old".into()),
            lease: 100,
            ..ThreadItem::default()
        };
        change(&mut item);
        item
    }

    #[test]
    fn only_the_same_message_with_a_living_turn_is_refused() {
        let (user, thread) = (UserId::parse("u").unwrap(), ThreadId::parse("t").unwrap());
        let (message, answer) = (MessageId::parse("question").unwrap(), MessageId::parse("answer").unwrap());
        let stream = StreamId::parse("new").unwrap();
        let begin = BeginTurn {
            user: &user,
            thread: &thread,
            message: &message,
            stream: &stream,
            answer: &answer,
            title: "",
            now_ms: 100,
            lease_ms: 50,
            question: Question::Sent,
        };
        for (name, item, verdict) in [
            ("living", found(|_| ()), Verdict::Running),
            ("lease passed", found(|item| item.lease = 99), Verdict::Free),
            ("done", found(|item| item.done_id = item.stream_id.clone()), Verdict::Free),
            ("failed", found(|item| item.failed_id = item.stream_id.clone()), Verdict::Free),
            ("the turn before is done", found(|item| item.done_id = Some("older".into())), Verdict::Running),
            ("another message", found(|item| item.last_msg = Some("other".into())), Verdict::Free),
            ("no turn yet", found(|item| item.stream_id = None), Verdict::Free),
            ("our own begin", found(|item| item.stream_id = Some("new".into())), Verdict::Ours),
        ] {
            assert_eq!(item.judge(&begin), verdict, "{name}");
        }
    }
}

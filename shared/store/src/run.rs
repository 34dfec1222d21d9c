//! The names of a turn: where its parts are stored, and which run it is.

use std::sync::Arc;

use message::{MessageId, StreamId, ThreadId, UserId};
use serde::{Deserialize, Serialize};

use crate::cursor::Cursor;
use crate::inline_question::InlineQuestion;
use crate::journal::JournalName;
use crate::slot::QuotaSlot;
use crate::{StoreError, keys};

/// The keys under which one turn is stored. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnKeys(pub(crate) Arc<Keys>);

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) thread_pk: String,
    pub(crate) thread_sk: String,
    pub(crate) messages_pk: String,
    pub(crate) journals_pk: String,
    pub(crate) user_sk: String,
    pub(crate) answer_sk: String,
    /// The cuts of question and answer, see [`crate::messages::path`].
    pub(crate) user_cut: Option<String>,
    pub(crate) cut: Option<String>,
    pub(crate) message: MessageId,
    pub(crate) answer: MessageId,
    pub(crate) stream: StreamId,
    pub(crate) at_ms: u64,
    /// True if its end makes the thread forget the oldest of the messages that it remembers.
    pub(crate) forgets: bool,
    /// The turn's slot in the user's quota. A recoverer has none.
    pub(crate) quota_slot: Option<QuotaSlot>,
}

impl TurnKeys {
    pub(crate) fn new(keys: Keys) -> Self {
        Self(Arc::new(keys))
    }

    /// Returns the run these keys belong to.
    pub fn stream(&self) -> &StreamId {
        &self.0.stream
    }

    /// Returns the name of the run's journal.
    pub fn journal(&self) -> JournalName {
        JournalName::under(self.0.journals_pk.clone(), &self.0.stream, self.0.at_ms)
    }
}

/// The attributes of one turn in a thread item: by the same names for the current one and, in
/// `prev`, for the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RunItem {
    pub(crate) stream_id: String,
    pub(crate) user_sk: String,
    pub(crate) asst_sk: String,
    pub(crate) lease: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) question: Option<InlineQuestion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_cut: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cut: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) continues: Option<String>,
}

/// A turn of which it is not known that it has ended: enough to follow it, to stop it and to
/// recover it. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTurn(Arc<Open>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    user: UserId,
    thread: ThreadId,
    stream: StreamId,
    message: MessageId,
    answer: MessageId,
    at_ms: u64,
    run: RunItem,
    is_stopped: bool,
}

impl OpenTurn {
    pub(crate) fn new(
        user: UserId,
        thread: ThreadId,
        run: RunItem,
        is_stopped: bool,
    ) -> Result<Self, StoreError> {
        let corrupt = |cause: &str| {
            StoreError::corrupt(&keys::user(&user), &keys::thread(&thread), cause.to_owned())
        };
        let stream =
            StreamId::parse(&run.stream_id).map_err(|_| corrupt("invalid id in streamId"))?;
        let (_, message) =
            keys::parts_of(&run.user_sk).ok_or_else(|| corrupt("invalid key in userSk"))?;
        let (at_ms, answer) =
            keys::parts_of(&run.asst_sk).ok_or_else(|| corrupt("invalid key in asstSk"))?;
        Ok(Self(Arc::new(Open {
            user,
            thread,
            stream,
            message,
            answer,
            at_ms,
            run,
            is_stopped,
        })))
    }

    /// Returns the user.
    pub fn user(&self) -> &UserId {
        &self.0.user
    }

    /// Returns the thread.
    pub fn thread(&self) -> &ThreadId {
        &self.0.thread
    }

    /// Returns the run.
    pub fn stream(&self) -> &StreamId {
        &self.0.stream
    }

    /// Returns the id of the user's message.
    pub fn message(&self) -> &MessageId {
        &self.0.message
    }

    /// Returns the id of the answer.
    pub fn answer(&self) -> &MessageId {
        &self.0.answer
    }

    /// Returns the model that answers.
    pub fn model(&self) -> &str {
        self.0.run.model.as_deref().unwrap_or_default()
    }

    /// Returns the time of the begin, in milliseconds since 1970.
    pub fn began_at_ms(&self) -> u64 {
        self.0.at_ms
    }

    /// Returns the end of the lease, in milliseconds since 1970.
    pub fn lease_ms(&self) -> u64 {
        self.0.run.lease
    }

    /// Returns true if its lease has passed: no process works on it any more.
    pub fn is_dead(&self, now_ms: u64) -> bool {
        self.0.run.lease < now_ms
    }

    /// Returns true if it was to end early: another turn has taken over, or a stop was asked. It is
    /// that which ended it, even if its process does not heed it any more.
    pub fn is_stopped(&self) -> bool {
        self.0.is_stopped
    }

    /// Returns the bound that the thread's path has to be read before while the turn is open, for
    /// [`crate::History::before`]: an answer that is regenerated replaces an older one, which would
    /// be read in its place until it is stored. `None`: the path ends where the turn begins, or in
    /// the answer that it goes on from.
    pub fn path_bound(&self) -> Option<Cursor> {
        let run = &self.0.run;
        run.cut
            .as_deref()
            .filter(|_| run.continues.is_none())
            .map(Cursor::at)
    }

    /// Returns the name of its journal.
    pub fn journal(&self) -> JournalName {
        JournalName::new(&self.0.user, &self.0.thread, &self.0.stream, self.0.at_ms)
    }

    /// Returns the answer that it continues, if any: a recovered answer begins with it.
    pub fn continued(&self) -> Option<AnsweredTurn> {
        let answer_sk = self.0.run.continues.clone()?;
        Some(AnsweredTurn {
            messages_pk: self.messages_pk(),
            answer_sk,
            stream: self.0.stream.clone(),
        })
    }

    /// Returns the place of its answer.
    pub fn answered(&self) -> AnsweredTurn {
        AnsweredTurn {
            messages_pk: self.messages_pk(),
            answer_sk: self.0.run.asst_sk.clone(),
            stream: self.0.stream.clone(),
        }
    }

    /// Returns its slot in the user's quota. That of a turn begun within the moment of midnight may
    /// be looked for on the wrong day; then it is free when its lease has passed.
    pub(crate) fn quota_slot(&self) -> QuotaSlot {
        QuotaSlot::new(
            self.user(),
            self.stream(),
            self.began_at_ms(),
            self.lease_ms(),
        )
    }

    pub(crate) fn run(&self) -> &RunItem {
        &self.0.run
    }

    /// Returns the turn as the one that takes over from it knows it.
    pub(crate) fn superseded(&self) -> Self {
        Self(Arc::new(Open {
            is_stopped: true,
            ..Open::clone(&self.0)
        }))
    }

    pub(crate) fn inline_question(&self) -> Option<&InlineQuestion> {
        self.0.run.question.as_ref()
    }

    pub(crate) fn keys(&self, quota_slot: Option<QuotaSlot>) -> TurnKeys {
        TurnKeys::new(Keys {
            thread_pk: keys::user(&self.0.user),
            thread_sk: keys::thread(&self.0.thread),
            messages_pk: self.messages_pk(),
            journals_pk: keys::journals(&self.0.user, &self.0.thread),
            user_sk: self.0.run.user_sk.clone(),
            answer_sk: self.0.run.asst_sk.clone(),
            user_cut: self.0.run.user_cut.clone(),
            cut: self.0.run.cut.clone(),
            message: self.0.message.clone(),
            answer: self.0.answer.clone(),
            stream: self.0.stream.clone(),
            at_ms: self.0.at_ms,
            forgets: false,
            quota_slot,
        })
    }

    fn messages_pk(&self) -> String {
        keys::messages(&self.0.user, &self.0.thread)
    }
}

/// A turn whose answer is stored, see [`crate::Store::answer_of`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredTurn {
    pub(crate) messages_pk: String,
    pub(crate) answer_sk: String,
    pub(crate) stream: StreamId,
}

impl AnsweredTurn {
    /// Returns the run that answered.
    pub fn stream(&self) -> &StreamId {
        &self.stream
    }
}

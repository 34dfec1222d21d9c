//! The thread item: what it says of the thread, of its current turn and of the one before.

use message::{StreamId, ThreadId, UserId};
use serde::Deserialize;

use crate::attribute::{self, Item, string};
use crate::inline_question::InlineQuestion;
use crate::run::{AnsweredTurn, OpenTurn, RunItem};
use crate::usage::counters::TurnUsage;
use crate::{Store, StoreError, keys};

/// The thread item. Its attributes may be absent one by one, since other writers may create it too.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
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
    /// The digest of the question, see [`crate::turn::begin`].
    pub(crate) last_hash: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) user_sk: Option<String>,
    pub(crate) asst_sk: Option<String>,
    pub(crate) question: Option<InlineQuestion>,
    pub(crate) user_cut: Option<String>,
    pub(crate) cut: Option<String>,
    pub(crate) continues: Option<String>,
    pub(crate) stream_id: Option<String>,
    /// Until when the current turn lives, if nothing else ends it. Milliseconds.
    pub(crate) lease: u64,
    /// The marks of the last messages' ids, the newest last.
    pub(crate) recent: Vec<String>,
    pub(crate) stop_id: Option<String>,
    pub(crate) done_id: Option<String>,
    pub(crate) failed_id: Option<String>,
    /// The turn that the current one took over from, until it is known to be over.
    pub(crate) prev: Option<RunItem>,
    /// Superseded turns whose processes have still to add what they used, see [`crate::turn::finish`].
    pub(crate) pending_usage: Vec<String>,
    /// The thread is deleted, with everything up to then, and this is what is left of it. See
    /// [`crate::thread::delete`].
    pub(crate) deleted_at: Option<u64>,
    pub(crate) tin: Option<u64>,
    pub(crate) tout: Option<u64>,
    pub(crate) tcached: Option<u64>,
    pub(crate) treasoning: Option<u64>,
    pub(crate) cost: Option<crate::usage::counters::Cost>,
}

/// The state of a thread's current turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// There has been none.
    None,
    /// Its lease has not passed.
    Running,
    /// Its lease has passed, and it was not ended.
    Dead,
    Done,
    Failed,
}

impl ThreadItem {
    /// Some engines name the keys of an item that is not there, so presence means a `createdAt`.
    pub(crate) fn exists(&self) -> bool {
        self.created_at.is_some()
    }

    /// Returns true if this is not, or no longer, the thread that a turn began in.
    pub(crate) fn is_deleted(&self, began_at_ms: u64) -> bool {
        self.deleted_at.is_some()
            || self
                .created_at
                .is_none_or(|created_at| began_at_ms < created_at)
    }

    pub(crate) fn state(&self, now_ms: u64) -> State {
        if self.stream_id.is_none() {
            State::None
        } else if self.done_id == self.stream_id {
            State::Done
        } else if self.failed_id == self.stream_id {
            State::Failed
        } else if self.lease < now_ms {
            State::Dead
        } else {
            State::Running
        }
    }

    /// Returns true if the current turn has ended without an answer to show.
    pub(crate) fn has_failed(&self) -> bool {
        self.state(0) == State::Failed
    }

    /// Returns the current turn, unless it is marked as over.
    pub(crate) fn open(&self) -> Result<Option<OpenTurn>, StoreError> {
        match self.state(0) {
            State::Running | State::Dead => self.current().map(Some),
            State::None | State::Done | State::Failed => Ok(None),
        }
    }

    /// Returns true if the turn is the one before, and is not known to be over.
    pub(crate) fn has_previous(&self, stream: &str) -> bool {
        self.prev
            .as_ref()
            .is_some_and(|run| run.stream_id == stream)
    }

    /// The turn before, if it is not known to be over.
    pub(crate) fn unfinished_previous(&self) -> Result<Option<OpenTurn>, StoreError> {
        self.prev
            .clone()
            .map(|run| self.superseded(run))
            .transpose()
    }

    /// The current turn, whatever it is at.
    pub(crate) fn current(&self) -> Result<OpenTurn, StoreError> {
        let is_stopped = self.stop_id.is_some() && self.stop_id == self.stream_id;
        let run = RunItem {
            stream_id: self.stream_id.clone().unwrap_or_default(),
            user_sk: self.user_sk.clone().unwrap_or_default(),
            asst_sk: self.asst_sk.clone().unwrap_or_default(),
            lease: self.lease,
            model: self.model.clone(),
            question: self.question.clone(),
            user_cut: self.user_cut.clone(),
            cut: self.cut.clone(),
            continues: self.continues.clone(),
        };
        self.turn(run, is_stopped)
    }

    pub(crate) fn answered(&self) -> Result<AnsweredTurn, StoreError> {
        Ok(self.current()?.answered())
    }

    /// A turn of this thread that another has taken over from.
    pub(crate) fn superseded(&self, run: RunItem) -> Result<OpenTurn, StoreError> {
        self.turn(run, true)
    }

    fn turn(&self, run: RunItem, is_stopped: bool) -> Result<OpenTurn, StoreError> {
        let corrupt = || StoreError::corrupt(&self.pk, &self.sk, "invalid ids in its keys");
        let user = self
            .pk
            .strip_prefix("U#")
            .and_then(|user| UserId::parse(user).ok());
        let thread = self
            .sk
            .strip_prefix("T#")
            .and_then(|thread| ThreadId::parse(thread).ok());
        OpenTurn::new(
            user.ok_or_else(corrupt)?,
            thread.ok_or_else(corrupt)?,
            run,
            is_stopped,
        )
    }

    fn stream(&self) -> Result<Option<StreamId>, StoreError> {
        let Some(stream) = &self.stream_id else {
            return Ok(None);
        };
        StreamId::parse(stream)
            .map(Some)
            .map_err(|error| StoreError::corrupt(&self.pk, &self.sk, error))
    }
}

/// A conversation, without its messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Thread {
    /// The beginning of its first text, if there was one.
    pub title: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// When its latest turn began, in milliseconds since 1970. Never the same for two turns of a
    /// thread.
    pub last_activity_at_ms: u64,
    /// The number of turns that have begun in it.
    pub turns: u64,
    /// The usage of its turns, as far as it was reported when they ended.
    pub usage: TurnUsage,
    stream: Option<StreamId>,
    live_until_ms: u64,
}

impl Thread {
    /// The turn that is still being answered.
    pub fn running(&self, now_ms: u64) -> Option<&StreamId> {
        self.stream
            .as_ref()
            .filter(|_| self.live_until_ms >= now_ms)
    }
}

impl TryFrom<ThreadItem> for Thread {
    type Error = StoreError;

    fn try_from(item: ThreadItem) -> Result<Self, StoreError> {
        let is_open = matches!(item.state(0), State::Running | State::Dead);
        Ok(Self {
            stream: item.stream()?.filter(|_| is_open),
            live_until_ms: item.lease,
            created_at_ms: item.created_at.unwrap_or_default(),
            last_activity_at_ms: item.last_activity_at,
            turns: item.turns,
            usage: TurnUsage {
                input: item.tin,
                output: item.tout,
                cached: item.tcached,
                reasoning: item.treasoning,
                cost: item.cost,
            },
            title: item.title,
        })
    }
}

/// The state of a thread's turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentTurn {
    /// The latest run. `None`: the thread has had none.
    pub stream: Option<StreamId>,
    /// The latest run, if it was not ended: it is running or dead.
    pub open: Option<OpenTurn>,
    /// The latest run's answer, if it has ended with one.
    pub answered: Option<AnsweredTurn>,
    /// An earlier run that was taken over from and is not known to be over.
    pub unfinished_previous: Option<OpenTurn>,
}

impl CurrentTurn {
    /// Returns true if the latest run has ended, or there has been none.
    pub fn ended(&self) -> bool {
        self.open.is_none()
    }
}

impl TryFrom<ThreadItem> for CurrentTurn {
    type Error = StoreError;

    fn try_from(item: ThreadItem) -> Result<Self, StoreError> {
        let answered = match item.state(0) {
            State::Done => Some(item.answered()?),
            State::None | State::Running | State::Dead | State::Failed => None,
        };
        Ok(Self {
            stream: item.stream()?,
            open: item.open()?,
            answered,
            unfinished_previous: item.unfinished_previous()?,
        })
    }
}

impl Store {
    /// Reads a thread of `user`, strongly consistent. `None`: this user has no such thread.
    pub async fn thread(
        &self,
        user: &UserId,
        thread: &ThreadId,
    ) -> Result<Option<Thread>, StoreError> {
        self.thread_item(user, thread)
            .await?
            .map(Thread::try_from)
            .transpose()
    }

    /// Returns the state of the thread's turns, strongly consistent. `None`: this user has no such
    /// thread.
    pub async fn current_turn(
        &self,
        user: &UserId,
        thread: &ThreadId,
    ) -> Result<Option<CurrentTurn>, StoreError> {
        self.thread_item(user, thread)
            .await?
            .map(CurrentTurn::try_from)
            .transpose()
    }

    pub(crate) async fn thread_item(
        &self,
        user: &UserId,
        thread: &ThreadId,
    ) -> Result<Option<ThreadItem>, StoreError> {
        let found = self
            .get_consistent(&keys::user(user), &keys::thread(thread))
            .await?;
        let found = found.map(attribute::read::<ThreadItem>).transpose()?;
        Ok(found.filter(ThreadItem::exists))
    }

    pub(crate) async fn get_consistent(
        &self,
        pk: &str,
        sk: &str,
    ) -> Result<Option<Item>, StoreError> {
        self.client
            .get_item()
            .table_name(&*self.table)
            .key("pk", string(pk))
            .key("sk", string(sk))
            .consistent_read(true)
            .send()
            .await
            .map(|answer| answer.item)
            .map_err(|error| StoreError::of("GetItem", error))
    }
}

//! The thread item: attributes of the thread, of its current turn and of the one before.

use message::{StreamId, ThreadId, UserId};
use serde::Deserialize;

use crate::StoreError;
use crate::inline_question::InlineQuestion;
use crate::run::{AnsweredTurn, OpenTurn, RunItem};

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
    /// Superseded turns whose processes have still to add what they used, see
    /// [`crate::turn::finish`].
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
    /// Returns true if the thread exists. Some engines return the keys of an absent item, so
    /// presence means a `createdAt`.
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

    /// Returns the turn before, if it is not known to be over.
    pub(crate) fn unfinished_previous(&self) -> Result<Option<OpenTurn>, StoreError> {
        self.prev
            .clone()
            .map(|run| self.superseded(run))
            .transpose()
    }

    /// Returns the current turn, in any state.
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

    /// Returns a turn of this thread that another has taken over from.
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

    pub(crate) fn stream(&self) -> Result<Option<StreamId>, StoreError> {
        let Some(stream) = &self.stream_id else {
            return Ok(None);
        };
        StreamId::parse(stream)
            .map(Some)
            .map_err(|error| StoreError::corrupt(&self.pk, &self.sk, error))
    }
}

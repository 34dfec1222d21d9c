//! Reads of a thread, and of the state of its turns.

use message::{StreamId, ThreadId, UserId};

use crate::attribute;
use crate::run::OpenTurn;
use crate::thread::item::{State, ThreadItem};
use crate::usage::counters::TurnUsage;
use crate::{Store, StoreError, keys};

/// A conversation, without its messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Thread {
    /// The beginning of its first text, if there was one.
    pub title: Option<String>,
    /// The time of its first turn, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// The time at which its latest turn began, in milliseconds since 1970. Never the same for two
    /// turns of a thread.
    pub last_activity_at_ms: u64,
    /// The number of turns that have begun in it.
    pub turns: u64,
    /// The usage of its turns, as far as it was reported when they ended.
    pub usage: TurnUsage,
    stream: Option<StreamId>,
    live_until_ms: u64,
}

impl Thread {
    /// Returns the turn that is still being answered.
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
    #[cfg(feature = "test-support")]
    pub stream: Option<StreamId>,
    /// The latest run, if it was not ended: it is running or dead.
    pub open: Option<OpenTurn>,
    /// The latest run's answer, if it has ended with one.
    #[cfg(feature = "test-support")]
    pub answered: Option<crate::AnsweredTurn>,
    /// An earlier run that was taken over from and is not known to be over.
    pub unfinished_previous: Option<OpenTurn>,
}

impl CurrentTurn {
    /// Returns true if the latest run has ended, or there has been none.
    #[cfg(feature = "test-support")]
    pub fn ended(&self) -> bool {
        self.open.is_none()
    }
}

impl TryFrom<ThreadItem> for CurrentTurn {
    type Error = StoreError;

    fn try_from(item: ThreadItem) -> Result<Self, StoreError> {
        #[cfg(feature = "test-support")]
        let answered = match item.state(0) {
            State::Done => Some(item.answered()?),
            State::None | State::Running | State::Dead | State::Failed => None,
        };
        Ok(Self {
            #[cfg(feature = "test-support")]
            stream: item.stream()?,
            open: item.open()?,
            #[cfg(feature = "test-support")]
            answered,
            unfinished_previous: item.unfinished_previous()?,
        })
    }
}

impl Store {
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

    /// Reads a thread and what its turns are at, strongly consistent. `None`: this user has no such
    /// thread.
    pub async fn thread_and_turn(
        &self,
        user: &UserId,
        thread: &ThreadId,
    ) -> Result<Option<(Thread, CurrentTurn)>, StoreError> {
        let Some(item) = self.thread_item(user, thread).await? else {
            return Ok(None);
        };
        Ok(Some((item.clone().try_into()?, item.try_into()?)))
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
}

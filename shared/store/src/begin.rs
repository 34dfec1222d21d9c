//! How a turn begins: who may answer which message of a thread, and when.
//!
//! # States
//! A thread item names its current turn (`streamId`), the message it answers (`lastMsg`), a digest of what was asked
//! (`lastHash`) and until when it lives (`lease`). The turn is *done* once `doneId = streamId`, *failed* once
//! `failedId = streamId` (there is no answer to show), *dead* once its lease has passed, and else *running*.
//! [`judge`] holds the whole table of what a begin may do in which state.
//!
//! Each begin gives the thread a `streamId` of its own, and whatever a turn writes to the thread later is
//! conditional on it: a superseded turn can no longer mark anything.
//!
//! # Taking over
//! A turn that takes over from one that has not ended notes it in `prev`, with all that is needed to recover it. There
//! is at most one: while a `prev` is not known to be over, nobody can take over before it is recovered.
//!
//! # Round trips
//! The first write assumes the ordinary case: another message than the last, nothing open, and a clock that has moved
//! on. The user's quota is asked at the same time. If the ordinary case does not hold, the refusal brings the item, and
//! one more write, on condition that the item's turn is still what it was, takes its values from there: the question's
//! key, and a time after the last. More are needed only while other begins win in between. A regenerated, edited or
//! continued message may be older than the thread's last, and then is looked for among the messages.
//!
//! # Order
//! [`Store::begin_turn`] is first. [`Store::put_user_message`] may run beside the model call if the question was kept,
//! but must have succeeded before anything of the answer is shown. [`Store::put_answer`] comes after it, and
//! [`Store::finish_turn`] last, not beside it: `doneId` promises that the answer is there. [`Store::settle_turn`] may
//! run beside any of them.

mod digest;
pub(crate) mod judge;
mod plan;
mod write;

use std::time::Duration;

use message::{MessageId, StreamId, ThreadId, UserId};

use crate::history::Cursor;
use crate::kept::Kept;
use crate::quota::{DayItem, Place, Reserved, TurnLimits};
use crate::thread::ThreadItem;
use crate::turn::{AnsweredTurn, OpenTurn, TurnKeys};
use crate::{Finished, Store, StoreError, TurnOutcome, TurnUsage};

use digest::Digest;
use judge::{Verdict, judge};
use plan::Plan;
use write::Attempt;

/// How often one begin is tried while others win in between.
const ATTEMPTS: usize = 8;

/// What a turn is begun with.
#[derive(Debug, Clone, Copy)]
pub struct BeginTurn<'a> {
    /// Who asks.
    pub user: &'a UserId,
    /// The thread, created if the user has none of this name.
    pub thread: &'a ThreadId,
    /// The user's message.
    pub message: &'a MessageId,
    /// Its parts as JSON text.
    pub parts: &'a str,
    /// The parts, as JSON text, of the answer that is to go on, where the request ends with one.
    pub continued: Option<&'a str>,
    /// This run. Never used before.
    pub stream: &'a StreamId,
    /// The message this run will answer with: one never used before, or the answer that it goes on with. Of two stored
    /// messages with one id, the later holds all that the earlier does.
    pub answer: &'a MessageId,
    /// The model that will answer.
    pub model: &'a str,
    /// The title of a thread that has none; its first 80 characters are kept. Empty: left for a later turn.
    pub title: &'a str,
    /// Now, in milliseconds since 1970.
    pub now_ms: u64,
    /// How long the turn may live.
    pub lease_ms: u64,
    /// What there is to the message.
    pub question: Question,
    /// Whether the turn may take over from one that is running and is not about the same message.
    pub supersede: bool,
    /// How much the user may ask for.
    pub limits: TurnLimits,
}

/// What a begin says of the user's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// It is sent: for the first time, or again because the client got no answer.
    Sent,
    /// It has been answered and is to be answered anew.
    Regenerated,
    /// It keeps its id but says something else now. What it said before stays stored beside it.
    Edited,
    /// Its answer is to go on, since the client has added something to it.
    Continued,
}

/// What came of a begin that was not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// The turn has begun.
    Begun(BegunTurn),
    /// The same has been asked, and is being answered.
    Running(OpenTurn),
    /// The same has been asked, and this is its answer.
    Answered(AnsweredTurn),
    /// This turn has to be recovered first, see [`Store::recover_turn`]; then the begin is to be tried again.
    Recover(OpenTurn),
}

/// A turn that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunTurn {
    /// What the turn's other operations need.
    pub keys: TurnKeys,
    /// Whether the thread is new.
    pub new_thread: bool,
    /// The thread's `lastActivityAt` from now on: now, or a little later if turns come faster than the clock.
    pub at_ms: u64,
    /// Whether the thread item keeps the question: then it is not lost though the process dies before it has put it.
    pub question_kept: bool,
    /// The turn that this one has taken over from. It ends as soon as it notices, if anybody works on it.
    pub took_over: Option<OpenTurn>,
    /// An earlier turn that was taken over from and is not known to be over. To be recovered at leisure.
    pub left_behind: Option<OpenTurn>,
    /// What stands before the question on the thread's path, for [`crate::History::before`].
    pub history: Cursor,
}

/// Why a turn did not begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// Another message is being answered, and must not be superseded.
    #[error("another message is being answered by {stream}")]
    Busy {
        /// The run that answers it.
        stream: StreamId,
    },
    /// The thread's last message has the same id and says something else.
    #[error("the message was sent before and said something else")]
    DifferentMessage,
    /// The user has begun as many turns today as they may.
    #[error("no more turns may begin today")]
    TurnsPerDay {
        /// Until the next day.
        retry_after: Duration,
    },
    /// As many of the user's turns are running as may.
    #[error("too many turns are running")]
    ParallelTurns {
        /// When one of them may have ended.
        retry_after: Duration,
    },
    /// The table did not do what was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A begin, with what is worked out of it once.
struct Asked<'a> {
    begin: &'a BeginTurn<'a>,
    digest: Digest,
    kept: Option<Kept>,
    place: Place,
}

impl<'a> Asked<'a> {
    async fn new(begin: &'a BeginTurn<'a>) -> Self {
        Self {
            begin,
            digest: Digest::of(begin.parts, begin.continued),
            kept: Kept::pack(begin.parts).await,
            place: place(begin),
        }
    }
}

impl Store {
    /// Begins a turn: creates or touches the thread, makes this its current turn, and takes a place in the user's
    /// quota. What comes to nothing gives its place back.
    ///
    /// # Errors
    /// After a [`BeginError::Store`] the turn may have begun all the same, see [`Store::abandon_turn`].
    pub async fn begin_turn(&self, begin: &BeginTurn<'_>) -> Result<Begin, BeginError> {
        let asked = Asked::new(begin).await;
        let blind = Plan::blind(&asked);
        let (attempt, reserved) =
            tokio::join!(self.try_begin(&asked, &blind), self.reserve(&asked.place, begin.limits, None));
        let mut quota = match reserved? {
            Reserved::Held => Quota::Held,
            Reserved::Full(day) => Quota::Full(day),
        };
        let begun = Box::pin(self.settle_begin(&asked, blind, attempt?, &mut quota)).await;
        let came_to_nothing = !matches!(begun, Ok(Begin::Begun(_)) | Err(BeginError::Store(_)));
        if came_to_nothing && matches!(quota, Quota::Held) {
            // What cannot be given back now is free when the lease has passed.
            let _ = self.release(&asked.place).await;
        }
        begun
    }

    /// Gives up a turn of which it is not known whether it has begun: the begin may have been written though its
    /// answer got lost, and would count as running until its lease is over. `begin` must be the very begin that failed,
    /// its `now_ms` and `lease_ms` included.
    pub async fn abandon_turn(&self, begin: &BeginTurn<'_>) -> Result<Finished, StoreError> {
        let place = place(begin);
        let keys = plan::keys_unplanned(begin, place.clone());
        let nothing = TurnUsage::default();
        let (finished, released) = tokio::join!(
            self.finish_turn(&keys, TurnOutcome::Failed, &nothing),
            self.release(&place)
        );
        released?;
        finished
    }

    /// Goes on after the first try.
    async fn settle_begin(
        &self,
        asked: &Asked<'_>,
        mut plan: Plan,
        mut attempt: Attempt,
        quota: &mut Quota,
    ) -> Result<Begin, BeginError> {
        for _ in 0..ATTEMPTS {
            let thread = match attempt {
                Attempt::Begun(before) => return self.begun(asked, plan, *before, quota).await,
                Attempt::Refused(thread) => thread,
            };
            plan = match judge(&thread, &asked.asking()) {
                Verdict::Ours => return self.confirm(asked, &thread, thread.current()?, quota).await,
                Verdict::OursSuperseded(run) => {
                    return self.confirm(asked, &thread, thread.turn(run)?, quota).await;
                }
                Verdict::Running => return Ok(Begin::Running(thread.current()?)),
                Verdict::Answered => return Ok(Begin::Answered(thread.answered()?)),
                Verdict::Recover => return Ok(Begin::Recover(thread.current()?)),
                Verdict::RecoverPrevious(run) => return Ok(Begin::Recover(thread.turn(run)?)),
                Verdict::Busy => {
                    let stream = thread.current()?.stream().clone();
                    return Err(BeginError::Busy { stream });
                }
                Verdict::DifferentMessage => return Err(BeginError::DifferentMessage),
                Verdict::Begin => self.plan(asked, &thread, None).await?,
                Verdict::TakeOver => self.plan(asked, &thread, Some(thread.current()?)).await?,
            };
            self.hold(asked, plan.took_over(), quota).await?;
            attempt = self.try_begin(asked, &plan).await?;
        }
        Err(StoreError::Conflict { operation: "UpdateItem" }.into())
    }

    async fn begun(
        &self,
        asked: &Asked<'_>,
        plan: Plan,
        before: ThreadItem,
        quota: &mut Quota,
    ) -> Result<Begin, BeginError> {
        let keys = plan.keys(asked);
        self.hold_or_fail(asked, &keys, quota).await?;
        Ok(Begin::Begun(BegunTurn {
            new_thread: !before.exists(),
            at_ms: plan.at_ms,
            question_kept: asked.kept.is_some(),
            left_behind: before.left_behind()?,
            history: plan.history(),
            took_over: plan.took_over().cloned(),
            keys,
        }))
    }

    /// The same begin, sent twice because the first answer got lost on the way.
    async fn confirm(
        &self,
        asked: &Asked<'_>,
        thread: &ThreadItem,
        turn: OpenTurn,
        quota: &mut Quota,
    ) -> Result<Begin, BeginError> {
        let keys = turn.keys(Some(asked.place.clone()));
        self.hold_or_fail(asked, &keys, quota).await?;
        Ok(Begin::Begun(BegunTurn {
            new_thread: thread.turns == 1,
            at_ms: turn.began_at_ms(),
            question_kept: turn.kept().is_some(),
            took_over: None,
            left_behind: thread.left_behind()?.filter(|before| before.stream() != turn.stream()),
            history: Cursor::before(&turn.run().user_sk, turn.run().user_cut.as_deref()),
            keys,
        }))
    }

    /// Makes sure of a place for a turn that has begun already, or ends it.
    async fn hold_or_fail(
        &self,
        asked: &Asked<'_>,
        keys: &TurnKeys,
        quota: &mut Quota,
    ) -> Result<(), BeginError> {
        let Err(refusal) = self.hold(asked, None, quota).await else {
            return Ok(());
        };
        if !matches!(refusal, BeginError::Store(_)) {
            self.finish_turn(keys, TurnOutcome::Failed, &TurnUsage::default()).await?;
        }
        Err(refusal)
    }

    async fn hold(
        &self,
        asked: &Asked<'_>,
        beside: Option<&OpenTurn>,
        quota: &mut Quota,
    ) -> Result<(), BeginError> {
        if let Quota::Full(day) = quota {
            let day = std::mem::take(day);
            self.make_room(&asked.place, asked.begin.limits, beside, day).await?;
            *quota = Quota::Held;
        }
        Ok(())
    }
}

/// Whether the begin has a place in the user's quota.
enum Quota {
    Held,
    Full(DayItem),
}

fn place(begin: &BeginTurn<'_>) -> Place {
    Place::new(begin.user, begin.stream, begin.now_ms, lease(begin))
}

/// Until when the turn lives.
fn lease(begin: &BeginTurn<'_>) -> u64 {
    begin.now_ms.saturating_add(begin.lease_ms)
}

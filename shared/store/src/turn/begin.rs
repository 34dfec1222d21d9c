//! The begin of a turn: which run may answer which message of a thread, and when.
//!
//! # Types
//! | | |
//! |---|---|
//! | input | [`BeginTurn`]; [`PreparedBegin`] adds what is computed from it once |
//! | decision | `Decision`, on the thread that was found; `Plan`, for the next write |
//! | outcome | `Attempt` of one write; [`Begin`] or [`crate::BeginError`] of the begin |
//!
//! # States
//! A thread item names its current turn (`streamId`), the message it answers (`lastMsg`), a digest
//! of what was asked (`lastHash`) and until when it lives (`lease`). The turn is *done* once
//! `doneId = streamId`, *failed* once `failedId = streamId` (there is no answer to show), *dead*
//! once its lease has passed, and else *running*. [`decide`] holds the complete table of what a
//! begin may do in which state.
//!
//! Each begin gives the thread a `streamId` of its own, and whatever a turn writes to the thread
//! later is conditional on it: a superseded turn can no longer mark anything.
//!
//! # Taking over
//! A turn that takes over from one that has not ended notes it in `prev`, with all that is needed
//! to recover it. There is at most one: while a `prev` is not known to be over, no turn can take
//! over before it is recovered.
//!
//! # Round trips
//! The first write assumes the ordinary case: another message than the last, nothing open, and a
//! clock that has moved on. The user's quota is asked at the same time. If the ordinary case does
//! not hold, the refusal brings the item, and one more write, on condition that the item's turn is
//! still what it was, takes its values from there: the question's key, and a time after the last.
//! More are needed only while other begins win in between. A regenerated, edited or continued
//! message may be older than the thread's last, and then is looked for among the messages.
//!
//! # Refusals
//! Where only the quota refuses, the first write is undone: the thread is as before the begin.
//!
//! # Order
//! [`Store::begin_turn`] is first. [`Store::put_user_message`] may run during the model call if the
//! thread item holds the question, but must have succeeded before anything of the answer is shown.
//! [`Store::put_answer`] comes after it, and [`Store::finish_turn`] last, not at the same time:
//! `doneId` promises that the answer is there. [`Store::record_usage`] may run at the same time as
//! any of them.

mod decide;
mod digest;
mod plan;
mod repeated;
mod steps;
mod undo;
mod write;

use message::{MessageId, StreamId, ThreadId, UserId};

use crate::cursor::Cursor;
use crate::inline_question::InlineQuestion;
use crate::limits::TurnLimits;
use crate::run::{AnsweredTurn, OpenTurn, TurnKeys};
use crate::slot::QuotaSlot;

use digest::Digest;

pub use write::MAX_TITLE_CHARS;

/// The input of a begin.
#[derive(Debug, Clone, Copy)]
pub struct BeginTurn<'a> {
    /// The user.
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
    /// The message this run will answer with: one never used before, or the answer that it goes on
    /// with. Of two stored messages with one id, the later holds all that the earlier does.
    pub answer: &'a MessageId,
    /// The model that will answer.
    pub model: &'a str,
    /// The title of a thread that has none; its first 80 characters are kept. Empty: left for a
    /// later turn.
    pub title: &'a str,
    /// Now, in milliseconds since 1970.
    pub now_ms: u64,
    /// The time that the turn may run.
    pub lease_ms: u64,
    /// The state of the user's message.
    pub question: Question,
    /// True if the turn may take over from one that is running and is not about the same message.
    pub supersede: bool,
    /// The user's limits.
    pub limits: TurnLimits,
}

/// The state of the user's message at a begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// It is sent: for the first time, or again because the client got no answer.
    Sent,
    /// It has an answer and is to get another.
    Regenerated,
    /// It keeps its id and has another content now. The earlier content stays stored.
    Edited,
    /// Its answer is to go on, since the client has added something to it.
    Continued,
}

/// The outcome of a begin that was not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// The turn has begun.
    Begun(BegunTurn),
    /// An answer to the same question is running.
    Running(OpenTurn),
    /// An answer to the same question is stored, by this turn.
    Answered(AnsweredTurn),
    /// This turn has to be recovered first, see [`crate::Store::recover_turn`]; then the begin is
    /// to be tried again.
    Recover(OpenTurn),
}

/// A turn that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunTurn {
    /// The keys for the turn's other operations.
    pub keys: TurnKeys,
    /// True if the thread is new.
    #[cfg(feature = "test-support")]
    pub new_thread: bool,
    /// The thread's `lastActivityAt` from now on: now, or a little later if turns come faster than
    /// the clock.
    #[cfg(feature = "test-support")]
    pub at_ms: u64,
    /// True if the thread item holds the question: then it is not lost though the process dies
    /// before it has put it.
    pub question_inlined: bool,
    /// The turn that this one has taken over from. It ends as soon as it notices, if anybody works
    /// on it.
    pub took_over: Option<OpenTurn>,
    /// An earlier turn that was taken over from and is not known to be over. To be recovered later.
    pub unfinished_previous: Option<OpenTurn>,
    /// The bound before the question on the thread's path, for [`crate::History::before`].
    pub history: Cursor,
}

/// A begin, with what is computed from it once.
struct PreparedBegin<'a> {
    begin: &'a BeginTurn<'a>,
    digest: Digest,
    /// The mark by which a thread remembers the message's id.
    mark: String,
    inline_question: Option<InlineQuestion>,
    quota_slot: QuotaSlot,
}

impl<'a> PreparedBegin<'a> {
    async fn new(begin: &'a BeginTurn<'a>) -> Self {
        Self {
            begin,
            digest: Digest::of(begin.parts, begin.continued),
            mark: digest::mark(begin.message.as_str()),
            inline_question: InlineQuestion::pack(begin.parts).await,
            quota_slot: quota_slot(begin),
        }
    }
}

fn quota_slot(begin: &BeginTurn<'_>) -> QuotaSlot {
    QuotaSlot::new(begin.user, begin.stream, begin.now_ms, lease(begin))
}

/// Returns the end of the turn's lease.
fn lease(begin: &BeginTurn<'_>) -> u64 {
    begin.now_ms.saturating_add(begin.lease_ms)
}

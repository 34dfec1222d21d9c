//! The begin of a turn in the store, and its undo.

use std::time::Duration;

use front::{error_chain, millis, now_ms};
use store::{AnsweredTurn, Begin, BeginTurn, BegunTurn, OpenTurn};
use tokio::time::Instant;

use crate::error::ApiError;
use crate::invocation::Invocation;
use crate::state::AppState;
use crate::stream::buffer::StreamBuffer;
use crate::stream::replay::replay_answer;
use crate::turn::Turn;
use crate::turn::attach::attach;

/// The longest time between the deadline of a turn and the expiry of its lease.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// The pauses between attempts to undo a begin. Until it is undone, the client's next request finds
/// the turn running.
const UNDO_INTERVALS: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::ZERO,
];

/// The number of attempts to begin, each but the last followed by the recovery of a dead turn.
const MAX_BEGIN_ATTEMPTS: usize = 4;

/// The producer of the answer.
pub(super) enum AnswerSource {
    /// This run has begun and writes the answer.
    ThisRun(BegunTurn),
    /// Another run of the same message writes the answer or has written it.
    OtherRun(StreamBuffer),
}

/// The lifetime of a turn, identical in every attempt to begin it.
pub(super) struct Lease {
    now_ms: u64,
    length_ms: u64,
}

impl Lease {
    /// Creates the lease of a turn that begins now and must end with `invocation`.
    pub(super) fn of(invocation: &Invocation) -> Self {
        let left = invocation
            .deadline
            .saturating_duration_since(Instant::now());
        let length = left + LEASE_MARGIN.min(left / 3);
        Self {
            now_ms: now_ms(),
            length_ms: millis(length),
        }
    }
}

/// Begins the turn, after recovering the dead turns that block it.
pub(super) async fn begin(
    state: &AppState,
    turn: &Turn,
    lease: &Lease,
    invocation: &Invocation,
) -> Result<AnswerSource, ApiError> {
    let request = begin_request(state, turn, lease);
    for _ in 0..MAX_BEGIN_ATTEMPTS {
        match state.store.begin_turn(&request).await? {
            Begin::Begun(begun) => return Ok(AnswerSource::ThisRun(begun)),
            Begin::Running(open) => {
                let buffer = read_along(state, turn, &open, invocation).await?;
                return Ok(AnswerSource::OtherRun(buffer));
            }
            Begin::Answered(answered) => {
                let buffer = replay_stored(state, turn, &answered).await?;
                return Ok(AnswerSource::OtherRun(buffer));
            }
            Begin::Recover(open) => {
                // The begin is refused until the dead turn has its answer.
                recovery::recover(&state.store, &open, now_ms()).await?;
            }
        }
    }
    Err(ApiError::Internal)
}

/// Returns the stream of another run that answers the same message.
async fn read_along(
    state: &AppState,
    turn: &Turn,
    open: &OpenTurn,
    invocation: &Invocation,
) -> Result<StreamBuffer, ApiError> {
    // The response promises that the question is stored, but a long one is not part of the other
    // run's begin.
    state
        .store
        .put_pending_question(open, &turn.user_message())
        .await?;
    attach(state, open, turn.answer_parts.clone(), invocation).ok_or_else(|| {
        ApiError::TurnInProgress {
            stream: open.stream().clone(),
            same_message: true,
        }
    })
}

/// Returns the stream of an answer that another run has stored for the same message.
async fn replay_stored(
    state: &AppState,
    turn: &Turn,
    answered: &AnsweredTurn,
) -> Result<StreamBuffer, ApiError> {
    let answer = state.store.answer_of(answered).await?;
    let stream = answer.and_then(|answer| replay_answer(&turn.answer_parts, &answer));
    stream.map(StreamBuffer::complete).ok_or(ApiError::Internal)
}

/// Undoes a begin that may have been written although its response was lost. It would block the
/// client's next attempt.
pub(super) async fn undo_begin(state: &AppState, turn: &Turn, lease: &Lease) {
    for interval in UNDO_INTERVALS {
        let request_to_undo = begin_request(state, turn, lease);
        let abandon = Box::pin(state.store.abandon_turn(&request_to_undo));
        let Err(error) = abandon.await else { return };
        let thread_id = turn.ids.thread.as_str();
        tracing::warn!(
            thread_id,
            error = error_chain(&error),
            "failed to undo the begin of a turn"
        );
        tokio::time::sleep(interval).await;
    }
}

fn begin_request<'a>(state: &AppState, turn: &'a Turn, lease: &Lease) -> BeginTurn<'a> {
    BeginTurn {
        user: &turn.ids.user,
        thread: &turn.ids.thread,
        message: &turn.ids.message,
        parts: &turn.message_parts,
        continued: turn.continued.as_deref(),
        stream: &turn.ids.stream,
        answer: &turn.ids.answer,
        model: &turn.ids.model,
        title: &turn.title,
        now_ms: lease.now_ms,
        lease_ms: lease.length_ms,
        question: turn.question,
        supersede: state.supersede,
        limits: state.turn_limits,
    }
}

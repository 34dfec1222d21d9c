//! The recovery of turns whose process has died.

use front::{error_chain, now_ms};
use message::{ThreadId, UserId};
use store::OpenTurn;

use crate::error::ApiError;
use crate::invocation::Invocation;
use crate::state::AppState;

/// Returns the running turn of a thread; recovers one whose lease has expired.
pub(crate) async fn running_turn(
    state: &AppState,
    user: &UserId,
    thread: &ThreadId,
    invocation: &Invocation,
) -> Result<Option<OpenTurn>, ApiError> {
    let Some(current) = state.store.current_turn(user, thread).await? else {
        return Ok(None);
    };
    // Unlike the current turn, it does not change what the caller sees, so it is recovered in a
    // task.
    if let Some(unfinished_previous) = current
        .unfinished_previous
        .filter(|older| older.is_dead(now_ms()))
    {
        spawn_recovery(state, unfinished_previous, invocation);
    }
    match current.open {
        Some(open) if open.is_dead(now_ms()) => {
            recovery::recover(&state.store, &open, now_ms()).await?;
            Ok(None)
        }
        open => Ok(open),
    }
}

/// Recovers a dead turn in a task of its own.
pub(crate) fn spawn_recovery(state: &AppState, open: OpenTurn, invocation: &Invocation) {
    let store = state.store.clone();
    invocation.spawn(async move {
        if let Err(error) = recovery::recover(&store, &open, now_ms()).await {
            let stream_id = open.stream().as_str();
            tracing::warn!(
                stream_id,
                error = error_chain(&error),
                "failed to recover a turn"
            );
        }
    });
}

//! Stops of turns that run in this process or in another one.

use std::sync::Arc;
use std::time::Duration;

use front::{error_chain, now_ms};
use store::OpenTurn;

use crate::error::ApiError;
use crate::invocation::Invocation;
use crate::state::AppState;
use crate::turn::recover::spawn_recovery;

/// The longest wait for a turn of this process to store its answer after a stop.
const LOCAL_STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// The time after which a turn of another process that ignores a stop counts as dead. It reads the
/// stop within about a second and then has to store its answer.
const REMOTE_STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns whether this process can end a turn: it runs here, or its lease has expired.
pub(crate) fn can_stop_here(state: &AppState, open: &OpenTurn) -> bool {
    state.live.buffer_of(open.stream()).is_some() || open.is_dead(now_ms())
}

/// Stops a turn that runs here, and recovers a dead one. A turn of another process reads the stop
/// from the store; if it has not ended after [`REMOTE_STOP_TIMEOUT`] it counts as dead, whatever
/// its lease, and is recovered here.
pub(crate) fn enforce_stop(state: &Arc<AppState>, open: OpenTurn, invocation: &Invocation) {
    if state.live.buffer_of(open.stream()).is_some() {
        state.live.stop(open.stream());
    } else if open.is_dead(now_ms()) {
        spawn_recovery(state, open, invocation);
    } else {
        let (state, invocation_of_task) = (Arc::clone(state), invocation.clone());
        invocation.spawn(async move {
            tokio::time::sleep(REMOTE_STOP_TIMEOUT).await;
            recover_unless_ended(&state, &open, &invocation_of_task).await;
        });
    }
}

/// Recovers a turn that was asked to stop, if its thread still shows it as running.
async fn recover_unless_ended(state: &AppState, open: &OpenTurn, invocation: &Invocation) {
    match state.store.current_turn(open.user(), open.thread()).await {
        Ok(current) => {
            let still_open = current.and_then(|current| current.open);
            // Another turn may have begun since. It was not asked to stop.
            if let Some(turn) = still_open.filter(|turn| turn.stream() == open.stream()) {
                spawn_recovery(state, turn, invocation);
            }
        }
        Err(error) => {
            let stream_id = open.stream().as_str();
            tracing::warn!(
                stream_id,
                error = error_chain(&error),
                "failed to check whether a stop took effect"
            );
        }
    }
}

/// Stops a turn and waits until its answer is stored.
pub(crate) async fn stop_and_recover(state: &AppState, open: &OpenTurn) -> Result<(), ApiError> {
    state.live.stop(open.stream());
    if let Some(buffer) = state.live.buffer_of(open.stream()) {
        // It stores its answer before its buffer ends. After the timeout the answer is recovered
        // from its journal.
        let _ = tokio::time::timeout(LOCAL_STOP_TIMEOUT, buffer.wait_for_end()).await;
    }
    recovery::recover(&state.store, open, now_ms()).await?;
    Ok(())
}

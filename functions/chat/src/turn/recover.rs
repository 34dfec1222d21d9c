//! The recovery of turns whose process has died.

use front::{error_chain, now_ms};
use store::OpenTurn;

use crate::invocation::Invocation;
use crate::state::AppState;

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

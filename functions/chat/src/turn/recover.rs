//! Operations on turns that have not ended as far as the store shows: follow, stop, recover.

use std::sync::Arc;
use std::time::Duration;

use front::{error_chain, now_ms};
use message::{ThreadId, UiPart, UserId};
use store::OpenTurn;

use crate::error::ApiError;
use crate::invocation::Invocation;
use crate::state::AppState;
use crate::stream::buffer::{StreamBuffer, stream_buffer};
use crate::stream::follow::Follower;

/// The longest wait for a turn of this process to store its answer after a stop.
const LOCAL_STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// The time after which a turn of another process that ignores a stop counts as dead. It reads the
/// stop within about a second and then has to store its answer.
const REMOTE_STOP_TIMEOUT: Duration = Duration::from_secs(5);

impl AppState {
    /// Returns the running turn of a thread; recovers one whose lease has expired.
    pub(crate) async fn running_turn(
        &self,
        user: &UserId,
        thread: &ThreadId,
        invocation: &Invocation,
    ) -> Result<Option<OpenTurn>, ApiError> {
        let Some(current) = self.store.current_turn(user, thread).await? else {
            return Ok(None);
        };
        // Unlike the current turn, it does not change what the caller sees, so it is recovered in a
        // task.
        if let Some(unfinished_previous) = current
            .unfinished_previous
            .filter(|older| older.is_dead(now_ms()))
        {
            self.recover(unfinished_previous, invocation);
        }
        match current.open {
            Some(open) if open.is_dead(now_ms()) => {
                recovery::recover(&self.store, &open, now_ms()).await?;
                Ok(None)
            }
            open => Ok(open),
        }
    }

    /// Returns the stream buffer of a running turn: its own, or a copy that follows its journal.
    /// `None`: it runs in another process, and there are no journals.
    pub(crate) fn attach(
        self: &Arc<Self>,
        open: &OpenTurn,
        known_parts: Vec<UiPart>,
        invocation: &Invocation,
    ) -> Option<StreamBuffer> {
        if let Some(buffer) = self.live.buffer_of(open.stream()) {
            // The task of another invocation writes it, but Lambda freezes this one unless it has a
            // task too.
            let reader = buffer.clone();
            invocation.spawn(async move { reader.wait_for_end().await });
            return Some(buffer);
        }
        if !self.has_journals() {
            return None;
        }
        let (writer, buffer) = stream_buffer();
        let (until, shutdown) = (invocation.cutoff(), invocation.shutdown.clone());
        let follower = Follower {
            store: self.store.clone(),
            open: open.clone(),
            known_parts,
            until,
            shutdown,
        };
        invocation.spawn(async move { follower.run(writer).await });
        Some(buffer)
    }

    /// Returns whether this process can end a turn: it runs here, or its lease has expired.
    pub(crate) fn can_stop_here(&self, open: &OpenTurn) -> bool {
        self.live.buffer_of(open.stream()).is_some() || open.is_dead(now_ms())
    }

    /// Stops a turn that runs here, and recovers a dead one. A turn of another process reads the
    /// stop from the store; if it has not ended after [`REMOTE_STOP_TIMEOUT`] it counts as dead,
    /// whatever its lease, and is recovered here.
    pub(crate) fn enforce_stop(self: &Arc<Self>, open: OpenTurn, invocation: &Invocation) {
        if self.live.buffer_of(open.stream()).is_some() {
            return self.live.stop(open.stream());
        }
        if open.is_dead(now_ms()) {
            return self.recover(open, invocation);
        }
        let (state, invocation_of_task) = (Arc::clone(self), invocation.clone());
        invocation.spawn(async move {
            tokio::time::sleep(REMOTE_STOP_TIMEOUT).await;
            match state.store.current_turn(open.user(), open.thread()).await {
                Ok(current) => {
                    let still = current.and_then(|current| current.open);
                    if let Some(still) = still.filter(|still| still.stream() == open.stream()) {
                        state.recover(still, &invocation_of_task);
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
        });
    }

    /// Stops a turn and waits until its answer is stored.
    pub(crate) async fn stop_and_recover(&self, open: &OpenTurn) -> Result<(), ApiError> {
        self.live.stop(open.stream());
        if let Some(buffer) = self.live.buffer_of(open.stream()) {
            // It stores its answer before its buffer ends. After the timeout the answer is
            // recovered from its journal.
            let _ = tokio::time::timeout(LOCAL_STOP_TIMEOUT, buffer.wait_for_end()).await;
        }
        recovery::recover(&self.store, open, now_ms()).await?;
        Ok(())
    }

    /// Recovers a dead turn in a task of its own.
    pub(crate) fn recover(&self, open: OpenTurn, invocation: &Invocation) {
        let store = self.store.clone();
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
}

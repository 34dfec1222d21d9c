//! Turns that are not known to have ended, as others find them: read along, stopped, brought to their end.

use std::sync::Arc;
use std::time::Duration;

use front::{failure, now_ms};
use message::{ThreadId, UiPart, UserId};
use store::OpenTurn;

use crate::clients::Clients;
use crate::error::ApiError;
use crate::follow::Follower;
use crate::invocation::Invocation;
use crate::log::{TurnLog, turn_log};

/// How long a turn of this process, which is to stop, is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// A turn that runs heeds a stop within about a second, and then has to save what it has.
const HEEDED_WITHIN: Duration = Duration::from_secs(5);

impl Clients {
    /// The turn that runs in a thread. One that died, or was left behind, is brought to its end first.
    pub(crate) async fn settled(
        &self,
        user: &UserId,
        thread: &ThreadId,
        invocation: &Invocation,
    ) -> Result<Option<OpenTurn>, ApiError> {
        let Some(current) = self.store.current_turn(user, thread).await? else {
            return Ok(None);
        };
        if let Some(left_behind) = current.left_behind.filter(|older| older.is_dead(now_ms())) {
            self.recover(left_behind, invocation);
        }
        match current.open {
            Some(open) if open.is_dead(now_ms()) => {
                recovery::recover(&self.store, &open, now_ms()).await?;
                Ok(None)
            }
            open => Ok(open),
        }
    }

    /// The log of a running turn: its own, or a copy that follows its journal. `None`: it runs elsewhere, and there are
    /// no journals.
    pub(crate) fn attach(
        self: &Arc<Self>,
        open: &OpenTurn,
        given: Vec<UiPart>,
        invocation: &Invocation,
    ) -> Option<TurnLog> {
        if let Some(log) = self.live.log_of(open.stream()) {
            // Somebody else's task writes it. This invocation has to be held open all the same.
            let reader = log.clone();
            invocation.spawn(async move { reader.ended().await });
            return Some(log);
        }
        if !self.has_journals() {
            return None;
        }
        let (writer, log) = turn_log();
        let clients = Arc::clone(self);
        let (until, shutdown) = (invocation.cutoff(), invocation.shutdown.clone());
        let follower = Follower {
            open: open.clone(),
            given,
            until,
            shutdown,
        };
        invocation.spawn(async move { follower.run(&clients, writer).await });
        Some(log)
    }

    /// Whether a turn can be ended from here: it runs here, or nobody runs it any more.
    pub(crate) fn reaches(&self, open: &OpenTurn) -> bool {
        self.live.log_of(open.stream()).is_some() || open.is_dead(now_ms())
    }

    /// Stops a turn that runs here. One that runs elsewhere will notice; if it does not it is dead, whatever its lease
    /// says, and is brought to its end here.
    pub(crate) fn see_stopped(self: &Arc<Self>, open: OpenTurn, invocation: &Invocation) {
        if self.live.log_of(open.stream()).is_some() {
            return self.live.stop(open.stream());
        }
        if open.is_dead(now_ms()) {
            return self.recover(open, invocation);
        }
        let (clients, held) = (Arc::clone(self), invocation.clone());
        invocation.spawn(async move {
            tokio::time::sleep(HEEDED_WITHIN).await;
            match clients.store.current_turn(open.user(), open.thread()).await {
                Ok(current) => {
                    let still = current.and_then(|current| current.open);
                    if let Some(still) = still.filter(|still| still.stream() == open.stream()) {
                        clients.recover(still, &held);
                    }
                }
                Err(error) => {
                    let stream_id = open.stream().as_str();
                    tracing::warn!(
                        stream_id,
                        error = failure::chain(&error),
                        "failed to check whether a stop took effect"
                    );
                }
            }
        });
    }

    /// Stops a turn and waits until what it said is stored.
    pub(crate) async fn end(&self, open: &OpenTurn) -> Result<(), ApiError> {
        self.live.stop(open.stream());
        if let Some(log) = self.live.log_of(open.stream()) {
            // It stores its answer before its log ends. If that takes too long its journal has to do.
            let _ = tokio::time::timeout(PATIENCE, log.ended()).await;
        }
        recovery::recover(&self.store, open, now_ms()).await?;
        Ok(())
    }

    /// Brings a turn that nobody runs any more to its end. Nobody waits for it.
    pub(crate) fn recover(&self, open: OpenTurn, invocation: &Invocation) {
        let store = self.store.clone();
        invocation.spawn(async move {
            if let Err(error) = recovery::recover(&store, &open, now_ms()).await {
                let stream_id = open.stream().as_str();
                tracing::warn!(
                    stream_id,
                    error = failure::chain(&error),
                    "failed to recover a turn"
                );
            }
        });
    }
}

//! The turns that run in this process by stream id, for readers and for stops.
//!
//! Correctness does not depend on this registry. Other processes have their own, and reach the
//! turns of this one through the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use message::StreamId;
use tokio_util::sync::CancellationToken;

use crate::stream::buffer::StreamBuffer;

/// The registry of all running turns of the process. Cloning is cheap.
#[derive(Clone, Default)]
pub(crate) struct LiveTurns {
    turns: Arc<Mutex<HashMap<StreamId, LiveTurn>>>,
}

/// A running turn.
#[derive(Clone)]
struct LiveTurn {
    buffer: StreamBuffer,
    stop: CancellationToken,
}

/// A guard that deregisters a live turn on drop.
pub(crate) struct LiveTurnGuard {
    turns: LiveTurns,
    stream: StreamId,
    /// Cancelled when the turn must stop and keep its partial answer.
    pub(crate) stop: CancellationToken,
}

impl LiveTurns {
    /// Registers a turn. It need not have begun: its stream id is unknown to clients until then.
    pub(crate) fn register(&self, stream: &StreamId, buffer: StreamBuffer) -> LiveTurnGuard {
        let stop = CancellationToken::new();
        self.lock().insert(
            stream.clone(),
            LiveTurn {
                buffer,
                stop: stop.clone(),
            },
        );
        LiveTurnGuard {
            turns: self.clone(),
            stream: stream.clone(),
            stop,
        }
    }

    /// Returns the stream buffer of a turn, if it runs here.
    pub(crate) fn buffer_of(&self, stream: &StreamId) -> Option<StreamBuffer> {
        self.lock().get(stream).map(|turn| turn.buffer.clone())
    }

    /// Stops a turn, if it runs here.
    pub(crate) fn stop(&self, stream: &StreamId) {
        if let Some(turn) = self.lock().get(stream) {
            turn.stop.cancel();
        }
    }

    /// Locks the map. No code that could panic runs under the lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<StreamId, LiveTurn>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LiveTurnGuard {
    fn drop(&mut self) {
        self.turns.lock().remove(&self.stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::buffer::stream_buffer;

    #[test]
    fn a_turn_is_found_and_stopped_while_its_guard_lives() {
        let (turns, stream) = (LiveTurns::default(), StreamId::parse("s1").unwrap());
        let (_writer, buffer) = stream_buffer();
        let guard = turns.register(&stream, buffer);
        turns.stop(&StreamId::parse("s2").unwrap());
        assert!(turns.buffer_of(&stream).is_some() && !guard.stop.is_cancelled());
        turns.stop(&stream);
        assert!(guard.stop.is_cancelled());
        drop(guard);
        assert!(turns.buffer_of(&stream).is_none());
    }
}

//! The turns that run in this process, by the name of their stream: to be read along, and to be stopped.
//!
//! Nothing depends on a turn being found here. Other processes have theirs, and reach this one's through the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use message::StreamId;
use tokio_util::sync::CancellationToken;

use crate::log::TurnLog;

/// All turns of the process. Cloning is cheap.
#[derive(Clone, Default)]
pub(crate) struct LiveTurns {
    turns: Arc<Mutex<HashMap<StreamId, LiveTurn>>>,
}

/// One of them.
#[derive(Clone)]
struct LiveTurn {
    log: TurnLog,
    stop: CancellationToken,
}

/// A turn's place among the live ones, which it leaves when this is dropped.
pub(crate) struct Place {
    turns: LiveTurns,
    stream: StreamId,
    /// Cancelled when the turn shall stop and keep what it has.
    pub(crate) stop: CancellationToken,
}

impl LiveTurns {
    /// Makes a turn known. It need not have begun: nobody asks for it before that.
    pub(crate) fn enter(&self, stream: &StreamId, log: TurnLog) -> Place {
        let stop = CancellationToken::new();
        self.lock().insert(
            stream.clone(),
            LiveTurn {
                log,
                stop: stop.clone(),
            },
        );
        Place {
            turns: self.clone(),
            stream: stream.clone(),
            stop,
        }
    }

    /// The log of a turn, if it runs here.
    pub(crate) fn log_of(&self, stream: &StreamId) -> Option<TurnLog> {
        self.lock().get(stream).map(|turn| turn.log.clone())
    }

    /// Stops a turn, if it runs here.
    pub(crate) fn stop(&self, stream: &StreamId) {
        if let Some(turn) = self.lock().get(stream) {
            turn.stop.cancel();
        }
    }

    /// Nothing that could panic runs under the lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<StreamId, LiveTurn>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.turns.lock().remove(&self.stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::turn_log;

    #[test]
    fn a_turn_is_found_and_stopped_as_long_as_it_has_its_place() {
        let (turns, stream) = (LiveTurns::default(), StreamId::parse("s1").unwrap());
        let (_writer, log) = turn_log();
        let place = turns.enter(&stream, log);
        turns.stop(&StreamId::parse("s2").unwrap());
        assert!(turns.log_of(&stream).is_some() && !place.stop.is_cancelled());
        turns.stop(&stream);
        assert!(place.stop.is_cancelled());
        drop(place);
        assert!(turns.log_of(&stream).is_none());
    }
}

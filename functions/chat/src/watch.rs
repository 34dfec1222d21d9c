//! Whether a running turn shall stop: somebody asked for it in another process, or began another turn there.

use std::time::Duration;

use front::failure;
use store::{Store, TurnKeys, TurnSignal};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::log::TurnLog;

/// The longest time between two looks: a stop takes effect within about a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The shortest: looking costs half a read unit.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
/// How long one look may take, so that the next is not far off.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks after one turn.
pub(crate) struct Watch {
    pub(crate) store: Store,
    pub(crate) keys: TurnKeys,
    /// The turn's log, which ends with it.
    pub(crate) log: TurnLog,
    /// The time between two looks that is wished for.
    pub(crate) pause: Duration,
    /// Cancelled when the turn shall stop.
    pub(crate) stop: CancellationToken,
}

impl Watch {
    /// Looks again and again until the turn is over or shall be.
    pub(crate) async fn run(self) {
        let pause = self.pause.clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        loop {
            tokio::select! {
                () = self.log.ended() => return,
                () = sleep(pause) => {}
            }
            match timeout(PATIENCE, self.store.watch_turn(&self.keys)).await {
                Ok(Ok(TurnSignal::Runs)) => {}
                Ok(Ok(TurnSignal::StopAsked | TurnSignal::Superseded)) => {
                    return self.stop.cancel();
                }
                Ok(Err(error)) => {
                    let stream_id = self.keys.stream().as_str();
                    tracing::warn!(
                        stream_id,
                        error = failure::chain(&error),
                        "failed to check a turn for a stop"
                    );
                }
                Err(_) => {
                    tracing::warn!(
                        stream_id = self.keys.stream().as_str(),
                        "failed to check a turn for a stop: DynamoDB did not answer"
                    );
                }
            }
        }
    }
}

//! The watch for stops from other processes: a stop request, or a newer turn of the thread.

use std::time::Duration;

use front::error_chain;
use store::{Store, TurnKeys, TurnSignal};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::stream::buffer::StreamBuffer;

/// The longest interval between two checks. A stop takes effect within about a second.
const MAX_INTERVAL: Duration = Duration::from_secs(1);
/// The shortest interval. A check costs half a read unit.
const MIN_INTERVAL: Duration = Duration::from_millis(250);
/// The timeout of one check, so that the next is not delayed much.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// The watch of one turn.
pub(crate) struct Watch {
    pub(crate) store: Store,
    pub(crate) keys: TurnKeys,
    /// The turn's stream buffer, which ends with the turn.
    pub(crate) buffer: StreamBuffer,
    /// The configured interval between two checks.
    pub(crate) interval: Duration,
    /// Cancelled when the turn must stop.
    pub(crate) stop: CancellationToken,
}

impl Watch {
    /// Checks periodically until the turn is over or has to stop.
    pub(crate) async fn run(self) {
        let interval = self.interval.clamp(MIN_INTERVAL, MAX_INTERVAL);
        loop {
            tokio::select! {
                () = self.buffer.wait_for_end() => return,
                () = sleep(interval) => {}
            }
            match timeout(CHECK_TIMEOUT, self.store.watch_turn(&self.keys)).await {
                Ok(Ok(TurnSignal::Continue)) => {}
                Ok(Ok(TurnSignal::StopRequested | TurnSignal::Superseded)) => {
                    return self.stop.cancel();
                }
                Ok(Err(error)) => {
                    let stream_id = self.keys.stream().as_str();
                    tracing::warn!(
                        stream_id,
                        error = error_chain(&error),
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

//! A reader of a turn that runs in another process, through its journal.

use std::time::Duration;

use front::{error_chain, now_ms};
use message::UiPart;
use store::{OpenTurn, Store, StoreError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::stream::buffer::StreamWriter;
use crate::stream::replay;

/// The interval between two reads of the journal.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// The number of consecutive empty reads after which the state of the turn is checked.
const MAX_EMPTY_READS: u32 = 4;

/// The longest wait for the end of a journal once the thread shows that the turn is over.
const JOURNAL_END_TIMEOUT: Duration = Duration::from_secs(5);

/// The error text for a reader when the turn has died.
const INTERRUPTED: &str = "The answer was interrupted. What came so far is kept.";

/// The error text for a reader that has a part of an answer whose journal breaks off.
const REST_UNAVAILABLE: &str =
    "The rest of this answer cannot be shown here. Load the conversation again to see it.";

/// A reader of another process's turn.
pub(crate) struct Follower {
    pub(crate) store: Store,
    pub(crate) open: OpenTurn,
    /// The parts of the answer that the reader has already, if the turn continues one.
    pub(crate) known_parts: Vec<UiPart>,
    /// The time at which reading must be over, and the token that ends it sooner.
    pub(crate) until: Instant,
    pub(crate) shutdown: CancellationToken,
}

/// The state of a silent turn.
enum TurnState {
    Running,
    /// It has died, and its answer has been recovered.
    Dead,
    /// It is over.
    Ended,
}

impl Follower {
    /// Copies the journal into `writer` from its first byte, until the journal or the turn ends or
    /// the last reader is gone.
    pub(crate) async fn run(self, writer: StreamWriter) {
        if let Err(error) = self.follow(&writer).await {
            tracing::warn!(
                stream_id = self.open.stream().as_str(),
                error = error_chain(&error),
                "failed to follow a turn of another process"
            );
            writer.append(&replay::error_stream(REST_UNAVAILABLE));
        }
        writer.end();
    }

    async fn follow(&self, writer: &StreamWriter) -> Result<(), StoreError> {
        let (mut next, mut empty_reads) = (0, 0);
        let name = self.open.journal();
        // Once the turn is over: the time by which the journal must have ended.
        let mut journal_end_by: Option<Instant> = None;
        while writer.has_readers() && Instant::now() < self.until && !self.shutdown.is_cancelled() {
            let consistent = empty_reads >= MAX_EMPTY_READS;
            let journal = self.store.journal(&name, next, consistent).await?;
            writer.append(&journal.bytes);
            if journal.ended {
                return self.ensure_finalized().await;
            }
            empty_reads = if journal.next == next {
                empty_reads + 1
            } else {
                0
            };
            next = journal.next;
            if consistent && empty_reads > MAX_EMPTY_READS {
                empty_reads = MAX_EMPTY_READS / 2;
                match self.turn_state().await? {
                    TurnState::Running => {}
                    TurnState::Dead => {
                        writer.append(&replay::error_stream(INTERRUPTED));
                        return Ok(());
                    }
                    TurnState::Ended if next == 0 && self.replay_stored(writer).await? => {
                        return Ok(());
                    }
                    TurnState::Ended => {
                        let until = *journal_end_by
                            .get_or_insert_with(|| Instant::now() + JOURNAL_END_TIMEOUT);
                        if until <= Instant::now() {
                            break;
                        }
                    }
                }
            }
            sleep(POLL_INTERVAL).await;
        }
        writer.append(&replay::error_stream(REST_UNAVAILABLE));
        Ok(())
    }

    /// Recovers the turn if its journal has ended but the thread shows it as running: a turn ends
    /// its buffer only after storing its answer, so storing has failed.
    async fn ensure_finalized(&self) -> Result<(), StoreError> {
        if let TurnState::Running = self.turn_state().await? {
            recovery::recover(&self.store, &self.open, now_ms()).await?;
        }
        Ok(())
    }

    /// Replays the stored answer for a reader that has received nothing. Returns `false` if no
    /// answer is stored yet.
    async fn replay_stored(&self, writer: &StreamWriter) -> Result<bool, StoreError> {
        let stored = self.store.answer_of(&self.open.answered()).await?;
        let stream = stored.and_then(|answer| replay::replay_answer(&self.known_parts, &answer));
        if let Some(stream) = &stream {
            writer.append(stream);
        }
        Ok(stream.is_some())
    }

    async fn turn_state(&self) -> Result<TurnState, StoreError> {
        let current = self
            .store
            .current_turn(self.open.user(), self.open.thread())
            .await?;
        match current.and_then(|current| current.open) {
            Some(open) if open.stream() != self.open.stream() => Ok(TurnState::Ended),
            Some(open) if open.is_dead(now_ms()) => {
                recovery::recover(&self.store, &open, now_ms()).await?;
                Ok(TurnState::Dead)
            }
            Some(_) => Ok(TurnState::Running),
            None => Ok(TurnState::Ended),
        }
    }
}

//! The journal of a turn: what is new in its stream buffer is written to the store about once a
//! second, so that other processes can read it, and so that little is lost when this process dies.
//!
//! It reads the buffer as any other reader does. No task waits for it, and it retries what it could
//! not write.

use std::time::Duration;

use front::{error_chain, now_ms};
use message::StreamId;
use store::{JournalName, JournalPiece, Store, StoreError};
use tokio::time::{Instant, sleep_until};

use crate::stream::buffer::StreamBuffer;

/// The delay of the first write after the first output of the model, so that a crash in the first
/// second loses little.
const FIRST_FLUSH_DELAY: Duration = Duration::from_millis(250);

/// The task that writes the journal of one turn.
pub(crate) struct Journal {
    pub(crate) store: Store,
    pub(crate) name: JournalName,
    pub(crate) stream: StreamId,
    /// The turn's stream buffer, and the length of its preamble: what it holds before the model's
    /// output.
    pub(crate) buffer: StreamBuffer,
    pub(crate) preamble: usize,
    /// The time between two writes.
    pub(crate) interval: Duration,
}

/// The progress of a journal.
#[derive(Default)]
struct Progress {
    offset: usize,
    /// The index of the next piece.
    next: u32,
    /// A piece whose write failed without a clear outcome, and its end in the buffer. A reader may
    /// have seen it, so it is written again unchanged.
    unconfirmed: Option<(Vec<u8>, usize)>,
}

impl Journal {
    /// Follows the turn until its buffer ends.
    pub(crate) async fn run(self) {
        let mut progress = Progress::default();
        let mut flush_at: Option<Instant> = None;
        let mut last_flush: Option<Instant> = None;
        loop {
            tokio::select! {
                biased;
                () = self.buffer.wait_for_end() => break,
                () = sleep_until_some(flush_at), if flush_at.is_some() => {
                    last_flush = Some(Instant::now());
                    flush_at = None;
                    self.flush(&mut progress).await;
                }
                () = self.buffer.wait_past(progress.offset.max(self.preamble)), if flush_at.is_none() => {
                    let soon = Instant::now() + FIRST_FLUSH_DELAY.min(self.interval);
                    flush_at = Some(last_flush.map_or(soon, |last| last + self.interval));
                }
            }
        }
        self.end(progress).await;
    }

    /// Writes the bytes since the last flush, or the piece that could not be written then.
    async fn flush(&self, progress: &mut Progress) {
        let (piece, end) = progress.unconfirmed.take().unwrap_or_else(|| {
            let new = self.buffer.tail(progress.offset).bytes;
            (ui_stream::compact(&new), progress.offset + new.len())
        });
        match self
            .store
            .append_journal(&self.piece(progress.next, &piece))
            .await
        {
            Ok(next) => {
                *progress = Progress {
                    offset: end,
                    next,
                    unconfirmed: None,
                }
            }
            Err(error) => {
                self.warn("failed to write a journal piece", &error);
                progress.unconfirmed = Some((piece, end));
            }
        }
    }

    fn piece<'a>(&'a self, index: u32, bytes: &'a [u8]) -> JournalPiece<'a> {
        JournalPiece {
            journal: &self.name,
            index,
            bytes,
            now_ms: now_ms(),
        }
    }

    /// Writes the rest and the end mark. A turn that ended before its first piece needs neither:
    /// its answer is in the store.
    async fn end(&self, mut progress: Progress) {
        if progress.unconfirmed.is_some() {
            self.flush(&mut progress).await;
        }
        if progress.next == 0 || progress.unconfirmed.is_some() {
            return;
        }
        let rest = ui_stream::compact(&self.buffer.tail(progress.offset).bytes);
        if let Err(error) = self
            .store
            .end_journal(&self.piece(progress.next, &rest))
            .await
        {
            self.warn("failed to write the end of a journal", &error);
        }
    }

    fn warn(&self, what: &str, error: &StoreError) {
        tracing::warn!(
            stream_id = self.stream.as_str(),
            error = error_chain(error),
            "{what}"
        );
    }
}

async fn sleep_until_some(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

//! The journal of a turn: what is new in its log goes into the store about once a second, so that other processes can
//! read along, and so that little is lost when this one dies.
//!
//! It reads the log as any other reader does. Nobody waits for it, and what it cannot write it tries again.

use std::time::Duration;

use front::{failure, now_ms};
use message::StreamId;
use store::{JournalName, JournalPiece, Store, StoreError};
use tokio::time::{Instant, sleep_until};

use crate::log::TurnLog;

/// How soon after the first words they are written, so that a crash in the first second loses little.
const FIRST_WORDS: Duration = Duration::from_millis(250);

/// Writes the journal of one turn.
pub(crate) struct Journal {
    pub(crate) store: Store,
    pub(crate) name: JournalName,
    pub(crate) stream: StreamId,
    /// The turn's log, and how much of it says nothing yet: what stands there before the model has spoken.
    pub(crate) log: TurnLog,
    pub(crate) preamble: usize,
    /// The time between two writes.
    pub(crate) interval: Duration,
}

/// How far the journal has come.
#[derive(Default)]
struct Written {
    offset: usize,
    /// The index of the next piece.
    next: u32,
    /// A piece of which it is not known whether it was written, and where it ends in the log. A reader may have seen it,
    /// so it is put again as it was.
    doubtful: Option<(Vec<u8>, usize)>,
}

impl Journal {
    /// Follows the turn to its end.
    pub(crate) async fn run(self) {
        let mut written = Written::default();
        let mut flush_at: Option<Instant> = None;
        let mut last_flush: Option<Instant> = None;
        loop {
            tokio::select! {
                biased;
                () = self.log.ended() => break,
                () = wait_until(flush_at), if flush_at.is_some() => {
                    last_flush = Some(Instant::now());
                    flush_at = None;
                    self.flush(&mut written).await;
                }
                () = self.log.grown(written.offset.max(self.preamble)), if flush_at.is_none() => {
                    let soon = Instant::now() + FIRST_WORDS.min(self.interval);
                    flush_at = Some(last_flush.map_or(soon, |last| last + self.interval));
                }
            }
        }
        self.end(written).await;
    }

    /// Writes what is new, or what could not be written the last time.
    async fn flush(&self, written: &mut Written) {
        let (piece, end) = written.doubtful.take().unwrap_or_else(|| {
            let new = self.log.since(written.offset).bytes;
            (ui_stream::compact(&new), written.offset + new.len())
        });
        match self
            .store
            .append_journal(&self.piece(written.next, &piece))
            .await
        {
            Ok(next) => {
                *written = Written {
                    offset: end,
                    next,
                    doubtful: None,
                }
            }
            Err(error) => {
                self.warn("failed to write a journal piece", &error);
                written.doubtful = Some((piece, end));
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

    /// Writes the rest, and that there is no more. A turn that ended before anything was written needs neither: its
    /// answer is in the store.
    async fn end(&self, mut written: Written) {
        if written.doubtful.is_some() {
            self.flush(&mut written).await;
        }
        if written.next == 0 || written.doubtful.is_some() {
            return;
        }
        let rest = ui_stream::compact(&self.log.since(written.offset).bytes);
        if let Err(error) = self
            .store
            .end_journal(&self.piece(written.next, &rest))
            .await
        {
            self.warn("failed to write the end of a journal", &error);
        }
    }

    fn warn(&self, what: &str, error: &StoreError) {
        tracing::warn!(
            stream_id = self.stream.as_str(),
            error = failure::chain(error),
            "{what}"
        );
    }
}

async fn wait_until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

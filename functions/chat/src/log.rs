//! The log of a turn: what has been said so far, as bytes of the stream.
//!
//! One writer appends, any number of readers follow at their own pace by offset. Nobody waits for a reader.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::replay;

/// The most that a reader is handed at once; one that is behind catches up in pieces of this size.
const PIECE: usize = 64 * 1024;

/// Told to the readers of a turn that has come to no end of its own.
const BROKEN: &str = "Something went wrong on our side. Please try again.";

/// The readers' end of the log.
#[derive(Clone)]
pub(crate) struct TurnLog {
    state: Arc<Mutex<State>>,
}

/// The writer's end. A writer that is dropped before it has ended the log tells the readers that something broke.
pub(crate) struct LogWriter {
    state: Arc<Mutex<State>>,
    has_ended: bool,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
    waiting: Vec<Waker>,
}

/// What a reader that takes everything at once finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Grown {
    /// What is new: whole events, as they were appended.
    pub(crate) bytes: Bytes,
    /// Whether nothing more will come.
    pub(crate) ended: bool,
}

/// An empty log.
pub(crate) fn turn_log() -> (LogWriter, TurnLog) {
    let state = Arc::new(Mutex::new(State::default()));
    (
        LogWriter {
            state: Arc::clone(&state),
            has_ended: false,
        },
        TurnLog { state },
    )
}

impl LogWriter {
    /// Appends `bytes` and wakes the readers.
    pub(crate) fn append(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.change(|state| state.bytes.extend_from_slice(bytes));
        }
    }

    /// Ends the log: everything has been said.
    pub(crate) fn end(mut self) {
        self.has_ended = true;
    }

    /// Another reader.
    pub(crate) fn reader(&self) -> TurnLog {
        TurnLog {
            state: Arc::clone(&self.state),
        }
    }

    /// Whether anybody could still read what is appended.
    pub(crate) fn has_readers(&self) -> bool {
        Arc::strong_count(&self.state) > 1
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let waiting = {
            let mut state = lock(&self.state);
            change(&mut state);
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        if !self.has_ended {
            self.append(&replay::broken_off(BROKEN));
        }
        self.change(|state| state.ended = true);
    }
}

impl TurnLog {
    /// A log that holds `bytes` and has ended.
    pub(crate) fn whole(bytes: Vec<u8>) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                bytes,
                ended: true,
                waiting: Vec::new(),
            })),
        }
    }

    /// Everything from `offset` on.
    pub(crate) fn since(&self, offset: usize) -> Grown {
        let state = lock(&self.state);
        Grown {
            bytes: Bytes::copy_from_slice(&state.bytes[offset..]),
            ended: state.ended,
        }
    }

    /// Waits until the log is longer than `offset` or has ended.
    pub(crate) async fn grown(&self, offset: usize) {
        poll_fn(|context| self.poll_change(context, |state| state.bytes.len() > offset)).await;
    }

    /// Waits until the log has ended.
    pub(crate) async fn ended(&self) {
        poll_fn(|context| self.poll_change(context, |_| false)).await;
    }

    fn poll_change(&self, context: &mut Context<'_>, seen: impl Fn(&State) -> bool) -> Poll<()> {
        let mut state = lock(&self.state);
        if state.ended || seen(&state) {
            return Poll::Ready(());
        }
        state.wait(context);
        Poll::Pending
    }

    /// What stands at `offset`, at most [`PIECE`] bytes; `None` when the log has ended there.
    pub(crate) fn poll_read(
        &self,
        offset: usize,
        context: &mut Context<'_>,
    ) -> Poll<Option<Bytes>> {
        let mut state = lock(&self.state);
        if offset < state.bytes.len() {
            let end = state.bytes.len().min(offset + PIECE);
            return Poll::Ready(Some(Bytes::copy_from_slice(&state.bytes[offset..end])));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.wait(context);
        Poll::Pending
    }
}

impl State {
    fn wait(&mut self, context: &Context<'_>) {
        if !self
            .waiting
            .iter()
            .any(|waker| waker.will_wake(context.waker()))
        {
            self.waiting.push(context.waker().clone());
        }
    }
}

/// Nothing that could panic runs under the lock, so a poisoned one holds whole bytes all the same.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(log: TurnLog) -> Vec<u8> {
        let mut read = Vec::new();
        while let Some(piece) = poll_fn(|context| log.poll_read(read.len(), context)).await {
            assert!(piece.len() <= PIECE);
            read.extend_from_slice(&piece);
        }
        read
    }

    async fn write_all(writer: LogWriter) {
        for text in [&b"one "[..], b"", b"two ", &[b'x'; 3 * PIECE]] {
            writer.append(text);
            tokio::task::yield_now().await;
        }
        writer.end();
    }

    #[tokio::test]
    async fn every_reader_gets_everything_and_the_end() {
        let (writer, log) = turn_log();
        let (first, second, ()) = tokio::join!(
            read_all(log.clone()),
            read_all(log.clone()),
            write_all(writer)
        );
        assert_eq!(first.len(), 8 + 3 * PIECE);
        assert_eq!(first, second);
        assert_eq!(first, read_all(log).await, "one that comes after the end");
    }

    #[tokio::test]
    async fn a_writer_that_is_dropped_in_a_panic_ends_the_log_with_an_error() {
        let (writer, log) = turn_log();
        let task = std::panic::AssertUnwindSafe(async move {
            writer.append(b"half");
            panic!("on purpose");
        });
        assert!(futures_util::FutureExt::catch_unwind(task).await.is_err());
        let read = String::from_utf8(read_all(log).await).unwrap();
        assert!(
            read.starts_with("halfdata: {\"type\":\"error\"") && read.ends_with("data: [DONE]\n\n"),
            "{read}"
        );
    }
}

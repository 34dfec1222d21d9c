//! The stream buffer of a turn: the bytes of its stream so far.
//!
//! One writer appends; any number of readers follow at their own pace by offset. The writer waits
//! for no reader.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::stream::replay;

/// The largest read. A reader that lags catches up in pieces of this size.
const MAX_READ_BYTES: usize = 64 * 1024;

/// The error text for the readers of a turn whose task broke off.
const INTERNAL_ERROR: &str = "Something went wrong on our side. Please try again.";

/// The read handle of a stream buffer.
#[derive(Clone)]
pub(crate) struct StreamBuffer {
    state: Arc<Mutex<Shared>>,
}

/// The write handle of a stream buffer. Dropping it before [`StreamWriter::end`] appends an error
/// for the readers.
pub(crate) struct StreamWriter {
    state: Arc<Mutex<Shared>>,
    has_ended: bool,
}

#[derive(Default)]
struct Shared {
    bytes: Vec<u8>,
    ended: bool,
    wakers: Vec<Waker>,
}

/// The remainder of the buffer for a reader that takes everything at once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The bytes from the offset on: complete events, as they were appended.
    pub(crate) bytes: Bytes,
    /// Set when nothing will be appended any more.
    pub(crate) ended: bool,
}

/// Creates an empty stream buffer.
pub(crate) fn stream_buffer() -> (StreamWriter, StreamBuffer) {
    let state = Arc::new(Mutex::new(Shared::default()));
    (
        StreamWriter {
            state: Arc::clone(&state),
            has_ended: false,
        },
        StreamBuffer { state },
    )
}

impl StreamWriter {
    /// Appends `bytes` and wakes the readers.
    pub(crate) fn append(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.change(|state| state.bytes.extend_from_slice(bytes));
        }
    }

    /// Ends the buffer after its last byte.
    pub(crate) fn end(mut self) {
        self.has_ended = true;
    }

    /// Returns another reader.
    pub(crate) fn reader(&self) -> StreamBuffer {
        StreamBuffer {
            state: Arc::clone(&self.state),
        }
    }

    /// Returns whether any reader is left.
    pub(crate) fn has_readers(&self) -> bool {
        Arc::strong_count(&self.state) > 1
    }

    fn change(&self, change: impl FnOnce(&mut Shared)) {
        let wakers = {
            let mut state = lock(&self.state);
            change(&mut state);
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        if !self.has_ended {
            self.append(&replay::error_stream(INTERNAL_ERROR));
        }
        self.change(|state| state.ended = true);
    }
}

impl StreamBuffer {
    /// Creates a buffer that holds `bytes` and has ended.
    pub(crate) fn complete(bytes: Vec<u8>) -> Self {
        Self {
            state: Arc::new(Mutex::new(Shared {
                bytes,
                ended: true,
                wakers: Vec::new(),
            })),
        }
    }

    /// Returns everything from `offset` on.
    pub(crate) fn tail(&self, offset: usize) -> Tail {
        let state = lock(&self.state);
        Tail {
            bytes: Bytes::copy_from_slice(&state.bytes[offset..]),
            ended: state.ended,
        }
    }

    /// Completes when the buffer is longer than `offset` or has ended.
    pub(crate) async fn wait_past(&self, offset: usize) {
        poll_fn(|context| self.poll_change(context, |state| state.bytes.len() > offset)).await;
    }

    /// Completes when the buffer has ended.
    pub(crate) async fn wait_for_end(&self) {
        poll_fn(|context| self.poll_change(context, |_| false)).await;
    }

    fn poll_change(&self, context: &mut Context<'_>, seen: impl Fn(&Shared) -> bool) -> Poll<()> {
        let mut state = lock(&self.state);
        if state.ended || seen(&state) {
            return Poll::Ready(());
        }
        state.register(context);
        Poll::Pending
    }

    /// Reads at most [`MAX_READ_BYTES`] at `offset`. Returns `None` if the buffer ends there.
    pub(crate) fn poll_read(
        &self,
        offset: usize,
        context: &mut Context<'_>,
    ) -> Poll<Option<Bytes>> {
        let mut state = lock(&self.state);
        if offset < state.bytes.len() {
            let end = state.bytes.len().min(offset + MAX_READ_BYTES);
            return Poll::Ready(Some(Bytes::copy_from_slice(&state.bytes[offset..end])));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.register(context);
        Poll::Pending
    }
}

impl Shared {
    fn register(&mut self, context: &Context<'_>) {
        if !self
            .wakers
            .iter()
            .any(|waker| waker.will_wake(context.waker()))
        {
            self.wakers.push(context.waker().clone());
        }
    }
}

/// Locks the state. A poisoned lock still guards complete bytes, since no code that could panic
/// runs under it.
fn lock(state: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(buffer: StreamBuffer) -> Vec<u8> {
        let mut read = Vec::new();
        while let Some(piece) = poll_fn(|context| buffer.poll_read(read.len(), context)).await {
            assert!(piece.len() <= MAX_READ_BYTES);
            read.extend_from_slice(&piece);
        }
        read
    }

    async fn write_all(writer: StreamWriter) {
        for text in [&b"one "[..], b"", b"two ", &[b'x'; 3 * MAX_READ_BYTES]] {
            writer.append(text);
            tokio::task::yield_now().await;
        }
        writer.end();
    }

    #[tokio::test]
    async fn every_reader_gets_everything_and_the_end() {
        let (writer, buffer) = stream_buffer();
        let (first, second, ()) = tokio::join!(
            read_all(buffer.clone()),
            read_all(buffer.clone()),
            write_all(writer)
        );
        assert_eq!(first.len(), 8 + 3 * MAX_READ_BYTES);
        assert_eq!(first, second);
        assert_eq!(
            first,
            read_all(buffer).await,
            "one that comes after the end"
        );
    }

    #[tokio::test]
    async fn a_writer_that_is_dropped_in_a_panic_ends_the_buffer_with_an_error() {
        let (writer, buffer) = stream_buffer();
        let task = std::panic::AssertUnwindSafe(async move {
            writer.append(b"half");
            panic!("on purpose");
        });
        assert!(futures_util::FutureExt::catch_unwind(task).await.is_err());
        let read = String::from_utf8(read_all(buffer).await).unwrap();
        assert!(
            read.starts_with("halfdata: {\"type\":\"error\"") && read.ends_with("data: [DONE]\n\n"),
            "{read}"
        );
    }
}

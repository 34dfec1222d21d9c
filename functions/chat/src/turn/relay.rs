//! The relay of a turn: from the gateway into the stream buffer and, at the end, into the store.

mod ending;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use front::now_ms;
use futures_util::FutureExt;
use gateway::{GatewayError, PartStream};
use message::{AnswerMetadata, StreamPart, UiPart};
use store::{StoreError, TurnKeys};
use tokio::time::{Instant, timeout};
use ui_stream::{MAX_ANSWER_BYTES, MessageAssembler, StreamMapper, UiMessageChunk};

pub(crate) use self::ending::{Ending, cost};
use crate::invocation::Invocation;
use crate::stream::buffer::StreamWriter;
use crate::stream::journal::Journal;
use crate::stream::registry::LiveTurnGuard;
use crate::turn::Turn;
use crate::turn::recorder::Recorder;
use crate::turn::recover::spawn_recovery;
use crate::turn::title::task::TitleTask;
use crate::turn::watch::Watch;

/// The number of encoded bytes that are collected before they are appended to the stream buffer.
const MAX_PENDING_BYTES: usize = 64 * 1024;
/// The time that a client waits for the mark that its turn produced nothing.
const UNSAVED_FINISH_TIMEOUT: Duration = Duration::from_secs(2);

/// The task of a turn. It waits for no reader, and ends in exactly one way, which it records.
pub(crate) struct Relay {
    turn: Turn,
    keys: TurnKeys,
    writer: StreamWriter,
    output: Output,
    /// The registration of the turn in this process, with its stop signal.
    guard: LiveTurnGuard,
    message_saved: bool,
    skipped: u64,
}

/// The model's output so far, for the stream and for the store.
struct Output {
    mapper: StreamMapper,
    assembler: MessageAssembler,
    /// The encoded bytes that are not in the stream buffer yet.
    pending: Vec<u8>,
    /// The number of bytes in the stream buffer.
    length: usize,
    /// Set when the answer continues existing parts.
    is_continuation: bool,
    begun: Instant,
    /// The begin in milliseconds since 1970.
    created_at_ms: u64,
    first_token: Option<Instant>,
}

impl Relay {
    /// Creates the relay of a turn that has begun under `keys`.
    pub(crate) fn new(
        mut turn: Turn,
        keys: TurnKeys,
        writer: StreamWriter,
        guard: LiveTurnGuard,
        message_saved: bool,
    ) -> Self {
        let parts = std::mem::take(&mut turn.answer_parts);
        let known_tools = parts.iter().filter_map(|part| match part {
            UiPart::Tool(tool) => Some(tool.tool_call_id.clone()),
            _ => None,
        });
        let is_continuation = !parts.is_empty();
        let output = Output {
            is_continuation,
            mapper: StreamMapper::with_known_calls(known_tools)
                .with_sources(turn.state.send_sources),
            assembler: MessageAssembler::from_parts(parts),
            pending: Vec::new(),
            length: 0,
            begun: Instant::now(),
            created_at_ms: now_ms(),
            first_token: None,
        };
        Self {
            turn,
            keys,
            writer,
            output,
            guard,
            message_saved,
            skipped: 0,
        }
    }

    /// Runs the turn until its end is recorded.
    pub(crate) async fn run(mut self, invocation: &Invocation) {
        let cutoff = invocation.cutoff();
        let stop = self.guard.stop.clone();
        let ending = {
            let relay = AssertUnwindSafe(self.relay(cutoff, invocation)).catch_unwind();
            tokio::select! {
                // The relay comes first: an answer that is complete must not count as interrupted.
                biased;
                ending = relay => ending.unwrap_or(Ending::Panicked),
                () = tokio::time::sleep_until(cutoff) => Ending::Deadline,
                () = stop.cancelled() => Ending::Stopped,
                () = invocation.shutdown.cancelled() => Ending::Shutdown,
            }
        };
        let stream_id = self.turn.stream.clone();
        if AssertUnwindSafe(self.conclude(ending, invocation))
            .catch_unwind()
            .await
            .is_err()
        {
            // The dropped writer has ended the stream with an error. The answer is recovered from
            // the journal.
            tracing::error!(
                stream_id = stream_id.as_str(),
                "panicked while finalizing a turn"
            );
        }
    }

    async fn relay(&mut self, cutoff: Instant, invocation: &Invocation) -> Ending {
        let metadata = AnswerMetadata::at_start(&self.turn.model_id, self.output.created_at_ms);
        self.output.emit(&UiMessageChunk::Start {
            message_id: self.turn.answer.to_string(),
            message_metadata: Some(Box::new(metadata)),
        });
        for id in self.turn.prompt.denied_tool_calls() {
            self.output.emit(&UiMessageChunk::ToolOutputDenied {
                tool_call_id: id.clone(),
            });
        }
        self.output.flush(&self.writer);
        self.spawn_journal_and_watch(invocation);

        let mut parts = match self.open_stream(cutoff).await {
            Ok(parts) => parts,
            Err(ending) => return ending,
        };
        let ending = loop {
            match parts.next().await {
                Ok(Some(parts)) => {
                    let pushed = self.output.push(parts, &self.writer);
                    self.output.flush(&self.writer);
                    if let Err(ending) = pushed {
                        break ending;
                    }
                }
                Ok(None) => break Ending::Finished,
                Err(error) => break Ending::Broken(error),
            }
        };
        self.skipped = parts.skipped();
        ending
    }

    /// Starts the journal, from which other processes read the stream, and the watch for their
    /// stops.
    fn spawn_journal_and_watch(&self, invocation: &Invocation) {
        let state = &self.turn.state;
        if !state.has_journals() {
            return;
        }
        let watch = Watch {
            store: state.store.clone(),
            keys: self.keys.clone(),
            buffer: self.writer.reader(),
            interval: state.journal_interval,
            stop: self.guard.stop.clone(),
        };
        invocation.spawn(watch.run());
        let journal = Journal {
            store: state.store.clone(),
            name: self.keys.journal(),
            stream: self.keys.stream().clone(),
            buffer: self.writer.reader(),
            preamble: self.output.length,
            interval: state.journal_interval,
        };
        invocation.spawn(journal.run());
    }

    /// Calls the model while the user's message is being stored. Reads nothing of the answer before
    /// that is done, and drops the call if it fails.
    async fn open_stream(&mut self, cutoff: Instant) -> Result<PartStream, Ending> {
        let (turn, is_saved) = (&self.turn, self.message_saved);
        let mut save = pin!(async {
            if is_saved {
                Ok(())
            } else {
                turn.save_message(&self.keys).await
            }
        });
        // Both run at once, so that the write costs no time before the first byte.
        let mut call = pin!(self.turn.model.stream(&self.turn.prompt, Some(cutoff)));
        let (saved, called): (
            Result<(), StoreError>,
            Option<Result<PartStream, GatewayError>>,
        ) = tokio::select! {
            saved = &mut save => (saved, None),
            called = &mut call => (save.await, Some(called)),
        };
        saved.map_err(Ending::NotSaved)?;
        self.message_saved = true;
        match called {
            Some(called) => called,
            None => call.await,
        }
        .map_err(Ending::Broken)
    }

    /// Records how the turn ended, then ends the stream. If the answer cannot be saved in time,
    /// ends the stream first and saves late.
    async fn conclude(self, ending: Ending, invocation: &Invocation) {
        let Self {
            turn,
            keys,
            writer,
            mut output,
            guard,
            message_saved,
            skipped,
        } = self;
        let recorder = Recorder::new(&turn, &keys, invocation);
        let closing = output.close(&ending);
        let record = output.record(&ending, skipped, &turn.model_id);
        let mut saved = recorder.save(&record, message_saved).await;
        let unfinished_previous = if saved {
            // Mark first: a client that reads the end may send its next message at once.
            let unfinished_previous = recorder.finish(&record, saved).await;
            output.end(closing, &record.metadata, writer);
            unfinished_previous
        } else {
            let mut unfinished_previous = None;
            if record.is_empty {
                // There is nothing to save. Marking the turn as failed first lets the client send
                // the same message again as soon as it reads the error.
                let finished =
                    timeout(UNSAVED_FINISH_TIMEOUT, recorder.finish(&record, false)).await;
                unfinished_previous = finished.unwrap_or_default();
            }
            output.end_unsaved(closing, &record.metadata, writer);
            saved = !record.is_empty && recorder.save_late(&record, message_saved).await;
            if saved || record.is_empty || !turn.state.has_journals() {
                unfinished_previous.or(recorder.finish(&record, saved).await)
            } else {
                // The turn stays open so that its answer is recovered from the journal.
                None
            }
        };
        // The stream has ended: from here on readers are served from the store.
        drop(guard);
        recorder.record_usage(&record).await;
        if let Some(older) = unfinished_previous {
            spawn_recovery(&turn.state, older, invocation);
        }
        recorder.log_outcome(&record, &ending, saved);
        if saved && let Some(title) = TitleTask::from_turn(&turn, &keys, &record, invocation) {
            invocation.spawn(title.run());
        }
    }
}

impl Output {
    /// Maps `parts` to chunks for the stream and for the store, up to the first part that is
    /// refused.
    fn push(&mut self, parts: Vec<StreamPart>, writer: &StreamWriter) -> Result<(), Ending> {
        let pushed = parts
            .into_iter()
            .try_for_each(|part| self.push_part(part, writer));
        if self.first_token.is_none() && !self.assembler.is_empty() {
            self.first_token = Some(Instant::now());
        }
        pushed
    }

    fn push_part(&mut self, part: StreamPart, writer: &StreamWriter) -> Result<(), Ending> {
        let Self {
            mapper,
            assembler,
            pending,
            ..
        } = self;
        // Checked before the chunk exists: a part may be as large as an event, and each chunk is
        // copied some four times.
        if self.length + pending.len() + mapper.stream_bytes(&part) > MAX_ANSWER_BYTES {
            return Err(Ending::TooLong);
        }
        let pushed = mapper.push(part, |chunk| {
            chunk.encode(pending);
            assembler.push(&chunk);
        });
        if pending.len() > MAX_PENDING_BYTES {
            self.flush(writer);
        }
        pushed.map_err(Ending::OutOfOrder)
    }

    fn emit(&mut self, chunk: &UiMessageChunk) {
        chunk.encode(&mut self.pending);
        self.assembler.push(chunk);
    }

    /// Writes the last chunks and ends the stream.
    fn end(
        mut self,
        closing: Vec<UiMessageChunk>,
        metadata: &AnswerMetadata,
        writer: StreamWriter,
    ) {
        with_metadata(closing, metadata)
            .iter()
            .for_each(|chunk| chunk.encode(&mut self.pending));
        self.pending.extend_from_slice(ui_stream::DONE);
        self.flush(&writer);
        writer.end();
    }

    /// Ends the stream with the error that nothing was saved, unless it carries another error
    /// already.
    fn end_unsaved(
        mut self,
        closing: Vec<UiMessageChunk>,
        metadata: &AnswerMetadata,
        writer: StreamWriter,
    ) {
        if closing
            .iter()
            .any(|chunk| matches!(chunk, UiMessageChunk::Error { .. }))
        {
            return self.end(closing, metadata, writer);
        }
        let mut chunks = Vec::new();
        self.mapper
            .fail(ending::NOT_SAVED, |chunk| chunks.push(chunk));
        self.end(chunks, metadata, writer);
    }

    fn flush(&mut self, writer: &StreamWriter) {
        writer.append(&self.pending);
        self.length += self.pending.len();
        self.pending.clear();
    }
}

/// Adds the final metadata to the last chunks: in `finish`, and before the chunk at which clients
/// stop reading.
fn with_metadata(
    mut closing: Vec<UiMessageChunk>,
    metadata: &AnswerMetadata,
) -> Vec<UiMessageChunk> {
    for chunk in &mut closing {
        if let UiMessageChunk::Finish {
            message_metadata, ..
        } = chunk
        {
            *message_metadata = Some(Box::new(metadata.clone()));
        }
    }
    let last_read = |chunk: &UiMessageChunk| {
        matches!(chunk, UiMessageChunk::Error { .. } | UiMessageChunk::Abort)
    };
    if let Some(index) = closing.iter().position(last_read) {
        let message_metadata = Box::new(metadata.clone());
        closing.insert(index, UiMessageChunk::MessageMetadata { message_metadata });
    }
    closing
}

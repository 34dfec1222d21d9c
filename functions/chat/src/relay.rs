//! From the gateway into the log of the turn, and at the end into the store.

mod ending;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use front::now_ms;
use futures_util::FutureExt;
use gateway::{GatewayError, PartStream, StreamPart};
use message::{AnswerMetadata, UiPart};
use store::{StoreError, TurnKeys};
use tokio::time::{Instant, timeout};
use ui_stream::{MAX_ANSWER_BYTES, MessageAssembler, StreamMapper, UiMessageChunk};

pub(crate) use self::ending::{Ending, cost};
use crate::invocation::Invocation;
use crate::journal::Journal;
use crate::live::Place;
use crate::log::LogWriter;
use crate::recorder::Recorder;
use crate::title::Titling;
use crate::turn::Turn;
use crate::watch::Watch;

/// Bytes of stream that are gathered at most before they go into the log.
const MAX_PENDING_BYTES: usize = 64 * 1024;
/// How long a client waits for the mark that nothing came of its turn.
const FIRST_MARK: Duration = Duration::from_secs(2);

/// The task of a turn. It waits for no reader, and ends in exactly one way, which it records.
pub(crate) struct Relay {
    turn: Turn,
    keys: TurnKeys,
    log: LogWriter,
    output: Output,
    /// The turn's place among those of the process, which says when it shall stop.
    place: Place,
    message_saved: bool,
    skipped: u64,
}

/// What the model has said so far: for the stream, and for the store.
struct Output {
    mapper: StreamMapper,
    assembler: MessageAssembler,
    /// Bytes of the stream that are not in the log yet.
    pending: Vec<u8>,
    /// How many are.
    length: usize,
    /// Whether the answer goes on from parts that were there before.
    goes_on: bool,
    begun: Instant,
    /// The same, in milliseconds since 1970.
    created_at_ms: u64,
    first_token: Option<Instant>,
}

impl Relay {
    /// The relay of a turn that has begun under `keys`.
    pub(crate) fn new(
        mut turn: Turn,
        keys: TurnKeys,
        log: LogWriter,
        place: Place,
        message_saved: bool,
    ) -> Self {
        let parts = std::mem::take(&mut turn.answer_parts);
        let known_tools = parts.iter().filter_map(|part| match part {
            UiPart::Tool(tool) => Some(tool.tool_call_id.clone()),
            _ => None,
        });
        let goes_on = !parts.is_empty();
        let output = Output {
            goes_on,
            mapper: StreamMapper::continuing(known_tools)
                .sending_sources(turn.clients.send_sources),
            assembler: MessageAssembler::continuing(parts),
            pending: Vec::new(),
            length: 0,
            begun: Instant::now(),
            created_at_ms: now_ms(),
            first_token: None,
        };
        Self {
            turn,
            keys,
            log,
            output,
            place,
            message_saved,
            skipped: 0,
        }
    }

    /// Runs the turn to its end.
    pub(crate) async fn run(mut self, invocation: &Invocation) {
        let cutoff = invocation.cutoff();
        let stop = self.place.stop.clone();
        let ending = {
            let relay = AssertUnwindSafe(self.relay(cutoff, invocation)).catch_unwind();
            tokio::select! {
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
            // Its readers are told by the log. What it said is in its journal, for whoever touches the thread next.
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
        self.output.flush(&self.log);
        self.keep_journal(invocation);

        let mut parts = match self.open(cutoff).await {
            Ok(parts) => parts,
            Err(ending) => return ending,
        };
        let ending = loop {
            match parts.next().await {
                Ok(Some(parts)) => {
                    let pushed = self.output.push(parts, &self.log);
                    self.output.flush(&self.log);
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

    /// Lets other processes read along, and stop the turn.
    fn keep_journal(&self, invocation: &Invocation) {
        let clients = &self.turn.clients;
        if !clients.has_journals() {
            return;
        }
        let watch = Watch {
            store: clients.store.clone(),
            keys: self.keys.clone(),
            log: self.log.reader(),
            pause: clients.journal_interval,
            stop: self.place.stop.clone(),
        };
        invocation.spawn(watch.run());
        let journal = Journal {
            store: clients.store.clone(),
            name: self.keys.journal(),
            stream: self.keys.stream().clone(),
            log: self.log.reader(),
            preamble: self.output.length,
            interval: clients.journal_interval,
        };
        invocation.spawn(journal.run());
    }

    /// Calls the model while the user's message is being put. Nothing of the answer is read before that is done,
    /// and the call is dropped if it cannot be.
    async fn open(&mut self, cutoff: Instant) -> Result<PartStream, Ending> {
        let (turn, is_saved) = (&self.turn, self.message_saved);
        let mut save = pin!(async {
            if is_saved {
                Ok(())
            } else {
                turn.save_message(&self.keys).await
            }
        });
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

    /// Records how the turn ended, and only then tells the readers. What cannot be recorded they are told at once.
    async fn conclude(self, ending: Ending, invocation: &Invocation) {
        let Self {
            turn,
            keys,
            log,
            mut output,
            place,
            message_saved,
            skipped,
        } = self;
        let recorder = Recorder::new(&turn, &keys, invocation);
        let closing = output.close(&ending);
        let record = output.record(&ending, skipped, &turn.model_id);
        let mut saved = recorder.save(&record, message_saved).await;
        let left_behind = if saved {
            let left_behind = recorder.finish(&record, saved).await;
            output.end(closing, &record.metadata, log);
            left_behind
        } else {
            let mut left_behind = None;
            if record.is_empty {
                // There is nothing to save: the same message shall run again as soon as the client can send it.
                let marked = timeout(FIRST_MARK, recorder.finish(&record, false)).await;
                left_behind = marked.unwrap_or_default();
            }
            output.end_unsaved(closing, &record.metadata, log);
            saved = !record.is_empty && recorder.save_late(&record, message_saved).await;
            if saved || record.is_empty || !turn.clients.has_journals() {
                left_behind.or(recorder.finish(&record, saved).await)
            } else {
                // Left open, so that somebody makes its answer from the journal.
                None
            }
        };
        drop(place);
        recorder.settle(&record).await;
        if let Some(older) = left_behind {
            turn.clients.recover(older, invocation);
        }
        recorder.report(&record, &ending, saved);
        if saved && let Some(titling) = Titling::after(&turn, &keys, &record, invocation) {
            invocation.spawn(titling.run());
        }
    }
}

impl Output {
    /// Makes chunks of `parts`, for the stream and for the store, until one cannot be taken.
    fn push(&mut self, parts: Vec<StreamPart>, log: &LogWriter) -> Result<(), Ending> {
        let pushed = parts
            .into_iter()
            .try_for_each(|part| self.push_part(part, log));
        if self.first_token.is_none() && !self.assembler.is_empty() {
            self.first_token = Some(Instant::now());
        }
        pushed
    }

    fn push_part(&mut self, part: StreamPart, log: &LogWriter) -> Result<(), Ending> {
        let Self {
            mapper,
            assembler,
            pending,
            ..
        } = self;
        // Before the chunk is made: a part may be as large as an event, and each chunk is copied some four times.
        if self.length + pending.len() + mapper.stream_bytes(&part) > MAX_ANSWER_BYTES {
            return Err(Ending::TooLong);
        }
        let pushed = mapper.push(part, |chunk| {
            chunk.encode(pending);
            assembler.push(&chunk);
        });
        if pending.len() > MAX_PENDING_BYTES {
            self.flush(log);
        }
        pushed.map_err(Ending::OutOfOrder)
    }

    fn emit(&mut self, chunk: &UiMessageChunk) {
        chunk.encode(&mut self.pending);
        self.assembler.push(chunk);
    }

    /// Writes the last chunks and ends the log.
    fn end(mut self, closing: Vec<UiMessageChunk>, metadata: &AnswerMetadata, log: LogWriter) {
        described(closing, metadata)
            .iter()
            .for_each(|chunk| chunk.encode(&mut self.pending));
        self.pending.extend_from_slice(ui_stream::DONE);
        self.flush(&log);
        log.end();
    }

    /// The same, and says that nothing was saved, unless another error is said already.
    fn end_unsaved(
        mut self,
        closing: Vec<UiMessageChunk>,
        metadata: &AnswerMetadata,
        log: LogWriter,
    ) {
        if closing
            .iter()
            .any(|chunk| matches!(chunk, UiMessageChunk::Error { .. }))
        {
            return self.end(closing, metadata, log);
        }
        let mut chunks = Vec::new();
        self.mapper
            .fail(ending::NOT_SAVED, |chunk| chunks.push(chunk));
        self.end(chunks, metadata, log);
    }

    fn flush(&mut self, log: &LogWriter) {
        log.append(&self.pending);
        self.length += self.pending.len();
        self.pending.clear();
    }
}

/// The last chunks with what is known of the answer by now: in `finish`, and before what clients stop reading at.
fn described(mut closing: Vec<UiMessageChunk>, metadata: &AnswerMetadata) -> Vec<UiMessageChunk> {
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
    if let Some(place) = closing.iter().position(last_read) {
        let message_metadata = Box::new(metadata.clone());
        closing.insert(place, UiMessageChunk::MessageMetadata { message_metadata });
    }
    closing
}

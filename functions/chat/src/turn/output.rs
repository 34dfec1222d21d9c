//! The model's output so far: what is sent of it, and what will be stored.

use front::{millis, now_ms};
use gateway::GatewayError;
use message::{AnswerMetadata, StreamPart, TokenUsage, UiPart};
use store::Status;
use tokio::time::Instant;
use ui_stream::{MAX_ANSWER_BYTES, MessageAssembler, StreamMapper, UiMessageChunk};

use crate::stream::buffer::StreamWriter;
use crate::turn::cost::cost;
use crate::turn::ending::{Ending, NOT_SAVED};
use crate::turn::record::Record;

/// The number of encoded bytes that are collected before they are appended to the stream buffer.
const MAX_PENDING_BYTES: usize = 64 * 1024;

/// The model's output so far, for the stream and for the store.
pub(super) struct Output {
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

impl Output {
    /// Creates the output of an answer that continues `parts`, which may be empty.
    pub(super) fn new(parts: Vec<UiPart>, send_sources: bool) -> Self {
        let known_tools = parts.iter().filter_map(|part| match part {
            UiPart::Tool(tool) => Some(tool.tool_call_id.clone()),
            _ => None,
        });
        Self {
            mapper: StreamMapper::with_known_calls(known_tools).with_sources(send_sources),
            is_continuation: !parts.is_empty(),
            assembler: MessageAssembler::from_parts(parts),
            pending: Vec::new(),
            length: 0,
            begun: Instant::now(),
            created_at_ms: now_ms(),
            first_token: None,
        }
    }

    /// Returns the number of bytes in the stream buffer.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Returns the metadata with which the answer begins.
    pub(super) fn start_metadata(&self, model: &str) -> AnswerMetadata {
        AnswerMetadata::at_start(model, self.created_at_ms)
    }

    /// Maps `parts` to chunks for the stream and for the store, up to the first part that is
    /// refused.
    pub(super) fn push(
        &mut self,
        parts: Vec<StreamPart>,
        writer: &StreamWriter,
    ) -> Result<(), Ending> {
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

    /// Adds a chunk that does not come from the model.
    pub(super) fn emit(&mut self, chunk: &UiMessageChunk) {
        chunk.encode(&mut self.pending);
        self.assembler.push(chunk);
    }

    /// Writes the last chunks and ends the stream.
    pub(super) fn end(
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
    pub(super) fn end_unsaved(
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
        self.mapper.fail(NOT_SAVED, |chunk| chunks.push(chunk));
        self.end(chunks, metadata, writer);
    }

    /// Appends the pending bytes to the stream buffer.
    pub(super) fn flush(&mut self, writer: &StreamWriter) {
        writer.append(&self.pending);
        self.length += self.pending.len();
        self.pending.clear();
    }

    /// Returns the chunks that end the stream, after applying them to the stored message.
    pub(super) fn close(&mut self, ending: &Ending) -> Vec<UiMessageChunk> {
        let Self {
            mapper, assembler, ..
        } = self;
        let mut chunks = Vec::new();
        let emit = |chunk: UiMessageChunk| {
            assembler.push(&chunk);
            chunks.push(chunk);
        };
        match ending.user_text() {
            None if matches!(ending, Ending::Stopped) => mapper.abort(emit),
            // Clients stop reading at the model's own error, so a second one would not reach them.
            Some(_) if mapper.has_failed() => mapper.finish(emit),
            Some(text) => mapper.fail(text, emit),
            None => mapper.finish(emit),
        }
        self.assembler.close_open_inputs();
        chunks
    }

    /// Returns whether the model reported an error. Clients stop reading there, so they lack any
    /// later output.
    fn has_model_error(&self) -> bool {
        self.mapper.has_failed() || self.mapper.ended_in_error()
    }

    /// Returns the record of the answer for the store.
    pub(super) fn record(&self, ending: &Ending, skipped_parts: u64, model: &str) -> Record {
        let error = ending
            .code()
            .or_else(|| self.has_model_error().then_some("model_error"));
        let status = match ending {
            Ending::Stopped => Status::Stopped,
            Ending::Deadline | Ending::Shutdown | Ending::Broken(GatewayError::DeadlinePassed) => {
                Status::Interrupted
            }
            _ if error.is_some() => Status::Failed,
            _ => Status::Completed,
        };
        let is_empty = self.assembler.is_empty();
        // An answer without output has no parts in the table, which is how readers recognise it.
        let parts = if is_empty && !self.is_continuation {
            &[]
        } else {
            self.assembler.parts()
        };
        Record {
            parts: serde_json::to_string(parts).expect("parts are always JSON"),
            is_empty,
            status,
            metadata: AnswerMetadata {
                usage: self.mapper.usage().and_then(TokenUsage::reported),
                finish_reason: self.mapper.reported_finish_reason(),
                raw_finish_reason: self.mapper.raw_finish_reason().map(truncate),
                latency_ms: Some(millis(self.begun.elapsed())),
                ttft_ms: self.first_token.map(|at| millis(at - self.begun)),
                aborted: Some(status == Status::Stopped),
                error: error.map(str::to_owned),
                ..self.start_metadata(model)
            },
            cost: self.mapper.provider_metadata().and_then(cost),
            skipped_parts,
        }
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

/// Truncates a provider's text, which has no size limit.
fn truncate(text: &str) -> String {
    text.chars().take(256).collect()
}

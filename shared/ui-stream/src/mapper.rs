//! The mapping of stream parts to chunks, and the order in which parts may come.

mod blocks;
mod out_of_order;
mod size;
mod source;
mod tools;

use json::RawJson;
use message::{FileData, FinishReason, GeneratedFile, StreamPart, UnifiedFinishReason, Usage};

use self::blocks::Blocks;
use self::tools::Tools;
use crate::UiMessageChunk;

pub use self::out_of_order::OutOfOrder;

/// A converter of the parts of one model call into chunks, with the AI SDK's rules.
///
/// They are those of `streamText` and `toUIMessageStream` of ai 7, with no tools registered,
/// reasoning sent, and sources only if [enabled](Self::with_sources).
///
/// Exactly one of [`finish`](Self::finish), [`fail`](Self::fail) and [`abort`](Self::abort) must be
/// called at the end of a call.
#[derive(Debug, Default)]
pub struct StreamMapper {
    in_step: bool,
    failed: bool,
    text: Blocks,
    reasoning: Blocks,
    first_text: FirstText,
    tools: Tools,
    finish: Option<Finish>,
    sends_sources: bool,
}

/// The provider metadata of the first text block of a step, which sticks: a delta without metadata
/// takes that of the delta before.
#[derive(Debug, Default)]
struct FirstText {
    id: Option<String>,
    metadata: Option<RawJson>,
}

#[derive(Debug)]
struct Finish {
    reason: FinishReason,
    usage: Option<Usage>,
    metadata: Option<RawJson>,
}

/// The kind of the part with which every answer of Anthropic begins. It holds nothing that a page
/// could show or a model would read again, and clients of `ai` 5 and 6 would lose the complete
/// answer because of it, so it is dropped.
const ANTHROPIC_START: &str = "anthropic.message_start";

impl StreamMapper {
    /// Creates a mapper for an answer that continues a message which holds these tool calls
    /// already.
    pub fn with_known_calls(tool_call_ids: impl IntoIterator<Item = String>) -> Self {
        Self {
            tools: Tools::with_known_calls(tool_call_ids),
            ..Self::default()
        }
    }

    /// Sets whether the sources of an answer are sent (`sendSources`); by default they are not.
    pub fn with_sources(self, sends_sources: bool) -> Self {
        Self {
            sends_sources,
            ..self
        }
    }

    /// Passes the chunks of `part`, if any, to `emit`.
    ///
    /// # Errors
    /// The part is not allowed at this position; no chunk was emitted for it except a `start-step`.
    pub fn push(
        &mut self,
        part: StreamPart,
        mut emit: impl FnMut(UiMessageChunk),
    ) -> Result<(), OutOfOrder> {
        if let StreamPart::StreamStart { .. } = part {
            return Ok(());
        }
        if !self.in_step {
            self.in_step = true;
            emit(UiMessageChunk::StartStep);
        }
        if let Some(chunk) = self.map(part)? {
            emit(chunk);
        }
        Ok(())
    }

    fn map(&mut self, part: StreamPart) -> Result<Option<UiMessageChunk>, OutOfOrder> {
        Ok(Some(match part {
            StreamPart::StreamStart { .. }
            | StreamPart::ResponseMetadata { .. }
            | StreamPart::Ping
            | StreamPart::ToolInputEnd { .. } => return Ok(None),

            StreamPart::TextStart {
                id,
                provider_metadata,
            } => {
                let id = self.text.start(id);
                self.first_text.id.get_or_insert_with(|| id.clone());
                UiMessageChunk::TextStart {
                    id,
                    provider_metadata,
                }
            }
            StreamPart::TextDelta {
                id,
                delta,
                provider_metadata,
            } => {
                // `streamText` drops an empty text delta without metadata, but not an empty
                // reasoning delta.
                if delta.is_empty() && provider_metadata.is_none() {
                    return Ok(None);
                }
                let id = self
                    .text
                    .open_name(id)
                    .ok_or(OutOfOrder { part: "text-delta" })?;
                let provider_metadata = self.first_text.apply_metadata(&id, provider_metadata);
                UiMessageChunk::TextDelta {
                    id,
                    delta,
                    provider_metadata,
                }
            }
            StreamPart::TextEnd {
                id,
                provider_metadata,
                citations,
            } => {
                let id = self.text.end(id).ok_or(OutOfOrder { part: "text-end" })?;
                UiMessageChunk::TextEnd {
                    id,
                    citations,
                    provider_metadata,
                }
            }
            StreamPart::ReasoningStart {
                id,
                provider_metadata,
            } => UiMessageChunk::ReasoningStart {
                id: self.reasoning.start(id),
                provider_metadata,
            },
            StreamPart::ReasoningDelta {
                id,
                delta,
                provider_metadata,
            } => {
                let id = self.reasoning.open_name(id).ok_or(OutOfOrder {
                    part: "reasoning-delta",
                })?;
                UiMessageChunk::ReasoningDelta {
                    id,
                    delta,
                    provider_metadata,
                }
            }
            StreamPart::ReasoningEnd {
                id,
                provider_metadata,
            } => {
                let id = self.reasoning.end(id).ok_or(OutOfOrder {
                    part: "reasoning-end",
                })?;
                UiMessageChunk::ReasoningEnd {
                    id,
                    provider_metadata,
                }
            }

            StreamPart::Source { source } => {
                return Ok(source
                    .filter(|_| self.sends_sources)
                    .as_ref()
                    .map(source::to_chunk));
            }
            StreamPart::File { file } => {
                let (media_type, url, provider_metadata) = to_file_fields(file);
                UiMessageChunk::File {
                    media_type,
                    url,
                    provider_metadata,
                }
            }
            StreamPart::ReasoningFile { file } => {
                let (media_type, url, provider_metadata) = to_file_fields(file);
                UiMessageChunk::ReasoningFile {
                    media_type,
                    url,
                    provider_metadata,
                }
            }
            StreamPart::Custom { kind, .. } if kind == ANTHROPIC_START => return Ok(None),
            StreamPart::Custom {
                kind,
                provider_metadata,
            } => UiMessageChunk::Custom {
                kind,
                provider_metadata,
            },

            StreamPart::Error { .. } => {
                self.record_error();
                UiMessageChunk::Error {
                    error_text: "The model reported an error. What came so far is kept.".into(),
                }
            }
            StreamPart::Finish {
                finish_reason,
                usage,
                provider_metadata,
            } => {
                self.finish = Some(Finish {
                    reason: finish_reason,
                    usage,
                    metadata: provider_metadata,
                });
                return Ok(None);
            }
            tool @ (StreamPart::ToolInputStart { .. }
            | StreamPart::ToolInputDelta { .. }
            | StreamPart::ToolCall { .. }
            | StreamPart::ToolResult { .. }
            | StreamPart::ToolApprovalRequest { .. }) => {
                let chunk = self.tools.map(tool)?;
                if let Some(UiMessageChunk::Error { .. }) = &chunk {
                    self.record_error();
                }
                return Ok(chunk);
            }
        }))
    }

    /// Records an error of the model as the finish reason, which only a later `finish` part
    /// replaces.
    fn record_error(&mut self) {
        self.failed = true;
        if let Some(finish) = &mut self.finish {
            finish.reason.unified = UnifiedFinishReason::Error;
        }
    }

    /// Ends the chunks of a call whose stream ended normally, or after it had reported an error
    /// itself.
    pub fn finish(&mut self, mut emit: impl FnMut(UiMessageChunk)) {
        if self.in_step {
            emit(UiMessageChunk::FinishStep);
        }
        emit(UiMessageChunk::Finish {
            finish_reason: self.finish_reason(),
            message_metadata: None,
        });
    }

    /// Ends the chunks of a call that was interrupted: closes the open blocks, then reports the
    /// reason in `error_text`.
    pub fn fail(&mut self, error_text: &str, mut emit: impl FnMut(UiMessageChunk)) {
        self.close_blocks(&mut emit);
        emit(UiMessageChunk::Error {
            error_text: error_text.to_owned(),
        });
        if self.in_step {
            emit(UiMessageChunk::FinishStep);
            let finish_reason = UnifiedFinishReason::Error;
            emit(UiMessageChunk::Finish {
                finish_reason,
                message_metadata: None,
            });
        }
    }

    /// Ends the chunks of a call that the user stopped: closes the open blocks, then emits `abort`.
    pub fn abort(&mut self, mut emit: impl FnMut(UiMessageChunk)) {
        self.close_blocks(&mut emit);
        emit(UiMessageChunk::Abort);
    }

    fn close_blocks(&mut self, mut emit: impl FnMut(UiMessageChunk)) {
        for id in self.text.close_all() {
            emit(UiMessageChunk::TextEnd {
                id,
                citations: None,
                provider_metadata: None,
            });
        }
        for id in self.reasoning.close_all() {
            emit(UiMessageChunk::ReasoningEnd {
                id,
                provider_metadata: None,
            });
        }
    }

    /// Returns the reason why the model stopped, as far as reported; `error` after an error of the
    /// model.
    pub fn finish_reason(&self) -> UnifiedFinishReason {
        match &self.finish {
            Some(finish) => finish.reason.unified,
            None if self.failed => UnifiedFinishReason::Error,
            None => UnifiedFinishReason::Other,
        }
    }

    /// Returns the reason why the model stopped, if the model reported it or an error.
    pub fn reported_finish_reason(&self) -> Option<UnifiedFinishReason> {
        (self.finish.is_some() || self.failed).then(|| self.finish_reason())
    }

    /// Returns true if the last report of the model was an error.
    pub fn ended_in_error(&self) -> bool {
        self.reported_finish_reason() == Some(UnifiedFinishReason::Error)
    }

    /// Returns the finish reason in the terms of the provider.
    pub fn raw_finish_reason(&self) -> Option<&str> {
        self.finish
            .as_ref()
            .and_then(|finish| finish.reason.raw.as_deref())
    }

    /// Returns the token usage, as far as the provider reported it.
    pub fn usage(&self) -> Option<&Usage> {
        self.finish
            .as_ref()
            .and_then(|finish| finish.usage.as_ref())
    }

    /// Returns the metadata that the provider reported about the complete call.
    pub fn provider_metadata(&self) -> Option<&RawJson> {
        self.finish
            .as_ref()
            .and_then(|finish| finish.metadata.as_ref())
    }

    /// Returns true if the model reported an error among its parts.
    pub fn has_failed(&self) -> bool {
        self.failed
    }
}

impl FirstText {
    /// Returns the metadata that a delta of the block `id` without its own takes.
    fn metadata_for(&self, id: &str) -> Option<&RawJson> {
        self.metadata
            .as_ref()
            .filter(|_| self.id.as_deref() == Some(id))
    }

    /// Remembers the metadata of a delta and returns the metadata to send with it.
    fn apply_metadata(&mut self, id: &str, metadata: Option<RawJson>) -> Option<RawJson> {
        if self.id.as_deref() != Some(id) {
            return metadata;
        }
        if metadata.is_some() {
            self.metadata = metadata;
        }
        self.metadata.clone()
    }
}

fn to_file_fields(file: GeneratedFile) -> (String, String, Option<RawJson>) {
    let url = match file.data {
        FileData::Base64(data) => format!("data:{};base64,{data}", file.media_type),
        FileData::Url(url) => url,
    };
    (file.media_type, url, file.provider_metadata)
}

#[cfg(test)]
mod tests;

//! The decoder of OpenAI's Chat Completions: the data of an event in, [`StreamPart`]s out.
//!
//! Knows the chunks that the many servers of this protocol send, and converts them as
//! `@ai-sdk/openai-compatible` does. Does not know events or connections.

use std::borrow::Cow;

use json::{JsonText, RawJson, has_forbidden_key};
use message::{FinishReason, StreamPart, UnifiedFinishReason, Usage};

use super::calls::Calls;
use super::chunk::{Choice, Chunk, ContentDelta};
use super::report;
use crate::adapter::EventDecoder;
use crate::error::PartError;

// The ids of the AI SDK's blocks, which the page sees.
const TEXT: &str = "txt-0";
const REASONING: &str = "reasoning-0";

/// A decoder of events that knows at the end whether they made a complete answer.
///
/// The protocol does not mark the ends of blocks and calls, and reports token usage after the
/// finish reason. So [`finish`](Self::finish) emits the parts that end an answer, after the last
/// event.
#[derive(Debug, Default)]
pub(super) struct OpenAiDecoder {
    announced: bool,
    open: Option<Block>,
    has_plain_reasoning: bool,
    refused: bool,
    calls: Calls,
    reason: Option<String>,
    usage: Option<Usage>,
    failed: bool,
    skipped: u64,
}

/// The open block; there is at most one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Text,
    Reasoning,
}

impl EventDecoder for OpenAiDecoder {
    fn push(&mut self, event: &[u8], parts: &mut Vec<StreamPart>) -> Result<(), PartError> {
        self.decode(event, parts);
        Ok(())
    }

    /// Returns true after the finish reason, when only the token usage is awaited.
    fn is_complete(&self) -> bool {
        self.reason.is_some()
    }

    /// Returns true if the stream may end here: after the finish reason or an error. `[DONE]` alone
    /// is not enough; gateways also send it when their own upstream has broken off.
    fn can_finish(&self) -> bool {
        self.is_complete() || self.failed
    }

    /// Appends the parts that the end of the stream completes: ends of blocks, calls, and `finish`.
    fn finish(&mut self, parts: &mut Vec<StreamPart>) {
        self.close(parts);
        let finish_reason = match self.reason.take() {
            Some(raw) => {
                self.skipped += self.calls.finish(parts);
                FinishReason {
                    unified: report::unified(&raw, self.refused),
                    raw: Some(raw),
                }
            }
            // The input of a call may be cut off here as well, so it does not count as complete.
            None => FinishReason {
                unified: UnifiedFinishReason::Error,
                raw: None,
            },
        };
        parts.push(StreamPart::Finish {
            finish_reason,
            usage: self.usage,
            provider_metadata: None,
        });
    }

    fn skipped(&self) -> u64 {
        self.skipped
    }
}

impl OpenAiDecoder {
    /// Appends the parts of `event` to `parts`. An invalid event becomes an error part, like a
    /// reported error: the client stops there, the rest is kept for the store.
    fn decode(&mut self, event: &[u8], parts: &mut Vec<StreamPart>) {
        // Not the end: later events still count, as in the original.
        if event == b"[DONE]" {
            return;
        }
        let json =
            str::from_utf8(event).map_or_else(|_| String::from_utf8_lossy(event), Cow::Borrowed);
        if let Err(error) = self.read(&json, parts) {
            self.fail(
                RawJson::from_value(&error.to_string()).expect("text is always JSON"),
                parts,
            );
        }
    }

    fn read(&mut self, json: &str, parts: &mut Vec<StreamPart>) -> Result<(), PartError> {
        let chunk = Chunk::parse(json)?;
        if has_forbidden_key(json) {
            return Err(PartError::ForbiddenKey);
        }
        let Some(chunk) = chunk else {
            self.skipped += 1;
            return Ok(());
        };
        if let Some(error) = chunk.error {
            self.fail(RawJson::from(error), parts);
            return Ok(());
        }
        self.announce(&chunk, parts);
        self.usage = report::usage(chunk.usage).or(self.usage);
        match chunk.first_choice()? {
            Some(choice) => self.take(&choice, parts),
            None => Ok(()),
        }
    }

    /// Emits the response metadata, once.
    fn announce(&mut self, chunk: &Chunk<'_>, parts: &mut Vec<StreamPart>) {
        if !self.announced && chunk.has_metadata() {
            self.announced = true;
            let (id, model_id) = (chunk.id(), chunk.model());
            parts.push(StreamPart::ResponseMetadata {
                id,
                model_id,
                timestamp: None,
            });
        }
    }

    fn take(&mut self, choice: &Choice<'_>, parts: &mut Vec<StreamPart>) -> Result<(), PartError> {
        self.reason = choice.finish_reason().or(self.reason.take());
        let Some(delta) = choice.delta()? else {
            return Ok(());
        };
        match delta.plain_reasoning()? {
            Some(text) => {
                self.has_plain_reasoning = true;
                self.append_text(Block::Reasoning, text, parts);
            }
            // Who sends both says the same in both.
            None if !self.has_plain_reasoning => {
                for text in delta.detailed_reasoning() {
                    self.append_text(Block::Reasoning, text, parts);
                }
            }
            None => {}
        }
        delta.content(|delta| match delta {
            ContentDelta::Text(text) => self.append_text(Block::Text, text, parts),
            ContentDelta::Reasoning(text) => self.append_text(Block::Reasoning, text, parts),
        })?;
        if let Some(refusal) = delta.refusal() {
            self.refused = true;
            self.append_text(Block::Text, refusal, parts);
        }
        let pieces = delta.tool_calls()?;
        if !pieces.is_empty() && self.open == Some(Block::Reasoning) {
            self.close(parts);
        }
        for piece in &pieces {
            self.skipped += u64::from(!self.calls.push(piece, parts));
        }
        Ok(())
    }

    fn append_text(&mut self, block: Block, delta: JsonText, parts: &mut Vec<StreamPart>) {
        if self.open != Some(block) {
            self.close(parts);
            self.open = Some(block);
            parts.push(match block {
                Block::Text => StreamPart::TextStart {
                    id: TEXT.to_owned(),
                    provider_metadata: None,
                },
                Block::Reasoning => StreamPart::ReasoningStart {
                    id: REASONING.to_owned(),
                    provider_metadata: None,
                },
            });
        }
        parts.push(match block {
            Block::Text => StreamPart::TextDelta {
                id: TEXT.to_owned(),
                delta,
                provider_metadata: None,
            },
            Block::Reasoning => StreamPart::ReasoningDelta {
                id: REASONING.to_owned(),
                delta,
                provider_metadata: None,
            },
        });
    }

    fn close(&mut self, parts: &mut Vec<StreamPart>) {
        parts.extend(self.open.take().map(|block| match block {
            Block::Text => StreamPart::TextEnd {
                id: TEXT.to_owned(),
                provider_metadata: None,
                citations: None,
            },
            Block::Reasoning => StreamPart::ReasoningEnd {
                id: REASONING.to_owned(),
                provider_metadata: None,
            },
        }));
    }

    /// Marks the answer as failed. Only a finish reason that comes later changes that.
    fn fail(&mut self, error: RawJson, parts: &mut Vec<StreamPart>) {
        self.failed = true;
        self.reason = None;
        parts.push(StreamPart::Error { error });
    }
}

#[cfg(test)]
mod tests;

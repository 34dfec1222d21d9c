//! Replay of a stored answer as its original stream, in larger pieces.
//!
//! A client builds the stored parts from it, except for what no chunk carries. Only a message that
//! a client sent itself in order to continue it can hold that:
//!
//! | stored | in the replay |
//! |---|---|
//! | steering messages, parts of an unknown type | omitted: clients of `ai` 5 reject their chunks |
//! | the user's response to an approval request | only the request; a denied call is denied |
//! | `title`, `dynamic` and `preliminary` of a tool part | omitted |
//! | `filename` and `providerReference` of a file | omitted; a file without a media type gets a general one |
//! | a text or reasoning part without `state` | `done` |
//! | a reasoning part without `id` | gets one |
//!
//! Such parts are among those that the client has already.

mod call;

use json::{JsonText, Object};
use message::{
    AnswerMetadata, MessageId, PartState, ToolPart, ToolState, UiPart, UnifiedFinishReason,
};

use crate::{UiMessageChunk, decode};

/// The end of a replayed answer, for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayEnd<'a> {
    /// The answer is complete.
    Finished,
    /// The answer failed with an error of this text.
    Failed(&'a str),
    /// The user stopped the answer.
    Aborted,
}

/// Emits the chunks of a stored answer, from `start` to the end.
///
/// `given` are the parts that the client has already, of a message that the answer continued: a
/// client that has none builds exactly `parts`.
pub fn replay(
    given: &[UiPart],
    message: &MessageId,
    parts: &[UiPart],
    metadata: &AnswerMetadata,
    end: ReplayEnd<'_>,
    mut emit: impl FnMut(UiMessageChunk),
) {
    emit(UiMessageChunk::Start {
        message_id: message.to_string(),
        message_metadata: Some(Box::new(AnswerMetadata::at_start(
            &metadata.model,
            metadata.created_at,
        ))),
    });
    let mut replay = Replay {
        emit,
        in_step: false,
        blocks: 0,
    };
    let (known, new) = parts.split_at(given.len().min(parts.len()));
    let (denials, other_changes): (Vec<_>, Vec<_>) =
        changed_calls(given, known).partition(|(_, tool)| tool.state == ToolState::OutputDenied);
    replay.emit_changes(&denials);
    // The first new part is the step that brought the results: before it they would belong to other
    // calls.
    let (step, rest) = new.split_at(new.len().min(1));
    step.iter().for_each(|part| replay.emit_part(part));
    replay.emit_changes(&other_changes);
    rest.iter().for_each(|part| replay.emit_part(part));
    replay.finish(end, metadata);
}

/// A tool call as it was given, and as it is now.
type ChangedCall<'a> = (&'a ToolPart, &'a ToolPart);

/// Returns the calls that have changed since they were `given`.
fn changed_calls<'a>(
    given: &'a [UiPart],
    known: &'a [UiPart],
) -> impl Iterator<Item = ChangedCall<'a>> {
    given
        .iter()
        .zip(known)
        .filter_map(|(before, now)| match (before, now) {
            (UiPart::Tool(before), UiPart::Tool(now)) if before != now => Some((before, now)),
            _ => None,
        })
}

struct Replay<F> {
    emit: F,
    in_step: bool,
    /// The number of blocks that were given an id.
    blocks: usize,
}

impl<F: FnMut(UiMessageChunk)> Replay<F> {
    fn emit_changes(&mut self, calls: &[ChangedCall<'_>]) {
        calls
            .iter()
            .for_each(|(before, now)| call::replay_change(before, now, &mut self.emit));
    }

    fn emit_part(&mut self, part: &UiPart) {
        match part {
            UiPart::Text {
                text,
                state,
                provider_metadata,
                citations,
            } => {
                let id = self.next_block_id();
                let provider_metadata = provider_metadata.clone();
                (self.emit)(UiMessageChunk::TextStart {
                    id: id.clone(),
                    provider_metadata,
                });
                if let Some(delta) = to_delta(text) {
                    (self.emit)(UiMessageChunk::TextDelta {
                        id: id.clone(),
                        delta,
                        provider_metadata: None,
                    });
                }
                if *state != Some(PartState::Streaming) {
                    let citations = citations.clone();
                    (self.emit)(UiMessageChunk::TextEnd {
                        id,
                        citations,
                        provider_metadata: None,
                    });
                }
            }
            UiPart::Reasoning {
                id,
                text,
                state,
                provider_metadata,
            } => {
                let id = id.clone().unwrap_or_else(|| self.next_block_id());
                let provider_metadata = provider_metadata.clone();
                (self.emit)(UiMessageChunk::ReasoningStart {
                    id: id.clone(),
                    provider_metadata,
                });
                if let Some(delta) = to_delta(text) {
                    let id = id.clone();
                    (self.emit)(UiMessageChunk::ReasoningDelta {
                        id,
                        delta,
                        provider_metadata: None,
                    });
                }
                if *state != Some(PartState::Streaming) {
                    (self.emit)(UiMessageChunk::ReasoningEnd {
                        id,
                        provider_metadata: None,
                    });
                }
            }
            UiPart::File {
                media_type,
                url,
                provider_metadata,
                ..
            } => (self.emit)(UiMessageChunk::File {
                media_type: media_type
                    .clone()
                    .unwrap_or_else(|| "application/octet-stream".to_owned()),
                url: url.clone(),
                provider_metadata: provider_metadata.clone(),
            }),
            UiPart::ReasoningFile {
                media_type,
                url,
                provider_metadata,
            } => {
                (self.emit)(UiMessageChunk::ReasoningFile {
                    media_type: media_type.clone(),
                    url: url.clone(),
                    provider_metadata: provider_metadata.clone(),
                });
            }
            UiPart::Custom {
                kind,
                provider_metadata,
            } => (self.emit)(UiMessageChunk::Custom {
                kind: kind.clone(),
                provider_metadata: provider_metadata.clone(),
            }),
            UiPart::StepStart => {
                self.finish_step();
                self.in_step = true;
                (self.emit)(UiMessageChunk::StartStep);
            }
            UiPart::SteeringMessage { .. } => {}
            UiPart::Tool(tool) => call::replay(tool, &mut self.emit),
            UiPart::Other(part) => {
                let kind =
                    Object::parse(part.as_raw(), "").and_then(|fields| fields.string("type"));
                if kind.is_ok_and(|kind| decode::is_part_chunk(&kind)) {
                    (self.emit)(UiMessageChunk::Part(part.clone()));
                }
            }
        }
    }

    /// Ends the stream as [`crate::StreamMapper`] does.
    fn finish(mut self, end: ReplayEnd<'_>, metadata: &AnswerMetadata) {
        let metadata = Box::new(metadata.clone());
        if end != ReplayEnd::Finished {
            (self.emit)(UiMessageChunk::MessageMetadata {
                message_metadata: metadata.clone(),
            });
        }
        let finish_reason = match end {
            ReplayEnd::Finished => metadata.finish_reason.unwrap_or(UnifiedFinishReason::Other),
            ReplayEnd::Failed(text) => {
                (self.emit)(UiMessageChunk::Error {
                    error_text: text.to_owned(),
                });
                if !self.in_step {
                    return;
                }
                UnifiedFinishReason::Error
            }
            ReplayEnd::Aborted => return (self.emit)(UiMessageChunk::Abort),
        };
        self.finish_step();
        (self.emit)(UiMessageChunk::Finish {
            finish_reason,
            message_metadata: Some(metadata),
        });
    }

    fn finish_step(&mut self) {
        if std::mem::take(&mut self.in_step) {
            (self.emit)(UiMessageChunk::FinishStep);
        }
    }

    fn next_block_id(&mut self) -> String {
        self.blocks += 1;
        (self.blocks - 1).to_string()
    }
}

/// Returns the text as one delta, or `None` for an empty text, which needs none.
fn to_delta(text: &JsonText) -> Option<JsonText> {
    (!text.is_empty()).then(|| text.clone())
}

#[cfg(test)]
mod tests;

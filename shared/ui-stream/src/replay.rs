//! A stored answer as the stream that it once was, in larger pieces.
//!
//! A client builds the stored parts from it, but for what no chunk carries, which only a message that a client itself
//! sent to go on from can hold:
//!
//! | stored | in the replay |
//! |---|---|
//! | steering messages, parts of an unknown type | left out: clients of `ai` 5 refuse their chunks |
//! | the user's answer to an approval | the question alone; a denied call is denied |
//! | `title`, `dynamic` and `preliminary` of a tool part | left out |
//! | `filename` and `providerReference` of a file | left out; a file without a media type gets a general one |
//! | a text or reasoning part without `state` | `done` |
//! | a reasoning part without `id` | gets one |
//!
//! [`replay_onto`] spares those parts: the client has them already.

mod call;

use message::{
    AnswerMetadata, JsonText, MessageId, Object, PartState, ToolPart, ToolState, UiPart,
    UnifiedFinishReason,
};

use crate::{UiMessageChunk, decode};

/// How a replayed answer ends, for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayEnd<'a> {
    /// As it should.
    Finished,
    /// With an error of this text.
    Failed(&'a str),
    /// By the user's will.
    Aborted,
}

/// Hands the chunks of a stored answer to `emit`, from `start` to the end. A client without the message builds exactly
/// these parts.
pub fn replay(
    message: &MessageId,
    parts: &[UiPart],
    metadata: &AnswerMetadata,
    end: ReplayEnd<'_>,
    emit: impl FnMut(UiMessageChunk),
) {
    replay_onto(&[], message, parts, metadata, end, emit);
}

/// The same for an answer that went on from the parts `given`, to a client that has those.
pub fn replay_onto(
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
    let (denied, settled): (Vec<_>, Vec<_>) =
        changed(given, known).partition(|(_, tool)| tool.state == ToolState::OutputDenied);
    replay.settle(&denied);
    // The first new part is the step in which the results came: before it they would mean other calls.
    let (step, rest) = new.split_at(new.len().min(1));
    step.iter().for_each(|part| replay.part(part));
    replay.settle(&settled);
    rest.iter().for_each(|part| replay.part(part));
    replay.end(end, metadata);
}

/// A call as it was given, and as it is now.
type Changed<'a> = (&'a ToolPart, &'a ToolPart);

/// The calls that have come to something since they were `given`.
fn changed<'a>(given: &'a [UiPart], known: &'a [UiPart]) -> impl Iterator<Item = Changed<'a>> {
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
    /// How many blocks were given an id.
    blocks: usize,
}

impl<F: FnMut(UiMessageChunk)> Replay<F> {
    fn settle(&mut self, calls: &[Changed<'_>]) {
        calls
            .iter()
            .for_each(|(before, now)| call::settle(before, now, &mut self.emit));
    }

    fn part(&mut self, part: &UiPart) {
        match part {
            UiPart::Text {
                text,
                state,
                provider_metadata,
                citations,
            } => {
                let id = self.block_id();
                let provider_metadata = provider_metadata.clone();
                (self.emit)(UiMessageChunk::TextStart {
                    id: id.clone(),
                    provider_metadata,
                });
                if let Some(delta) = said(text) {
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
                let id = id.clone().unwrap_or_else(|| self.block_id());
                let provider_metadata = provider_metadata.clone();
                (self.emit)(UiMessageChunk::ReasoningStart {
                    id: id.clone(),
                    provider_metadata,
                });
                if let Some(delta) = said(text) {
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
                if kind.is_ok_and(|kind| decode::is_part(&kind)) {
                    (self.emit)(UiMessageChunk::Part(part.clone()));
                }
            }
        }
    }

    /// As [`crate::StreamMapper`] ends a stream.
    fn end(mut self, end: ReplayEnd<'_>, metadata: &AnswerMetadata) {
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

    fn block_id(&mut self) -> String {
        self.blocks += 1;
        (self.blocks - 1).to_string()
    }
}

/// The text as one delta. No text needs none.
fn said(text: &JsonText) -> Option<JsonText> {
    (!text.is_empty()).then(|| text.clone())
}

#[cfg(test)]
mod tests;

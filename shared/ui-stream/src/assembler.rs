//! Assembly of the message that a client builds from the chunks, which is the message that is
//! stored.

mod calls;
mod partial_input;
mod tools;

use std::collections::HashMap;

use json::{JsonText, RawJson};
use message::{PartState, UiPart};

use self::calls::Calls;
use self::partial_input::PartialInput;
use crate::UiMessageChunk;

/// A builder of the parts of the assistant's message, with the rules of the AI SDK's
/// `processUIMessageStream`.
#[derive(Debug, Default)]
pub struct MessageAssembler {
    parts: Vec<UiPart>,
    /// The number of parts that existed before the answer.
    given: usize,
    text: HashMap<String, usize>,
    reasoning: HashMap<String, usize>,
    calls: Calls,
    inputs: HashMap<String, PartialInput>,
}

impl MessageAssembler {
    /// Creates an assembler for an answer that continues a message with these parts.
    pub fn from_parts(parts: Vec<UiPart>) -> Self {
        let mut assembler = Self::default();
        for part in parts {
            assembler.add(part);
        }
        assembler.given = assembler.parts.len();
        assembler
    }

    /// Applies `chunk` to the message. Linear in the length of the chunk, whatever the length of
    /// the message.
    pub fn push(&mut self, chunk: &UiMessageChunk) {
        match chunk {
            UiMessageChunk::TextStart {
                id,
                provider_metadata,
            } => {
                let (text, state) = (JsonText::default(), Some(PartState::Streaming));
                let provider_metadata = provider_metadata.clone();
                let index = self.add(UiPart::Text {
                    text,
                    state,
                    provider_metadata,
                    citations: None,
                });
                self.text.insert(id.clone(), index);
            }
            UiMessageChunk::TextDelta {
                id,
                delta,
                provider_metadata,
            } => {
                let index = self.text.get(id).copied();
                self.edit_text(index, Some(delta), provider_metadata.as_ref(), None);
            }
            UiMessageChunk::TextEnd {
                id,
                citations,
                provider_metadata,
            } => {
                let index = self.text.remove(id);
                self.edit_text(
                    index,
                    None,
                    provider_metadata.as_ref(),
                    Some(citations.as_ref()),
                );
            }
            UiMessageChunk::ReasoningStart {
                id,
                provider_metadata,
            } => {
                let index = self.add(UiPart::Reasoning {
                    id: Some(id.clone()),
                    text: JsonText::default(),
                    state: Some(PartState::Streaming),
                    provider_metadata: provider_metadata.clone(),
                });
                self.reasoning.insert(id.clone(), index);
            }
            UiMessageChunk::ReasoningDelta {
                id,
                delta,
                provider_metadata,
            } => {
                let index = self.reasoning.get(id).copied();
                self.edit_reasoning(index, Some(delta), provider_metadata.as_ref());
            }
            UiMessageChunk::ReasoningEnd {
                id,
                provider_metadata,
            } => {
                let index = self.reasoning.remove(id);
                self.edit_reasoning(index, None, provider_metadata.as_ref());
            }
            UiMessageChunk::File {
                media_type,
                url,
                provider_metadata,
            } => {
                self.add(UiPart::File {
                    media_type: Some(media_type.clone()),
                    url: url.clone(),
                    filename: None,
                    provider_metadata: provider_metadata.clone(),
                    provider_reference: None,
                });
            }
            UiMessageChunk::ReasoningFile {
                media_type,
                url,
                provider_metadata,
            } => {
                self.add(UiPart::ReasoningFile {
                    media_type: media_type.clone(),
                    url: url.clone(),
                    provider_metadata: provider_metadata.clone(),
                });
            }
            UiMessageChunk::Custom {
                kind,
                provider_metadata,
            } => {
                self.add(UiPart::Custom {
                    kind: kind.clone(),
                    provider_metadata: provider_metadata.clone(),
                });
            }
            UiMessageChunk::StartStep => {
                self.add(UiPart::StepStart);
            }
            UiMessageChunk::Part(part) => {
                self.add(UiPart::Other(part.clone()));
            }
            UiMessageChunk::Start { .. }
            | UiMessageChunk::MessageMetadata { .. }
            | UiMessageChunk::Error { .. }
            | UiMessageChunk::FinishStep
            | UiMessageChunk::Finish { .. }
            | UiMessageChunk::Abort => {}
            UiMessageChunk::ToolInputStart { .. }
            | UiMessageChunk::ToolInputDelta { .. }
            | UiMessageChunk::ToolInputAvailable { .. }
            | UiMessageChunk::ToolInputError { .. } => self.push_input(chunk),
            UiMessageChunk::ToolApprovalRequest { .. }
            | UiMessageChunk::ToolOutputAvailable { .. }
            | UiMessageChunk::ToolOutputError { .. }
            | UiMessageChunk::ToolOutputDenied { .. } => self.push_result(chunk),
        }
    }

    /// Returns the parts so far.
    pub fn parts(&self) -> &[UiPart] {
        &self.parts
    }

    /// Returns true if the model has produced no content yet, apart from the parts that existed
    /// before. A block that has only begun is no content.
    pub fn is_empty(&self) -> bool {
        self.parts[self.given..].iter().all(|part| match part {
            UiPart::StepStart => true,
            UiPart::Text {
                text,
                provider_metadata,
                ..
            }
            | UiPart::Reasoning {
                text,
                provider_metadata,
                ..
            } => text.is_empty() && provider_metadata.is_none(),
            _ => false,
        })
    }

    /// Marks the blocks that were open when the answer was interrupted as complete: they get no
    /// further content.
    pub fn close_open_blocks(&mut self) {
        for index in self
            .text
            .drain()
            .chain(self.reasoning.drain())
            .map(|(_, index)| index)
        {
            if let UiPart::Text { state, .. } | UiPart::Reasoning { state, .. } =
                &mut self.parts[index]
            {
                *state = Some(PartState::Done);
            }
        }
    }

    fn add(&mut self, part: UiPart) -> usize {
        let index = self.parts.len();
        match &part {
            UiPart::StepStart => self.calls.begin_step(),
            UiPart::Tool(tool) => {
                self.calls
                    .add(&tool.tool_call_id, tool.tool_name.is_some(), index);
            }
            _ => {}
        }
        self.parts.push(part);
        index
    }

    fn edit_text(
        &mut self,
        index: Option<usize>,
        delta: Option<&JsonText>,
        metadata: Option<&RawJson>,
        end: Option<Option<&RawJson>>,
    ) {
        let Some(UiPart::Text {
            text,
            state,
            provider_metadata,
            citations,
        }) = index.map(|at| &mut self.parts[at])
        else {
            return;
        };
        if let Some(delta) = delta {
            text.push(delta);
        }
        if let Some(metadata) = metadata {
            *provider_metadata = Some(metadata.clone());
        }
        if let Some(new_citations) = end {
            *state = Some(PartState::Done);
            *citations = new_citations.cloned();
        }
    }

    fn edit_reasoning(
        &mut self,
        index: Option<usize>,
        delta: Option<&JsonText>,
        metadata: Option<&RawJson>,
    ) {
        let Some(UiPart::Reasoning {
            text,
            state,
            provider_metadata,
            ..
        }) = index.map(|at| &mut self.parts[at])
        else {
            return;
        };
        match delta {
            Some(delta) => text.push(delta),
            None => *state = Some(PartState::Done),
        }
        if let Some(metadata) = metadata {
            *provider_metadata = Some(metadata.clone());
        }
    }
}

#[cfg(test)]
mod tests;

//! The tool calls of the stored message.

use json::{JsonText, RawJson};
use message::{Approval, ToolPart, ToolState, UiPart};

use super::MessageAssembler;
use super::partial_input::{PartialInput, tool_at};
use crate::UiMessageChunk;

/// The fields of a tool part that a chunk sets, besides its state.
#[derive(Default)]
struct Update<'a> {
    input: Option<&'a RawJson>,
    output: Option<&'a RawJson>,
    error_text: Option<&'a JsonText>,
    provider_executed: Option<bool>,
}

impl MessageAssembler {
    /// Applies a chunk of a call's input.
    pub(super) fn push_input(&mut self, chunk: &UiMessageChunk) {
        match chunk {
            UiMessageChunk::ToolInputStart {
                tool_call_id,
                tool_name,
                provider_executed,
                provider_metadata,
                dynamic,
            } => {
                self.close_input(tool_call_id);
                let index = self.get_or_add_tool(tool_call_id, tool_name, *dynamic);
                let update = Update {
                    provider_executed: *provider_executed,
                    ..Update::default()
                };
                self.set(
                    index,
                    ToolState::InputStreaming,
                    &update,
                    provider_metadata.as_ref(),
                );
                let input = PartialInput {
                    text: None,
                    tool_name: tool_name.clone(),
                    index,
                };
                self.inputs.insert(tool_call_id.clone(), input);
            }
            UiMessageChunk::ToolInputDelta {
                tool_call_id,
                input_text_delta,
            } => {
                if let Some(input) = self.inputs.get_mut(tool_call_id) {
                    input.text.get_or_insert_default().push(input_text_delta);
                    let index = input.index;
                    set_name(tool_at(&mut self.parts, index), &input.tool_name);
                    self.set(index, ToolState::InputStreaming, &Update::default(), None);
                }
            }
            UiMessageChunk::ToolInputAvailable {
                tool_call_id,
                tool_name,
                input,
                provider_executed,
                provider_metadata,
                dynamic,
            } => {
                let index = self.get_or_add_tool(tool_call_id, tool_name, *dynamic);
                let update = Update {
                    input: Some(input),
                    provider_executed: *provider_executed,
                    ..Update::default()
                };
                self.set(
                    index,
                    ToolState::InputAvailable,
                    &update,
                    provider_metadata.as_ref(),
                );
            }
            UiMessageChunk::ToolInputError {
                tool_call_id,
                tool_name,
                input,
                provider_executed,
                provider_metadata,
                dynamic,
                error_text,
            } => {
                // An invalid input is recorded in the part that the call has already, static or
                // dynamic.
                let dynamic = match self.calls.first_in_step(tool_call_id) {
                    Some(index) => self.tool(index).tool_name.is_some(),
                    None => *dynamic,
                };
                let index = self.get_or_add_tool(tool_call_id, tool_name, dynamic);
                let (input, error_text) = (Some(input), Some(error_text));
                let update = Update {
                    input,
                    error_text,
                    provider_executed: *provider_executed,
                    ..Update::default()
                };
                self.set(
                    index,
                    ToolState::OutputError,
                    &update,
                    provider_metadata.as_ref(),
                );
            }
            _ => {}
        }
    }

    /// Applies a chunk that follows a call's input: its result, or the approval request.
    pub(super) fn push_result(&mut self, chunk: &UiMessageChunk) {
        match chunk {
            UiMessageChunk::ToolOutputAvailable {
                tool_call_id,
                output,
                provider_executed,
                provider_metadata,
                ..
            } => {
                let update = Update {
                    output: Some(output),
                    provider_executed: *provider_executed,
                    ..Update::default()
                };
                self.set_result(
                    tool_call_id,
                    ToolState::OutputAvailable,
                    &update,
                    provider_metadata.as_ref(),
                );
            }
            UiMessageChunk::ToolOutputError {
                tool_call_id,
                error_text,
                provider_executed,
                provider_metadata,
                ..
            } => {
                let update = Update {
                    error_text: Some(error_text),
                    provider_executed: *provider_executed,
                    ..Update::default()
                };
                self.set_result(
                    tool_call_id,
                    ToolState::OutputError,
                    &update,
                    provider_metadata.as_ref(),
                );
            }
            UiMessageChunk::ToolApprovalRequest {
                approval_id,
                tool_call_id,
            } => {
                if let Some(tool) = self
                    .find_for_result(tool_call_id)
                    .map(|index| self.tool(index))
                {
                    tool.state = ToolState::ApprovalRequested;
                    tool.approval = Some(Approval {
                        id: approval_id.clone(),
                        approved: None,
                        reason: None,
                    });
                }
            }
            UiMessageChunk::ToolOutputDenied { tool_call_id } => {
                if let Some(tool) = self
                    .find_for_result(tool_call_id)
                    .map(|index| self.tool(index))
                {
                    tool.state = ToolState::OutputDenied;
                }
            }
            _ => {}
        }
    }

    /// Stores the tool inputs that were incomplete when the answer ended in their parts.
    pub fn close_open_inputs(&mut self) {
        for input in std::mem::take(&mut self.inputs).values() {
            input.store(&mut self.parts);
        }
    }

    /// Returns the part of the call in the current step, and adds it if there is none. A call may
    /// have a static and a dynamic part.
    fn get_or_add_tool(&mut self, id: &str, name: &str, dynamic: bool) -> usize {
        let index = match self.calls.in_step(id, dynamic) {
            Some(index) => index,
            None => self.add(UiPart::Tool(new_part(id, dynamic))),
        };
        set_name(self.tool(index), name);
        index
    }

    /// Sets the result of a call and keeps its input.
    fn set_result(
        &mut self,
        id: &str,
        state: ToolState,
        update: &Update<'_>,
        metadata: Option<&RawJson>,
    ) {
        let Some(index) = self.find_for_result(id) else {
            return;
        };
        let tool = self.tool(index);
        let (input, raw_input) = (tool.input.clone(), tool.raw_input.clone());
        // The AI SDK keeps the raw input of a static call that fails, and drops it for every other
        // result.
        let keeps_raw = state == ToolState::OutputError && tool.tool_name.is_none();
        self.set(
            index,
            state,
            &Update {
                input: input.as_ref(),
                ..*update
            },
            metadata,
        );
        if keeps_raw {
            self.tool(index).raw_input = raw_input;
        }
    }

    fn set(
        &mut self,
        index: usize,
        state: ToolState,
        update: &Update<'_>,
        metadata: Option<&RawJson>,
    ) {
        let tool = self.tool(index);
        tool.state = state;
        tool.input = update.input.cloned();
        tool.output = update.output.cloned();
        tool.error_text = update.error_text.cloned();
        tool.raw_input = None;
        tool.preliminary = None;
        tool.provider_executed = update.provider_executed.or(tool.provider_executed);
        if let Some(metadata) = metadata.cloned() {
            match state {
                ToolState::OutputAvailable | ToolState::OutputError => {
                    tool.result_provider_metadata = Some(metadata);
                }
                _ => tool.call_provider_metadata = Some(metadata),
            }
        }
    }

    /// Closes the input of the call and returns the index of the part for its result.
    fn find_for_result(&mut self, id: &str) -> Option<usize> {
        self.close_input(id);
        self.calls.find(id)
    }

    fn close_input(&mut self, id: &str) {
        if let Some(input) = self.inputs.get(id) {
            input.store(&mut self.parts);
        }
    }

    fn tool(&mut self, index: usize) -> &mut ToolPart {
        tool_at(&mut self.parts, index)
    }
}

fn set_name(tool: &mut ToolPart, name: &str) {
    match &mut tool.tool_name {
        Some(known) if known == name => {}
        Some(known) => *known = name.to_owned(),
        None if tool.kind.strip_prefix("tool-") == Some(name) => {}
        None => tool.kind = format!("tool-{name}"),
    }
}

fn new_part(id: &str, dynamic: bool) -> ToolPart {
    ToolPart {
        kind: if dynamic { "dynamic-tool" } else { "tool-" }.to_owned(),
        tool_name: dynamic.then(String::new),
        tool_call_id: id.to_owned(),
        state: ToolState::InputStreaming,
        title: None,
        input: None,
        raw_input: None,
        output: None,
        error_text: None,
        provider_executed: None,
        dynamic: None,
        preliminary: None,
        call_provider_metadata: None,
        result_provider_metadata: None,
        approval: None,
    }
}

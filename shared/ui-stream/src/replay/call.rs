//! The tool calls of a replay.
//!
//! The last chunk of a call carries its outcome, but a part may also hold older values, such as an
//! approval or the metadata of an earlier result, and these need the chunks that brought them.

use json::{JsonText, RawJson};
use message::{ToolPart, ToolState};

use crate::UiMessageChunk;

/// Emits the chunks that make `tool`.
pub(super) fn replay(tool: &ToolPart, emit: &mut impl FnMut(UiMessageChunk)) {
    Call { tool, emit }.replay();
}

/// Emits the chunks that change a call from `before`, which the client has, to `tool`.
pub(super) fn replay_change(
    before: &ToolPart,
    tool: &ToolPart,
    emit: &mut impl FnMut(UiMessageChunk),
) {
    let mut call = Call { tool, emit };
    match tool.state {
        ToolState::OutputAvailable => call.emit_output(),
        ToolState::OutputError => {
            // A result makes the client drop the raw input, a failure does not.
            if before.raw_input.is_some() && tool.raw_input.is_none() {
                call.emit_output();
            }
            call.emit_output_error();
        }
        ToolState::OutputDenied => call.emit_denial(),
        ToolState::ApprovalRequested => call.emit_approval_request(),
        ToolState::InputStreaming | ToolState::InputAvailable | ToolState::ApprovalResponded => {}
    }
}

struct Call<'a, F> {
    tool: &'a ToolPart,
    emit: &'a mut F,
}

impl<F: FnMut(UiMessageChunk)> Call<'_, F> {
    fn replay(&mut self) {
        match self.tool.state {
            ToolState::InputStreaming => {
                self.emit_earlier_call();
                self.emit_start();
                if let Some(text) = self.raw_input().or_else(|| self.input_text()) {
                    self.emit_input_delta(text);
                }
            }
            ToolState::InputAvailable => {
                self.emit_earlier_call();
                self.emit_input_available();
            }
            ToolState::ApprovalRequested | ToolState::ApprovalResponded => {
                self.emit_call();
                self.emit_approval_request();
            }
            ToolState::OutputDenied => {
                self.emit_call();
                self.emit_approval_request();
                self.emit_denial();
            }
            ToolState::OutputAvailable => {
                self.emit_input();
                self.emit_approval_request();
                self.emit_output();
            }
            ToolState::OutputError => self.emit_failure(true),
        }
    }

    /// Emits what is left of an earlier call under the same id.
    fn emit_earlier_call(&mut self) {
        self.emit_earlier_result();
        if self.tool.approval.is_some() {
            self.emit_start();
            self.emit_approval_request();
        }
    }

    /// Emits the result that a newer call has replaced, of which only the metadata is left.
    fn emit_earlier_result(&mut self) {
        if self.tool.result_provider_metadata.is_some() {
            self.emit_start();
            self.emit_output();
        }
    }

    /// Emits the call, and the outcome that it had before the approval request, if any.
    fn emit_call(&mut self) {
        if self.tool.error_text.is_some() {
            return self.emit_failure(false);
        }
        if self.tool.output.is_some() {
            self.emit_input();
            return self.emit_output();
        }
        self.emit_earlier_result();
        self.emit_input();
    }

    /// Emits a failed call: as an error of its input, unless only a result can express the failure.
    fn emit_failure(&mut self, with_approval: bool) {
        let is_input_error = self.tool.input.is_some() && self.tool.raw_input.is_none();
        if !is_input_error {
            self.emit_input();
        } else if self.tool.call_provider_metadata.is_some()
            || (with_approval && self.tool.approval.is_some())
        {
            self.emit_start();
        }
        if with_approval {
            self.emit_approval_request();
        }
        if is_input_error {
            self.emit_input_error();
        } else {
            self.emit_output_error();
        }
    }

    /// Emits the chunks that create the part with its input.
    fn emit_input(&mut self) {
        if let Some(text) = self.raw_input() {
            self.emit_start();
            return self.emit_input_delta(text);
        }
        // A page runs its own tools as soon as their input is available. This one has run already.
        let has_run = self.tool.state == ToolState::OutputAvailable
            && self.tool.provider_executed != Some(true);
        match self.input_text() {
            Some(text) if has_run => {
                self.emit_start();
                self.emit_input_delta(text);
            }
            Some(_) => self.emit_input_available(),
            None => self.emit_start(),
        }
    }

    fn raw_input(&self) -> Option<JsonText> {
        self.tool.raw_input.as_ref().and_then(RawJson::text)
    }

    fn input_text(&self) -> Option<JsonText> {
        self.tool
            .input
            .as_ref()
            .map(|input| JsonText::new(input.get()))
    }

    fn emit_start(&mut self) {
        (self.emit)(UiMessageChunk::ToolInputStart {
            tool_call_id: self.tool.tool_call_id.clone(),
            tool_name: self.tool.name().to_owned(),
            provider_executed: self.tool.provider_executed,
            provider_metadata: self.tool.call_provider_metadata.clone(),
            dynamic: self.tool.tool_name.is_some(),
        });
    }

    fn emit_input_delta(&mut self, input_text_delta: JsonText) {
        let tool_call_id = self.tool.tool_call_id.clone();
        (self.emit)(UiMessageChunk::ToolInputDelta {
            tool_call_id,
            input_text_delta,
        });
    }

    fn emit_input_available(&mut self) {
        (self.emit)(UiMessageChunk::ToolInputAvailable {
            tool_call_id: self.tool.tool_call_id.clone(),
            tool_name: self.tool.name().to_owned(),
            input: or_null(self.tool.input.as_ref()),
            provider_executed: self.tool.provider_executed,
            provider_metadata: self.tool.call_provider_metadata.clone(),
            dynamic: self.tool.tool_name.is_some(),
        });
    }

    fn emit_input_error(&mut self) {
        (self.emit)(UiMessageChunk::ToolInputError {
            tool_call_id: self.tool.tool_call_id.clone(),
            tool_name: self.tool.name().to_owned(),
            input: or_null(self.tool.input.as_ref()),
            provider_executed: self.tool.provider_executed,
            provider_metadata: self.tool.result_provider_metadata.clone(),
            dynamic: self.tool.tool_name.is_some(),
            error_text: self.tool.error_text.clone().unwrap_or_default(),
        });
    }

    fn emit_approval_request(&mut self) {
        if let Some(approval) = &self.tool.approval {
            let (approval_id, tool_call_id) = (approval.id.clone(), self.tool.tool_call_id.clone());
            (self.emit)(UiMessageChunk::ToolApprovalRequest {
                approval_id,
                tool_call_id,
            });
        }
    }

    fn emit_output(&mut self) {
        (self.emit)(UiMessageChunk::ToolOutputAvailable {
            tool_call_id: self.tool.tool_call_id.clone(),
            output: or_null(self.tool.output.as_ref()),
            provider_executed: self.tool.provider_executed,
            provider_metadata: self.tool.result_provider_metadata.clone(),
            dynamic: self.tool.tool_name.is_some().then_some(true),
        });
    }

    fn emit_output_error(&mut self) {
        (self.emit)(UiMessageChunk::ToolOutputError {
            tool_call_id: self.tool.tool_call_id.clone(),
            error_text: self.tool.error_text.clone().unwrap_or_default(),
            provider_executed: self.tool.provider_executed,
            provider_metadata: self.tool.result_provider_metadata.clone(),
            dynamic: self.tool.tool_name.is_some().then_some(true),
        });
    }

    fn emit_denial(&mut self) {
        (self.emit)(UiMessageChunk::ToolOutputDenied {
            tool_call_id: self.tool.tool_call_id.clone(),
        });
    }
}

fn or_null(json: Option<&RawJson>) -> RawJson {
    json.cloned().unwrap_or_else(RawJson::null)
}

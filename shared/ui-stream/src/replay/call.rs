//! Tool calls in a replay.
//!
//! What a call has come to is told by its last chunk, but what a part still holds from before, such as an approval or
//! the metadata of an older result, needs the chunks that brought it.

use message::{JsonText, RawJson, ToolPart, ToolState};

use crate::UiMessageChunk;

/// The chunks that make `tool`.
pub(super) fn replay(tool: &ToolPart, emit: &mut impl FnMut(UiMessageChunk)) {
    Call { tool, emit }.replay();
}

/// The chunks that bring a call which the client has as `before` to what it is in `tool`.
pub(super) fn settle(before: &ToolPart, tool: &ToolPart, emit: &mut impl FnMut(UiMessageChunk)) {
    let mut call = Call { tool, emit };
    match tool.state {
        ToolState::OutputAvailable => call.output(),
        ToolState::OutputError => {
            // A result makes the client forget what the input was written as, a failure does not.
            if before.raw_input.is_some() && tool.raw_input.is_none() {
                call.output();
            }
            call.error();
        }
        ToolState::OutputDenied => call.denied(),
        ToolState::ApprovalRequested => call.asked(),
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
                self.remains();
                self.start();
                if let Some(text) = self.raw_input().or_else(|| self.input_text()) {
                    self.written(text);
                }
            }
            ToolState::InputAvailable => {
                self.remains();
                self.available();
            }
            ToolState::ApprovalRequested | ToolState::ApprovalResponded => {
                self.called();
                self.asked();
            }
            ToolState::OutputDenied => {
                self.called();
                self.asked();
                self.denied();
            }
            ToolState::OutputAvailable => {
                self.created();
                self.asked();
                self.output();
            }
            ToolState::OutputError => self.failed(true),
        }
    }

    /// What is left from a call that was made before under the same id.
    fn remains(&mut self) {
        self.older_result();
        if self.tool.approval.is_some() {
            self.start();
            self.asked();
        }
    }

    /// A result that a newer call has put aside, but for its metadata.
    fn older_result(&mut self) {
        if self.tool.result_provider_metadata.is_some() {
            self.start();
            self.output();
        }
    }

    /// The call, and the outcome it had before the user was asked, if it had one.
    fn called(&mut self) {
        if self.tool.error_text.is_some() {
            return self.failed(false);
        }
        if self.tool.output.is_some() {
            self.created();
            return self.output();
        }
        self.older_result();
        self.created();
    }

    /// A call that failed: through its input, unless only the result can say so.
    fn failed(&mut self, asked: bool) {
        let by_input = self.tool.input.is_some() && self.tool.raw_input.is_none();
        if !by_input {
            self.created();
        } else if self.tool.call_provider_metadata.is_some()
            || (asked && self.tool.approval.is_some())
        {
            self.start();
        }
        if asked {
            self.asked();
        }
        if by_input {
            self.bad_input()
        } else {
            self.error()
        }
    }

    /// The part with its input.
    fn created(&mut self) {
        if let Some(text) = self.raw_input() {
            self.start();
            return self.written(text);
        }
        // A page runs the tools that are its own when their input is available. This one has run.
        let ran = self.tool.state == ToolState::OutputAvailable
            && self.tool.provider_executed != Some(true);
        match self.input_text() {
            Some(text) if ran => {
                self.start();
                self.written(text);
            }
            Some(_) => self.available(),
            None => self.start(),
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

    fn start(&mut self) {
        (self.emit)(UiMessageChunk::ToolInputStart {
            tool_call_id: self.tool.tool_call_id.clone(),
            tool_name: self.tool.name().to_owned(),
            provider_executed: self.tool.provider_executed,
            provider_metadata: self.tool.call_provider_metadata.clone(),
            dynamic: self.tool.tool_name.is_some(),
        });
    }

    fn written(&mut self, input_text_delta: JsonText) {
        let tool_call_id = self.tool.tool_call_id.clone();
        (self.emit)(UiMessageChunk::ToolInputDelta {
            tool_call_id,
            input_text_delta,
        });
    }

    fn available(&mut self) {
        (self.emit)(UiMessageChunk::ToolInputAvailable {
            tool_call_id: self.tool.tool_call_id.clone(),
            tool_name: self.tool.name().to_owned(),
            input: or_null(self.tool.input.as_ref()),
            provider_executed: self.tool.provider_executed,
            provider_metadata: self.tool.call_provider_metadata.clone(),
            dynamic: self.tool.tool_name.is_some(),
        });
    }

    fn bad_input(&mut self) {
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

    fn asked(&mut self) {
        if let Some(approval) = &self.tool.approval {
            let (approval_id, tool_call_id) = (approval.id.clone(), self.tool.tool_call_id.clone());
            (self.emit)(UiMessageChunk::ToolApprovalRequest {
                approval_id,
                tool_call_id,
            });
        }
    }

    fn output(&mut self) {
        (self.emit)(UiMessageChunk::ToolOutputAvailable {
            tool_call_id: self.tool.tool_call_id.clone(),
            output: or_null(self.tool.output.as_ref()),
            provider_executed: self.tool.provider_executed,
            provider_metadata: self.tool.result_provider_metadata.clone(),
            dynamic: self.tool.tool_name.is_some().then_some(true),
        });
    }

    fn error(&mut self) {
        (self.emit)(UiMessageChunk::ToolOutputError {
            tool_call_id: self.tool.tool_call_id.clone(),
            error_text: self.tool.error_text.clone().unwrap_or_default(),
            provider_executed: self.tool.provider_executed,
            provider_metadata: self.tool.result_provider_metadata.clone(),
            dynamic: self.tool.tool_name.is_some().then_some(true),
        });
    }

    fn denied(&mut self) {
        (self.emit)(UiMessageChunk::ToolOutputDenied {
            tool_call_id: self.tool.tool_call_id.clone(),
        });
    }
}

fn or_null(json: Option<&RawJson>) -> RawJson {
    json.cloned().unwrap_or_else(RawJson::null)
}

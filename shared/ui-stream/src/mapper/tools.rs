//! The mapping of tool calls. This backend registers no tools, so only those that the provider runs
//! itself can succeed.

use std::collections::HashSet;

use json::{JsonText, RawJson};
use message::StreamPart;

use super::out_of_order::OutOfOrder;
use crate::{UiMessageChunk, tool_input};

/// The tool calls of the stream so far.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// The calls for which the client holds a part.
    shown: HashSet<String>,
    /// The calls whose input is being streamed.
    streaming: HashSet<String>,
    /// The calls that were made.
    called: HashSet<String>,
}

impl Tools {
    pub(super) fn with_known_calls(tool_call_ids: impl IntoIterator<Item = String>) -> Self {
        Self {
            shown: tool_call_ids.into_iter().collect(),
            ..Self::default()
        }
    }

    pub(super) fn map(&mut self, part: StreamPart) -> Result<Option<UiMessageChunk>, OutOfOrder> {
        Ok(Some(match part {
            StreamPart::ToolInputStart {
                id,
                tool_name,
                provider_executed,
                dynamic,
                provider_metadata,
                ..
            } => {
                self.shown.insert(id.clone());
                self.streaming.insert(id.clone());
                let dynamic = dynamic.unwrap_or(false);
                UiMessageChunk::ToolInputStart {
                    tool_call_id: id,
                    tool_name,
                    provider_executed,
                    provider_metadata,
                    dynamic,
                }
            }
            StreamPart::ToolInputDelta { id, delta } => {
                if !self.streaming.contains(&id) {
                    return Err(OutOfOrder {
                        part: "tool-input-delta",
                    });
                }
                UiMessageChunk::ToolInputDelta {
                    tool_call_id: id,
                    input_text_delta: delta,
                }
            }
            StreamPart::ToolCall {
                tool_call_id,
                tool_name,
                input,
                provider_executed,
                dynamic,
                provider_metadata,
            } => {
                self.shown.insert(tool_call_id.clone());
                self.called.insert(tool_call_id.clone());
                let call = Call {
                    tool_call_id,
                    tool_name,
                    provider_executed,
                    provider_metadata,
                };
                call.into_chunk(&input, dynamic == Some(true))
            }
            StreamPart::ToolResult {
                tool_call_id,
                result,
                is_error,
                dynamic,
                provider_metadata,
                ..
            } => {
                if !self.shown.contains(&tool_call_id) {
                    return Err(OutOfOrder {
                        part: "tool-result",
                    });
                }
                to_output_chunk(tool_call_id, result, is_error, dynamic, provider_metadata)
            }
            StreamPart::ToolApprovalRequest {
                approval_id,
                tool_call_id,
                ..
            } => {
                if self.called.contains(&tool_call_id) {
                    UiMessageChunk::ToolApprovalRequest {
                        approval_id,
                        tool_call_id,
                    }
                } else {
                    UiMessageChunk::Error {
                        error_text: "The model asked to approve a tool call that it never made."
                            .into(),
                    }
                }
            }
            _ => return Ok(None),
        }))
    }
}

struct Call {
    tool_call_id: String,
    tool_name: String,
    provider_executed: Option<bool>,
    provider_metadata: Option<RawJson>,
}

impl Call {
    fn into_chunk(self, input: &JsonText, dynamic: bool) -> UiMessageChunk {
        let by_provider = self.provider_executed == Some(true);
        let can_run = by_provider && dynamic;
        let parsed = match tool_input::parse(input) {
            None if can_run && input.to_text().trim().is_empty() => {
                Some(RawJson::from_value(&serde_json::Map::new()).expect("a map is always JSON"))
            }
            parsed => parsed,
        };
        match parsed {
            Some(input) if can_run => UiMessageChunk::ToolInputAvailable {
                tool_call_id: self.tool_call_id,
                tool_name: self.tool_name,
                input,
                provider_executed: self.provider_executed,
                provider_metadata: self.provider_metadata,
                dynamic: true,
            },
            parsed => UiMessageChunk::ToolInputError {
                error_text: JsonText::new(&self.error_text(by_provider)),
                input: parsed
                    .unwrap_or_else(|| RawJson::from_value(input).expect("text is always JSON")),
                tool_call_id: self.tool_call_id,
                tool_name: self.tool_name,
                provider_executed: self.provider_executed,
                provider_metadata: self.provider_metadata,
                dynamic: true,
            },
        }
    }

    /// Returns the error text in the wording of the AI SDK: it is sent to the model with the next
    /// turn.
    fn error_text(&self, by_provider: bool) -> String {
        if by_provider {
            return "An error occurred.".to_owned();
        }
        let name = &self.tool_name;
        format!(
            "AI_NoSuchToolError: Model tried to call unavailable tool '{name}'. No tools are available."
        )
    }
}

fn to_output_chunk(
    tool_call_id: String,
    result: RawJson,
    is_error: bool,
    dynamic: Option<bool>,
    provider_metadata: Option<RawJson>,
) -> UiMessageChunk {
    let provider_executed = Some(true);
    if is_error {
        let error_text = result
            .text()
            .unwrap_or_else(|| JsonText::new(&strip_whitespace(result.get())));
        UiMessageChunk::ToolOutputError {
            tool_call_id,
            error_text,
            provider_executed,
            provider_metadata,
            dynamic,
        }
    } else {
        UiMessageChunk::ToolOutputAvailable {
            tool_call_id,
            output: result,
            provider_executed,
            provider_metadata,
            dynamic,
        }
    }
}

/// Removes the white space between the tokens of JSON, as JavaScript writes it.
fn strip_whitespace(json: &str) -> String {
    let (mut in_text, mut escaped) = (false, false);
    let kept = |character: &char| {
        match character {
            '"' if !escaped => in_text = !in_text,
            ' ' | '\t' | '\n' | '\r' if !in_text => return false,
            _ => {}
        }
        escaped = *character == '\\' && !escaped;
        true
    };
    json.chars().filter(kept).collect()
}

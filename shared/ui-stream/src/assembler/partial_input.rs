//! A tool's input before it is complete.

use json::{JsonText, RawJson};
use message::{ToolPart, ToolState, UiPart};

use crate::tool_input;

/// The input of a tool call, as far as it has been streamed.
#[derive(Debug)]
pub(super) struct PartialInput {
    /// The text so far; `None` before the first delta.
    pub(super) text: Option<JsonText>,
    /// The name of the tool when the input began.
    pub(super) tool_name: String,
    pub(super) index: usize,
}

impl PartialInput {
    /// Stores the input in its part, if the part still waits for it.
    pub(super) fn store(&self, parts: &mut [UiPart]) {
        let Some(text) = &self.text else { return };
        let tool = tool_at(parts, self.index);
        if tool.state == ToolState::InputStreaming {
            tool.input = tool_input::parse_cut(text);
            tool.raw_input = Some(RawJson::from_value(text).expect("text is always JSON"));
        }
    }
}

/// Returns the tool part at `index`, which must be one.
pub(super) fn tool_at(parts: &mut [UiPart], index: usize) -> &mut ToolPart {
    match &mut parts[index] {
        UiPart::Tool(tool) => tool,
        other => unreachable!("part {index} was found as a tool part, it is {other:?}"),
    }
}

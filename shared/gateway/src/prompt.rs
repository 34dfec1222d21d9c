//! Prompts: UI messages in the form of either protocol.
//!
//! Follows `convertToModelMessages` and the prompt building of `streamText` in `ai` 7, called
//! without options and without tools. Knows no limits and no roles of senders: validation comes
//! before. Fetches no files.

mod approval;
mod block;
mod convert;
mod error;
mod file;
pub(crate) mod model_message;
pub(crate) mod sniff;
mod standardize;
mod tool;

use std::fmt;

use json::RawJson;
use message::UiMessage;

use self::model_message::ModelMessage;
use crate::adapter::Adapter;

pub use self::error::{PartPath, PromptError};

/// A conversation in the form in which a model receives it.
#[derive(Clone, PartialEq, Eq)]
pub struct Prompt {
    json: RawJson,
    denied_tool_calls: Vec<String>,
}

impl Prompt {
    /// Builds the prompt for a model; `system` is the operator's own prompt.
    ///
    /// # Errors
    /// Names the part that cannot be sent, counted in `messages`.
    pub(crate) fn build(
        adapter: &dyn Adapter,
        system: Option<&str>,
        messages: &[UiMessage],
    ) -> Result<Self, PromptError> {
        let mut converted = convert::model_messages(messages)?;
        if converted.is_empty() {
            return Err(PromptError::Empty);
        }
        let denied_tool_calls = approval::add_denials(&mut converted)?;
        standardize::standardize(&mut converted)?;
        if let Some(system) = system {
            converted.insert(0, ModelMessage::System(system));
        }
        Ok(Self {
            json: adapter.prompt(&converted)?,
            denied_tool_calls,
        })
    }

    /// Returns the array of messages in the request to the gateway.
    pub(crate) fn json(&self) -> &RawJson {
        &self.json
    }

    /// Returns the ids of the tool calls that the user has just denied. The client receives a
    /// `tool-output-denied` chunk for each directly after `start`.
    pub fn denied_tool_calls(&self) -> &[String] {
        &self.denied_tool_calls
    }
}

/// Prints sizes only: a prompt is the user's and must not be logged.
impl fmt::Debug for Prompt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Prompt")
            .field("bytes", &self.json.get().len())
            .field("denied_tool_calls", &self.denied_tool_calls.len())
            .finish()
    }
}

#[cfg(test)]
mod tests;

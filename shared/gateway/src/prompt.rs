//! Prompts: UI messages in the form of either protocol.
//!
//! Follows `convertToModelMessages` and the prompt building of `streamText` in `ai` 7, called without options and
//! without tools. Knows nothing of limits or of who may say what: that was judged before. Fetches nothing.

mod approval;
mod convert;
mod error;
mod file;
mod model_message;
mod openai;
mod sniff;
mod standardize;
mod tool;

use std::fmt;

use message::{RawJson, UiMessage};

pub use error::{PartPath, PromptError};
use model_message::ModelMessage;

use crate::Protocol;

/// A conversation in the form that the model is asked with.
#[derive(Clone, PartialEq, Eq)]
pub struct Prompt {
    json: RawJson,
    denied_tool_calls: Vec<String>,
}

impl Prompt {
    /// Builds what the model is asked; `system` is the operator's own prompt.
    ///
    /// # Errors
    /// Names the part that cannot be sent, counted in `messages`.
    pub(crate) fn build(
        protocol: Protocol,
        system: Option<&str>,
        messages: &[UiMessage],
    ) -> Result<Self, PromptError> {
        let mut converted = convert::model_messages(messages)?;
        if converted.is_empty() {
            return Err(PromptError::Empty);
        }
        let denied_tool_calls = approval::deny_refused(&mut converted)?;
        standardize::standardize(&mut converted)?;
        if let Some(system) = system {
            converted.insert(0, ModelMessage::System(system));
        }
        let json = match protocol {
            Protocol::Native => RawJson::of(&converted),
            Protocol::OpenAi => RawJson::of(&openai::messages(&converted)?),
        };
        let json = json.expect("every text and value in it is JSON already");
        Ok(Self {
            json,
            denied_tool_calls,
        })
    }

    /// The array of messages in the request to the gateway.
    pub(crate) fn json(&self) -> &RawJson {
        &self.json
    }

    /// The tool calls that the user has just refused, by id. The client receives for each a
    /// `tool-output-denied` chunk directly after `start`.
    pub fn denied_tool_calls(&self) -> &[String] {
        &self.denied_tool_calls
    }
}

/// Sizes only: a prompt is the user's and never goes into a log.
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

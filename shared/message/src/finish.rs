//! The end of a model call: its finish reason and its token usage.

use serde::{Deserialize, Serialize};

/// The token usage that the provider reported. `None` means "not reported", never zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// The tokens of the prompt.
    #[serde(rename = "inputTokens")]
    pub input: InputTokens,
    /// The tokens of the answer.
    #[serde(rename = "outputTokens")]
    pub output: OutputTokens,
}

/// The token counts of a prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputTokens {
    /// All tokens of the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Tokens neither read from nor written to the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_cache: Option<u64>,
    /// Tokens read from the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
    /// Tokens written to the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
}

/// The token counts of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputTokens {
    /// All tokens of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Tokens of the text that the user sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<u64>,
    /// Tokens of the reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
}

impl Usage {
    /// Returns true if the provider reported no count at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The reason why the model stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FinishReason {
    /// The reason in the terms of the AI SDK.
    pub unified: UnifiedFinishReason,
    /// The reason in the terms of the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

/// The finish reasons that every client of `ai` 5 to 7 accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum UnifiedFinishReason {
    /// The model completed its answer.
    Stop,
    /// The limit on output tokens was reached.
    Length,
    /// The content filter of the provider blocked the answer.
    ContentFilter,
    /// The model waits for the results of tools.
    ToolCalls,
    /// The model call failed.
    Error,
    /// Any other reason, or none reported.
    Other,
}

impl UnifiedFinishReason {
    /// Returns the reason with this name on the wire, `Other` for a name that the client's schema
    /// does not have.
    pub fn from_name(name: &str) -> Self {
        match name {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "content-filter" => Self::ContentFilter,
            "tool-calls" => Self::ToolCalls,
            "error" => Self::Error,
            _ => Self::Other,
        }
    }

    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content-filter",
            Self::ToolCalls => "tool-calls",
            Self::Error => "error",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_was_not_reported_is_omitted() {
        let usage: Usage =
            serde_json::from_str(r#"{"inputTokens":{"total":12,"cacheRead":0},"outputTokens":{}}"#)
                .unwrap();
        assert_eq!(
            serde_json::to_string(&usage).unwrap(),
            r#"{"inputTokens":{"total":12,"cacheRead":0},"outputTokens":{}}"#
        );
        assert!(!usage.is_empty());
        assert!(Usage::default().is_empty());
    }

    #[test]
    fn a_reason_that_clients_reject_becomes_other() {
        for name in [
            "stop",
            "length",
            "content-filter",
            "tool-calls",
            "error",
            "other",
        ] {
            assert_eq!(UnifiedFinishReason::from_name(name).as_str(), name);
        }
        assert_eq!(
            UnifiedFinishReason::from_name("pause_turn"),
            UnifiedFinishReason::Other
        );
    }
}

//! How a model call ended and what it used.

use serde::{Deserialize, Serialize};

/// Tokens as the provider reported them. `None` means "not reported", never zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// What the prompt cost.
    #[serde(rename = "inputTokens")]
    pub input: InputTokens,
    /// What the answer cost.
    #[serde(rename = "outputTokens")]
    pub output: OutputTokens,
}

/// Tokens of the prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputTokens {
    /// All of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Neither read from nor written to the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_cache: Option<u64>,
    /// Read from the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
    /// Written to the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
}

/// Tokens of the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputTokens {
    /// All of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Text that the user sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<u64>,
    /// Reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
}

impl Usage {
    /// Whether the provider reported nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why the model stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FinishReason {
    /// In the AI SDK's words.
    pub unified: UnifiedFinishReason,
    /// In the provider's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

/// The finish reasons that every client of `ai` 5 to 7 accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum UnifiedFinishReason {
    /// The model was done.
    Stop,
    /// The limit on output tokens was reached.
    Length,
    /// The provider's content filter stepped in.
    ContentFilter,
    /// The model waits for the results of tools.
    ToolCalls,
    /// The model call failed.
    Error,
    /// Anything else, or nothing said.
    Other,
}

impl UnifiedFinishReason {
    /// The reason called `name`, and `Other` for a name that the client's schema does not have.
    pub fn named(name: &str) -> Self {
        match name {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "content-filter" => Self::ContentFilter,
            "tool-calls" => Self::ToolCalls,
            "error" => Self::Error,
            _ => Self::Other,
        }
    }

    /// The name on the wire.
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
    fn what_was_not_reported_is_left_out() {
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
    fn a_reason_that_clients_refuse_becomes_other() {
        for name in [
            "stop",
            "length",
            "content-filter",
            "tool-calls",
            "error",
            "other",
        ] {
            assert_eq!(UnifiedFinishReason::named(name).as_str(), name);
        }
        assert_eq!(
            UnifiedFinishReason::named("pause_turn"),
            UnifiedFinishReason::Other
        );
    }
}

//! The metadata of an answer: sent to the page as message metadata, and stored with the message.

use serde::{Deserialize, Serialize};

use crate::{UnifiedFinishReason, Usage};

/// The metadata of a message of the assistant.
///
/// `start` carries what is known then, which is `model`
/// and `createdAt`; the rest comes with the end of the answer. A value that is not known is
/// omitted, never null or zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AnswerMetadata {
    /// The id of the model, `provider/model-name`. Empty in an answer that was recovered without
    /// its beginning.
    pub model: String,
    /// The time at which the answer began, in milliseconds since 1970.
    pub created_at: u64,
    /// The tokens, as the provider reported them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<TokenUsage>,
    /// The reason why the model stopped, if the provider reported one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<UnifiedFinishReason>,
    /// The finish reason in the terms of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_finish_reason: Option<String>,
    /// The time from the beginning of the answer to its end, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// The time from the beginning of the answer to its first part, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft_ms: Option<u64>,
    /// True if the user stopped the answer. Present once the answer has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aborted: Option<bool>,
    /// The stable code of the error, if one occurred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl AnswerMetadata {
    /// Creates the metadata that is known when an answer begins.
    pub fn at_start(model: &str, created_at_ms: u64) -> Self {
        Self {
            model: model.to_owned(),
            created_at: created_at_ms,
            usage: None,
            finish_reason: None,
            raw_finish_reason: None,
            latency_ms: None,
            ttft_ms: None,
            aborted: None,
            error: None,
        }
    }
}

/// The token counts as the AI SDK passes them to a page (`LanguageModelUsage` of ai 7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct TokenUsage {
    /// The tokens of the prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// The breakdown of the prompt tokens.
    #[serde(skip_serializing_if = "InputTokenDetails::is_empty")]
    pub input_token_details: InputTokenDetails,
    /// The tokens of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// The breakdown of the answer tokens.
    #[serde(skip_serializing_if = "OutputTokenDetails::is_empty")]
    pub output_token_details: OutputTokenDetails,
    /// The sum of the prompt and answer tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<u64>,
}

/// The breakdown of the tokens of a prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct InputTokenDetails {
    /// Tokens neither read from nor written to the provider's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_cache_tokens: Option<u64>,
    /// Tokens read from the provider's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read_tokens: Option<u64>,
    /// Tokens written to the provider's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
}

/// The breakdown of the tokens of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct OutputTokenDetails {
    /// Tokens of the text that the user sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_tokens: Option<u64>,
    /// Tokens of the reasoning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
}

impl InputTokenDetails {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl OutputTokenDetails {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl TokenUsage {
    /// Converts the usage that the provider reported; `None` if it reported nothing.
    pub fn reported(usage: &Usage) -> Option<Self> {
        if usage.is_empty() {
            return None;
        }
        let (input, output) = (usage.input, usage.output);
        let total_tokens = match (input.total, output.total) {
            (None, None) => None,
            (input, output) => Some(
                input
                    .unwrap_or_default()
                    .saturating_add(output.unwrap_or_default()),
            ),
        };
        Some(Self {
            input_tokens: input.total,
            input_token_details: InputTokenDetails {
                no_cache_tokens: input.no_cache,
                cache_read_tokens: input.cache_read,
                cache_write_tokens: input.cache_write,
            },
            output_tokens: output.total,
            output_token_details: OutputTokenDetails {
                text_tokens: output.text,
                reasoning_tokens: output.reasoning,
            },
            total_tokens,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{InputTokens, OutputTokens};

    #[test]
    fn an_unknown_value_is_omitted_and_read_as_absent() {
        let metadata = AnswerMetadata::at_start("acme/small", 5);
        let value = serde_json::to_value(&metadata).unwrap();
        assert_eq!(value, json!({ "model": "acme/small", "createdAt": 5 }));
        assert_eq!(
            serde_json::from_value::<AnswerMetadata>(value).unwrap(),
            metadata
        );
    }

    #[test]
    fn usage_has_the_form_of_the_ai_sdk() {
        let reported = |usage: Usage| serde_json::to_value(TokenUsage::reported(&usage)).unwrap();
        let input = InputTokens {
            total: Some(12),
            cache_read: Some(2),
            ..InputTokens::default()
        };
        let output = OutputTokens {
            total: Some(7),
            reasoning: Some(3),
            ..OutputTokens::default()
        };
        assert_eq!(
            reported(Usage { input, output }),
            json!({
                "inputTokens": 12, "inputTokenDetails": { "cacheReadTokens": 2 },
                "outputTokens": 7, "outputTokenDetails": { "reasoningTokens": 3 }, "totalTokens": 19,
            })
        );
        let only_input = Usage {
            input: InputTokens {
                total: Some(3),
                ..input
            },
            ..Usage::default()
        };
        assert_eq!(reported(only_input)["totalTokens"], 3);
        assert_eq!(
            reported(Usage::default()),
            json!(null),
            "without a report the usage is absent, not zero"
        );
    }
}

//! What is known of an answer beside its parts: sent to the page as message metadata, and stored with the message.

use serde::{Deserialize, Serialize};

use crate::{UnifiedFinishReason, Usage};

/// The metadata of an assistant's message. `start` carries what is known then, which is `model` and `createdAt`; the
/// rest comes with the end of the answer. What is not known is left out, never null or zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AnswerMetadata {
    /// The model's id, `provider/model-name`. Empty in an answer that was recovered without its beginning.
    pub model: String,
    /// When the answer began, in milliseconds since 1970.
    pub created_at: u64,
    /// Tokens, as the provider reported them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<TokenUsage>,
    /// Why the model stopped, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<UnifiedFinishReason>,
    /// The same in the provider's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_finish_reason: Option<String>,
    /// From the begin of the answer to its end, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// From the begin of the answer to the first of its parts, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft_ms: Option<u64>,
    /// Whether the user stopped the answer. Present once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aborted: Option<bool>,
    /// A stable name of what went wrong, if something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl AnswerMetadata {
    /// What is known when an answer begins.
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

/// Token counts as the AI SDK hands them to a page (`LanguageModelUsage` of ai 7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct TokenUsage {
    /// Tokens of the prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// What they are made of.
    #[serde(skip_serializing_if = "InputTokenDetails::is_empty")]
    pub input_token_details: InputTokenDetails,
    /// Tokens of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// What they are made of.
    #[serde(skip_serializing_if = "OutputTokenDetails::is_empty")]
    pub output_token_details: OutputTokenDetails,
    /// Both together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<u64>,
}

/// Where the tokens of a prompt came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct InputTokenDetails {
    /// Neither read from nor written to the provider's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_cache_tokens: Option<u64>,
    /// Read from the provider's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read_tokens: Option<u64>,
    /// Written to the provider's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
}

/// What the tokens of an answer went into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct OutputTokenDetails {
    /// Text that the user sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_tokens: Option<u64>,
    /// Reasoning.
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
    /// The page's form of what the provider reported; `None` if that was nothing.
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
    fn what_is_not_known_is_left_out_and_comes_back_absent() {
        let metadata = AnswerMetadata::at_start("acme/small", 5);
        let value = serde_json::to_value(&metadata).unwrap();
        assert_eq!(value, json!({ "model": "acme/small", "createdAt": 5 }));
        assert_eq!(
            serde_json::from_value::<AnswerMetadata>(value).unwrap(),
            metadata
        );
    }

    #[test]
    fn usage_reads_as_the_ai_sdk_gives_it() {
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
            "nothing reported is nothing, not zero"
        );
    }
}

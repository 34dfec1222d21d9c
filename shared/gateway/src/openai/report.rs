//! Token usage and finish reason.

use json::{as_object, as_u64};
use message::{InputTokens, OutputTokens, UnifiedFinishReason, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct WireUsage<'a> {
    #[serde(borrow)]
    prompt_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    completion_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt_tokens_details: Option<&'a RawValue>,
    #[serde(borrow)]
    completion_tokens_details: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireDetails<'a> {
    #[serde(borrow)]
    cached_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_tokens: Option<&'a RawValue>,
}

/// Parses the token usage of a chunk; `None` if it has none.
pub(super) fn usage(value: Option<&RawValue>) -> Option<Usage> {
    let wire: WireUsage<'_> = as_object(value?)?;
    let prompt = wire
        .prompt_tokens_details
        .and_then(as_object::<WireDetails<'_>>);
    let completion = wire
        .completion_tokens_details
        .and_then(as_object::<WireDetails<'_>>);

    let total = wire.prompt_tokens.and_then(as_u64);
    let cache_read = prompt.and_then(|details| details.cached_tokens.and_then(as_u64));
    let no_cache = rest(total, cache_read);
    let input = InputTokens {
        total,
        no_cache,
        cache_read,
        cache_write: None,
    };

    let total = wire.completion_tokens.and_then(as_u64);
    let reasoning = completion.and_then(|details| details.reasoning_tokens.and_then(as_u64));
    let output = OutputTokens {
        total,
        text: rest(total, reasoning),
        reasoning,
    };

    Some(Usage { input, output }).filter(|usage| !usage.is_empty())
}

/// Returns `total - part` if both were reported. Some servers count a part that is not in the
/// total.
fn rest(total: Option<u64>, part: Option<u64>) -> Option<u64> {
    Some(total?.saturating_sub(part?))
}

/// Maps `raw` to the AI SDK's finish reason.
pub(super) fn unified(raw: &str, refused: bool) -> UnifiedFinishReason {
    match raw {
        "stop" if refused => UnifiedFinishReason::ContentFilter,
        "stop" => UnifiedFinishReason::Stop,
        "length" => UnifiedFinishReason::Length,
        "content_filter" => UnifiedFinishReason::ContentFilter,
        "tool_calls" | "function_call" => UnifiedFinishReason::ToolCalls,
        // OpenRouter's, for an answer that broke off. The original does not know it.
        "error" => UnifiedFinishReason::Error,
        _ => UnifiedFinishReason::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_were_not_reported_are_not_made_up() {
        for (case, json, expected) in [
            (
                "OpenAI",
                r#"{"prompt_tokens":12,"completion_tokens":7,"total_tokens":19,"prompt_tokens_details":{"cached_tokens":2,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":5,"accepted_prediction_tokens":0}}"#,
                r#"{"inputTokens":{"total":12,"noCache":10,"cacheRead":2},"outputTokens":{"total":7,"text":2,"reasoning":5}}"#,
            ),
            (
                "Ollama",
                r#"{"prompt_tokens":12,"completion_tokens":7,"total_tokens":19}"#,
                r#"{"inputTokens":{"total":12},"outputTokens":{"total":7}}"#,
            ),
            (
                "vLLM",
                r#"{"prompt_tokens":12,"completion_tokens":null,"prompt_tokens_details":null}"#,
                r#"{"inputTokens":{"total":12},"outputTokens":{}}"#,
            ),
            (
                "more reasoning than output",
                r#"{"completion_tokens":3,"completion_tokens_details":{"reasoning_tokens":5}}"#,
                r#"{"inputTokens":{},"outputTokens":{"total":3,"text":0,"reasoning":5}}"#,
            ),
            (
                "odd",
                r#"{"prompt_tokens":"12","completion_tokens":7,"prompt_tokens_details":[1]}"#,
                r#"{"inputTokens":{},"outputTokens":{"total":7}}"#,
            ),
            ("nothing reported", r#"{"prompt_tokens":null}"#, "null"),
            ("empty", "{}", "null"),
            ("no object", "12", "null"),
        ] {
            let value: Box<RawValue> = serde_json::from_str(json).unwrap();
            assert_eq!(
                serde_json::to_string(&usage(Some(&value))).unwrap(),
                expected,
                "{case}"
            );
        }
        assert_eq!(usage(None), None);
    }

    #[test]
    fn every_reason_has_a_word_that_clients_accept() {
        for (raw, refused, expected) in [
            ("stop", false, "stop"),
            ("stop", true, "content-filter"),
            ("length", true, "length"),
            ("content_filter", false, "content-filter"),
            ("tool_calls", false, "tool-calls"),
            ("function_call", false, "tool-calls"),
            ("error", false, "error"),
            ("eos", false, "other"),
            ("STOP", false, "other"),
        ] {
            assert_eq!(unified(raw, refused).as_str(), expected, "{raw}");
        }
    }
}

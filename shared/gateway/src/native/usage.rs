//! Token usage and finish reason of the native protocol.
//!
//! Both changed their shape between protocol versions. A value that is absent or malformed counts
//! as "not reported": an answer is never lost because of its bill.

use json::{as_object, as_string, as_u64};
use message::{FinishReason, InputTokens, OutputTokens, UnifiedFinishReason, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The token counts. V3 and V4 group them under `inputTokens` and `outputTokens`; V2 has plain
/// numbers and two more fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireUsage<'a> {
    #[serde(borrow)]
    input_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    output_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    cached_input_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_tokens: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTokens<'a> {
    #[serde(borrow)]
    total: Option<&'a RawValue>,
    #[serde(borrow)]
    no_cache: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_read: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_write: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireFinishReason<'a> {
    #[serde(borrow)]
    unified: Option<&'a RawValue>,
    #[serde(borrow)]
    raw: Option<&'a RawValue>,
}

/// Parses the token usage of a `finish` part; `None` if it has none.
pub(super) fn usage(value: Option<&RawValue>) -> Option<Usage> {
    let wire: WireUsage<'_> = as_object(value?)?;
    let input = match wire.input_tokens.and_then(as_object::<WireTokens<'_>>) {
        Some(tokens) => InputTokens {
            total: tokens.total.and_then(as_u64),
            no_cache: tokens.no_cache.and_then(as_u64),
            cache_read: tokens.cache_read.and_then(as_u64),
            cache_write: tokens.cache_write.and_then(as_u64),
        },
        None => InputTokens {
            total: wire.input_tokens.and_then(as_u64),
            cache_read: wire.cached_input_tokens.and_then(as_u64),
            ..InputTokens::default()
        },
    };
    let output = match wire.output_tokens.and_then(as_object::<WireTokens<'_>>) {
        Some(tokens) => OutputTokens {
            total: tokens.total.and_then(as_u64),
            text: tokens.text.and_then(as_u64),
            reasoning: tokens.reasoning.and_then(as_u64),
        },
        None => OutputTokens {
            total: wire.output_tokens.and_then(as_u64),
            text: None,
            reasoning: wire.reasoning_tokens.and_then(as_u64),
        },
    };
    Some(Usage { input, output }).filter(|usage| !usage.is_empty())
}

/// Parses the finish reason, an object since V3 and a word before; `other` if there is none. A word
/// that clients do not know is kept as the raw reason.
pub(super) fn finish_reason(value: Option<&RawValue>) -> FinishReason {
    let (unified, raw) = match value.and_then(as_object::<WireFinishReason<'_>>) {
        Some(wire) => (
            wire.unified.and_then(as_string),
            wire.raw.and_then(as_string),
        ),
        None => (value.and_then(as_string), None),
    };
    let unified = unified.unwrap_or_default();
    let known = UnifiedFinishReason::from_name(&unified);
    let raw = raw.or_else(|| (known.as_str() != unified && !unified.is_empty()).then_some(unified));
    FinishReason {
        unified: known,
        raw,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> String {
        let value: Box<RawValue> = serde_json::from_str(json).unwrap();
        serde_json::to_string(&usage(Some(&value))).unwrap()
    }

    #[test]
    fn every_shape_of_usage_is_understood() {
        for (case, json, expected) in [
            (
                "V4",
                r#"{"inputTokens":{"total":12,"noCache":10,"cacheRead":2,"cacheWrite":0},"outputTokens":{"total":7,"text":5,"reasoning":2},"raw":{"x":1}}"#,
                r#"{"inputTokens":{"total":12,"noCache":10,"cacheRead":2,"cacheWrite":0},"outputTokens":{"total":7,"text":5,"reasoning":2}}"#,
            ),
            (
                "V2",
                r#"{"inputTokens":12,"outputTokens":7,"totalTokens":19,"reasoningTokens":2,"cachedInputTokens":3}"#,
                r#"{"inputTokens":{"total":12,"cacheRead":3},"outputTokens":{"total":7,"reasoning":2}}"#,
            ),
            (
                "half",
                r#"{"inputTokens":{"total":12},"outputTokens":null}"#,
                r#"{"inputTokens":{"total":12},"outputTokens":{}}"#,
            ),
            (
                "odd",
                r#"{"inputTokens":{"total":"12","noCache":-1,"cacheRead":1.5},"outputTokens":{"total":7}}"#,
                r#"{"inputTokens":{},"outputTokens":{"total":7}}"#,
            ),
            (
                "nothing reported",
                r#"{"inputTokens":{},"outputTokens":{"total":null}}"#,
                "null",
            ),
            ("no object", "[1,2,3,4]", "null"),
            ("a word", r#""none""#, "null"),
            ("key twice", r#"{"inputTokens":1,"inputTokens":2}"#, "null"),
        ] {
            assert_eq!(read(json), expected, "{case}");
        }
        assert_eq!(usage(None), None);
    }

    #[test]
    fn every_shape_of_finish_reason_is_understood() {
        for (json, unified, raw) in [
            (
                r#"{"unified":"stop","raw":"end_turn"}"#,
                "stop",
                Some("end_turn"),
            ),
            (r#"{"unified":"tool-calls","raw":null}"#, "tool-calls", None),
            (r#"{"unified":"pause_turn"}"#, "other", Some("pause_turn")),
            (r#"{"unified":"paused","raw":"p"}"#, "other", Some("p")),
            (r#"{}"#, "other", None),
            (r#""length""#, "length", None),
            (r#""unknown""#, "other", Some("unknown")),
            ("7", "other", None),
            (r#"["stop"]"#, "other", None),
        ] {
            let value: Box<RawValue> = serde_json::from_str(json).unwrap();
            let reason = finish_reason(Some(&value));
            assert_eq!(
                (reason.unified.as_str(), reason.raw.as_deref()),
                (unified, raw),
                "{json}"
            );
        }
        assert_eq!(
            finish_reason(None),
            FinishReason {
                unified: UnifiedFinishReason::Other,
                raw: None
            }
        );
    }
}

//! Token usage and finish reason of the native protocol.
//!
//! Both changed their shape between protocol versions. A value that is absent or malformed counts
//! as "not reported": an answer is never lost because of its bill.

use json::unquoted;
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
pub(crate) fn usage(value: Option<&RawValue>) -> Option<Usage> {
    let wire: WireUsage<'_> = object(value)?;
    let input = match object::<WireTokens<'_>>(wire.input_tokens) {
        Some(tokens) => InputTokens {
            total: count(tokens.total),
            no_cache: count(tokens.no_cache),
            cache_read: count(tokens.cache_read),
            cache_write: count(tokens.cache_write),
        },
        None => InputTokens {
            total: count(wire.input_tokens),
            cache_read: count(wire.cached_input_tokens),
            ..InputTokens::default()
        },
    };
    let output = match object::<WireTokens<'_>>(wire.output_tokens) {
        Some(tokens) => OutputTokens {
            total: count(tokens.total),
            text: count(tokens.text),
            reasoning: count(tokens.reasoning),
        },
        None => OutputTokens {
            total: count(wire.output_tokens),
            text: None,
            reasoning: count(wire.reasoning_tokens),
        },
    };
    Some(Usage { input, output }).filter(|usage| !usage.is_empty())
}

/// Parses the finish reason, an object since V3 and a word before; `other` if there is none. A word
/// that clients do not know is kept as the raw reason.
pub(crate) fn finish_reason(value: Option<&RawValue>) -> FinishReason {
    let optional_string = |value: Option<&RawValue>| {
        value
            .and_then(|value| unquoted(value.get()))
            .map(String::from)
    };
    let (unified, raw) = match object::<WireFinishReason<'_>>(value) {
        Some(wire) => (optional_string(wire.unified), optional_string(wire.raw)),
        None => (optional_string(value), None),
    };
    let unified = unified.unwrap_or_default();
    let known = UnifiedFinishReason::from_name(&unified);
    let raw = raw.or_else(|| (known.as_str() != unified && !unified.is_empty()).then_some(unified));
    FinishReason {
        unified: known,
        raw,
    }
}

/// Parses an object; serde alone would accept an array too.
pub(crate) fn object<'a, T: Deserialize<'a>>(value: Option<&'a RawValue>) -> Option<T> {
    let json = value?.get();
    json.starts_with('{')
        .then(|| serde_json::from_str(json).ok())?
}

/// Parses a number of tokens.
pub(crate) fn count(value: Option<&RawValue>) -> Option<u64> {
    serde_json::from_str(value?.get()).ok()
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

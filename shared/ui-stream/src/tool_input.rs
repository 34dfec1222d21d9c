//! What a model wrote as the input of a tool: meant to be JSON, but it may be anything, and it may be cut.

mod repair;

use std::borrow::Cow;

use message::{JsonText, RawJson};
use serde_json::Value;

use self::repair::Repair;

/// The JSON that `input` is, if it is.
#[cfg(feature = "mapper")]
pub(crate) fn parse(input: &JsonText) -> Option<RawJson> {
    json(&written(input))
}

/// The JSON that `input` began to be. As the client shows it while it is written.
pub(crate) fn parse_cut(input: &JsonText) -> Option<RawJson> {
    let text = written(input);
    json(&text).or_else(|| json(&Repair::of(&text)?))
}

/// The text as the model wrote it. Half a surrogate pair stays an escape, which says the same in a JSON string.
fn written(input: &JsonText) -> Cow<'_, str> {
    let escaped = input.escaped();
    if !escaped.contains("\\ud") && !escaped.contains("\\uD") {
        return input.to_text();
    }
    let mut kept = String::with_capacity(escaped.len() + 8);
    let mut rest = escaped;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        kept.push_str(before);
        let length = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(_), _) => {
                kept.push('\\');
                6
            }
            (None, _) => 2,
        };
        kept.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    kept.push_str(rest);
    Cow::Owned(serde_json::from_str(&format!("\"{kept}\"")).expect("no surrogate stands alone any more"))
}

/// The surrogate that `text` begins with as an escape.
fn surrogate(text: &str) -> Option<u16> {
    let unit = u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (0xd800..=0xdfff).contains(&unit).then_some(unit)
}

/// The AI SDK's parser refuses keys that reach into JavaScript's prototypes, so such an input stays the text it is.
fn json(text: &str) -> Option<RawJson> {
    let value: RawJson = serde_json::from_str(text).ok()?;
    let suspect = text.contains("proto") || text.contains("\\u00");
    (!suspect || serde_json::from_str(text).is_ok_and(|value| !has_forbidden_key(&value))).then_some(value)
}

fn has_forbidden_key(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(key, value)| {
            key == "__proto__"
                || (key == "constructor" && value.get("prototype").is_some())
                || has_forbidden_key(value)
        }),
        Value::Array(items) => items.iter().any(has_forbidden_key),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Option<String> {
        parse_cut(&JsonText::new(text)).map(|json| json.get().to_owned())
    }

    #[test]
    fn a_cut_input_keeps_what_was_said() {
        for (begun, kept) in [
            ("{", "{}"),
            (r#"{"a"#, "{}"),
            (r#"{"a":"#, "{}"),
            (r#"{"a":-"#, "{}"),
            (r#"{"a":1."#, r#"{"a":1}"#),
            (r#"{"a":1,"#, r#"{"a":1}"#),
            (r#"{"a":"x\"#, r#"{"a":"x"}"#),
            (r#"{"a":"x\u12"#, r#"{"a":"x"}"#),
            (r#"{"a":"ä😀"#, r#"{"a":"ä😀"}"#),
            (r#"{"a":{"b":[1,[2,tr"#, r#"{"a":{"b":[1,[2,true]]}}"#),
            (r#"[{"a":null},{"b":fal"#, r#"[{"a":null},{"b":false}]"#),
            (r#"["]}","#, r#"["]}"]"#),
            ("12", "12"),
        ] {
            assert_eq!(cut(begun).as_deref(), Some(kept), "{begun}");
        }
    }

    #[test]
    fn what_never_was_json_is_nothing() {
        for text in ["", " ", "oops {", "}", "[1}, 2]", "{\"__proto__\":{"] {
            assert_eq!(cut(text), None, "{text}");
        }
    }

    #[test]
    fn every_beginning_of_json_is_mended() {
        let whole = r#"{"a":[1,-2.5,{"b":"x\"\u00e4","c":null}],"d":{"e":true,"f":[]},"g":"😀"}"#;
        for end in (1..=whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            assert!(cut(&whole[..end]).is_some(), "{}", &whole[..end]);
        }
    }

    #[test]
    fn half_a_surrogate_pair_stays_an_escape() {
        let input: JsonText =
            serde_json::from_str(r#""{\"a\":\"x\ud83d\",\"b\":\"\\ud83d \ud83d\ude00\"}""#).unwrap();
        assert_eq!(parse(&input).unwrap().get(), r#"{"a":"x\ud83d","b":"\ud83d 😀"}"#);
    }
}

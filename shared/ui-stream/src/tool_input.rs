//! The input of a tool call as a model wrote it: meant to be JSON, but it may be any text, and it
//! may be cut.

mod repair;

use std::borrow::Cow;

use json::{JsonText, RawJson, has_forbidden_key};

use self::repair::JsonRepair;

/// Parses `input` as JSON; `None` if it is not JSON.
pub(crate) fn parse(input: &JsonText) -> Option<RawJson> {
    parse_json(&to_model_text(input))
}

/// Parses `input` as the beginning of JSON, which is completed. The client shows it in this form
/// while it is written.
pub(crate) fn parse_cut(input: &JsonText) -> Option<RawJson> {
    let text = to_model_text(input);
    parse_json(&text).or_else(|| parse_json(&JsonRepair::repair(&text)?))
}

/// Returns the text as the model wrote it. Half a surrogate pair stays an escape inside a JSON
/// string, where that has the same meaning. Elsewhere it becomes U+FFFD, which is not valid JSON
/// there either.
fn to_model_text(input: &JsonText) -> Cow<'_, str> {
    let escaped = input.escaped();
    if !escaped.contains("\\ud") && !escaped.contains("\\uD") {
        return input.to_text();
    }
    let (mut text, mut quotes) = (
        String::with_capacity(escaped.len() + 8),
        QuoteTracker::default(),
    );
    let (mut begin, mut at) = (0, 0);
    while let Some(found) = escaped[at..].find('\\') {
        at += found;
        let escape = &escaped[at..];
        match (
            parse_surrogate(escape),
            escape.get(6..).and_then(parse_surrogate),
        ) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 12,
            (Some(_), _) => {
                text.push_str(&quotes.decode(&escaped[begin..at]));
                text.push_str(if quotes.is_inside_string() {
                    &escape[..6]
                } else {
                    "\u{fffd}"
                });
                at += 6;
                begin = at;
            }
            (None, _) => at += 2,
        }
    }
    text.push_str(&quotes.decode(&escaped[begin..]));
    Cow::Owned(text)
}

/// The state of a text at its end: inside a JSON string or not.
#[derive(Default)]
struct QuoteTracker {
    open: bool,
    escape: bool,
}

impl QuoteTracker {
    /// Decodes text without lone surrogates, and tracks its quotes.
    fn decode(&mut self, escaped: &str) -> String {
        let text: String = serde_json::from_str(&format!("\"{escaped}\""))
            .expect("it is cut before every lone surrogate");
        for byte in text.bytes() {
            match byte {
                _ if self.escape => self.escape = false,
                b'\\' => self.escape = self.open,
                b'"' => self.open = !self.open,
                _ => {}
            }
        }
        text
    }

    fn is_inside_string(&self) -> bool {
        self.open && !self.escape
    }
}

/// Parses the escaped surrogate at the beginning of `text`.
fn parse_surrogate(text: &str) -> Option<u16> {
    let unit = u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (0xd800..=0xdfff).contains(&unit).then_some(unit)
}

/// Parses `text` as JSON. The AI SDK's parser rejects keys that reach into JavaScript's prototypes,
/// so an input with such a key stays text.
fn parse_json(text: &str) -> Option<RawJson> {
    let value: RawJson = serde_json::from_str(text).ok()?;
    (!has_forbidden_key(text)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Option<String> {
        parse_cut(&JsonText::new(text)).map(|json| json.get().to_owned())
    }

    #[test]
    fn a_cut_input_keeps_the_values_that_were_written() {
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
    fn text_that_is_not_json_is_not_repaired() {
        for text in ["", " ", "oops {", "}", "[1}, 2]", "{\"__proto__\":{"] {
            assert_eq!(cut(text), None, "{text}");
        }
    }

    #[test]
    fn every_beginning_of_json_is_repaired() {
        let complete =
            r#"{"a":[1,-2.5,{"b":"x\"\u00e4","c":null}],"d":{"e":true,"f":[]},"g":"😀"}"#;
        for end in (1..=complete.len()).filter(|end| complete.is_char_boundary(*end)) {
            assert!(cut(&complete[..end]).is_some(), "{}", &complete[..end]);
        }
    }

    #[test]
    fn half_a_surrogate_pair_stays_an_escape() {
        let input: JsonText =
            serde_json::from_str(r#""{\"a\":\"x\ud83d\",\"b\":\"\\ud83d \ud83d\ude00\"}""#)
                .unwrap();
        assert_eq!(
            parse(&input).unwrap().get(),
            r#"{"a":"x\ud83d","b":"\ud83d 😀"}"#
        );
    }

    #[test]
    fn half_a_surrogate_pair_outside_of_strings_is_not_json() {
        for (begun, kept) in [
            (r#""{\"a\":[1,\ud83d""#, Some(r#"{"a":[1]}"#)),
            (r#""{\"a\":\ud83d8""#, None),
            (r#""\udc00{\"a\":\"\\\"\ud83d""#, None),
            (r#""{\"a\":\"\\\"\ud83d""#, Some(r#"{"a":"\"\ud83d"}"#)),
            (r#""{\"a\":\"\\\\\",\ud83d""#, Some(r#"{"a":"\\"}"#)),
            (r#""{\"a\":\"\\\\\"\ud83d,\"b\":1""#, None),
            (r#""{\"a\":\"\\\ud83d\"}""#, None),
            (r#""\ud83d""#, None),
        ] {
            let input: JsonText = serde_json::from_str(begun).unwrap();
            assert_eq!(
                parse_cut(&input).as_ref().map(RawJson::get),
                kept,
                "{begun}"
            );
            assert_eq!(parse(&input), None, "{begun}");
        }
    }

    #[test]
    fn forbidden_keys_are_found_next_to_both_kinds_of_escapes() {
        for (input, is_kept) in [
            (r#""{\"a\":\"\\u00e4 \ud83d\"}""#, true),
            (r#""{\"a\":\"\ud83d\",\"__pr\\u006fto__\":1}""#, false),
        ] {
            assert_eq!(
                parse(&serde_json::from_str(input).unwrap()).is_some(),
                is_kept,
                "{input}"
            );
        }
    }
}

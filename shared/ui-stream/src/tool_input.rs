//! What a model wrote as the input of a tool: meant to be JSON, but it may be anything, and it may be cut.

mod repair;

use std::borrow::Cow;

use message::{JsonText, RawJson, has_forbidden_key};

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

/// The text as the model wrote it. Half a surrogate pair stays an escape where that says the same: inside a JSON string.
/// Elsewhere it becomes U+FFFD, which is no JSON there either.
fn written(input: &JsonText) -> Cow<'_, str> {
    let escaped = input.escaped();
    if !escaped.contains("\\ud") && !escaped.contains("\\uD") {
        return input.to_text();
    }
    let (mut text, mut quotes) = (String::with_capacity(escaped.len() + 8), Quotes::default());
    let (mut begin, mut at) = (0, 0);
    while let Some(found) = escaped[at..].find('\\') {
        at += found;
        let escape = &escaped[at..];
        match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 12,
            (Some(_), _) => {
                text.push_str(&quotes.pass(&escaped[begin..at]));
                text.push_str(if quotes.is_plain() {
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
    text.push_str(&quotes.pass(&escaped[begin..]));
    Cow::Owned(text)
}

/// Whether what was written so far ends inside a JSON string.
#[derive(Default)]
struct Quotes {
    open: bool,
    escape: bool,
}

impl Quotes {
    /// Decodes text without lone surrogates, and notes its quotes.
    fn pass(&mut self, escaped: &str) -> String {
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

    fn is_plain(&self) -> bool {
        self.open && !self.escape
    }
}

/// The surrogate that `text` begins with as an escape.
fn surrogate(text: &str) -> Option<u16> {
    let unit = u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (0xd800..=0xdfff).contains(&unit).then_some(unit)
}

/// The AI SDK's parser refuses keys that reach into JavaScript's prototypes, so such an input stays the text it is.
fn json(text: &str) -> Option<RawJson> {
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
            serde_json::from_str(r#""{\"a\":\"x\ud83d\",\"b\":\"\\ud83d \ud83d\ude00\"}""#)
                .unwrap();
        assert_eq!(
            parse(&input).unwrap().get(),
            r#"{"a":"x\ud83d","b":"\ud83d 😀"}"#
        );
    }

    #[test]
    fn half_a_surrogate_pair_outside_of_strings_is_no_json() {
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
    fn an_input_with_both_kinds_of_escapes_is_looked_into() {
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

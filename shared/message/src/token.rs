//! The tokens of JSON, for whoever looks into what serde_json skips or carries unread.
//!
//! One pass and no recursion. Knows tokens, not grammar: where the text is no JSON, so are they.

use std::borrow::Cow;

use memchr::memchr2;

/// A token that says something about the shape of the JSON, or a value of it. `true`, `false`, `null`, commas and
/// colons do not matter to anybody here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonToken<'a> {
    /// `{`
    Object,
    /// `[`
    Array,
    /// `}` or `]`
    End,
    /// A string before a colon, quotes included.
    Key(&'a str),
    /// Any other string, quotes included.
    Text(&'a str),
    /// What begins like a number, as far as it looks like one.
    Number(&'a str),
}

/// The tokens of `json` and the bytes where they begin.
pub fn json_tokens(json: &str) -> impl Iterator<Item = (usize, JsonToken<'_>)> {
    let bytes = json.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at;
            at += 1;
            let token = match *bytes.get(start)? {
                b'{' => JsonToken::Object,
                b'[' => JsonToken::Array,
                b'}' | b']' => JsonToken::End,
                b'"' => {
                    at = string_end(bytes, start);
                    let is_key = bytes[at..].trim_ascii_start().first() == Some(&b':');
                    let token = &json[start..at];
                    if is_key {
                        JsonToken::Key(token)
                    } else {
                        JsonToken::Text(token)
                    }
                }
                b'-' | b'0'..=b'9' => {
                    at = number_end(bytes, start);
                    JsonToken::Number(&json[start..at])
                }
                _ => continue,
            };
            return Some((start, token));
        }
    })
}

/// Where the string that opens at `start` is over: behind its closing quote, or the end of `bytes`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

fn number_end(bytes: &[u8], start: usize) -> usize {
    let belongs = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    bytes[start..]
        .iter()
        .position(|byte| !belongs(byte))
        .map_or(bytes.len(), |length| start + length)
}

/// Whether the number token is too large for a double. JavaScript reads infinity, and writes that as `null`.
pub fn is_out_of_range(number: &str) -> bool {
    number.parse::<f64>().is_ok_and(f64::is_infinite)
}

/// Whether a number in `json` [is out of range](is_out_of_range).
pub fn has_number_out_of_range(json: &str) -> bool {
    json_tokens(json)
        .any(|(_, token)| matches!(token, JsonToken::Number(number) if is_out_of_range(number)))
}

/// The text of a JSON string token, quotes included. `None` for other values, and for half a surrogate pair, which
/// no Rust string can hold.
pub fn unquoted(token: &str) -> Option<Cow<'_, str>> {
    let inside = token.strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains('\\') {
        serde_json::from_str(token).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stand_where_they_begin() {
        let json = "{\"a\\\"\" :\n[-1.5e+3,\"x:\\\\\",true,\"}\"]}";
        let tokens: Vec<_> = json_tokens(json).collect();
        assert_eq!(
            tokens,
            [
                (0, JsonToken::Object),
                (1, JsonToken::Key(r#""a\"""#)),
                (9, JsonToken::Array),
                (10, JsonToken::Number("-1.5e+3")),
                (18, JsonToken::Text(r#""x:\\""#)),
                (30, JsonToken::Text(r#""}""#)),
                (33, JsonToken::End),
                (34, JsonToken::End),
            ]
        );
    }

    #[test]
    fn what_is_no_json_gives_tokens_that_end() {
        for text in ["\"", "\"\\", "\"ä\\", "-", "}]ä1", "{\"a\"", "\"\\\"ä"] {
            assert!(json_tokens(text).count() <= text.len(), "{text}");
        }
    }

    #[test]
    fn a_number_is_out_of_range_where_javascript_reads_infinity() {
        let digits = "9".repeat(309);
        for number in ["1e999", "-1E+400", "1.8e308", &digits] {
            assert!(
                has_number_out_of_range(&format!("{{\"a\":[0,{{\"b\":{number}}}]}}")),
                "{number}"
            );
        }
        let large = format!("[1.7e308,-1e308,1e-999,{}]", "9".repeat(308));
        for json in ["{}", &large, r#"{"1e999":"1e999 \ud83d"}"#] {
            assert!(!has_number_out_of_range(json), "{json}");
        }
    }
}

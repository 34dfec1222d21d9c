//! A tokenizer for JSON that `serde_json` skips or carries unread.
//!
//! Takes one pass and no recursion. Knows tokens, not grammar: for a text that is not JSON the
//! tokens are not meaningful either.

use std::borrow::Cow;

use memchr::memchr2;

/// A token that tells the shape of the JSON, or a string or number in it. `true`, `false`, `null`,
/// commas and colons are not reported.
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
    /// Text that begins like a number, as far as it looks like one.
    Number(&'a str),
}

/// Iterates over the tokens of `json`, each with the byte index at which it begins.
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
                    at = find_string_end(bytes, start);
                    let is_key = bytes[at..].trim_ascii_start().first() == Some(&b':');
                    let token = &json[start..at];
                    if is_key {
                        JsonToken::Key(token)
                    } else {
                        JsonToken::Text(token)
                    }
                }
                b'-' | b'0'..=b'9' => {
                    at = find_number_end(bytes, start);
                    JsonToken::Number(&json[start..at])
                }
                _ => continue,
            };
            return Some((start, token));
        }
    })
}

/// Returns the index after the closing quote of the string that opens at `start`, or the end of
/// `bytes`.
fn find_string_end(bytes: &[u8], start: usize) -> usize {
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

fn find_number_end(bytes: &[u8], start: usize) -> usize {
    let is_number_byte = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    bytes[start..]
        .iter()
        .position(|byte| !is_number_byte(byte))
        .map_or(bytes.len(), |length| start + length)
}

/// Returns true if the number token is too large for a double. JavaScript reads it as infinity, and
/// writes that as `null`.
pub fn is_out_of_range(number: &str) -> bool {
    number.parse::<f64>().is_ok_and(f64::is_infinite)
}

/// Returns true if a number in `json` [is out of range](is_out_of_range).
pub fn has_number_out_of_range(json: &str) -> bool {
    json_tokens(json)
        .any(|(_, token)| matches!(token, JsonToken::Number(number) if is_out_of_range(number)))
}

/// Returns the text of a JSON string token, which includes its quotes. `None` for other values, and
/// for half a surrogate pair, which no Rust string can hold.
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
    fn each_token_has_the_index_of_its_first_byte() {
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
    fn tokens_of_malformed_json_are_finite() {
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

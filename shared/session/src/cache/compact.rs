//! The strategy `compact`: base64url of `{"session":P,"expiresAt":N,"signature":S}`.
//!
//! S is the HMAC-SHA256 over the text of P with `expiresAt` inserted as its last field. It is
//! verified over the received text without white space, and that same text is parsed: it is never
//! re-serialized.

use std::borrow::Cow;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::payload::Payload;
use crate::jws;
use crate::signature::SigningKey;

#[derive(Deserialize)]
struct Sealed<'json> {
    #[serde(borrow)]
    session: &'json RawValue,
    #[serde(rename = "expiresAt")]
    expires_at_ms: i64,
    #[serde(borrow)]
    signature: Cow<'json, str>,
}

/// Returns the content of the value, if it is signed with `key` and has not expired.
pub(super) fn open(key: &SigningKey, value: &str, now_ms: i64) -> Option<Payload> {
    let json = decode(value)?;
    if json.first() != Some(&b'{') {
        return None;
    }
    let sealed: Sealed<'_> = serde_json::from_slice(&json).ok()?;
    let payload = strip_whitespace(sealed.session.get());
    let fields = payload.strip_suffix('}')?;
    let signed = format!(r#"{fields},"expiresAt":{}}}"#, sealed.expires_at_ms);
    if !key.has_signed(signed.as_bytes(), &decode(&sealed.signature)?)
        || sealed.expires_at_ms < now_ms
    {
        return None;
    }
    jws::parse_object(payload.as_bytes())
}

/// Decodes both alphabets of base64, padded or not, as better-auth's decoder does.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let engine = if text.contains(['-', '_']) {
        URL_SAFE_NO_PAD
    } else {
        STANDARD_NO_PAD
    };
    engine.decode(text).ok()
}

/// Removes the white space between the tokens of JSON. The library signs the output of
/// `JSON.stringify`, which has none.
fn strip_whitespace(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |character: &char| {
        if in_string {
            in_string = escaped || *character != '"';
            escaped = !escaped && *character == '\\';
            return true;
        }
        in_string = *character == '"';
        !matches!(character, ' ' | '\t' | '\n' | '\r')
    };
    json.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn white_space_is_removed_only_between_tokens() {
        for (json, expected) in [
            (r#"{ "a" : 1 }"#, r#"{"a":1}"#),
            ("{\n\t\"a\":\r[ ] }", r#"{"a":[]}"#),
            (r#"{"a b":" c "}"#, r#"{"a b":" c "}"#),
            (
                r#"{"a\" b": "\\" , "c": " " }"#,
                r#"{"a\" b":"\\","c":" "}"#,
            ),
            (r#"{"\\\" ": "\\\\" }"#, r#"{"\\\" ":"\\\\"}"#),
        ] {
            assert_eq!(strip_whitespace(json), expected);
        }
    }

    #[test]
    fn both_alphabets_are_decoded_but_no_mixture() {
        for (text, expected) in [
            ("-_-_", Some(vec![0xfb, 0xff, 0xbf])),
            ("+/+/", Some(vec![0xfb, 0xff, 0xbf])),
            ("AA==", Some(vec![0])),
            ("AA", Some(vec![0])),
            ("", Some(vec![])),
            ("-/-/", None),
            ("A=A", None),
            ("!!!", None),
        ] {
            assert_eq!(decode(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn stripped_json_has_the_same_value(
            keys in prop::collection::vec(".{0,8}", 0..5),
            number in any::<i64>(),
        ) {
            let value = serde_json::json!({ "keys": keys, "number": number, "nested": { "a": [null, true] } });
            let pretty = serde_json::to_string_pretty(&value).expect("is JSON");
            prop_assert_eq!(strip_whitespace(&pretty), value.to_string());
        }
    }
}

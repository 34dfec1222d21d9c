//! Text that keeps the escapes of its JSON string.
//!
//! A JSON string may hold half a surrogate pair (`"\ud83d"`), which no Rust `String` can. Models
//! cut their output there, and the other half comes in the next delta. Therefore text keeps its
//! escapes from edge to edge.

use std::borrow::Cow;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// The text between the quotes of a JSON string, escapes kept. May hold half a surrogate pair.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct JsonText(String);

impl JsonText {
    /// Creates the text from `text` by escaping it.
    pub fn new(text: &str) -> Self {
        let quoted = serde_json::to_string(text).expect("a string is always JSON");
        Self(quoted[1..quoted.len() - 1].to_owned())
    }

    /// Returns the content of `token` if it is a JSON string.
    pub fn from_token(token: &RawValue) -> Option<Self> {
        let inside = token.get().strip_prefix('"')?.strip_suffix('"')?;
        Some(Self(inside.to_owned()))
    }

    /// Appends `other`; two halves of a surrogate pair become one character.
    pub fn push(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// Returns the escaped text, without the quotes.
    pub fn escaped(&self) -> &str {
        &self.0
    }

    /// Returns true if there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the unescaped text; a lone surrogate becomes U+FFFD.
    pub fn to_text(&self) -> Cow<'_, str> {
        if !self.0.contains('\\') {
            return Cow::Borrowed(&self.0);
        }
        let decoded = serde_json::from_str(&format!("\"{}\"", self.0));
        Cow::Owned(decoded.unwrap_or_else(|_| decode_lossy(&self.0)))
    }
}

/// Decodes escapes one by one, needed only for a text with a lone surrogate.
fn decode_lossy(escaped: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(at) = rest.find('\\') {
        units.extend(rest[..at].encode_utf16());
        let length = if rest[at + 1..].starts_with('u') {
            6
        } else {
            2
        };
        let (escape, after) = rest[at..].split_at(length.min(rest.len() - at));
        match escape
            .strip_prefix("\\u")
            .and_then(|digits| u16::from_str_radix(digits, 16).ok())
        {
            Some(unit) => units.push(unit),
            None => units.extend(
                serde_json::from_str::<String>(&format!("\"{escape}\""))
                    .unwrap_or_default()
                    .encode_utf16(),
            ),
        }
        rest = after;
    }
    units.extend(rest.encode_utf16());
    String::from_utf16_lossy(&units)
}

impl fmt::Debug for JsonText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{}\"", self.0)
    }
}

impl From<&str> for JsonText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let token =
            RawValue::from_string(format!("\"{}\"", self.0)).map_err(serde::ser::Error::custom)?;
        token.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let token = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_token(&token).ok_or_else(|| D::Error::custom("must be a string"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(token: &str) -> JsonText {
        serde_json::from_str(token).unwrap()
    }

    #[test]
    fn halves_of_a_surrogate_pair_are_kept_and_join() {
        let mut joined = text(r#""split \ud83d""#);
        assert_eq!(serde_json::to_string(&joined).unwrap(), r#""split \ud83d""#);
        assert_eq!(joined.to_text(), "split \u{fffd}");

        joined.push(&text(r#""\ude00 ok""#));
        assert_eq!(joined.to_text(), "split 😀 ok");
    }

    #[test]
    fn escaped_text_decodes_to_the_original() {
        for original in ["", "plain", "line\nend \"quoted\" \\ \u{2028} \0 ä 😀"] {
            assert_eq!(JsonText::new(original).to_text(), original);
        }
    }

    #[test]
    fn a_lone_surrogate_does_not_damage_its_surroundings() {
        assert_eq!(
            text(r#""a\n\"\ud800\\ä\u0041\/""#).to_text(),
            "a\n\"\u{fffd}\\äA/"
        );
    }

    #[test]
    fn only_a_string_is_text() {
        for token in ["1", "null", "[\"a\"]", "{}"] {
            assert!(serde_json::from_str::<JsonText>(token).is_err(), "{token}");
        }
    }
}

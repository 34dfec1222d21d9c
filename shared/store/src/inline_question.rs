//! The question that a thread item keeps until its turn has ended, so that recovery can store it.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::deflate::{InflateError, deflate, inflate_text};

/// The bytes that a thread item reserves for it: with it, the item of a short turn stays under 1
/// KB, which is one write unit.
const MAX_BYTES: usize = 400;
/// Text longer than this does not deflate into [`MOST_BYTES`], but for artificial text.
const MAX_TEXT_BYTES: usize = 4 * 1024;

/// A question's parts, short enough to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InlineQuestion {
    Text(String),
    Deflated(Vec<u8>),
}

impl InlineQuestion {
    /// Packs `parts`; `None` if they are too long to be kept.
    pub(crate) async fn pack(parts: &str) -> Option<Self> {
        if parts.len() <= MAX_BYTES {
            return Some(Self::Text(parts.to_owned()));
        }
        if parts.len() > MAX_TEXT_BYTES {
            return None;
        }
        let bytes = deflate(parts.as_bytes()).await;
        (bytes.len() <= MAX_BYTES).then_some(Self::Deflated(bytes))
    }

    /// Returns the parts as they were given.
    pub(crate) fn unpack(&self) -> Result<String, InflateError> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Deflated(bytes) => inflate_text(bytes, MAX_TEXT_BYTES),
        }
    }
}

impl Serialize for InlineQuestion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Deflated(bytes) => serializer.serialize_bytes(bytes),
        }
    }
}

impl<'de> Deserialize<'de> for InlineQuestion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = InlineQuestion;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("text or bytes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<InlineQuestion, E> {
                Ok(InlineQuestion::Text(text.to_owned()))
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<InlineQuestion, E> {
                Ok(InlineQuestion::Deflated(bytes.to_owned()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_question_is_kept_if_it_is_short_or_deflates_well() {
        let words = "a sentence of plain words that says nothing new. ".repeat(40);
        let mut state = 1_u32;
        let next = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(33 + (state >> 24) as u8 % 90)
        });
        let noise: String = next.take(600).collect();
        for (name, parts, kept) in [
            ("short", "[]".to_owned(), true),
            ("just short enough", "x".repeat(MAX_BYTES), true),
            ("plain words", words, true),
            ("noise", noise, false),
            ("long", "x".repeat(MAX_TEXT_BYTES + 1), false),
        ] {
            let packed = InlineQuestion::pack(&parts).await;
            assert_eq!(packed.is_some(), kept, "{name}");
            if let Some(packed) = packed {
                assert_eq!(packed.unpack().unwrap(), parts, "{name}");
            }
        }
    }
}

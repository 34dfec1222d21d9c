//! Ids, parsed once at the edge and trusted afterwards.

use std::fmt;
use std::ops::RangeInclusive;

use serde::Serialize;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be {allowed}")]
pub struct InvalidId {
    /// What would have been accepted, as the end of the sentence "must be …".
    pub allowed: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $accepts:path, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// Takes `text` as an id, or says what would have been accepted.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                if $accepts(text) { Ok(Self(text.into())) } else { Err(InvalidId { allowed: $allowed }) }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

const WORD: &str = "1 to 64 characters of A-Z, a-z, 0-9, '_' and '-'";

id!(
    /// A conversation: 1 to 64 characters of `A-Za-z0-9_-`, chosen by the client, unique for one user.
    ThreadId, is_word, WORD
);
id!(
    /// A message: 1 to 64 characters of `A-Za-z0-9_-`, unique within its thread.
    MessageId, is_word, WORD
);
id!(
    /// One run of one turn: 1 to 64 characters of `A-Za-z0-9_-`, made by us.
    StreamId, is_word, WORD
);
id!(
    /// A better-auth user: 1 to 128 printable ASCII characters without `#`, which separates the parts of a key.
    UserId, is_user, "1 to 128 printable ASCII characters other than '#'"
);

/// How long an id is that clients or we choose.
pub(crate) const WORD_LENGTH: RangeInclusive<usize> = 1..=64;

fn is_word(text: &str) -> bool {
    WORD_LENGTH.contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

fn is_user(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_can_neither_forge_a_key_nor_a_header() {
        for (name, text) in [
            ("empty", ""),
            ("key separator", "a#b"),
            ("path separator", "a/b"),
            ("line end", "a\r\nb"),
            ("nul", "a\0b"),
            ("space", "a b"),
            ("not ASCII", "ä"),
            ("look-alike", "аbc"),
            ("65 characters", &"a".repeat(65)),
        ] {
            assert!(ThreadId::parse(text).is_err(), "{name}");
        }
    }

    #[test]
    fn the_ids_that_clients_make_are_accepted() {
        for text in [
            "RaBxmOaVKSdhceXi",
            "pB5P-LeuxBK1ZB2avCnJu",
            "0f8fad5b-d9cb-469f-a165-70867728950e",
            "1",
            &"a".repeat(64),
        ] {
            assert_eq!(
                MessageId::parse(text).map(|id| id.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn a_user_id_may_be_what_another_provider_made() {
        for (text, accepted) in [
            ("auth0|5f7c8ec7c33c6c004bbafe82", true),
            ("a@b.example", true),
            ("a#b", false),
            ("", false),
        ] {
            assert_eq!(UserId::parse(text).is_ok(), accepted, "{text}");
        }
    }
}

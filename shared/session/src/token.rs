//! The session token. It gives access to a user's account, so it is never printed.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// The maximum length of a token: far more than better-auth's 32 characters, far less than the
/// maximum length of a database key.
const MAX_TOKEN_BYTES: usize = 256;

/// A session token with a verified signature: 1 to 256 printable ASCII characters.
#[derive(Clone)]
pub struct SessionToken(SecretString);

impl SessionToken {
    /// Creates a token from a text whose signature has been verified.
    pub(crate) fn new(verified: &str) -> Self {
        Self(SecretString::from(verified))
    }

    /// Returns true if `text` has the form of a token, so that no other text is hashed or used as a
    /// key.
    pub(crate) fn is_well_formed(text: &str) -> bool {
        (1..=MAX_TOKEN_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// Returns the key of the session's record in better-auth's `secondaryStorage`, without the
    /// store's own prefix. It is the token itself and must not be logged.
    pub fn storage_key(&self) -> &str {
        self.0.expose_secret()
    }

    pub(crate) fn equals(&self, other: &str) -> bool {
        self.0
            .expose_secret()
            .as_bytes()
            .ct_eq(other.as_bytes())
            .into()
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_printed() {
        let token = SessionToken::new("abc");
        assert_eq!(format!("{token:?}"), "***");
    }

    #[test]
    fn only_short_printable_text_is_a_token() {
        for (name, text, expected) in [
            ("better-auth's", "Ye0hXh5tfqTiX1mlszSwgoX8kN8bXAcN", true),
            ("longest", &"a".repeat(256), true),
            ("empty", "", false),
            ("too long", &"a".repeat(257), false),
            ("space", "a b", false),
            ("nul", "a\0b", false),
            ("line end", "a\nb", false),
            ("not ASCII", "ä", false),
        ] {
            assert_eq!(SessionToken::is_well_formed(text), expected, "{name}");
        }
    }
}

//! The session token: a key to a user's account, so it is never printed.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Far more than better-auth's 32 characters, far less than what a database takes as a key.
const TOKEN_MAX_BYTES: usize = 256;

/// A session token whose signature was good: 1 to 256 printable ASCII characters.
#[derive(Clone)]
pub struct SessionToken(SecretString);

impl SessionToken {
    /// Only for a text whose signature has been verified.
    pub(crate) fn new(verified: &str) -> Self {
        Self(SecretString::from(verified))
    }

    /// Whether `text` can be a token at all, so that nothing else is hashed or becomes a key.
    pub(crate) fn is_wellformed(text: &str) -> bool {
        (1..=TOKEN_MAX_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// The key of the session's record in better-auth's `secondaryStorage`, without the store's own prefix.
    /// It is the token itself: not to be logged.
    pub fn storage_key(&self) -> &str {
        self.0.expose_secret()
    }

    /// What logs may show of a token: the first 8 hexadecimal digits of its SHA-256.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.0.expose_secret());
        digest
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect()
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
    fn a_token_is_not_printed_but_can_be_told_from_another() {
        let token = SessionToken::new("abc");
        assert_eq!(format!("{token:?}"), "***");
        // FIPS 180-4's example: SHA-256("abc") = ba7816bf 8f01cfea …
        assert_eq!(token.fingerprint(), "ba7816bf");
        assert_ne!(token.fingerprint(), SessionToken::new("abd").fingerprint());
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
            assert_eq!(SessionToken::is_wellformed(text), expected, "{name}");
        }
    }
}

//! better-auth's signed values: `token.signature`, in the same form in the cookie and in the bearer
//! token.
//!
//! The signature is the standard base64 of the HMAC-SHA256 over the token, keyed by the UTF-8 bytes
//! of the secret.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::percent_decode_str;
use sha2::Sha256;

use crate::{SessionError, SessionToken};

/// The length of a signature: 32 bytes in padded base64.
const SIGNATURE_LENGTH: usize = 44;

/// The web app's secret as a key for signatures.
#[derive(Clone)]
pub(crate) struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    pub(crate) fn new(secret: &str) -> Self {
        Self(Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length"))
    }

    /// Returns the token in a signed value as received in the header, percent-encoded or not.
    pub(crate) fn verify(&self, value: &str) -> Result<SessionToken, SessionError> {
        let value = decode_uri_component(value);
        let (token, signature) = value.rsplit_once('.').ok_or(SessionError::Unsigned)?;
        if !SessionToken::is_well_formed(token) || signature.len() != SIGNATURE_LENGTH {
            return Err(SessionError::BadSignature);
        }
        // A signature has four spellings that differ only in unused bits. better-auth accepts all
        // of them, this code only the one that better-auth writes.
        let signature = STANDARD
            .decode(signature)
            .map_err(|_| SessionError::BadSignature)?;
        if !self.has_signed(token.as_bytes(), &signature) {
            return Err(SessionError::BadSignature);
        }
        Ok(SessionToken::new(token))
    }

    /// Returns true if `signature` is the HMAC-SHA256 of `text`. In constant time: the time must
    /// not reveal how much of a guess was right.
    pub(crate) fn has_signed(&self, text: &[u8], signature: &[u8]) -> bool {
        self.0
            .clone()
            .chain_update(text)
            .verify_slice(signature)
            .is_ok()
    }

    /// Returns the signed value that [`SigningKey::verify`] accepts, not percent-encoded. Only the
    /// web app signs.
    #[cfg(test)]
    pub(crate) fn sign(&self, token: &str) -> String {
        let mac = self.0.clone().chain_update(token).finalize();
        format!("{token}.{}", STANDARD.encode(mac.into_bytes()))
    }
}

/// Decodes as JavaScript's `decodeURIComponent` does; returns the text unchanged where that would
/// throw. `+` stays `+`.
fn decode_uri_component(text: &str) -> Cow<'_, str> {
    let is_escape =
        |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !text.split('%').skip(1).all(is_escape) {
        return Cow::Borrowed(text);
    }
    percent_decode_str(text)
        .decode_utf8()
        .unwrap_or(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "Ye0hXh5tfqTiX1mlszSwgoX8kN8bXAcN";

    fn key() -> SigningKey {
        SigningKey::new("a secret of at least 32 characters")
    }

    #[test]
    fn only_the_exact_signed_value_is_verified() {
        let signed = key().sign(TOKEN);
        assert_eq!(
            key()
                .verify(&signed)
                .expect("signed by the same key")
                .storage_key(),
            TOKEN
        );

        for index in 0..signed.len() {
            let mut forged = signed.clone().into_bytes();
            forged[index] ^= 1;
            let forged = String::from_utf8(forged).expect("ASCII stays ASCII");
            assert!(key().verify(&forged).is_err(), "byte {index} changed");
        }
        for length in 0..signed.len() {
            assert!(key().verify(&signed[..length]).is_err(), "cut at {length}");
        }
        let other = SigningKey::new("another secret of at least 32 characters");
        assert_eq!(
            other.verify(&signed).map(|_| ()),
            Err(SessionError::BadSignature)
        );
    }

    #[test]
    fn only_the_spelling_that_better_auth_writes_is_a_signature() {
        let signed = key().sign(TOKEN);
        let (token, signature) = signed.rsplit_once('.').expect("has a signature");
        let last = signature.as_bytes()[42];
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let index = alphabet
            .iter()
            .position(|&byte| byte == last)
            .expect("is base64");

        for unused_bits in 1..4 {
            let spelling = char::from(alphabet[index | unused_bits]);
            let same_bytes = format!("{token}.{}{spelling}=", &signature[..42]);
            assert_eq!(
                key().verify(&same_bytes).map(|_| ()),
                Err(SessionError::BadSignature),
                "{unused_bits}"
            );
        }
    }

    #[test]
    fn a_signed_text_that_is_not_a_token_is_refused() {
        for (name, text) in [
            ("empty", ""),
            ("too long", &"a".repeat(257)),
            ("control", "a\0"),
            ("blank", "a b"),
        ] {
            assert_eq!(
                key().verify(&key().sign(text)).map(|_| ()),
                Err(SessionError::BadSignature),
                "{name}"
            );
        }
    }

    #[test]
    fn escapes_are_decoded_as_in_javascript() {
        for (text, expected) in [
            ("a%2Fb%3D", "a/b="),
            ("a%2fb", "a/b"),
            ("a+b", "a+b"),
            ("%C3%A9", "é"),
            ("%252F", "%2F"),
            ("%2F%", "%2F%"),
            ("%2F%4", "%2F%4"),
            ("%2F%zz", "%2F%zz"),
            ("%2F%FF", "%2F%FF"),
            ("%2F%é", "%2F%é"),
        ] {
            assert_eq!(decode_uri_component(text), expected, "{text}");
        }
    }
}

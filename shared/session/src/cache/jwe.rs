//! The strategy `jwe`: an encrypted token (RFC 7516), `dir` with `A256CBC-HS512` (RFC 7518 section
//! 5.2.5), the key derived from the secret.

use aes::Aes256;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::{Digest, Sha256, Sha512};

use super::payload::Payload;
use crate::claims::Validity;
use crate::jws;

const SALT: &[u8] = b"better-auth-session";
const INFO: &[u8] = b"BetterAuth.js Generated Encryption Key";
const TAG_BYTES: usize = 32;

#[derive(Clone)]
pub(super) struct Decoder {
    authentication: Hmac<Sha512>,
    encryption: [u8; 32],
    kid: String,
}

/// The header as better-auth writes it; any further field is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    enc: String,
    kid: Option<String>,
}

impl Decoder {
    pub(super) fn new(secret: &str) -> Self {
        let mut key = [0; 64];
        Hkdf::<Sha256>::new(Some(SALT), secret.as_bytes())
            .expand(INFO, &mut key)
            .expect("64 bytes are fewer than HKDF can give");
        let (authentication, encryption) = key.split_at(32);
        Self {
            authentication: Hmac::new_from_slice(authentication)
                .expect("HMAC takes a key of any length"),
            encryption: encryption.try_into().expect("32 of 64 bytes are left"),
            kid: thumbprint(&key),
        }
    }

    /// Returns the content of the value, if it is sealed with the configured key and has not
    /// expired.
    pub(super) fn open(&self, value: &str, now_ms: i64) -> Option<Payload> {
        let claims = self.decrypt(value)?;
        let validity: Validity = jws::parse_object(&claims)?;
        if validity.is_valid_for_cache_at(now_ms) {
            jws::parse_object(&claims)
        } else {
            None
        }
    }

    fn decrypt(&self, value: &str) -> Option<Vec<u8>> {
        let mut parts = value.split('.');
        // `dir` has no encrypted key: the second part is empty.
        let (header, "", iv, text, tag, None) = (
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next(),
        ) else {
            return None;
        };
        let known: Header = jws::parse_object(&URL_SAFE_NO_PAD.decode(header).ok()?)?;
        let is_ours = known.kid.is_none_or(|kid| kid == self.kid);
        if known.alg != "dir" || known.enc != "A256CBC-HS512" || !is_ours {
            return None;
        }
        let [iv, text, tag] = [iv, text, tag].map(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let (iv, text, tag) = (iv?, text?, tag?);
        if !self.is_authentic(header, &iv, &text, &tag) {
            return None;
        }
        let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&self.encryption, &iv).ok()?;
        cipher.decrypt_padded_vec::<Pkcs7>(&text).ok()
    }

    /// Returns true if the tag is good (RFC 7518 section 5.2.2.2). Decryption comes only after this
    /// check, so that the padding cannot be probed.
    fn is_authentic(&self, header: &str, iv: &[u8], text: &[u8], tag: &[u8]) -> bool {
        let Ok(header_bits) = u64::try_from(header.len() * 8) else {
            return false;
        };
        let mac = self
            .authentication
            .clone()
            .chain_update(header)
            .chain_update(iv)
            .chain_update(text);
        let mac = mac.chain_update(header_bits.to_be_bytes());
        // In constant time.
        tag.len() == TAG_BYTES && mac.verify_truncated_left(tag).is_ok()
    }
}

/// Returns the thumbprint (RFC 7638) of a symmetric key.
fn thumbprint(key: &[u8]) -> String {
    let jwk = format!(r#"{{"k":"{}","kty":"oct"}}"#, URL_SAFE_NO_PAD.encode(key));
    URL_SAFE_NO_PAD.encode(Sha256::digest(jwk))
}

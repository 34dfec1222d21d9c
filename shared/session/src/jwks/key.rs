//! One public key (RFC 7517, RFC 7518 section 6, RFC 8037), of the five kinds that the jwt plugin
//! generates.
//!
//! ring verifies all of them except ES512, which it does not support.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use p521::ecdsa::signature::Verifier as _;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The allowed sizes of an RSA modulus in bytes. Shorter keys may no longer sign (NIST SP
/// 800-131A); ring does not verify with keys longer than 8,192 bits.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// The reason why a key cannot verify anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwkProblem {
    /// A field is missing or of another type.
    #[error("lacks a field, or has one of the wrong type")]
    Shape,
    /// The key is a private key of the web app.
    #[error("is a private key, which must not leave the web app: give what /api/auth/jwks answers")]
    Private,
    /// The algorithm is not one of the jwt plugin, or does not fit the kind of key.
    #[error(
        "is not of the kinds EdDSA with Ed25519, ES256, ES512, RS256 and PS256, or lacks its alg"
    )]
    Algorithm,
    /// The numbers of the key are invalid.
    #[error("is damaged")]
    Damaged,
}

/// A public key, bound to its algorithm.
#[derive(Clone)]
pub(crate) enum PublicKey {
    EdDsa(UnparsedPublicKey<Vec<u8>>),
    Es256(UnparsedPublicKey<Vec<u8>>),
    Es512(Box<p521::ecdsa::VerifyingKey>),
    Rs256(RsaPublicKeyComponents<Vec<u8>>),
    Ps256(RsaPublicKeyComponents<Vec<u8>>),
}

/// A key as JSON; unknown fields are ignored.
#[derive(Deserialize)]
pub(crate) struct Jwk {
    kid: String,
    kty: String,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
}

impl Jwk {
    /// Parses a key and returns its id and the key.
    pub(crate) fn parse(json: serde_json::Value) -> Result<(String, PublicKey), JwkProblem> {
        if !json.is_object() {
            return Err(JwkProblem::Shape);
        }
        let jwk: Self = serde_json::from_value(json).map_err(|_| JwkProblem::Shape)?;
        if jwk.kid.is_empty() {
            return Err(JwkProblem::Shape);
        }
        // `k` is a secret shared by both sides: with such a key in a public set, every reader of
        // the set could sign.
        if jwk.d.is_some() || jwk.k.is_some() {
            return Err(JwkProblem::Private);
        }
        let key = jwk.public_key()?;
        Ok((jwk.kid, key))
    }

    fn public_key(&self) -> Result<PublicKey, JwkProblem> {
        let kind = (self.alg.as_deref(), self.kty.as_str(), self.crv.as_deref());
        match kind {
            (Some("EdDSA"), "OKP", Some("Ed25519")) => {
                let x = decode_exact(self.x.as_ref(), 32)?;
                Ok(PublicKey::EdDsa(UnparsedPublicKey::new(
                    &signature::ED25519,
                    x,
                )))
            }
            (Some("ES256"), "EC", Some("P-256")) => {
                let point = self.point(32)?;
                let key = UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point);
                Ok(PublicKey::Es256(key))
            }
            (Some("ES512"), "EC", Some("P-521")) => {
                let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(&self.point(66)?);
                Ok(PublicKey::Es512(Box::new(
                    key.map_err(|_| JwkProblem::Damaged)?,
                )))
            }
            (Some("RS256"), "RSA", _) => Ok(PublicKey::Rs256(self.rsa()?)),
            (Some("PS256"), "RSA", _) => Ok(PublicKey::Ps256(self.rsa()?)),
            _ => Err(JwkProblem::Algorithm),
        }
    }

    /// Returns the uncompressed point (SEC 1 section 2.3.3).
    fn point(&self, coordinate_bytes: usize) -> Result<Vec<u8>, JwkProblem> {
        let (x, y) = (
            decode_exact(self.x.as_ref(), coordinate_bytes)?,
            decode_exact(self.y.as_ref(), coordinate_bytes)?,
        );
        Ok([&[4], x.as_slice(), y.as_slice()].concat())
    }

    fn rsa(&self) -> Result<RsaPublicKeyComponents<Vec<u8>>, JwkProblem> {
        let (n, e) = (decode(self.n.as_ref())?, decode(self.e.as_ref())?);
        // RFC 7518 section 6.3.1.1: no leading zeros. An even number is not a product of two large
        // primes.
        let is_number = |bytes: &[u8]| bytes.first().is_some_and(|&byte| byte != 0);
        let is_odd = |bytes: &[u8]| bytes.last().is_some_and(|&byte| byte % 2 == 1);
        if !RSA_MODULUS_BYTES.contains(&n.len())
            || ![&n, &e]
                .into_iter()
                .all(|bytes| is_number(bytes) && is_odd(bytes))
        {
            return Err(JwkProblem::Damaged);
        }
        Ok(RsaPublicKeyComponents { n, e })
    }
}

impl PublicKey {
    /// Returns the one algorithm of this key.
    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::EdDsa(_) => "EdDSA",
            Self::Es256(_) => "ES256",
            Self::Es512(_) => "ES512",
            Self::Rs256(_) => "RS256",
            Self::Ps256(_) => "PS256",
        }
    }

    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::EdDsa(key) | Self::Es256(key) => key.verify(message, signature).is_ok(),
            Self::Es512(key) => p521::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::Rs256(key) => key
                .verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
            Self::Ps256(key) => key
                .verify(&signature::RSA_PSS_2048_8192_SHA256, message, signature)
                .is_ok(),
        }
    }
}

fn decode(text: Option<&String>) -> Result<Vec<u8>, JwkProblem> {
    let text = text.ok_or(JwkProblem::Shape)?;
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| JwkProblem::Damaged)
}

fn decode_exact(text: Option<&String>, bytes: usize) -> Result<Vec<u8>, JwkProblem> {
    let decoded = decode(text)?;
    if decoded.len() == bytes {
        Ok(decoded)
    } else {
        Err(JwkProblem::Damaged)
    }
}

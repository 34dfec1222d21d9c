//! The public keys of better-auth's jwt plugin, as its `/api/auth/jwks` returns them (RFC 7517).
//!
//! Each key has exactly one algorithm. The algorithm in a token must equal that of its key.

mod key;

use std::fmt;

use serde::Deserialize;

pub use key::JwkProblem;

use crate::jws::Jws;
use key::{Jwk, PublicKey};

/// The error for a set of keys that cannot verify any token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// The text is not `{"keys":[…]}`.
    #[error("it is not a JSON object with a list of keys, as /api/auth/jwks answers")]
    Shape,
    /// The set is empty.
    #[error("it has no keys: sign in to the web app once, and better-auth makes one")]
    NoKeys,
    /// Two keys have the same id, so that a token does not identify its key.
    #[error("two of its keys have the same kid")]
    SameKid,
    /// One key cannot be used.
    #[error("key {number} {problem}")]
    Key {
        /// Its position in the list, from 1.
        number: usize,
        /// The problem of the key.
        problem: JwkProblem,
    },
}

/// A set of public keys, each identified by its id.
#[derive(Clone)]
pub(crate) struct Jwks(Vec<(String, PublicKey)>);

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

impl Jwks {
    /// Parses the set; one unusable key makes the complete set an error.
    pub(crate) fn parse(json: &str) -> Result<Self, JwksError> {
        let set: KeySet =
            crate::jws::parse_object(json.trim().as_bytes()).ok_or(JwksError::Shape)?;
        let mut keys: Vec<(String, PublicKey)> = Vec::with_capacity(set.keys.len());
        for (index, jwk) in set.keys.into_iter().enumerate() {
            let (kid, key) = Jwk::parse(jwk).map_err(|problem| JwksError::Key {
                number: index + 1,
                problem,
            })?;
            if keys.iter().any(|(other, _)| *other == kid) {
                return Err(JwksError::SameKid);
            }
            keys.push((kid, key));
        }
        if keys.is_empty() {
            Err(JwksError::NoKeys)
        } else {
            Ok(Self(keys))
        }
    }

    /// Returns the payload of `jws`, if the key that it names signed it, by the algorithm of that
    /// key.
    pub(crate) fn verify(&self, jws: Jws<'_>) -> Result<Vec<u8>, &'static str> {
        let kid = jws.header.kid.as_deref().ok_or("it names no key")?;
        let (_, key) = self
            .0
            .iter()
            .find(|(known, _)| known == kid)
            .ok_or("it names an unknown key")?;
        if jws.header.alg != key.algorithm() {
            return Err("its algorithm is not the key's");
        }
        jws.verify(|message, signature| key.has_signed(message, signature))
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_list()
            .entries(self.0.iter().map(|(kid, key)| (kid, key.algorithm())))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Returns the key of RFC 8037 appendix A.2.
    fn ed25519() -> Value {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        json!({ "kid": "k", "alg": "EdDSA", "kty": "OKP", "crv": "Ed25519", "x": x })
    }

    /// Returns the generator of P-256, a valid point of the curve (SEC 2 section 2.4.2).
    fn p256() -> Value {
        let x = "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY";
        let y = "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";
        json!({ "kid": "k", "alg": "ES256", "kty": "EC", "crv": "P-256", "x": x, "y": y })
    }

    fn rsa() -> Value {
        let n = format!("{}w", "_".repeat(341));
        json!({ "kid": "k", "alg": "RS256", "kty": "RSA", "n": n, "e": "AQAB" })
    }

    fn with(mut key: Value, field: &str, value: Value) -> Value {
        key[field] = value;
        key
    }

    fn parse(keys: &Value) -> Result<Jwks, JwksError> {
        Jwks::parse(&json!({ "keys": keys }).to_string())
    }

    #[test]
    fn the_public_keys_of_the_plugin_are_parsed() {
        let second = with(p256(), "kid", json!("k2"));
        let third = with(with(rsa(), "kid", json!("k3")), "use", json!("sig"));
        let jwks = parse(&json!([ed25519(), second, third])).expect("three good keys");
        assert_eq!(
            format!("{jwks:?}"),
            r#"[("k", "EdDSA"), ("k2", "ES256"), ("k3", "RS256")]"#
        );
        let spaced = format!(" {}\n", json!({ "keys": [ed25519()] }));
        assert!(Jwks::parse(&spaced).is_ok(), "as pasted");
    }

    #[test]
    fn an_unusable_key_is_named_by_its_position() {
        let zeros = "A".repeat(43);
        for (name, key, problem) in [
            ("not an object", json!("k"), JwkProblem::Shape),
            (
                "no kid",
                with(ed25519(), "kid", Value::Null),
                JwkProblem::Shape,
            ),
            (
                "empty kid",
                with(ed25519(), "kid", json!("")),
                JwkProblem::Shape,
            ),
            (
                "kid is a number",
                with(ed25519(), "kid", json!(1)),
                JwkProblem::Shape,
            ),
            ("no x", with(ed25519(), "x", Value::Null), JwkProblem::Shape),
            ("no y", with(p256(), "y", Value::Null), JwkProblem::Shape),
            ("no n", with(rsa(), "n", Value::Null), JwkProblem::Shape),
            (
                "private",
                with(ed25519(), "d", json!("AA")),
                JwkProblem::Private,
            ),
            (
                "private RSA",
                with(rsa(), "d", json!("AA")),
                JwkProblem::Private,
            ),
            (
                "shared",
                json!({ "kid": "k", "alg": "HS256", "kty": "oct", "k": "AA" }),
                JwkProblem::Private,
            ),
            (
                "no alg",
                with(ed25519(), "alg", Value::Null),
                JwkProblem::Algorithm,
            ),
            (
                "none",
                with(ed25519(), "alg", json!("none")),
                JwkProblem::Algorithm,
            ),
            (
                "HMAC with a public key",
                with(ed25519(), "alg", json!("HS256")),
                JwkProblem::Algorithm,
            ),
            (
                "another kind's alg",
                with(rsa(), "alg", json!("ES256")),
                JwkProblem::Algorithm,
            ),
            (
                "another curve",
                with(ed25519(), "crv", json!("X25519")),
                JwkProblem::Algorithm,
            ),
            (
                "Ed448",
                with(ed25519(), "crv", json!("Ed448")),
                JwkProblem::Algorithm,
            ),
            (
                "K-256",
                with(p256(), "crv", json!("secp256k1")),
                JwkProblem::Algorithm,
            ),
            (
                "SHA-1",
                with(rsa(), "alg", json!("RS1")),
                JwkProblem::Algorithm,
            ),
            (
                "short x",
                with(ed25519(), "x", json!("11qY")),
                JwkProblem::Damaged,
            ),
            (
                "padded x",
                with(ed25519(), "x", json!(format!("{zeros}="))),
                JwkProblem::Damaged,
            ),
            (
                "long y",
                with(p256(), "y", json!("A".repeat(44))),
                JwkProblem::Damaged,
            ),
            (
                "1,024 bits",
                with(rsa(), "n", json!("_".repeat(172))),
                JwkProblem::Damaged,
            ),
            (
                "16,384 bits",
                with(rsa(), "n", json!("_".repeat(2732))),
                JwkProblem::Damaged,
            ),
            (
                "leading zero",
                with(rsa(), "n", json!(format!("AA{}", "_".repeat(342)))),
                JwkProblem::Damaged,
            ),
            (
                "even modulus",
                with(rsa(), "n", json!(format!("{}g", "_".repeat(341)))),
                JwkProblem::Damaged,
            ),
            (
                "no exponent",
                with(rsa(), "e", json!("")),
                JwkProblem::Damaged,
            ),
            (
                "even exponent",
                with(rsa(), "e", json!("AQAA")),
                JwkProblem::Damaged,
            ),
            (
                "no point of P-521",
                json!({ "kid": "k", "alg": "ES512", "kty": "EC", "crv": "P-521",
                    "x": "A".repeat(88), "y": "A".repeat(88) }),
                JwkProblem::Damaged,
            ),
        ] {
            let good = with(ed25519(), "kid", json!("first"));
            let refused = parse(&json!([good, key])).map(|_| ());
            assert_eq!(
                refused,
                Err(JwksError::Key { number: 2, problem }),
                "{name}"
            );
        }
        let error = JwksError::Key {
            number: 2,
            problem: JwkProblem::Damaged,
        };
        assert_eq!(error.to_string(), "key 2 is damaged");
    }

    #[test]
    fn a_text_that_is_not_a_set_of_keys_is_refused() {
        for (name, text, error) in [
            ("empty", "", JwksError::Shape),
            (
                "a URL",
                "https://app.example.com/api/auth/jwks",
                JwksError::Shape,
            ),
            ("a list", "[]", JwksError::Shape),
            ("a key alone", &ed25519().to_string(), JwksError::Shape),
            ("keys are an object", r#"{"keys":{}}"#, JwksError::Shape),
            ("no keys", r#"{"keys":[]}"#, JwksError::NoKeys),
            (
                "one id twice",
                &json!({ "keys": [ed25519(), p256()] }).to_string(),
                JwksError::SameKid,
            ),
        ] {
            assert_eq!(Jwks::parse(text).map(|_| ()), Err(error), "{name}");
        }
    }
}

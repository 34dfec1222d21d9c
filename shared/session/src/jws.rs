//! The compact serialisation of a signed JSON document (RFC 7515 section 7.1): `header.payload.signature`.
//!
//! Knows nothing of keys. What a document says cannot be had from it before somebody has verified the signature.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A document that was taken apart; its signature is still to be verified.
pub(crate) struct Jws<'text> {
    /// What the sender says of the signature. Only a hint: the key decides how it is verified.
    pub(crate) header: Header,
    signed: &'text str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// The header as better-auth writes it.
///
/// A further field is refused, known or not: `crit` and `zip` would change how the rest is to be read, `jku`, `jwk`,
/// `x5u` and `x5c` offer keys of the sender's choice (RFC 8725 sections 3.9 and 3.10).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    /// The algorithm that the sender says he used.
    pub(crate) alg: String,
    /// Which key of the application's set.
    pub(crate) kid: Option<String>,
    /// What kind of document it is.
    pub(crate) typ: Option<String>,
}

impl<'text> Jws<'text> {
    /// Takes `text` apart, unless it is longer than `max_bytes`.
    pub(crate) fn parse(text: &'text str, max_bytes: usize) -> Result<Self, &'static str> {
        if text.len() > max_bytes {
            return Err("it is too long");
        }
        let (signed, signature) = text.rsplit_once('.').ok_or("it has no signature")?;
        let (header, payload) = signed.split_once('.').ok_or("it has two parts")?;
        let decode = |part| {
            URL_SAFE_NO_PAD
                .decode(part)
                .map_err(|_| "a part is not base64url")
        };
        let header = object(&decode(header)?).ok_or("its header is not what better-auth writes")?;
        Ok(Self {
            header,
            signed,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }

    /// The payload, if `is_good` says so of the signed bytes and the signature.
    pub(crate) fn verified(
        self,
        is_good: impl FnOnce(&[u8], &[u8]) -> bool,
    ) -> Result<Vec<u8>, &'static str> {
        if is_good(self.signed.as_bytes(), &self.signature) {
            Ok(self.payload)
        } else {
            Err("its signature is wrong")
        }
    }
}

/// Reads a JSON object. serde alone would read a list of the fields' values, too.
pub(crate) fn object<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    if json.first() == Some(&b'{') {
        serde_json::from_slice(json).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(header: &str) -> String {
        format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(header))
    }

    fn refusal(text: &str) -> Option<&'static str> {
        Jws::parse(text, 200).err()
    }

    #[test]
    fn the_payload_comes_out_only_with_a_good_signature() {
        let text = encoded(r#"{"alg":"EdDSA","kid":"k"}"#);
        let parse = || Jws::parse(&text, 200).expect("well-formed");
        assert_eq!(parse().header.kid.as_deref(), Some("k"));
        assert_eq!(
            parse().verified(|_, _| false),
            Err("its signature is wrong")
        );

        let signed = text.rsplit_once('.').expect("has points").0.as_bytes();
        let payload =
            parse().verified(|message, signature| message == signed && signature == b"sig");
        assert_eq!(payload.as_deref(), Ok(b"{}".as_slice()));
    }

    #[test]
    fn what_better_auth_does_not_write_is_refused() {
        for (name, header) in [
            ("crit", r#"{"alg":"EdDSA","crit":["b64"],"b64":false}"#),
            ("own key", r#"{"alg":"EdDSA","jwk":{}}"#),
            (
                "own keys by URL",
                r#"{"alg":"EdDSA","jku":"https://evil.example"}"#,
            ),
            (
                "certificate by URL",
                r#"{"alg":"EdDSA","x5u":"https://evil.example"}"#,
            ),
            ("certificate", r#"{"alg":"EdDSA","x5c":[]}"#),
            ("compressed", r#"{"alg":"EdDSA","zip":"DEF"}"#),
            ("algorithm twice", r#"{"alg":"EdDSA","alg":"none"}"#),
            ("no algorithm", r#"{"kid":"k"}"#),
            ("algorithm is a list", r#"{"alg":["EdDSA"]}"#),
            ("list of values", r#"["EdDSA","k",null]"#),
            ("deep", &format!("{}\"a\"", "[".repeat(100))),
            ("text", r#""EdDSA""#),
            ("empty", ""),
        ] {
            assert_eq!(
                refusal(&encoded(header)),
                Some("its header is not what better-auth writes"),
                "{name}"
            );
        }
    }

    #[test]
    fn only_three_parts_of_base64url_are_taken() {
        let good = encoded(r#"{"alg":"EdDSA"}"#);
        assert_eq!(refusal(&good), None);
        for (name, text) in [
            ("empty", String::new()),
            ("one part", "abc".to_owned()),
            ("two parts", "abc.abc".to_owned()),
            ("four parts", format!("{good}.abc")),
            ("padding", format!("{good}=")),
            ("standard alphabet", format!("{good}+/+/")),
            ("blank", format!("{good} ")),
            ("unused bits set", format!("{good}Qh")),
            ("not ASCII", format!("{good}é")),
            ("too long", format!("{good}{}", "A".repeat(200))),
        ] {
            assert!(refusal(&text).is_some(), "{name}");
        }
    }
}

//! The compact serialisation of a signed JSON document (RFC 7515 section 7.1):
//! `header.payload.signature`.
//!
//! Knows nothing of keys. The payload is available only after the caller has verified the
//! signature.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A parsed document whose signature is not verified yet.
pub(crate) struct Jws<'text> {
    /// The header, as the sender wrote it. Only a hint: the key selects the algorithm.
    pub(crate) header: Header,
    signed: &'text str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// The header as better-auth writes it.
///
/// Any further field is refused, known or not: `crit` and `zip` would change the meaning of the
/// rest, and `jku`, `jwk`, `x5u` and `x5c` offer keys of the sender's choice (RFC 8725 sections 3.9
/// and 3.10).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    /// The algorithm that the sender claims.
    pub(crate) alg: String,
    /// The id of the key in the set of the application.
    pub(crate) kid: Option<String>,
    /// The type of the document.
    pub(crate) typ: Option<String>,
}

impl<'text> Jws<'text> {
    /// Parses `text`, unless it is longer than `max_bytes`.
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
        let header =
            parse_object(&decode(header)?).ok_or("its header is not what better-auth writes")?;
        Ok(Self {
            header,
            signed,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }

    /// Returns the payload, if `is_good` returns true for the signed bytes and the signature.
    pub(crate) fn verify(
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

/// Parses a JSON object. serde alone would also accept an array of the values of the fields.
pub(crate) fn parse_object<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
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
    fn the_payload_requires_a_good_signature() {
        let text = encoded(r#"{"alg":"EdDSA","kid":"k"}"#);
        let parse = || Jws::parse(&text, 200).expect("well-formed");
        assert_eq!(parse().header.kid.as_deref(), Some("k"));
        assert_eq!(parse().verify(|_, _| false), Err("its signature is wrong"));

        let signed = text.rsplit_once('.').expect("has points").0.as_bytes();
        let payload = parse().verify(|message, signature| message == signed && signature == b"sig");
        assert_eq!(payload.as_deref(), Ok(b"{}".as_slice()));
    }

    #[test]
    fn headers_that_better_auth_does_not_write_are_refused() {
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
    fn only_three_parts_of_base64url_are_accepted() {
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

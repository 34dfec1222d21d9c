//! The signed session token in the `Authorization` header, as better-auth's bearer plugin accepts
//! it with `requireSignature`.
//!
//! By default the plugin also accepts the bare token. It is refused here, since a client without a
//! key could otherwise trigger reads of the store.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::signature::SigningKey;
use crate::{SessionError, SessionToken, access_token};

const SCHEME: &str = "bearer";

/// Returns the token in the bearer credentials, if its signature is good.
pub(crate) fn token(headers: &HeaderMap, key: &SigningKey) -> Result<SessionToken, SessionError> {
    let value = credentials(headers)?;
    // Checked before escapes are decoded, as the plugin does.
    if value.contains('.') {
        key.verify(value)
    } else {
        Err(SessionError::Unsigned)
    }
}

/// Returns the bearer credentials if they have the form of an access token.
pub(crate) fn access_token(headers: &HeaderMap) -> Option<&str> {
    credentials(headers)
        .ok()
        .filter(|value| access_token::has_token_form(value))
}

fn credentials(headers: &HeaderMap) -> Result<&str, SessionError> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let first = sent.next().ok_or(SessionError::Missing)?;
    if sent.next().is_some() {
        return Err(SessionError::Unreadable(
            "more than one authorization header",
        ));
    }
    let text = first
        .to_str()
        .map_err(|_| SessionError::Unreadable("authorization is not ASCII"))?;
    match text.split_once(' ') {
        Some((scheme, value))
            if scheme.eq_ignore_ascii_case(SCHEME) && !value.trim().is_empty() =>
        {
            Ok(value.trim())
        }
        _ => Err(SessionError::Missing),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let value = |bytes: &&[u8]| {
            (
                AUTHORIZATION,
                HeaderValue::from_bytes(bytes).expect("a header value"),
            )
        };
        values.iter().map(value).collect()
    }

    #[test]
    fn only_the_bearer_scheme_carries_a_token() {
        for (name, sent, expected) in [
            ("as written", "Bearer x.y", Ok("x.y")),
            ("lower case", "bearer x.y", Ok("x.y")),
            ("upper case", "BEARER x.y", Ok("x.y")),
            ("blanks", "Bearer   x.y  ", Ok("x.y")),
            ("basic", "Basic x.y", Err(SessionError::Missing)),
            ("scheme only", "Bearer", Err(SessionError::Missing)),
            ("scheme and blanks", "Bearer   ", Err(SessionError::Missing)),
            ("no scheme", "x.y", Err(SessionError::Missing)),
            (
                "scheme run together",
                "Bearerx.y",
                Err(SessionError::Missing),
            ),
            ("empty", "", Err(SessionError::Missing)),
        ] {
            assert_eq!(
                credentials(&headers(&[sent.as_bytes()])),
                expected,
                "{name}"
            );
        }
        assert_eq!(
            credentials(&HeaderMap::new()),
            Err(SessionError::Missing),
            "no header"
        );
    }

    #[test]
    fn ambiguous_or_unreadable_credentials_are_refused() {
        for (name, sent) in [
            (
                "two headers",
                vec![b"Bearer x.y".as_slice(), b"Bearer x.y".as_slice()],
            ),
            ("not ASCII", vec![b"Bearer x.\xff".as_slice()]),
        ] {
            assert!(
                matches!(
                    credentials(&headers(&sent)),
                    Err(SessionError::Unreadable(_))
                ),
                "{name}"
            );
        }
    }

    #[test]
    fn a_signed_session_token_does_not_have_the_form_of_an_access_token() {
        let key = SigningKey::new("a secret of at least 32 characters");
        for (name, sent, expected) in [
            ("access token", "a-b.c_d.e9".to_owned(), true),
            ("empty parts", "..".to_owned(), true),
            ("session token", key.sign("token"), false),
            ("session token with a point", key.sign("to.ken"), false),
            ("bare session token", "token".to_owned(), false),
            ("encrypted token", "a.b.c.d.e".to_owned(), false),
            ("padded", "a.b.c=".to_owned(), false),
        ] {
            let sent = headers(&[format!("Bearer {sent}").as_bytes()]);
            assert_eq!(access_token(&sent).is_some(), expected, "{name}");
        }
    }

    #[test]
    fn an_escaped_point_does_not_make_a_token_signed() {
        let key = SigningKey::new("a secret of at least 32 characters");
        let escaped = format!("Bearer {}", key.sign("token").replace('.', "%2E"));
        assert_eq!(
            token(&headers(&[escaped.as_bytes()]), &key).map(|_| ()),
            Err(SessionError::Unsigned)
        );
    }
}

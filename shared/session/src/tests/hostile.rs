//! Hostile headers, and the precedence of two tokens in one request.

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use proptest::sample::select;
use secrecy::SecretString;

use crate::signature::SigningKey;
use crate::{CredentialSource, SessionConfig, SessionError, SessionVerifier};

const SECRET: &str = "hostile-tests-secret-0123456789-abcdef";
const TOKEN: &str = "Ye0hXh5tfqTiX1mlszSwgoX8kN8bXAcN";
const OTHER_TOKEN: &str = "4zAD6dwGJmuVYlLRwo944w3m1Hdg7mJs";

fn sign(token: &str) -> String {
    SigningKey::new(SECRET).sign(token)
}

fn verifier(secure: bool) -> SessionVerifier {
    SessionVerifier::new(SessionConfig::new(SecretString::from(SECRET), secure))
        .expect("a good configuration")
}

fn headers(sent: &[(HeaderName, String)]) -> HeaderMap {
    let header = |(name, value): &(HeaderName, String)| {
        (
            name.clone(),
            HeaderValue::from_bytes(value.as_bytes()).expect("a header value"),
        )
    };
    sent.iter().map(header).collect()
}

fn cookie(value: &str) -> (HeaderName, String) {
    (COOKIE, format!("better-auth.session_token={value}"))
}

fn bearer(value: &str) -> (HeaderName, String) {
    (AUTHORIZATION, format!("Bearer {value}"))
}

/// Returns the token found and its source, or the error.
fn found(sent: &[(HeaderName, String)]) -> Result<(String, CredentialSource), SessionError> {
    let credential = verifier(false).credential(&headers(sent))?;
    Ok((credential.token.storage_key().to_owned(), credential.source))
}

#[test]
fn a_good_bearer_token_takes_precedence_over_the_cookie_and_a_bad_one_is_ignored() {
    let (good, other) = (sign(TOKEN), sign(OTHER_TOKEN));
    let forged = format!("{TOKEN}.{}", &other[OTHER_TOKEN.len() + 1..]);
    let from_cookie = Ok((OTHER_TOKEN.to_owned(), CredentialSource::Cookie));
    let from_bearer = Ok((TOKEN.to_owned(), CredentialSource::Bearer));

    for (name, sent, expected) in [
        (
            "both good",
            vec![cookie(&other), bearer(&good)],
            from_bearer.clone(),
        ),
        (
            "forged cookie",
            vec![cookie(&forged), bearer(&good)],
            from_bearer.clone(),
        ),
        ("bearer only", vec![bearer(&good)], from_bearer),
        (
            "forged bearer",
            vec![cookie(&other), bearer(&forged)],
            from_cookie.clone(),
        ),
        (
            "bare bearer",
            vec![cookie(&other), bearer(TOKEN)],
            from_cookie.clone(),
        ),
        (
            "two bearers",
            vec![cookie(&other), bearer(&good), bearer(&good)],
            from_cookie,
        ),
        (
            "both forged",
            vec![cookie(&forged), bearer(&forged)],
            Err(SessionError::BadSignature),
        ),
        (
            "forged bearer only",
            vec![bearer(&forged)],
            Err(SessionError::BadSignature),
        ),
        (
            "bare bearer only",
            vec![bearer(TOKEN)],
            Err(SessionError::Unsigned),
        ),
        ("nothing", vec![], Err(SessionError::Missing)),
    ] {
        assert_eq!(found(&sent), expected, "{name}");
    }
}

#[test]
fn the_first_cookie_decides_and_the_next_is_not_tried() {
    let good = sign(TOKEN);
    let forged = sign(OTHER_TOKEN).replace(OTHER_TOKEN, TOKEN);
    for (name, sent, expected) in [
        (
            "good first",
            vec![cookie(&good), cookie(&forged)],
            Ok((TOKEN.to_owned(), CredentialSource::Cookie)),
        ),
        (
            "forged first",
            vec![cookie(&forged), cookie(&good)],
            Err(SessionError::BadSignature),
        ),
        (
            "empty first",
            vec![cookie(""), cookie(&good)],
            Err(SessionError::Unsigned),
        ),
    ] {
        assert_eq!(found(&sent), expected, "{name}");
    }
}

#[test]
fn only_the_one_configured_name_is_read() {
    let value = sign(TOKEN);
    for (secure, name, good) in [
        (true, "__Secure-better-auth.session_token", true),
        (true, "better-auth.session_token", false),
        (true, "__Host-better-auth.session_token", false),
        (false, "better-auth.session_token", true),
        (false, "__Secure-better-auth.session_token", false),
    ] {
        let sent = headers(&[(COOKIE, format!("{name}={value}"))]);
        assert_eq!(
            verifier(secure).credential(&sent).is_ok(),
            good,
            "secure {secure}, {name}"
        );
    }
}

#[test]
fn an_oversized_or_unprintable_cookie_is_refused() {
    let long = "a".repeat(8192);
    let signed_long = sign(&long);
    let many = format!("{}; a=1", vec!["a=1"; 199].join("; "));
    for (name, value) in [
        ("8 KB", long.as_str()),
        ("8 KB of points", &".".repeat(8192)),
        ("8 KB of escapes", &"%41".repeat(2731)),
        ("8 KB, even if it is signed", &signed_long),
        ("200 cookies after it", &format!("{}; {many}", sign(TOKEN))),
        ("tab", &sign("a\tb")),
        ("escaped control characters", "%00%0d%0a.%00"),
        ("not UTF-8 by escape", "%ff%fe.%ff"),
    ] {
        assert!(found(&[cookie(value)]).is_err(), "{name}");
    }
}

#[test]
fn debug_output_holds_neither_token_nor_secret() {
    let verifier = verifier(false);
    let credential = verifier
        .credential(&headers(&[cookie(&sign(TOKEN))]))
        .expect("signed");
    let printed = format!("{verifier:?} {credential:?}");
    assert!(
        !printed.contains(TOKEN) && !printed.contains(SECRET),
        "{printed}"
    );
}

/// Generates bytes, some of them fragments of what the parsers look for, so that they pass the
/// first checks.
fn header_bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"better-auth.session_token",
        b"=",
        b"; ",
        b";",
        b"\"",
        b"%",
        b"%2",
        b"%3D",
        b"%ff",
        b".",
        b" ",
        b"\t",
        b"Bearer ",
        b"bearer",
        b"\xff",
        b"\xc3\xa9",
        b"Ye0hXh5tfqTiX1mlszSwgoX8kN8bXAcN",
        b"PDTe/5/SI7D56/ajIQiuz7jlOo4jLRJ1NvLza6v7mhE=",
    ];
    let piece = prop_oneof![
        select(pieces).prop_map(<[u8]>::to_vec),
        prop::collection::vec(any::<u8>(), 0..8)
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn arbitrary_header_bytes_do_not_panic_and_are_refused(
        cookies in prop::collection::vec(header_bytes(), 0..3),
        authorizations in prop::collection::vec(header_bytes(), 0..3),
    ) {
        let named = |name: HeaderName, values: Vec<Vec<u8>>| {
            values.into_iter().map(move |mut bytes| {
                // No HTTP library accepts these bytes.
                bytes.retain(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
                (name.clone(), HeaderValue::from_bytes(&bytes).expect("only bytes of header values are left"))
            })
        };
        let mut sent = HeaderMap::new();
        sent.extend(named(COOKIE, cookies).chain(named(AUTHORIZATION, authorizations)));
        prop_assert!(verifier(false).credential(&sent).is_err());
    }

    #[test]
    fn every_signed_token_is_read_back_from_the_cookie(token in "[!-~]{1,256}") {
        let signed = sign(&token);
        // The bytes with a meaning in a cookie are percent-encoded, as the web app sends them.
        let encoded = percent_encoding::utf8_percent_encode(&signed, percent_encoding::NON_ALPHANUMERIC).to_string();
        prop_assert_eq!(found(&[cookie(&encoded)]), Ok((token, CredentialSource::Cookie)));
    }
}

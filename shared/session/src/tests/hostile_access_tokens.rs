//! Access tokens that the web app did not issue or not for this purpose, and confusion with other
//! credentials.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use ring::signature::{Ed25519KeyPair, KeyPair};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::signature::SigningKey;
use crate::{Authentication, CredentialSource, SessionConfig, SessionError, SessionVerifier};

const SECRET: &str = "hostile-tests-secret-0123456789-abcdef";
const ORIGIN: &str = "https://app.example.com";
const NOW_S: i64 = 1_773_144_000;

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("32 bytes")
}

/// Returns the public key as the header of a token could carry it.
fn jwk(seed: u8) -> Value {
    let x = URL_SAFE_NO_PAD.encode(key(seed).public_key());
    json!({ "alg": "EdDSA", "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "ours" })
}

fn config() -> SessionConfig {
    let mut config = SessionConfig::new(SecretString::from(SECRET), false);
    config.origin = Some(ORIGIN.to_owned());
    config.jwks = Some(json!({ "keys": [jwk(1)] }).to_string());
    config
}

fn verifier() -> SessionVerifier {
    SessionVerifier::new(config()).expect("a good configuration")
}

fn header() -> Value {
    json!({ "alg": "EdDSA", "kid": "ours" })
}

fn claims() -> Value {
    let (iat, exp) = (NOW_S - 60, NOW_S + 840);
    json!({ "iss": ORIGIN, "aud": ORIGIN, "sub": "u1", "iat": iat, "exp": exp, "name": "Ann" })
}

fn with(mut object: Value, field: &str, value: Value) -> Value {
    object[field] = value;
    object
}

fn without(mut object: Value, field: &str) -> Value {
    object.as_object_mut().expect("an object").remove(field);
    object
}

fn unsigned(header: &str, claims: &str) -> String {
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    )
}

fn signed(header: &str, claims: &str) -> String {
    let message = unsigned(header, claims);
    let signature = key(1).sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn token(header: &Value, claims: &Value) -> String {
    signed(&header.to_string(), &claims.to_string())
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

fn bearer(value: &str) -> (HeaderName, String) {
    (AUTHORIZATION, format!("Bearer {value}"))
}

/// Returns the user of the session, if no lookup is needed.
fn found(sent: &[(HeaderName, String)]) -> Result<Option<String>, SessionError> {
    match verifier().authenticate(&headers(sent), NOW_S * 1000)? {
        Authentication::Session { session, source } => {
            assert_eq!(source, CredentialSource::Bearer, "there is no cache here");
            Ok(Some(session.user_id.to_string()))
        }
        Authentication::NeedsLookup(_) => Ok(None),
    }
}

#[test]
fn a_good_token_is_a_session_without_a_lookup() {
    let sent = headers(&[bearer(&token(&header(), &claims()))]);
    let Ok(Authentication::Session { session, .. }) = verifier().authenticate(&sent, NOW_S * 1000)
    else {
        panic!("the token is good");
    };
    assert_eq!(session.user_id.as_str(), "u1");
    assert_eq!(session.created_at_ms, (NOW_S - 60) * 1000);
    assert_eq!(session.expires_at_ms, (NOW_S + 840) * 1000 - 1);

    for (name, header, claims) in [
        ("type", with(header(), "typ", json!("JWT")), claims()),
        (
            "two audiences",
            header(),
            with(claims(), "aud", json!(["https://other.example", ORIGIN])),
        ),
        ("begins now", header(), with(claims(), "nbf", json!(NOW_S))),
        (
            "ends in a second",
            header(),
            with(claims(), "exp", json!(NOW_S + 1)),
        ),
    ] {
        assert_eq!(
            found(&[bearer(&token(&header, &claims))]),
            Ok(Some("u1".to_owned())),
            "{name}"
        );
    }
}

#[test]
fn a_header_that_selects_its_own_algorithm_or_key_is_refused() {
    for (name, header) in [
        ("none", json!({ "alg": "none", "kid": "ours" })),
        ("None", json!({ "alg": "None", "kid": "ours" })),
        ("empty algorithm", json!({ "alg": "", "kid": "ours" })),
        ("other case", json!({ "alg": "eddsa", "kid": "ours" })),
        ("other algorithm", json!({ "alg": "ES256", "kid": "ours" })),
        ("no kid", json!({ "alg": "EdDSA" })),
        ("kid null", json!({ "alg": "EdDSA", "kid": null })),
        ("unknown kid", json!({ "alg": "EdDSA", "kid": "other" })),
        (
            "kid is a path",
            json!({ "alg": "EdDSA", "kid": "../../dev/null" }),
        ),
        ("kid is a list", json!({ "alg": "EdDSA", "kid": ["ours"] })),
        ("crit", with(header(), "crit", json!(["exp"]))),
        ("empty crit", with(header(), "crit", json!([]))),
        ("unencoded payload", with(header(), "b64", json!(false))),
        ("key in the header", with(header(), "jwk", jwk(1))),
        (
            "key by URL",
            with(header(), "jku", json!("https://app.example.com/jwks")),
        ),
        (
            "certificate by URL",
            with(header(), "x5u", json!("https://app.example.com/cert")),
        ),
        (
            "cookie cache",
            with(header(), "typ", json!("better-auth.session-cache+jwt")),
        ),
        ("OAuth access token", with(header(), "typ", json!("at+jwt"))),
        ("list", json!(["EdDSA", "ours", null])),
    ] {
        let refused = found(&[bearer(&token(&header, &claims()))]);
        assert!(
            matches!(refused, Err(SessionError::AccessToken(_))),
            "{name}: {refused:?}"
        );
    }
}

#[test]
fn claims_of_another_app_time_or_purpose_are_refused() {
    let expired = Err(SessionError::Expired);
    for (name, claims, is_expired) in [
        (
            "other issuer",
            with(claims(), "iss", json!("https://evil.example")),
            false,
        ),
        (
            "issuer with a slash",
            with(claims(), "iss", json!("https://app.example.com/")),
            false,
        ),
        (
            "issuer in capitals",
            with(claims(), "iss", json!("https://APP.example.com")),
            false,
        ),
        (
            "issuer is a list",
            with(claims(), "iss", json!([ORIGIN])),
            false,
        ),
        ("no issuer", without(claims(), "iss"), false),
        (
            "other audience",
            with(claims(), "aud", json!("https://api.example.com")),
            false,
        ),
        (
            "audience begins as ours",
            with(claims(), "aud", json!("https://app.example.com.evil")),
            false,
        ),
        (
            "cookie cache's audience",
            with(claims(), "aud", json!("better-auth:session-cache")),
            false,
        ),
        ("no audience", without(claims(), "aud"), false),
        (
            "no audience in the list",
            with(claims(), "aud", json!([])),
            false,
        ),
        (
            "audience is null",
            with(claims(), "aud", Value::Null),
            false,
        ),
        ("no subject", without(claims(), "sub"), false),
        ("empty subject", with(claims(), "sub", json!("")), false),
        (
            "subject that forges a key",
            with(claims(), "sub", json!("u1#t1")),
            false,
        ),
        (
            "subject is a number",
            with(claims(), "sub", json!(1)),
            false,
        ),
        ("no end", without(claims(), "exp"), false),
        (
            "end is a text",
            with(claims(), "exp", json!("9999999999")),
            false,
        ),
        (
            "end is a fraction",
            with(claims(), "exp", json!(9999999999.5)),
            false,
        ),
        ("end is null", with(claims(), "exp", Value::Null), false),
        (
            "beginning is a text",
            with(claims(), "nbf", json!("0")),
            false,
        ),
        ("ends now", with(claims(), "exp", json!(NOW_S)), true),
        (
            "ended a second ago",
            with(claims(), "exp", json!(NOW_S - 1)),
            true,
        ),
        (
            "ended long ago",
            with(claims(), "exp", json!(i64::MIN)),
            true,
        ),
        (
            "begins in a second",
            with(claims(), "nbf", json!(NOW_S + 1)),
            true,
        ),
    ] {
        let refused = found(&[bearer(&token(&header(), &claims))]);
        if is_expired {
            assert_eq!(refused, expired, "{name}");
        } else {
            assert!(
                matches!(refused, Err(SessionError::AccessToken(_))),
                "{name}: {refused:?}"
            );
        }
    }
}

#[test]
fn only_the_key_itself_signs() {
    let message = unsigned(&header().to_string(), &claims().to_string());
    let hs256 = |key: &[u8]| {
        let message = unsigned(r#"{"alg":"HS256","kid":"ours"}"#, &claims().to_string());
        let mac = Hmac::<Sha256>::new_from_slice(key)
            .expect("any length")
            .chain_update(&message)
            .finalize();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.into_bytes()))
    };
    let signature = |bytes: &[u8]| format!("{message}.{}", URL_SAFE_NO_PAD.encode(bytes));
    let good = key(1).sign(message.as_bytes());
    let jwks = config().jwks.expect("has keys");

    for (name, token) in [
        ("no signature", format!("{message}.")),
        ("half a signature", signature(&good.as_ref()[..32])),
        (
            "signature twice",
            signature(&[good.as_ref(), good.as_ref()].concat()),
        ),
        ("zeros", signature(&[0; 64])),
        ("ones", signature(&[0xff; 64])),
        (
            "another key",
            signature(key(2).sign(message.as_bytes()).as_ref()),
        ),
        (
            "of something else",
            signature(key(1).sign(b"something else").as_ref()),
        ),
        (
            "HS256 with the public key",
            hs256(key(1).public_key().as_ref()),
        ),
        (
            "HS256 with the public key's text",
            hs256(jwk(1)["x"].as_str().expect("a text").as_bytes()),
        ),
        ("HS256 with the key set", hs256(jwks.as_bytes())),
        ("HS256 with the secret", hs256(SECRET.as_bytes())),
        ("HS256 with nothing", hs256(b"")),
    ] {
        let refused = found(&[bearer(&token)]);
        assert!(
            matches!(refused, Err(SessionError::AccessToken(_))),
            "{name}: {refused:?}"
        );
    }
    assert_eq!(
        found(&[bearer(&signature(good.as_ref()))]),
        Ok(Some("u1".to_owned()))
    );
}

#[test]
fn an_altered_token_is_refused() {
    let good = token(&header(), &claims());
    for index in 0..good.len() {
        for change in [1, 2, 32] {
            let mut forged = good.clone().into_bytes();
            forged[index] ^= change;
            let forged = String::from_utf8(forged).expect("ASCII stays ASCII");
            if HeaderValue::from_str(&forged).is_ok() {
                assert!(
                    found(&[bearer(&forged)]).is_err(),
                    "byte {index} changed by {change}"
                );
            }
        }
        assert!(found(&[bearer(&good[..index])]).is_err(), "cut at {index}");
    }
}

#[test]
fn documents_that_only_look_like_a_token_are_refused() {
    let header = header().to_string();
    let long = with(claims(), "image", json!("x".repeat(16 * 1024)));
    let twice = claims().to_string().replacen('{', r#"{"sub":"u2","#, 1);
    for (name, token) in [
        ("longer than any", token(&self::header(), &long)),
        (
            "claims are a list",
            signed(&header, &format!("[\"{ORIGIN}\",\"{ORIGIN}\",\"u1\",0]")),
        ),
        ("claims are no JSON", signed(&header, "hello")),
        ("claims are empty", signed(&header, "")),
        ("subject twice", signed(&header, &twice)),
        ("claims are too deep", signed(&header, &"[".repeat(10_000))),
        (
            "claims are not UTF-8",
            signed(&header, "{\"sub\":\"\u{fffd}").replace("77-9", "____"),
        ),
    ] {
        assert!(found(&[bearer(&token)]).is_err(), "{name}");
    }
}

#[test]
fn a_good_token_takes_precedence_over_the_cookie_and_a_bad_one_is_ignored() {
    let cookie = |value: &str| (COOKIE, format!("better-auth.session_token={value}"));
    let (good, bad) = (
        token(&header(), &claims()),
        token(&header(), &without(claims(), "sub")),
    );
    let signed_in = SigningKey::new(SECRET).sign("Ye0hXh5tfqTiX1mlszSwgoX8kN8bXAcN");
    let no_subject = Err(SessionError::AccessToken("it lacks iss, aud or sub"));
    for (name, sent, expected) in [
        (
            "both good",
            vec![cookie(&signed_in), bearer(&good)],
            Ok(Some("u1".to_owned())),
        ),
        (
            "bad token",
            vec![cookie(&signed_in), bearer(&bad)],
            Ok(None),
        ),
        (
            "bad cookie",
            vec![cookie("x.y"), bearer(&good)],
            Ok(Some("u1".to_owned())),
        ),
        (
            "both bad",
            vec![cookie("x.y"), bearer(&bad)],
            no_subject.clone(),
        ),
        ("bad token only", vec![bearer(&bad)], no_subject),
        ("token twice", vec![bearer(&good), bearer(&good)], {
            Err(SessionError::Unreadable(
                "more than one authorization header",
            ))
        }),
        (
            "token as session cookie",
            vec![cookie(&good)],
            Err(SessionError::BadSignature),
        ),
        (
            "token as basic credentials",
            vec![(AUTHORIZATION, format!("Basic {good}"))],
            { Err(SessionError::Missing) },
        ),
    ] {
        assert_eq!(found(&sent), expected, "{name}");
    }
}

#[test]
fn without_configured_keys_access_tokens_are_refused() {
    let mut config = config();
    config.jwks = None;
    let sent = headers(&[bearer(&token(&header(), &claims()))]);
    let refused = SessionVerifier::new(config)
        .expect("good")
        .authenticate(&sent, NOW_S * 1000)
        .map(|_| ());
    assert_eq!(
        refused,
        Err(SessionError::AccessToken(
            "no keys are configured to verify it with"
        ))
    );
}

#[test]
fn revoking_all_sessions_revokes_tokens_issued_before() {
    let session = |claims: &Value| match verifier()
        .authenticate(&headers(&[bearer(&token(&header(), claims))]), NOW_S * 1000)
    {
        Ok(Authentication::Session { session, .. }) => session,
        other => panic!("the token is good: {other:?}"),
    };
    let made_ms = (NOW_S - 60) * 1000;
    for (name, claims, revoked_ms, expected) in [
        ("made before", claims(), made_ms + 1, false),
        ("made after", claims(), made_ms, true),
        (
            "made at an unknown time",
            without(claims(), "iat"),
            1,
            false,
        ),
    ] {
        let passed = session(&claims).check_revocation(Some(&revoked_ms.to_string()));
        assert_eq!(passed.is_ok(), expected, "{name}");
    }
}

proptest! {
    #[test]
    fn arbitrary_text_in_the_header_does_not_panic_and_is_refused(parts in prop::collection::vec("[A-Za-z0-9_-]{0,40}", 0..6)) {
        prop_assert!(found(&[bearer(&parts.join("."))]).is_err());
    }

    #[test]
    fn arbitrary_signed_json_does_not_panic(header in ".{0,60}", claims in ".{0,120}") {
        let _ = found(&[bearer(&signed(&header, &claims))]);
        let _ = found(&[bearer(&signed(&self::header().to_string(), &claims))]);
    }
}

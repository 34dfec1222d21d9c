//! Cookie caches that the web app did not seal, or not for this session. An invalid one is never an
//! error, only a miss.

use aes::Aes256;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use ring::signature::{Ed25519KeyPair, KeyPair};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};

use crate::signature::SigningKey;
use crate::{
    Authentication, CookieCacheStrategy, CredentialSource, SessionConfig, SessionVerifier,
};

const SECRET: &str = "hostile-tests-secret-0123456789-abcdef";
const OTHER_SECRET: &str = "another-tests-secret-0123456789-abcde";
const TOKEN: &str = "Ye0hXh5tfqTiX1mlszSwgoX8kN8bXAcN";
const NOW_MS: i64 = 1_773_144_000_000;
const STRATEGIES: [CookieCacheStrategy; 3] = [
    CookieCacheStrategy::Compact,
    CookieCacheStrategy::Jwt,
    CookieCacheStrategy::Jwe,
];

fn verifier(strategy: CookieCacheStrategy) -> SessionVerifier {
    let mut config = SessionConfig::new(SecretString::from(SECRET), false);
    config.cookie_cache = strategy;
    SessionVerifier::new(config).expect("a good configuration")
}

fn payload() -> Value {
    json!({
        "session": {
            "id": "s1",
            "token": TOKEN,
            "userId": "u1",
            "createdAt": "2026-03-10T12:00:00.000Z",
            "expiresAt": "2026-03-17T12:00:00.000Z",
        },
        "user": { "id": "u1", "name": "Ann" },
        "updatedAt": NOW_MS,
        "version": "1",
    })
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn hmac_sha256(secret: &str, text: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .expect("any length")
        .chain_update(text);
    encode(mac.finalize().into_bytes())
}

/// Seals the payload as the web app with this secret would, valid for 300 s.
fn seal(strategy: CookieCacheStrategy, secret: &str, payload: &Value) -> String {
    let expires_at_ms = NOW_MS + 300_000;
    let text = payload.to_string();
    let mut claims = payload.clone();
    match &mut claims {
        Value::Object(claims) => _ = claims.insert("exp".to_owned(), json!(expires_at_ms / 1000)),
        Value::Array(claims) => claims.push(json!(expires_at_ms / 1000)),
        other => unreachable!("{other} is no payload"),
    }
    match strategy {
        CookieCacheStrategy::Off => String::new(),
        CookieCacheStrategy::Compact => {
            let (fields, end) = text.split_at(text.len() - 1);
            let signature = hmac_sha256(
                secret,
                &format!(r#"{fields},"expiresAt":{expires_at_ms}{end}"#),
            );
            encode(format!(
                r#"{{"session":{text},"expiresAt":{expires_at_ms},"signature":"{signature}"}}"#
            ))
        }
        CookieCacheStrategy::Jwt => jwt(secret, r#"{"alg":"HS256"}"#, &claims),
        CookieCacheStrategy::Jwe => jwe(
            secret,
            r#"{"alg":"dir","enc":"A256CBC-HS512"}"#,
            claims.to_string().as_bytes(),
        ),
    }
}

fn jwt(secret: &str, header: &str, claims: &Value) -> String {
    let message = format!("{}.{}", encode(header), encode(claims.to_string()));
    let signature = hmac_sha256(secret, &message);
    format!("{message}.{signature}")
}

fn jwe(secret: &str, header: &str, text: &[u8]) -> String {
    let (mut key, iv) = ([0; 64], [7; 16]);
    Hkdf::<Sha256>::new(Some(b"better-auth-session"), secret.as_bytes())
        .expand(b"BetterAuth.js Generated Encryption Key", &mut key)
        .expect("short enough");
    let cipher = cbc::Encryptor::<Aes256>::new_from_slices(&key[32..], &iv).expect("right lengths");
    let sealed = cipher.encrypt_padded_vec::<Pkcs7>(text);
    let header = encode(header);
    let mac = Hmac::<Sha512>::new_from_slice(&key[..32])
        .expect("any length")
        .chain_update(&header);
    let bits = u64::try_from(header.len() * 8)
        .expect("short")
        .to_be_bytes();
    let tag = mac
        .chain_update(iv)
        .chain_update(&sealed)
        .chain_update(bits)
        .finalize()
        .into_bytes();
    format!(
        "{header}..{}.{}.{}",
        encode(iv),
        encode(sealed),
        encode(&tag[..32])
    )
}

fn headers(data: &str) -> HeaderMap {
    let token = SigningKey::new(SECRET).sign(TOKEN);
    let cookies = format!("better-auth.session_token={token}; better-auth.session_data={data}");
    HeaderMap::from_iter([(
        COOKIE,
        HeaderValue::from_bytes(cookies.as_bytes()).expect("a header value"),
    )])
}

/// Returns the user of the session in the cache; `None` if a lookup is needed. The signed token is
/// always good.
fn found_at(strategy: CookieCacheStrategy, data: &str, now_ms: i64) -> Option<String> {
    match verifier(strategy)
        .authenticate(&headers(data), now_ms)
        .expect("the token is signed")
    {
        Authentication::Session { session, source } => {
            assert_eq!(
                source,
                CredentialSource::Cookie,
                "the origin must be checked as without a cache"
            );
            Some(session.user_id.to_string())
        }
        Authentication::NeedsLookup(credential) => {
            assert_eq!(credential.token.storage_key(), TOKEN);
            None
        }
    }
}

fn found(strategy: CookieCacheStrategy, data: &str) -> Option<String> {
    found_at(strategy, data, NOW_MS)
}

#[test]
fn a_good_cache_is_read_until_it_expires() {
    for strategy in STRATEGIES {
        let data = seal(strategy, SECRET, &payload());
        assert_eq!(
            found(strategy, &data).as_deref(),
            Some("u1"),
            "{strategy:?}"
        );
        assert_eq!(
            found_at(strategy, &data, NOW_MS + 299_999).as_deref(),
            Some("u1"),
            "{strategy:?}"
        );
        assert_eq!(
            found_at(strategy, &data, NOW_MS + 300_001),
            None,
            "{strategy:?} has ended"
        );
        assert_eq!(
            found(CookieCacheStrategy::Off, &data),
            None,
            "{strategy:?} while caches are off"
        );
    }
}

#[test]
fn a_sealed_cache_of_another_session_user_or_version_is_a_miss() {
    let changed = |pointer: &str, value: Value| {
        let mut payload = payload();
        *payload.pointer_mut(pointer).expect("is there") = value;
        payload
    };
    let cases = [
        (
            "another token",
            changed("/session/token", json!("4zAD6dwGJmuVYlLRwo944w3m1Hdg7mJs")),
        ),
        ("empty token", changed("/session/token", json!(""))),
        ("no token", changed("/session/token", Value::Null)),
        ("another user", changed("/user/id", json!("u2"))),
        (
            "another user of the session",
            changed("/session/userId", json!("u2")),
        ),
        ("no user", changed("/user", Value::Null)),
        ("user id that forges a key", {
            let mut payload = changed("/user/id", json!("u#1"));
            payload["session"]["userId"] = json!("u#1");
            payload
        }),
        (
            "session over",
            changed("/session/expiresAt", json!("2026-03-10T11:59:59.999Z")),
        ),
        (
            "no end of the session",
            changed("/session/expiresAt", Value::Null),
        ),
        ("another version", changed("/version", json!("2"))),
        ("version is a number", changed("/version", json!(1))),
        ("no session", changed("/session", Value::Null)),
        (
            "session is a list",
            changed("/session", json!([TOKEN, "u1", "2026-03-10T12:00:00.000Z"])),
        ),
        (
            "larger than any request",
            changed("/user/name", json!("x".repeat(64 * 1024))),
        ),
        (
            "a list",
            json!([payload()["session"], payload()["user"], "1"]),
        ),
    ];
    for strategy in STRATEGIES {
        for (name, payload) in &cases {
            assert_eq!(
                found(strategy, &seal(strategy, SECRET, payload)),
                None,
                "{strategy:?}: {name}"
            );
        }
        let empty_version = seal(strategy, SECRET, &changed("/version", json!("")));
        assert_eq!(
            found(strategy, &empty_version).as_deref(),
            Some("u1"),
            "{strategy:?}: empty is 1"
        );
        let foreign = seal(strategy, OTHER_SECRET, &payload());
        assert_eq!(
            found(strategy, &foreign),
            None,
            "{strategy:?}: another secret"
        );
        for other in STRATEGIES.into_iter().filter(|other| *other != strategy) {
            let data = seal(other, SECRET, &payload());
            assert_eq!(found(strategy, &data), None, "{strategy:?} given {other:?}");
        }
    }
}

#[test]
fn an_altered_cache_is_a_miss() {
    for strategy in STRATEGIES {
        let good = seal(strategy, SECRET, &payload());
        for index in 0..good.len() {
            let mut forged = good.clone().into_bytes();
            // Replaces a letter by another of the alphabet, or a point by a letter.
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).expect("ASCII");
            assert_eq!(
                found(strategy, &forged),
                None,
                "{strategy:?}: byte {index} changed"
            );
            assert_eq!(
                found(strategy, &good[..index]),
                None,
                "{strategy:?}: cut at {index}"
            );
        }
    }
}

#[test]
fn a_compact_cache_is_what_was_signed_or_a_miss() {
    let text = payload().to_string();
    let ends = NOW_MS + 300_000;
    let signature = hmac_sha256(
        SECRET,
        &format!(r#"{},"expiresAt":{ends}}}"#, &text[..text.len() - 1]),
    );
    let sealed = |session: &str, ends: &str, signature: &str| {
        encode(format!(
            r#"{{"session":{session},"expiresAt":{ends},"signature":"{signature}"}}"#
        ))
    };
    let ends = ends.to_string();
    assert_eq!(
        found(
            CookieCacheStrategy::Compact,
            &sealed(&text, &ends, &signature)
        )
        .as_deref(),
        Some("u1")
    );

    let twice = text.replacen(r#""user":"#, r#""user":{"id":"u2"},"user":"#, 1);
    let own_end = format!(r#"{},"expiresAt":{ends}}}"#, &text[..text.len() - 1]);
    for (name, data) in [
        ("later end", sealed(&text, "9999999999999", &signature)),
        (
            "end is a text",
            sealed(&text, &format!("\"{ends}\""), &signature),
        ),
        (
            "end is a fraction",
            sealed(&text, &format!("{ends}.0"), &signature),
        ),
        (
            "end inside the session",
            sealed(&own_end, &ends, &signature),
        ),
        ("user twice", sealed(&twice, &ends, &signature)),
        ("no signature", sealed(&text, &ends, "")),
        ("half a signature", sealed(&text, &ends, &signature[..20])),
        ("session is empty", sealed("{}", &ends, &signature)),
        ("session is a text", sealed("\"}\"", &ends, &signature)),
        (
            "deep",
            encode(format!(r#"{{"session":{}"#, "[".repeat(40_000))),
        ),
        (
            "list of values",
            encode(format!(r#"[{text},{ends},"{signature}"]"#)),
        ),
        (
            "signature twice",
            encode(format!(
                r#"{{"session":{text},"expiresAt":{ends},"signature":"","signature":"{signature}"}}"#
            )),
        ),
        ("not UTF-8", encode(b"{\"session\":{\"a\":\"\xff\"}}")),
        ("no base64", "!!!notbase64!!!".to_owned()),
    ] {
        assert_eq!(found(CookieCacheStrategy::Compact, &data), None, "{name}");
    }
}

#[test]
fn a_jwt_cache_is_read_by_the_secret_and_hmac_alone() {
    let mut claims = payload();
    claims["exp"] = json!(NOW_MS / 1000 + 300);
    let unsigned = format!(
        "{}.{}.",
        encode(r#"{"alg":"none"}"#),
        encode(claims.to_string())
    );
    assert_eq!(found(CookieCacheStrategy::Jwt, &unsigned), None, "none");
    for (name, header) in [
        ("none with an HMAC", r#"{"alg":"none"}"#),
        ("public key algorithm", r#"{"alg":"EdDSA"}"#),
        ("another HMAC named", r#"{"alg":"HS512"}"#),
        ("key id", r#"{"alg":"HS256","kid":"k"}"#),
        (
            "the plugin's type",
            r#"{"alg":"HS256","typ":"better-auth.session-cache+jwt"}"#,
        ),
        ("crit", r#"{"alg":"HS256","crit":["exp"]}"#),
        ("own key", r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AA"}}"#),
    ] {
        assert_eq!(
            found(CookieCacheStrategy::Jwt, &jwt(SECRET, header, &claims)),
            None,
            "{name}"
        );
    }
    for (name, field, value) in [
        ("no end", "exp", Value::Null),
        ("ends now", "exp", json!(NOW_MS / 1000)),
        ("begins in a second", "nbf", json!(NOW_MS / 1000 + 1)),
    ] {
        let mut claims = claims.clone();
        claims[field] = value;
        assert_eq!(
            found(
                CookieCacheStrategy::Jwt,
                &jwt(SECRET, r#"{"alg":"HS256"}"#, &claims)
            ),
            None,
            "{name}"
        );
    }
}

#[test]
fn a_cache_of_the_jwt_plugin_must_match_its_claims() {
    const ORIGIN: &str = "https://app.example.com";
    let key = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).expect("32 bytes");
    let x = encode(key.public_key());
    let jwks =
        json!({ "keys": [{ "kid": "k", "alg": "EdDSA", "kty": "OKP", "crv": "Ed25519", "x": x }] });
    let mut config = SessionConfig::new(SecretString::from(SECRET), false);
    config.cookie_cache = CookieCacheStrategy::Jwt;
    config.origin = Some(ORIGIN.to_owned());
    config.jwks = Some(jwks.to_string());
    let verifier = SessionVerifier::new(config).expect("a good configuration");

    let header = json!({ "alg": "EdDSA", "kid": "k", "typ": "better-auth.session-cache+jwt" });
    let mut claims = payload();
    for (field, value) in [
        ("iss", json!(ORIGIN)),
        ("aud", json!("better-auth:session-cache")),
        ("sub", json!("u1")),
        ("sid", json!(TOKEN)),
        ("exp", json!(NOW_MS / 1000 + 300)),
    ] {
        claims[field] = value;
    }
    let is_hit = |header: &Value, claims: &Value| {
        let message = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let data = format!("{message}.{}", encode(key.sign(message.as_bytes())));
        let sent = headers(&data);
        matches!(
            verifier.authenticate(&sent, NOW_MS),
            Ok(Authentication::Session { .. })
        )
    };
    let with = |object: &Value, field: &str, value: Value| {
        let mut object = object.clone();
        object[field] = value;
        object
    };
    assert!(is_hit(&header, &claims));
    assert!(
        is_hit(&header, &with(&claims, "nbf", json!(NOW_MS / 1000 + 15))),
        "a clock 15 s ahead"
    );

    for (name, field, value) in [
        ("an access token's", "typ", json!("JWT")),
        ("no type", "typ", Value::Null),
        ("no key", "kid", Value::Null),
        ("another key", "kid", json!("other")),
        ("another algorithm", "alg", json!("HS256")),
        ("crit", "crit", json!(["exp"])),
    ] {
        assert!(!is_hit(&with(&header, field, value), &claims), "{name}");
    }
    for (name, field, value) in [
        ("another issuer", "iss", json!("https://evil.example")),
        ("no issuer", "iss", Value::Null),
        ("an access token's audience", "aud", json!(ORIGIN)),
        ("no audience", "aud", Value::Null),
        ("another user", "sub", json!("u2")),
        ("no user", "sub", Value::Null),
        (
            "another session",
            "sid",
            json!("4zAD6dwGJmuVYlLRwo944w3m1Hdg7mJs"),
        ),
        ("no session", "sid", Value::Null),
        ("another version", "version", json!("2")),
        ("ended", "exp", json!(NOW_MS / 1000 - 1)),
        ("begins in 16 s", "nbf", json!(NOW_MS / 1000 + 16)),
    ] {
        assert!(!is_hit(&header, &with(&claims, field, value)), "{name}");
    }
}

#[test]
fn a_jwe_cache_is_opened_only_as_better_auth_seals_it() {
    let mut claims = payload();
    claims["exp"] = json!(NOW_MS / 1000 + 300);
    let text = claims.to_string();
    let good = jwe(
        SECRET,
        r#"{"alg":"dir","enc":"A256CBC-HS512"}"#,
        text.as_bytes(),
    );
    let parts: Vec<_> = good.split('.').collect();
    let with = |index: usize, part: &str| {
        let mut parts = parts.clone();
        parts[index] = part;
        parts.join(".")
    };
    for (name, data) in [
        ("an encrypted key", with(1, "AAAA")),
        ("short vector", with(2, &encode([7; 12]))),
        ("no vector", with(2, "")),
        ("no text", with(3, "")),
        ("half a block", with(3, &parts[3][..20])),
        ("no tag", with(4, "")),
        ("half a tag", with(4, &parts[4][..22])),
        ("four parts", parts[..4].join(".")),
        ("six parts", format!("{good}.AAAA")),
    ] {
        assert_eq!(found(CookieCacheStrategy::Jwe, &data), None, "{name}");
    }
    for (name, header) in [
        ("another cipher", r#"{"alg":"dir","enc":"A256GCM"}"#),
        (
            "another key management",
            r#"{"alg":"A256KW","enc":"A256CBC-HS512"}"#,
        ),
        (
            "compressed",
            r#"{"alg":"dir","enc":"A256CBC-HS512","zip":"DEF"}"#,
        ),
        (
            "crit",
            r#"{"alg":"dir","enc":"A256CBC-HS512","crit":["exp"]}"#,
        ),
        (
            "another key",
            r#"{"alg":"dir","enc":"A256CBC-HS512","kid":"other"}"#,
        ),
    ] {
        assert_eq!(
            found(
                CookieCacheStrategy::Jwe,
                &jwe(SECRET, header, text.as_bytes())
            ),
            None,
            "{name}"
        );
    }
    for (name, text) in [
        ("no JSON", "hello"),
        ("empty", ""),
        ("no end", &payload().to_string()),
    ] {
        let data = jwe(
            SECRET,
            r#"{"alg":"dir","enc":"A256CBC-HS512"}"#,
            text.as_bytes(),
        );
        assert_eq!(found(CookieCacheStrategy::Jwe, &data), None, "{name}");
    }
}

#[test]
fn a_cache_counts_for_a_bearer_token_too_but_never_without_one() {
    for strategy in STRATEGIES {
        let verifier = verifier(strategy);
        let cookies = format!(
            "better-auth.session_data={}",
            seal(strategy, SECRET, &payload())
        );
        let cookies = HeaderValue::from_str(&cookies).expect("a header value");
        let mut sent = HeaderMap::from_iter([(COOKIE, cookies)]);
        assert!(
            verifier.authenticate(&sent, NOW_MS).is_err(),
            "{strategy:?}: without a token"
        );

        let bearer = format!("Bearer {}", SigningKey::new(SECRET).sign(TOKEN));
        sent.insert("authorization", bearer.parse().expect("a header value"));
        let found = verifier
            .authenticate(&sent, NOW_MS)
            .expect("the token is signed");
        assert!(
            matches!(found, Authentication::Session { .. }),
            "{strategy:?}"
        );
        assert_eq!(
            found.source(),
            CredentialSource::Bearer,
            "{strategy:?}: no cookie has signed in"
        );
    }
}

#[test]
fn debug_output_holds_neither_token_nor_secret() {
    for strategy in STRATEGIES {
        let verifier = verifier(strategy);
        let data = seal(strategy, SECRET, &payload());
        let hit = verifier.authenticate(&headers(&data), NOW_MS);
        let miss = verifier.authenticate(&headers("x"), NOW_MS);
        let printed = format!("{verifier:?} {hit:?} {miss:?}");
        for secret in [SECRET, TOKEN, data.as_str()] {
            assert!(!printed.contains(secret), "{strategy:?}: {printed}");
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_cookie_values_do_not_panic_and_are_a_miss(value in "[!-:<-~]{0,200}", index in 0_u8..=255) {
        for strategy in STRATEGIES {
            prop_assert_eq!(found(strategy, &value), None);
            prop_assert_eq!(found(strategy, &format!("; better-auth.session_data.{index}={value}")), None);
        }
    }

    #[test]
    fn arbitrary_sealed_text_does_not_panic(text in ".{0,120}") {
        let value = json!({ "session": text, "user": text });
        for strategy in STRATEGIES {
            prop_assert_eq!(found(strategy, &seal(strategy, SECRET, &value)), None);
        }
        let header = r#"{"alg":"dir","enc":"A256CBC-HS512"}"#;
        prop_assert_eq!(found(CookieCacheStrategy::Jwe, &jwe(SECRET, header, text.as_bytes())), None);
        prop_assert_eq!(found(CookieCacheStrategy::Compact, &encode(text)), None);
    }
}

//! Recordings of better-auth 1.7.25 with each kind of key that its jwt plugin supports, in
//! `key-kinds.json`, made with `tests/better-auth/web-app.mjs`: an access token, and a cookie cache
//! of the same key.

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::{Authentication, CookieCacheStrategy, SessionConfig, SessionError, SessionVerifier};

const SECRET: &str = "key-kinds-secret-0123456789-abcdefghijk";
const ORIGIN: &str = "https://app.example.com";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recording {
    algorithm: String,
    recorded_at_ms: i64,
    user_id: String,
    cookie: String,
    access_token: String,
    jwks: Value,
}

fn recordings() -> Vec<Recording> {
    let recordings: Vec<Recording> =
        serde_json::from_str(include_str!("key-kinds.json")).expect("the recordings are JSON");
    let kinds: Vec<_> = recordings
        .iter()
        .map(|recording| recording.algorithm.as_str())
        .collect();
    assert_eq!(
        kinds,
        ["EdDSA", "ES256", "ES512", "RS256", "PS256"],
        "all that the plugin offers"
    );
    recordings
}

fn verifier(jwks: &Value, origin: &str) -> SessionVerifier {
    let mut config = SessionConfig::new(SecretString::from(SECRET), true);
    config.cookie_cache = CookieCacheStrategy::Jwt;
    config.origin = Some(origin.to_owned());
    config.jwks = Some(jwks.to_string());
    SessionVerifier::new(config).expect("the keys are good")
}

fn headers(name: HeaderName, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("a header value"))])
}

/// Returns the user of the session, if no lookup is needed.
fn found(
    verifier: &SessionVerifier,
    headers: &HeaderMap,
    now_ms: i64,
) -> Result<Option<String>, SessionError> {
    match verifier.authenticate(headers, now_ms)? {
        Authentication::Session { session, .. } => Ok(Some(session.user_id.to_string())),
        Authentication::NeedsLookup(_) => Ok(None),
    }
}

impl Recording {
    fn access_token(&self, token: &str, jwks: &Value) -> Result<Option<String>, SessionError> {
        let sent = headers(AUTHORIZATION, &format!("Bearer {token}"));
        found(&verifier(jwks, ORIGIN), &sent, self.recorded_at_ms)
    }

    fn cache(&self, cookie: &str, jwks: &Value) -> Option<String> {
        let sent = headers(COOKIE, cookie);
        found(&verifier(jwks, ORIGIN), &sent, self.recorded_at_ms).expect("the token is signed")
    }
}

/// Changes one letter of `text` so that it stays base64url.
fn with_changed_letter(text: &str, index: usize) -> String {
    let letter = if text.as_bytes()[index] == b'A' {
        "B"
    } else {
        "A"
    };
    format!("{}{letter}{}", &text[..index], &text[index + 1..])
}

#[test]
fn every_kind_of_key_verifies_its_own_signatures() {
    for recording in recordings() {
        let name = &recording.algorithm;
        let found = recording.access_token(&recording.access_token, &recording.jwks);
        assert_eq!(found, Ok(Some(recording.user_id.clone())), "{name}");
        assert_eq!(
            recording.cache(&recording.cookie, &recording.jwks),
            Some(recording.user_id),
            "{name}"
        );
    }
}

#[test]
fn every_kind_of_key_refuses_other_signatures() {
    for recording in recordings() {
        let (name, token) = (&recording.algorithm, &recording.access_token);
        let signature = token.rfind('.').expect("has a signature") + 1;
        let claims = token.find('.').expect("has claims") + 1;
        for index in [
            claims,
            claims + 20,
            signature,
            signature + 10,
            token.len() - 2,
        ] {
            let refused =
                recording.access_token(&with_changed_letter(token, index), &recording.jwks);
            assert!(
                matches!(refused, Err(SessionError::AccessToken(_))),
                "{name}: {index}: {refused:?}"
            );
        }
        let refused = recording.access_token(&token[..token.len() - 4], &recording.jwks);
        assert!(
            matches!(refused, Err(SessionError::AccessToken(_))),
            "{name}: cut: {refused:?}"
        );

        let forged = with_changed_letter(&recording.cookie, recording.cookie.len() - 20);
        assert_eq!(
            recording.cache(&forged, &recording.jwks),
            None,
            "{name}: cache"
        );
    }
}

#[test]
fn a_key_does_not_verify_signatures_of_another() {
    for recording in recordings() {
        for other in recordings()
            .iter()
            .filter(|other| other.algorithm != recording.algorithm)
        {
            let name = format!("{} by {}", recording.algorithm, other.algorithm);
            let unknown = Err(SessionError::AccessToken("it names an unknown key"));
            assert_eq!(
                recording.access_token(&recording.access_token, &other.jwks),
                unknown,
                "{name}"
            );

            let mut renamed = other.jwks.clone();
            renamed["keys"][0]["kid"] = recording.jwks["keys"][0]["kid"].clone();
            let refused = recording.access_token(&recording.access_token, &renamed);
            let other_kind = Err(SessionError::AccessToken("its algorithm is not the key's"));
            assert_eq!(refused, other_kind, "{name}, under its id");
            assert_eq!(
                recording.cache(&recording.cookie, &renamed),
                None,
                "{name}: cache"
            );
        }
    }
}

#[test]
fn access_token_and_cookie_cache_are_not_interchangeable() {
    for recording in recordings() {
        let name = &recording.algorithm;
        let (token_cookie, data) = recording.cookie.split_once("; ").expect("two cookies");
        let (data_name, cache) = data.split_once('=').expect("a name");

        let refused = recording.access_token(cache, &recording.jwks);
        assert_eq!(
            refused,
            Err(SessionError::AccessToken("it is a token of another type")),
            "{name}"
        );
        let cookie = format!("{token_cookie}; {data_name}={}", recording.access_token);
        assert_eq!(recording.cache(&cookie, &recording.jwks), None, "{name}");
    }
}

#[test]
fn a_cache_of_another_web_app_or_time_is_a_miss() {
    for recording in recordings() {
        let (name, at) = (&recording.algorithm, recording.recorded_at_ms);
        let sent = headers(COOKIE, &recording.cookie);
        let here = verifier(&recording.jwks, ORIGIN);
        assert_eq!(
            found(&here, &sent, at + 298_000),
            Ok(Some(recording.user_id.clone())),
            "{name}: in time"
        );
        assert_eq!(
            found(&here, &sent, at + 301_000),
            Ok(None),
            "{name}: too late"
        );
        let elsewhere = verifier(&recording.jwks, "https://other.example");
        assert_eq!(
            found(&elsewhere, &sent, at),
            Ok(None),
            "{name}: another app"
        );
    }
}

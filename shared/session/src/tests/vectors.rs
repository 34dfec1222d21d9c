//! Verdicts of the better-auth library itself, one per vector of `better-auth.json`: signed cookies (A), names
//! (S, P), bearer tokens (F; FR with `requireSignature`) and `secondaryStorage` (G).

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{SessionConfig, SessionError, Sessions};

/// Where this crate is meant to answer otherwise than the library: vector, reason, whose session it finds.
const DELIBERATE_DIFFERENCES: [(&str, &str, Option<&str>); 3] = [
    (
        "A-exp-exact",
        "the library extends the session and reports the new end; this crate only reads",
        Some("fF1IODe8GizGbcEpa9QZvgSjqakEZ5mX"),
    ),
    ("F-raw", "a bearer token without signature is refused, before any look-up", None),
    (
        "F-unknown-bearer-good-cookie",
        "so it does not replace the cookie either, as in the library with requireSignature",
        Some("AIUF3nzoa5Z52VRC6AM5JgRbOE6usTlr"),
    ),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    vectors: Vec<Vector>,
    worlds: HashMap<String, World>,
}

#[derive(Deserialize)]
struct Vector {
    id: String,
    config: Config,
    now: i64,
    headers: HashMap<String, String>,
    expected: Expected,
    world: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    secret: String,
    cookie_prefix: String,
    cookie_name: Option<String>,
    secure: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expected {
    user_id: Option<String>,
    session_token: Option<String>,
    session_expires_at: Option<String>,
    /// Left out in group G: there the library's count is of its database, not of the reads by key.
    db_session_reads: Option<usize>,
}

/// What the store held: rows of a database, or the values of a `secondaryStorage`.
#[derive(Deserialize)]
struct World {
    session: Vec<Value>,
    user: Vec<Value>,
    kv: Option<HashMap<String, String>>,
}

impl World {
    /// The record as `secondaryStorage` keeps it.
    fn get(&self, token: &str) -> Option<String> {
        if let Some(values) = &self.kv {
            return values.get(token).cloned();
        }
        let session = self.session.iter().find(|row| row["token"] == token)?;
        let user = self.user.iter().find(|row| row["id"] == session["userId"]);
        Some(json!({ "session": session, "user": user }).to_string())
    }
}

#[derive(Debug, PartialEq)]
struct Verdict {
    user_id: Option<String>,
    session_token: Option<String>,
    expires_at_ms: Option<i64>,
    reads: usize,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("better-auth.json")).expect("the vectors are JSON")
}

fn sessions(config: &Config) -> Sessions {
    Sessions::new(SessionConfig {
        secret: SecretString::from(config.secret.as_str()),
        secure: config.secure,
        cookie_prefix: config.cookie_prefix.clone(),
        cookie_name: config.cookie_name.clone(),
    })
    .expect("the vectors' secrets are long enough")
}

fn headers(vector: &Vector) -> HeaderMap {
    let header = |(name, value): (&String, &String)| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        (name, HeaderValue::from_str(value).expect("a header value"))
    };
    vector.headers.iter().map(header).collect()
}

fn verdict(vector: &Vector, world: &World) -> Verdict {
    let sessions = sessions(&vector.config);
    let mut reads = 0;
    let judged = sessions.credential(&headers(vector)).and_then(|credential| {
        reads += 1;
        let stored = world.get(credential.token.storage_key());
        let session = sessions.session(&credential, stored.as_deref(), vector.now)?;
        Ok((session, credential.token))
    });
    let good = judged.ok();
    Verdict {
        user_id: good.as_ref().map(|(session, _)| session.user_id.to_string()),
        session_token: good.as_ref().map(|(_, token)| token.storage_key().to_owned()),
        expires_at_ms: good.map(|(session, _)| session.expires_at_ms),
        reads,
    }
}

fn expected(vector: &Vector) -> Verdict {
    Verdict {
        user_id: vector.expected.user_id.clone(),
        session_token: vector.expected.session_token.clone(),
        expires_at_ms: vector.expected.session_expires_at.as_deref().map(unix_ms),
        // With secondaryStorage every good signature is one read, and all signatures of group G are good.
        reads: vector.expected.db_session_reads.unwrap_or(1),
    }
}

fn unix_ms(text: &str) -> i64 {
    let moment = OffsetDateTime::parse(text, &Rfc3339).expect("the vectors' dates are good");
    i64::try_from(moment.unix_timestamp_nanos() / 1_000_000).expect("fits")
}

#[test]
fn every_verdict_and_store_read_is_the_librarys_but_for_the_listed_ones() {
    let Vectors { vectors, worlds } = vectors();
    let mut differing = Vec::new();
    for vector in &vectors {
        let verdict = verdict(vector, &worlds[&vector.world]);
        match DELIBERATE_DIFFERENCES.iter().find(|(id, ..)| *id == vector.id) {
            None => assert_eq!(verdict, expected(vector), "{}", vector.id),
            Some((id, reason, user_id)) => {
                assert_ne!(verdict, expected(vector), "{id} is listed, yet no longer differs");
                assert_eq!(verdict.user_id.as_deref(), *user_id, "{id}: {reason}");
                assert_eq!(verdict.reads, usize::from(user_id.is_some()), "{id}: {reason}");
                differing.push(*id);
            }
        }
    }
    assert_eq!(differing, DELIBERATE_DIFFERENCES.map(|(id, ..)| id), "each listed vector is there");
}

#[test]
fn no_group_of_vectors_is_left_out() {
    let vectors = vectors().vectors;
    for (group, count) in [("A-", 32), ("S-", 1), ("P-", 3), ("F-", 9), ("FR-", 3), ("G-", 3)] {
        let found = vectors.iter().filter(|vector| vector.id.starts_with(group)).count();
        assert_eq!(found, count, "group {group}");
    }
}

#[test]
fn the_refusal_says_what_was_wrong() {
    let Vectors { vectors, worlds } = vectors();
    for (id, error) in [
        ("A-empty-header", SessionError::Missing),
        ("A-name-case", SessionError::Missing),
        ("A-empty-value", SessionError::Unsigned),
        ("A-unsigned", SessionError::Unsigned),
        ("A-token-flip", SessionError::BadSignature),
        ("A-long", SessionError::BadSignature),
        ("A-revoked", SessionError::Unknown),
        ("A-exp-plus-1", SessionError::Expired),
        ("F-raw", SessionError::Unsigned),
        ("F-b64url-sig", SessionError::BadSignature),
        ("F-scheme-other", SessionError::Missing),
        ("G-missing", SessionError::Unknown),
        ("G-garbage", SessionError::Malformed("shape")),
        ("G-expired", SessionError::Expired),
    ] {
        let vector = vectors.iter().find(|vector| vector.id == id).expect("listed above");
        let sessions = sessions(&vector.config);
        let refused = sessions.credential(&headers(vector)).and_then(|credential| {
            let stored = worlds[&vector.world].get(credential.token.storage_key());
            sessions.session(&credential, stored.as_deref(), vector.now)
        });
        assert_eq!(refused, Err(error), "{id}");
    }
}

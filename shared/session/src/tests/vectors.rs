//! The verdicts of the better-auth library itself, one per vector of `better-auth.json`: signed
//! cookies (A), names (S, P), bearer tokens (F; FR with `requireSignature`), `secondaryStorage`
//! (G), the cookie cache (C, CV with another version; J as jwt, ED signed by the jwt plugin, E as
//! jwe) and access tokens (H).

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{Authentication, SessionConfig, SessionError, SessionVerifier};

/// The vectors for which this crate deliberately differs from the library: vector, reason, user of
/// the session that it finds.
const DELIBERATE_DIFFERENCES: [(&str, &str, Option<&str>); 5] = [
    (
        "A-exp-exact",
        "the library extends the session and reports the new end; this crate only reads",
        Some("fF1IODe8GizGbcEpa9QZvgSjqakEZ5mX"),
    ),
    (
        "C-garbage",
        "a cache that is no base64 makes the library answer 500; here it is a miss like any other",
        Some("FwtqeZaY45H349ROeoXjMB2pRLYUCbXx"),
    ),
    (
        "CV-garbage",
        "the same",
        Some("6xtD9R86TLpLiFIkIEhAXvonoxG4xqIv"),
    ),
    (
        "F-raw",
        "a bearer token without signature is refused, before any look-up",
        None,
    ),
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
    /// Absent in group H: its tokens need only public keys.
    secret: Option<String>,
    cookie_prefix: Option<String>,
    cookie_name: Option<String>,
    #[serde(default)]
    secure: bool,
    cookie_cache: Option<Cache>,
    jwks: Option<Value>,
    issuer: Option<String>,
}

#[derive(Deserialize)]
struct Cache {
    strategy: String,
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expected {
    user_id: Option<String>,
    session_token: Option<String>,
    session_expires_at: Option<String>,
    /// Absent in groups G and H: in G the library counts accesses to its database, not reads by
    /// key.
    db_session_reads: Option<usize>,
}

/// The content of the store: rows of a database, or the values of a `secondaryStorage`.
#[derive(Deserialize)]
struct World {
    session: Vec<Value>,
    user: Vec<Value>,
    kv: Option<HashMap<String, String>>,
}

impl World {
    /// Returns the record as `secondaryStorage` stores it.
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

fn verifier(config: &Config) -> SessionVerifier {
    let secret = config
        .secret
        .as_deref()
        .unwrap_or("any secret of at least 32 characters");
    let mut known = SessionConfig::new(SecretString::from(secret), config.secure);
    known.cookie_name.clone_from(&config.cookie_name);
    known.jwks = config.jwks.as_ref().map(Value::to_string);
    known.origin.clone_from(&config.issuer);
    if let Some(prefix) = &config.cookie_prefix {
        known.cookie_prefix.clone_from(prefix);
    }
    if let Some(cache) = &config.cookie_cache {
        known.cookie_cache = cache.strategy.parse().expect("a strategy");
        known.cookie_cache_version.clone_from(&cache.version);
    }
    SessionVerifier::new(known).expect("the vectors' configurations are good")
}

fn headers(vector: &Vector) -> HeaderMap {
    let header = |(name, value): (&String, &String)| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        (name, HeaderValue::from_str(value).expect("a header value"))
    };
    vector.headers.iter().map(header).collect()
}

fn verdict(vector: &Vector, world: &World) -> Verdict {
    let verifier = verifier(&vector.config);
    let headers = headers(vector);
    let mut reads = 0;
    let judged = verifier
        .authenticate(&headers, vector.now)
        .and_then(|found| match found {
            Authentication::Session { session, .. } => Ok(session),
            Authentication::NeedsLookup(credential) => {
                reads += 1;
                let stored = world.get(credential.token.storage_key());
                verifier.verify_stored(&credential, stored.as_deref(), vector.now)
            }
        });
    // An access token has neither session token nor session.
    let credential = verifier
        .credential(&headers)
        .ok()
        .filter(|_| judged.is_ok());
    Verdict {
        user_id: judged
            .as_ref()
            .ok()
            .map(|session| session.user_id.to_string()),
        expires_at_ms: judged
            .ok()
            .filter(|_| credential.is_some())
            .map(|session| session.expires_at_ms),
        session_token: credential.map(|credential| credential.token.storage_key().to_owned()),
        reads,
    }
}

fn expected(vector: &Vector, world: &World) -> Verdict {
    Verdict {
        user_id: vector.expected.user_id.clone(),
        session_token: vector.expected.session_token.clone(),
        expires_at_ms: vector.expected.session_expires_at.as_deref().map(unix_ms),
        // With secondaryStorage every good signature is one read, and all signatures of group G are
        // good.
        reads: vector
            .expected
            .db_session_reads
            .unwrap_or(usize::from(world.kv.is_some())),
    }
}

fn unix_ms(text: &str) -> i64 {
    let moment = OffsetDateTime::parse(text, &Rfc3339).expect("the vectors' dates are good");
    i64::try_from(moment.unix_timestamp_nanos() / 1_000_000).expect("fits")
}

#[test]
fn every_verdict_and_store_read_equals_the_librarys_except_the_listed_ones() {
    let Vectors { vectors, worlds } = vectors();
    let mut differing = Vec::new();
    for vector in &vectors {
        let world = &worlds[&vector.world];
        let (verdict, expected) = (verdict(vector, world), expected(vector, world));
        match DELIBERATE_DIFFERENCES
            .iter()
            .find(|(id, ..)| *id == vector.id)
        {
            None => assert_eq!(verdict, expected, "{}", vector.id),
            Some((id, reason, user_id)) => {
                assert_ne!(verdict, expected, "{id} is listed, yet no longer differs");
                assert_eq!(verdict.user_id.as_deref(), *user_id, "{id}: {reason}");
                assert_eq!(
                    verdict.reads,
                    usize::from(user_id.is_some()),
                    "{id}: {reason}"
                );
                differing.push(*id);
            }
        }
    }
    assert_eq!(
        differing,
        DELIBERATE_DIFFERENCES.map(|(id, ..)| id),
        "each listed vector is there"
    );
}

#[test]
fn every_group_of_vectors_is_tested() {
    let vectors = vectors().vectors;
    let groups = [
        ("A-", 32),
        ("S-", 1),
        ("P-", 3),
        ("F-", 9),
        ("FR-", 3),
        ("G-", 3),
        ("C-", 19),
        ("CV-", 19),
        ("J-", 16),
        ("ED-", 13),
        ("E-", 14),
        ("H-", 8),
    ];
    for (group, count) in groups {
        let found = vectors
            .iter()
            .filter(|vector| vector.id.starts_with(group))
            .count();
        assert_eq!(found, count, "group {group}");
    }
    assert_eq!(
        vectors.len(),
        groups.iter().map(|(_, count)| count).sum::<usize>()
    );
}

#[test]
fn a_cache_counts_only_where_it_is_configured() {
    let Vectors { mut vectors, .. } = vectors();
    let found =
        |vector: &Vector| verifier(&vector.config).authenticate(&headers(vector), vector.now);
    let is_hit = |vector: &Vector| matches!(found(vector), Ok(Authentication::Session { .. }));
    let mut hits = 0;
    for vector in vectors
        .iter_mut()
        .filter(|vector| vector.config.cookie_cache.is_some())
    {
        hits += usize::from(is_hit(vector));
        let configured = vector
            .config
            .cookie_cache
            .take()
            .map(|cache| cache.strategy);
        assert!(!is_hit(vector), "{}: no cache", vector.id);
        for strategy in ["compact", "jwt", "jwe"] {
            let version = "1".to_owned();
            vector.config.cookie_cache = Some(Cache {
                strategy: strategy.to_owned(),
                version,
            });
            let is_other = configured.as_deref() != Some(strategy);
            assert!(
                !is_other || !is_hit(vector),
                "{} read as {strategy}",
                vector.id
            );
        }
    }
    assert_eq!(hits, 29, "each strategy was read where it is configured");
}

#[test]
fn the_error_states_the_problem() {
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
        ("C-no-token", SessionError::Missing),
        ("J-bad-token-sig", SessionError::BadSignature),
        ("CV-revoked-expired", SessionError::Unknown),
        ("H-exp-exact", SessionError::Expired),
        (
            "H-none",
            SessionError::AccessToken("its algorithm is not the key's"),
        ),
        (
            "H-hs256",
            SessionError::AccessToken("its algorithm is not the key's"),
        ),
        (
            "H-other-key",
            SessionError::AccessToken("its signature is wrong"),
        ),
        ("H-two-parts", SessionError::BadSignature),
        ("H-empty", SessionError::Missing),
    ] {
        let vector = vectors
            .iter()
            .find(|vector| vector.id == id)
            .expect("listed above");
        let verifier = verifier(&vector.config);
        let refused = verifier
            .authenticate(&headers(vector), vector.now)
            .and_then(|found| match found {
                Authentication::Session { session, .. } => Ok(session),
                Authentication::NeedsLookup(credential) => {
                    let stored = worlds[&vector.world].get(credential.token.storage_key());
                    verifier.verify_stored(&credential, stored.as_deref(), vector.now)
                }
            });
        assert_eq!(refused, Err(error), "{id}");
    }
}

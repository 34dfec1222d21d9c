//! The cookie cache (`session.cookieCache`): the session itself in a second cookie, so that nobody has to look it up.
//!
//! It counts only beside a session token with a good signature, and only for that token. Whatever is wrong with it is
//! no refusal: it is a miss, and the store decides. A session that was revoked stays good until its cache ends.

mod compact;
mod jwe;
mod jwt;

use serde::Deserialize;

use crate::config::CookieCacheStrategy;
use crate::jwks::Jwks;
use crate::signature::SigningKey;
use crate::stored::{Stored, StoredSession, StoredUser};
use crate::{Session, SessionToken};

/// Far more than a request's headers can hold, so that no decoder sees more.
const MAX_BYTES: usize = 64 * 1024;

/// What better-auth takes for a cache that names no version.
const FIRST_VERSION: &str = "1";

/// Reads the caches of one web app, by the one strategy that it writes them with.
#[derive(Clone)]
pub(crate) struct CookieCache {
    decoder: Decoder,
    version: String,
}

#[derive(Clone)]
enum Decoder {
    Compact(SigningKey),
    Jwt(Box<jwt::Decoder>),
    Jwe(Box<jwe::Decoder>),
}

/// What all strategies seal.
#[derive(Deserialize)]
struct Payload {
    session: StoredSession,
    user: StoredUser,
    version: Option<String>,
}

impl CookieCache {
    /// A reader for `strategy`, `None` if that is none. `issued` are keys and origin of the jwt plugin, if it has any.
    pub(crate) fn new(
        strategy: CookieCacheStrategy,
        secret: &str,
        version: &str,
        issued: Option<(&Jwks, &str)>,
    ) -> Option<Self> {
        let decoder = match strategy {
            CookieCacheStrategy::Off => return None,
            CookieCacheStrategy::Compact => Decoder::Compact(SigningKey::new(secret)),
            CookieCacheStrategy::Jwt => Decoder::Jwt(Box::new(jwt::Decoder::new(secret, issued))),
            CookieCacheStrategy::Jwe => Decoder::Jwe(Box::new(jwe::Decoder::new(secret))),
        };
        Some(Self {
            decoder,
            version: version.to_owned(),
        })
    }

    /// The session in the cookie's value, if it is the one of `token` and good now; `None` is a miss.
    pub(crate) fn session(
        &self,
        value: &str,
        token: &SessionToken,
        now_ms: i64,
    ) -> Option<Session> {
        if value.len() > MAX_BYTES {
            return None;
        }
        let payload = match &self.decoder {
            Decoder::Compact(key) => compact::open(key, value, now_ms)?,
            Decoder::Jwt(decoder) => decoder.open(value, now_ms)?,
            Decoder::Jwe(decoder) => decoder.open(value, now_ms)?,
        };
        let version = payload
            .version
            .as_deref()
            .filter(|version| !version.is_empty());
        if version.unwrap_or(FIRST_VERSION) != self.version {
            return None;
        }
        Stored {
            session: payload.session,
            user: Some(payload.user),
        }
        .judged(token, now_ms)
        .ok()
    }
}

//! The cookie cache (`session.cookieCache`): the session itself in a second cookie, which makes the
//! lookup unnecessary.
//!
//! It counts only together with a session token with a good signature, and only for that token. An
//! invalid cache is not an error: it is a miss, and the store decides. A revoked session stays
//! valid until its cache expires.

mod compact;
mod jwe;
mod jwt;
mod payload;

use self::payload::MAX_CACHE_BYTES;
use crate::config::CookieCacheStrategy;
use crate::jwks::Jwks;
use crate::signature::SigningKey;
use crate::stored::Stored;
use crate::{Session, SessionToken};

/// The version that better-auth assumes for a cache without a version.
const DEFAULT_VERSION: &str = "1";

/// Creates a reader for `strategy`, or `None` if the cache is off. `issued` are the keys and the
/// origin of the jwt plugin, if it is configured.
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

impl CookieCache {
    /// Returns a reader for `strategy`, `None` if that is none. `issued` are keys and origin of the
    /// jwt plugin, if it has any.
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

    /// Returns the session in the value of the cookie, if it is the one of `token` and valid now;
    /// `None` is a miss.
    pub(crate) fn session(
        &self,
        value: &str,
        token: &SessionToken,
        now_ms: i64,
    ) -> Option<Session> {
        if value.len() > MAX_CACHE_BYTES {
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
        if version.unwrap_or(DEFAULT_VERSION) != self.version {
            return None;
        }
        Stored {
            session: payload.session,
            user: Some(payload.user),
        }
        .into_session(token, now_ms)
        .ok()
    }
}

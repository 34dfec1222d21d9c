//! The access token of better-auth's jwt plugin: what `GET /api/auth/token` answers, sent as a bearer token.
//!
//! It is good by itself until it ends, 15 minutes unless changed. Signing out does not end it.

use message::UserId;
use serde::Deserialize;

use crate::claims::Times;
use crate::jwks::Jwks;
use crate::jws::{self, Jws};
use crate::{Session, SessionError};

/// The token carries the whole user. No server takes headers of this size.
const MAX_BYTES: usize = 16 * 1024;

/// Verifies the access tokens of one web app.
#[derive(Debug, Clone)]
pub(crate) struct AccessTokens {
    /// The plugin's public keys.
    pub(crate) keys: Jwks,
    /// Issuer and audience in one: the origin of the web app.
    pub(crate) origin: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    sub: String,
    iat: Option<i64>,
}

/// RFC 7519 section 4.1.3: one or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Whether a bearer token is meant as an access token: a signed session token never has this form, since its
/// signature ends in `=`.
pub(crate) fn is_one(bearer: &str) -> bool {
    let is_base64url = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    bearer.bytes().filter(|&byte| byte == b'.').count() == 2 && bearer.split('.').all(is_base64url)
}

impl AccessTokens {
    /// The session that the token stands for.
    pub(crate) fn session(&self, token: &str, now_ms: i64) -> Result<Session, SessionError> {
        let claims = self.claims(token).map_err(SessionError::AccessToken)?;
        let times: Times =
            jws::object(&claims).ok_or(SessionError::AccessToken("it has no good exp or nbf"))?;
        if !times.hold(now_ms) {
            return Err(SessionError::Expired);
        }
        self.judged(&claims, times)
            .map_err(SessionError::AccessToken)
    }

    fn claims(&self, token: &str) -> Result<Vec<u8>, &'static str> {
        let jws = Jws::parse(token, MAX_BYTES)?;
        // better-auth gives its access tokens no type, and to the other tokens of the same keys one of their own.
        if jws
            .header
            .typ
            .as_deref()
            .is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT"))
        {
            return Err("it is a token of another type");
        }
        self.keys.verified(jws)
    }

    fn judged(&self, claims: &[u8], times: Times) -> Result<Session, &'static str> {
        let claims: Claims = jws::object(claims).ok_or("it lacks iss, aud or sub")?;
        if claims.iss != self.origin {
            return Err("it is of another issuer");
        }
        let is_for_us = match &claims.aud {
            Audience::One(audience) => *audience == self.origin,
            Audience::Several(audiences) => audiences.contains(&self.origin),
        };
        if !is_for_us {
            return Err("it is for another audience");
        }
        Ok(Session {
            user_id: UserId::parse(&claims.sub).map_err(|_| "its sub is not the id of a user")?,
            // A token that does not tell its age is as old as can be when it comes to revocation.
            created_at_ms: claims.iat.unwrap_or(0).saturating_mul(1000),
            expires_at_ms: times.last_ms(),
        })
    }
}

//! The access token of better-auth's jwt plugin: the response of `GET /api/auth/token`, sent as a
//! bearer token.
//!
//! It is valid by itself until it expires, after 15 minutes unless configured otherwise. Signing
//! out does not revoke it.

use message::UserId;
use serde::Deserialize;

use crate::claims::Validity;
use crate::jwks::Jwks;
use crate::jws::{self, Jws};
use crate::{Session, SessionError};

/// The maximum size of a token, which carries the complete user. No server takes headers of this
/// size.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A verifier for the access tokens of one web app.
#[derive(Debug, Clone)]
pub(crate) struct AccessTokens {
    /// The public keys of the plugin.
    pub(crate) keys: Jwks,
    /// The issuer and the audience: the origin of the web app.
    pub(crate) origin: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    sub: String,
    iat: Option<i64>,
}

/// One or several audiences (RFC 7519 section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Returns true if a bearer token has the form of an access token. A signed session token never has
/// it, since its signature ends in `=`.
pub(crate) fn has_token_form(bearer: &str) -> bool {
    let is_base64url = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    bearer.bytes().filter(|&byte| byte == b'.').count() == 2 && bearer.split('.').all(is_base64url)
}

impl AccessTokens {
    /// Returns the session of the access token.
    pub(crate) fn session(&self, token: &str, now_ms: i64) -> Result<Session, SessionError> {
        let claims = self.verify(token).map_err(SessionError::AccessToken)?;
        let validity: Validity = jws::parse_object(&claims)
            .ok_or(SessionError::AccessToken("it has no good exp or nbf"))?;
        if !validity.is_valid_at(now_ms) {
            return Err(SessionError::Expired);
        }
        self.to_session(&claims, validity)
            .map_err(SessionError::AccessToken)
    }

    fn verify(&self, token: &str) -> Result<Vec<u8>, &'static str> {
        let jws = Jws::parse(token, MAX_TOKEN_BYTES)?;
        // better-auth gives its access tokens no type, and a type of its own to each other kind of
        // token signed with these keys.
        if jws
            .header
            .typ
            .as_deref()
            .is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT"))
        {
            return Err("it is a token of another type");
        }
        self.keys.verify(jws)
    }

    fn to_session(&self, claims: &[u8], validity: Validity) -> Result<Session, &'static str> {
        let claims: Claims = jws::parse_object(claims).ok_or("it lacks iss, aud or sub")?;
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
            // A token without an issue time counts as infinitely old for revocation.
            created_at_ms: claims.iat.unwrap_or(0).saturating_mul(1000),
            expires_at_ms: validity.last_ms(),
        })
    }
}

//! A user who is signed in from the start, as better-auth would have it: the session item of its
//! `secondaryStorage`, the signed cookie and the signed bearer.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::Sha256;

use super::engine::Engine;

/// The id of the demo user, the same in every run, so that conversations stay.
pub(crate) const USER_ID: &str = "demo-user";

const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The demo user's session.
pub(crate) struct DemoUser {
    secret: String,
    signed: String,
}

impl DemoUser {
    /// Writes a session with this token into the table, good for a week from now, and signs the
    /// token.
    ///
    /// # Errors
    /// The item cannot be put.
    pub(crate) fn sign_in(secret: &str, token: &str, engine: &Engine) -> Result<Self> {
        engine
            .put(&session_item(token, SystemTime::now())?)
            .context("the demo user cannot be signed in")?;
        Ok(Self {
            secret: secret.to_owned(),
            signed: sign(token, secret),
        })
    }

    /// The value of `BETTER_AUTH_SECRET`.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// The credential after `Bearer ` in an `authorization` header.
    pub(crate) fn bearer(&self) -> &str {
        &self.signed
    }

    /// Name and value of the session cookie.
    pub(crate) fn cookie(&self) -> String {
        format!(
            "better-auth.session_token={}",
            utf8_percent_encode(&self.signed, NON_ALPHANUMERIC)
        )
    }
}

/// The token with its HMAC, as better-auth signs cookies and bearers.
fn sign(token: &str, secret: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(token.as_bytes());
    format!("{token}.{}", STANDARD.encode(mac.finalize().into_bytes()))
}

fn session_item(token: &str, now: SystemTime) -> Result<Value> {
    let created = humantime::format_rfc3339_millis(now).to_string();
    let expires = now + LIFETIME;
    let value = json!({
        "session": {
            "id": "demo-session", "token": token, "userId": USER_ID, "ipAddress": "127.0.0.1", "userAgent": "cargo xtask dev",
            "expiresAt": humantime::format_rfc3339_millis(expires).to_string(), "createdAt": created, "updatedAt": created,
        },
        "user": {
            "id": USER_ID, "name": "Demo User", "email": "demo@example.com", "emailVerified": true,
            "createdAt": created, "updatedAt": created,
        },
    });
    let seconds = expires
        .duration_since(SystemTime::UNIX_EPOCH)
        .context("the clock is before 1970")?
        .as_secs();
    Ok(json!({
        "pk": { "S": format!("BA#{token}") }, "sk": { "S": "-" },
        "v": { "S": value.to_string() }, "ttl": { "N": seconds.to_string() },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_of_better_auth() {
        let secret = "vector-secret-A-9f3Kq2LmZx7Tt1Vb8Nn4Rr6Yy0Pp5Ww";
        let signed = sign("4UPJf614yrBeC0ERdK6FlIhdRkbZooTM", secret);
        assert_eq!(
            signed,
            "4UPJf614yrBeC0ERdK6FlIhdRkbZooTM.q1xAW4VgQ/ps3wPyEMnS3eqL4ZApHoDm+Kts5uuIbMU="
        );

        let user = DemoUser {
            secret: secret.to_owned(),
            signed,
        };
        let cookie = user.cookie();
        let value = cookie.strip_prefix("better-auth.session_token=").unwrap();
        let decoded = percent_encoding::percent_decode_str(value)
            .decode_utf8()
            .unwrap();
        assert_eq!(
            decoded,
            user.bearer(),
            "the cookie is the bearer, percent-encoded"
        );
        assert!(!value.contains(['+', '/', '=']), "{value}");
    }

    #[test]
    fn the_session_lasts_a_week() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_773_144_000_000);
        let item = session_item("token", now).unwrap();
        let value: Value = serde_json::from_str(item["v"]["S"].as_str().unwrap()).unwrap();
        assert_eq!(value["session"]["expiresAt"], "2026-03-17T12:00:00.000Z");
        assert_eq!(value["session"]["userId"], value["user"]["id"]);
        assert_eq!(item["pk"]["S"], "BA#token");
        assert_eq!(item["ttl"]["N"], (1_773_144_000 + 7 * 86_400).to_string());
    }
}

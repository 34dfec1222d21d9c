//! A user who is signed in from the start, as better-auth would have it: the session item of its
//! `secondaryStorage`, the signed cookie and the signed bearer.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testing::session::{self, SessionRecord};

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
            signed: session::sign(token, secret),
        })
    }

    /// Returns the value of `BETTER_AUTH_SECRET`.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// Returns the credential after `Bearer ` in an `authorization` header.
    pub(crate) fn bearer(&self) -> &str {
        &self.signed
    }

    /// Returns name and value of the session cookie.
    pub(crate) fn cookie(&self) -> String {
        session::cookie(&self.signed)
    }
}

fn session_item(token: &str, now: SystemTime) -> Result<Value> {
    let expires = now + LIFETIME;
    let record = SessionRecord {
        id: "demo-session",
        token,
        user_id: USER_ID,
        name: "Demo User",
        email: "demo@example.com",
        user_agent: "cargo xtask dev",
    };
    let seconds = expires
        .duration_since(SystemTime::UNIX_EPOCH)
        .context("the clock is before 1970")?
        .as_secs();
    Ok(json!({
        "pk": { "S": format!("BA#{token}") }, "sk": { "S": "-" },
        "v": { "S": record.value(now, expires) }, "ttl": { "N": seconds.to_string() },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_cookie_is_the_bearer_percent_encoded() {
        let secret = "vector-secret-A-9f3Kq2LmZx7Tt1Vb8Nn4Rr6Yy0Pp5Ww";
        let engine = Engine::in_memory().await;
        let token = "4UPJf614yrBeC0ERdK6FlIhdRkbZooTM";
        let user = DemoUser::sign_in(secret, token, &engine).unwrap();
        assert_eq!(user.bearer(), session::sign(token, secret));
        assert_eq!(user.cookie(), session::cookie(user.bearer()));
        assert_eq!(engine.items().unwrap()[0]["pk"], format!("BA#{token}"));
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

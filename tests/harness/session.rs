//! better-auth's side of a session: signs the cookie and the bearer token, and builds the row of
//! its `secondaryStorage`.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use sha2::Sha256;

/// The value for `BETTER_AUTH_SECRET`. Also a canary: it must appear in no log.
pub const SECRET: &str = "canary-better-auth-secret-5f0f7c9a12d84e";

/// The one origin that may send cookies.
pub const ORIGIN: &str = "http://app.example.com";

/// A session lifetime that outlasts any test.
pub const ONE_DAY: Duration = Duration::from_secs(86_400);

/// A user with a session, valid or forged.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The user's id.
    pub user: String,
    /// The session's token, unsigned.
    pub token: String,
    secret: &'static str,
}

impl SignedIn {
    /// Returns a session of `user`, signed with the function's secret. The row is not stored yet.
    pub fn new(user: &str) -> Self {
        Self {
            user: user.to_owned(),
            token: token(user),
            secret: SECRET,
        }
    }

    /// Returns a session of `user`, signed with another secret.
    pub fn forged(user: &str) -> Self {
        Self {
            secret: "another-secret-of-more-than-32-characters",
            ..Self::new(user)
        }
    }

    /// Returns the key of the row in `secondaryStorage`.
    pub fn key(&self) -> &str {
        &self.token
    }

    /// Returns the value of the row, for a session that ends at `end`.
    pub fn value(&self, end: SystemTime) -> String {
        let (now, end) = (iso(SystemTime::now()), iso(end));
        json!({
            "session": {"id": format!("s-{}", self.token), "token": self.token, "userId": self.user, "expiresAt": end,
                        "createdAt": now, "updatedAt": now, "ipAddress": "127.0.0.1", "userAgent": "acceptance"},
            "user": {"id": self.user, "name": "Zo\u{eb}", "email": "zoe@example.com", "emailVerified": true,
                     "image": null, "createdAt": now, "updatedAt": now},
        })
        .to_string()
    }

    /// Returns the value for a `Cookie` header.
    pub fn cookie(&self) -> String {
        format!(
            "better-auth.session_token={}",
            utf8_percent_encode(&self.signed(), NON_ALPHANUMERIC)
        )
    }

    /// Returns the value for an `Authorization` header.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.signed())
    }

    fn signed(&self) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes())
            .expect("HMAC takes a key of any length");
        mac.update(self.token.as_bytes());
        format!(
            "{}.{}",
            self.token,
            STANDARD.encode(mac.finalize().into_bytes())
        )
    }
}

/// Returns a token of 32 characters, as better-auth makes them, but always the same for the same
/// user.
fn token(user: &str) -> String {
    let letters: String = user.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{letters:Q<32}").chars().take(32).collect()
}

/// Returns the milliseconds since the Unix epoch.
pub fn epoch_ms(time: SystemTime) -> u64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("this clock is past 1970");
    u64::try_from(since.as_millis()).expect("a time in this century")
}

/// Formats a time as `YYYY-MM-DDTHH:MM:SS.mmmZ`, with Howard Hinnant's `civil_from_days`.
fn iso(time: SystemTime) -> String {
    let ms = epoch_ms(time);
    let (seconds, ms) = (ms / 1000, ms % 1000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_javascript_writes_them() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_773_144_000_000, "2026-03-10T12:00:00.000Z"),
            (1_798_761_599_999, "2026-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(
                iso(SystemTime::UNIX_EPOCH + Duration::from_millis(ms)),
                text
            );
        }
    }

    #[test]
    fn the_signature_is_better_auths_own() {
        // Produced by the library itself.
        let signed = SignedIn {
            user: String::new(),
            token: "Ye0hXh5tfqTiX1mlszSwgoX8kN8bXAcN".to_owned(),
            secret: "vector-secret-A-9f3Kq2LmZx7Tt1Vb8Nn4Rr6Yy0Pp5Ww",
        };
        assert!(
            signed
                .signed()
                .ends_with(".PDTe/5/SI7D56/ajIQiuz7jlOo4jLRJ1NvLza6v7mhE=")
        );
    }

    #[test]
    fn tokens_differ_between_users() {
        assert_ne!(token("alice"), token("bob"));
        assert_eq!(
            token("a-very-long-user-id-with-more-than-32-letters").len(),
            32
        );
    }
}

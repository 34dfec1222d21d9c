//! better-auth's side of a session: signs its token, and makes the record that better-auth keeps in
//! its `secondaryStorage`.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use sha2::Sha256;

/// A session and its user.
#[derive(Debug)]
pub struct SessionRecord<'a> {
    /// The session's id.
    pub id: &'a str,
    /// The session's token, unsigned.
    pub token: &'a str,
    /// The user's id.
    pub user_id: &'a str,
    /// The user's name.
    pub name: &'a str,
    /// The user's email address.
    pub email: &'a str,
    /// The browser that signed in.
    pub user_agent: &'a str,
}

impl SessionRecord<'_> {
    /// Returns the value of the record, for a session that begins at `start` and ends at `end`.
    pub fn value(&self, start: SystemTime, end: SystemTime) -> String {
        let (start, end) = (iso(start), iso(end));
        json!({
            "session": {"id": self.id, "token": self.token, "userId": self.user_id, "expiresAt": end,
                        "createdAt": start, "updatedAt": start, "ipAddress": "127.0.0.1",
                        "userAgent": self.user_agent},
            "user": {"id": self.user_id, "name": self.name, "email": self.email, "emailVerified": true,
                     "image": null, "createdAt": start, "updatedAt": start},
        })
        .to_string()
    }
}

/// Returns the token with its HMAC, as better-auth signs cookies and bearers.
pub fn sign(token: &str, secret: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(token.as_bytes());
    format!("{token}.{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Returns name and value of the session cookie with a signed token.
pub fn cookie(signed: &str) -> String {
    format!(
        "better-auth.session_token={}",
        utf8_percent_encode(signed, NON_ALPHANUMERIC)
    )
}

/// Formats a time as JavaScript does, `YYYY-MM-DDTHH:MM:SS.mmmZ`.
fn iso(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
        let secret = "vector-secret-A-9f3Kq2LmZx7Tt1Vb8Nn4Rr6Yy0Pp5Ww";
        for (token, signature) in [
            (
                "Ye0hXh5tfqTiX1mlszSwgoX8kN8bXAcN",
                "PDTe/5/SI7D56/ajIQiuz7jlOo4jLRJ1NvLza6v7mhE=",
            ),
            (
                "4UPJf614yrBeC0ERdK6FlIhdRkbZooTM",
                "q1xAW4VgQ/ps3wPyEMnS3eqL4ZApHoDm+Kts5uuIbMU=",
            ),
        ] {
            assert_eq!(sign(token, secret), format!("{token}.{signature}"));
        }
    }

    #[test]
    fn the_cookie_is_the_signed_token_percent_encoded() {
        let signed = "t.q1xAW4VgQ/ps3wPyEMnS3eqL4ZApHoDm+Kts5uuIbMU=";
        let cookie = cookie(signed);
        let value = cookie.strip_prefix("better-auth.session_token=").unwrap();
        let decoded = percent_encoding::percent_decode_str(value)
            .decode_utf8()
            .unwrap();
        assert_eq!(decoded, signed);
        assert!(!value.contains(['+', '/', '=']), "{value}");
    }
}

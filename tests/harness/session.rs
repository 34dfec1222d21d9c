//! Users with a session, valid or forged. Their tokens are always the same, so that a seed can be
//! repeated.

use std::time::{Duration, SystemTime};

use testing::session::{self, SessionRecord};

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
        let record = SessionRecord {
            id: &format!("s-{}", self.token),
            token: &self.token,
            user_id: &self.user,
            name: "Zo\u{eb}",
            email: "zoe@example.com",
            user_agent: "acceptance",
        };
        record.value(SystemTime::now(), end)
    }

    /// Returns the value for a `Cookie` header.
    pub fn cookie(&self) -> String {
        session::cookie(&self.signed())
    }

    /// Returns the value for an `Authorization` header.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.signed())
    }

    fn signed(&self) -> String {
        session::sign(&self.token, self.secret)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_between_users() {
        assert_ne!(token("alice"), token("bob"));
        assert_eq!(
            token("a-very-long-user-id-with-more-than-32-letters").len(),
            32
        );
    }
}

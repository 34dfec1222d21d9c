//! The record that better-auth's `secondaryStorage` holds for a session:
//! `{"session":{…},"user":{…}}`.

use message::UserId;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{SessionError, SessionToken};

/// A session that is valid now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The user of the session.
    pub user_id: UserId,
    /// The time of the sign-in, in milliseconds since 1970; of an access token, its issue time.
    pub created_at_ms: i64,
    /// The last millisecond at which the session is valid, since 1970.
    pub expires_at_ms: i64,
}

/// Returns the key under which better-auth stores the time before which all sessions of a user are
/// revoked, in its `secondaryStorage`, without the store's own prefix.
pub fn revocation_key(user_id: &UserId) -> String {
    format!("revoked-sessions-before-{user_id}")
}

impl Session {
    /// Returns the session unless it began before `revoked_before`, the text stored under
    /// [`revocation_key`].
    ///
    /// Needed only against the race of "revoke all" with a sign-in, as better-auth deletes the
    /// records too. A text that is not a number is an error: a malformed revocation must not open
    /// sessions.
    pub fn check_revocation(self, revoked_before: Option<&str>) -> Result<Self, SessionError> {
        let Some(text) = revoked_before else {
            return Ok(self);
        };
        let revoked_before_ms: i64 = text
            .trim()
            .parse()
            .map_err(|_| SessionError::Malformed("revocation time"))?;
        if self.created_at_ms < revoked_before_ms {
            Err(SessionError::Revoked)
        } else {
            Ok(self)
        }
    }

    /// Parses the record found under the token's key; `None` means that none was found.
    pub(crate) fn parse(
        token: &SessionToken,
        stored: Option<&str>,
        now_ms: i64,
    ) -> Result<Self, SessionError> {
        let stored: Stored = serde_json::from_str(stored.ok_or(SessionError::Unknown)?)
            // The cause is omitted: it may quote the record.
            .map_err(|_| SessionError::Malformed("shape"))?;
        stored.into_session(token, now_ms)
    }
}

/// A session and its user as better-auth writes them, in the store and in the cookie cache.
#[derive(Deserialize)]
pub(crate) struct Stored {
    pub(crate) session: StoredSession,
    pub(crate) user: Option<StoredUser>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredSession {
    pub(crate) token: String,
    user_id: String,
    created_at: String,
    expires_at: String,
}

#[derive(Deserialize)]
pub(crate) struct StoredUser {
    pub(crate) id: String,
}

impl Stored {
    /// Returns the session, if it is the one of `token`, its user exists, and it is valid now.
    pub(crate) fn into_session(
        self,
        token: &SessionToken,
        now_ms: i64,
    ) -> Result<Session, SessionError> {
        if !token.equals(&self.session.token) {
            return Err(SessionError::Malformed("session.token"));
        }
        let session = self.session.parse()?;
        let user = self.user.ok_or(SessionError::NoUser)?;
        if user.id != session.user_id.as_str() {
            return Err(SessionError::Malformed("user.id"));
        }
        if session.expires_at_ms < now_ms {
            Err(SessionError::Expired)
        } else {
            Ok(session)
        }
    }
}

impl StoredSession {
    fn parse(&self) -> Result<Session, SessionError> {
        Ok(Session {
            user_id: UserId::parse(&self.user_id)
                .map_err(|_| SessionError::Malformed("session.userId"))?,
            created_at_ms: unix_ms(&self.created_at)
                .ok_or(SessionError::Malformed("session.createdAt"))?,
            expires_at_ms: unix_ms(&self.expires_at)
                .ok_or(SessionError::Malformed("session.expiresAt"))?,
        })
    }
}

/// Parses an RFC 3339 date and time, `2026-03-17T12:00:00.000Z` as JavaScript writes it.
fn unix_ms(text: &str) -> Option<i64> {
    // The library accepts any character between date and time.
    if text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(moment.unix_timestamp() * 1000 + i64::from(moment.millisecond()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXPIRES_AT_MS: i64 = 1_773_748_800_000;
    const CREATED_AT_MS: i64 = 1_773_144_000_000;
    const RECORD: &str = r#"{"session":{"id":"s1","token":"t1","userId":"u1","expiresAt":"2026-03-17T12:00:00.000Z",
        "createdAt":"2026-03-10T12:00:00.000Z"},"user":{"id":"u1","name":"Ann"}}"#;

    fn read(stored: &str, now_ms: i64) -> Result<Session, SessionError> {
        Session::parse(&SessionToken::new("t1"), Some(stored), now_ms)
    }

    fn session() -> Session {
        read(RECORD, CREATED_AT_MS).expect("a good record")
    }

    #[test]
    fn a_session_is_valid_up_to_the_millisecond_of_its_expiry() {
        let expected = Session {
            user_id: UserId::parse("u1").expect("an id"),
            created_at_ms: CREATED_AT_MS,
            expires_at_ms: EXPIRES_AT_MS,
        };
        assert_eq!(read(RECORD, EXPIRES_AT_MS), Ok(expected));
        assert_eq!(read(RECORD, EXPIRES_AT_MS + 1), Err(SessionError::Expired));
    }

    #[test]
    fn a_record_that_is_not_this_tokens_session_with_its_user_is_refused() {
        for (name, from, to, error) in [
            ("no user", r#""user":"#, r#""other":"#, SessionError::NoUser),
            (
                "user is null",
                r#"{"id":"u1","name":"Ann"}"#,
                "null",
                SessionError::NoUser,
            ),
            (
                "another user",
                r#"{"id":"u1""#,
                r#"{"id":"u2""#,
                SessionError::Malformed("user.id"),
            ),
            (
                "another token",
                r#""t1""#,
                r#""t2""#,
                SessionError::Malformed("session.token"),
            ),
            (
                "user id that forges a key",
                r#""userId":"u1""#,
                r##""userId":"u#1""##,
                SessionError::Malformed("session.userId"),
            ),
            (
                "no session",
                r#""session":"#,
                r#""other":"#,
                SessionError::Malformed("shape"),
            ),
            (
                "no token",
                r#""token":"#,
                r#""other":"#,
                SessionError::Malformed("shape"),
            ),
            (
                "expiry as a number",
                r#""2026-03-17T12:00:00.000Z""#,
                "1773748800000",
                SessionError::Malformed("shape"),
            ),
            (
                "bad expiry",
                "2026-03-17T",
                "2026-02-30T",
                SessionError::Malformed("session.expiresAt"),
            ),
            (
                "bad creation",
                "2026-03-10T",
                "yesterday",
                SessionError::Malformed("session.createdAt"),
            ),
            (
                "cut",
                r#""Ann"}}"#,
                r#""Ann"}"#,
                SessionError::Malformed("shape"),
            ),
        ] {
            let changed = RECORD.replacen(from, to, 1);
            assert_ne!(changed, RECORD, "{name}: nothing was changed");
            assert_eq!(read(&changed, CREATED_AT_MS), Err(error), "{name}");
        }
        assert_eq!(
            Session::parse(&SessionToken::new("t1"), None, 0),
            Err(SessionError::Unknown)
        );
        for (name, text) in [
            ("empty", ""),
            ("not JSON", "{"),
            ("null", "null"),
            ("list", "[]"),
            ("text", r#""t1""#),
        ] {
            assert_eq!(
                read(text, 0),
                Err(SessionError::Malformed("shape")),
                "{name}"
            );
        }
    }

    #[test]
    fn only_sessions_from_before_the_revocation_are_revoked() {
        for (name, revoked_before, expected) in [
            ("never revoked", None, Ok(session())),
            (
                "revoked before it began",
                Some("1773143999999"),
                Ok(session()),
            ),
            (
                "revoked in the millisecond it began",
                Some("1773144000000"),
                Ok(session()),
            ),
            (
                "revoked after it began",
                Some("1773144000001"),
                Err(SessionError::Revoked),
            ),
            (
                "no number",
                Some("soon"),
                Err(SessionError::Malformed("revocation time")),
            ),
            (
                "empty",
                Some(""),
                Err(SessionError::Malformed("revocation time")),
            ),
        ] {
            assert_eq!(
                session().check_revocation(revoked_before),
                expected,
                "{name}"
            );
        }
        assert_eq!(
            revocation_key(&session().user_id),
            "revoked-sessions-before-u1"
        );
    }

    #[test]
    fn dates_are_parsed_to_the_millisecond_or_refused() {
        for (text, expected) in [
            ("1970-01-01T00:00:00.001Z", Some(1)),
            ("1969-12-31T23:59:59.999Z", Some(-1)),
            ("2026-03-17T12:00:00.000Z", Some(EXPIRES_AT_MS)),
            ("2026-03-17T13:00:00+01:00", Some(EXPIRES_AT_MS)),
            ("2026-03-17T12:00:00.000", None),
            ("2026-03-17 12:00:00.000Z", None),
            ("2026-03-17T24:00:00.000Z", None),
            ("2026-02-30T12:00:00.000Z", None),
            ("2026-03-17", None),
            ("1773748800000", None),
            ("2026-03-17T12:00:00.000Z ", None),
            ("", None),
        ] {
            assert_eq!(unix_ms(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_records_do_not_panic(text in any::<String>(), at in 0..RECORD.len(), byte in 0_u8..128) {
            let mut bytes = RECORD.as_bytes().to_vec();
            bytes[at] = byte;
            let changed = String::from_utf8(bytes).expect("ASCII stays ASCII");
            let _ = read(&text, 0);
            let _ = read(&changed, 0);
            let _ = session().check_revocation(Some(&text));
            let _ = unix_ms(&text);
        }
    }
}

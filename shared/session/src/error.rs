//! The reasons why a request has no session. No error holds a part of a token, cookie or record, so
//! it may be logged.

/// The reason why a request has no session; for the client all of them are one 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The client is signed out: it sent neither a cookie nor a token.
    #[error("no session cookie and no bearer token")]
    Missing,
    /// A header does not have the form that a browser sends; the text states the problem.
    #[error("unreadable credentials: {0}")]
    Unreadable(&'static str),
    /// The token has no signature, as from a bearer client that sends the bare session token.
    #[error("session token is not signed")]
    Unsigned,
    /// The token is forged, or signed with a secret other than the configured one.
    #[error("signature of the session token is wrong")]
    BadSignature,
    /// The store has no such session: the user signed out, or it was removed after its expiry.
    #[error("no such session")]
    Unknown,
    /// The session has expired.
    #[error("session has expired")]
    Expired,
    /// The sessions of the user that began before a certain time were revoked, including this one.
    #[error("session was revoked")]
    Revoked,
    /// The session exists, its user does not.
    #[error("user of the session no longer exists")]
    NoUser,
    /// The access token of the jwt plugin is not valid here; the text states the reason.
    #[error("access token is refused: {0}")]
    AccessToken(&'static str),
    /// The store holds a record that better-auth does not write; the text names the field.
    #[error("stored session has a bad {0}")]
    Malformed(&'static str),
}

//! Why a request has no session. Holds no part of a token, cookie or record, so it may be logged.

/// Why a request has no session; for the client all of them are one 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The client is signed out: it sent neither.
    #[error("no session cookie and no bearer token")]
    Missing,
    /// A header is not what a browser sends; the text says in which way.
    #[error("unreadable credentials: {0}")]
    Unreadable(&'static str),
    /// The token came without a signature, as a bearer client does that sends the bare session token.
    #[error("session token is not signed")]
    Unsigned,
    /// The token is forged, or signed with another secret than ours.
    #[error("signature of the session token is wrong")]
    BadSignature,
    /// The store has no such session: signed out, or removed after its end.
    #[error("no such session")]
    Unknown,
    /// The session has run out.
    #[error("session has expired")]
    Expired,
    /// All sessions of the user that began before a moment were revoked, this one among them.
    #[error("session was revoked")]
    Revoked,
    /// The session is there, its user is not.
    #[error("user of the session no longer exists")]
    NoUser,
    /// The access token of the jwt plugin is not one of ours; the text says what it is instead.
    #[error("access token is refused: {0}")]
    AccessToken(&'static str),
    /// The store holds something that better-auth does not write; the text names the field.
    #[error("stored session has a bad {0}")]
    Malformed(&'static str),
}

//! Who is asking: better-auth's sessions, verified without better-auth.
//!
//! A request is judged in three steps, and only the caller does I/O between them:
//! 1. [`Sessions::credential`] checks the signature of the session cookie or bearer token;
//! 2. the caller reads the record under [`SessionToken::storage_key`] and gives it to [`Sessions::session`];
//! 3. where revocation must be strict, it reads [`revocation_key`] too and asks [`Session::unless_revoked`].
//!
//! Knows better-auth's cookie names, signature, and `secondaryStorage` records. Knows no database, no clock and
//! no HTTP status: the time comes in as an argument, and every [`SessionError`] is a 401 at the edge. It never
//! extends a session; the web app's own `get-session` does.
//!
//! Each format has a file of its own; a further one (a cookie cache, a JWT) becomes a further module that
//! [`Sessions`] asks.

mod bearer;
mod config;
mod cookie;
mod error;
mod sessions;
mod signature;
mod stored;
mod token;

#[cfg(test)]
mod tests;

pub use config::{SessionConfig, SessionConfigError};
pub use error::SessionError;
pub use sessions::{Credential, CredentialSource, Sessions};
pub use stored::{Session, revocation_key};
pub use token::SessionToken;

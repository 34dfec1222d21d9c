//! better-auth's sessions, verified without better-auth.
//!
//! A request is authenticated in three steps, and only the caller does I/O between them:
//!
//! 1. [`SessionVerifier::authenticate`] verifies the credentials in the headers. An access token,
//!    or a session cookie with its cache, is complete by itself; then the second step is skipped.
//! 2. The caller reads the record under [`SessionToken::storage_key`] and passes it to
//!    [`SessionVerifier::verify_stored`].
//! 3. Where revocation must be strict, the caller reads [`revocation_key`] too and calls
//!    [`Session::check_revocation`].
//!
//! Knows better-auth's cookie names, its signatures, the three strategies of its cookie cache, the
//! tokens of its jwt plugin, and its `secondaryStorage` records. Knows no database, no clock and no
//! HTTP status: the time is passed as an argument, and every [`SessionError`] is a 401 at the edge.
//! Never extends a session; the web app's own `get-session` does.
//!
//! Each format has its own file.

mod access_token;
mod bearer;
mod cache;
mod claims;
mod config;
mod cookie;
mod error;
mod jwks;
mod jws;
mod signature;
mod stored;
mod token;
mod verifier;

#[cfg(test)]
mod tests;

pub use config::{CookieCacheStrategy, SessionConfig, SessionConfigError, UnknownStrategy};
pub use error::SessionError;
pub use jwks::{JwkProblem, JwksError};
pub use stored::{Session, revocation_key};
pub use token::SessionToken;
pub use verifier::{Authentication, Credential, CredentialSource, SessionVerifier};

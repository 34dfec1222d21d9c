//! The one question a request is asked: whose session is it?

use std::fmt;

use http::HeaderMap;
use secrecy::ExposeSecret;

use crate::signature::SigningKey;
use crate::{Session, SessionConfig, SessionConfigError, SessionError, SessionToken, bearer, cookie};

/// The sessions of one better-auth application: its secret and its cookie name.
#[derive(Clone)]
pub struct Sessions {
    key: SigningKey,
    cookie_name: String,
}

/// A session token with a good signature. Nothing is known yet of the session: it may be over.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The token, by whose [`SessionToken::storage_key`] the session is looked up.
    pub token: SessionToken,
    /// Where it came from.
    pub source: CredentialSource,
}

/// Where a request carried its session token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialSource {
    /// In a cookie, which a browser also adds to requests that another site makes it send: the caller checks
    /// the origin.
    Cookie,
    /// In the `Authorization` header, which no other site can make a browser send.
    Bearer,
}

impl Sessions {
    /// Refuses a configuration with which sessions could be forged or never be found.
    #[expect(clippy::needless_pass_by_value, reason = "the secret is wiped with the configuration")]
    pub fn new(config: SessionConfig) -> Result<Self, SessionConfigError> {
        let cookie_name = config.checked_cookie_name()?;
        Ok(Self { key: SigningKey::new(config.secret.expose_secret()), cookie_name })
    }

    /// Finds the signed session token of a request and verifies its signature, before anything is looked up.
    ///
    /// A good bearer token goes before the cookie; a bad one is passed over, and the cookie counts.
    pub fn credential(&self, headers: &HeaderMap) -> Result<Credential, SessionError> {
        let bearer_error = match bearer::token(headers, &self.key) {
            Ok(token) => {
                return Ok(Credential { token, source: CredentialSource::Bearer });
            }
            Err(error) => error,
        };
        match cookie::token(headers, &self.cookie_name, &self.key) {
            Ok(token) => Ok(Credential { token, source: CredentialSource::Cookie }),
            // Without a cookie it is the bearer token, if there was one, that failed.
            Err(SessionError::Missing) => Err(bearer_error),
            Err(error) => Err(error),
        }
    }

    /// Judges the record that was found under the token's [`SessionToken::storage_key`], `None` if none was.
    ///
    /// `now_ms` is in milliseconds since 1970, by the server's clock. Revocation of all sessions of a user is a
    /// second question: [`Session::unless_revoked`].
    pub fn session(
        &self,
        credential: &Credential,
        stored: Option<&str>,
        now_ms: i64,
    ) -> Result<Session, SessionError> {
        Session::read(&credential.token, stored, now_ms)
    }

    /// The one cookie name that is read.
    pub fn cookie_name(&self) -> &str {
        &self.cookie_name
    }

    /// Signs a token as the web app does; good as a bearer token and as the cookie's value as it stands.
    ///
    /// For tools and tests that sign somebody in. The functions only verify.
    pub fn sign(&self, token: &str) -> String {
        self.key.sign(token)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sessions").field("cookie_name", &self.cookie_name).finish_non_exhaustive()
    }
}

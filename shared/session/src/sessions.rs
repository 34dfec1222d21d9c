//! The one question a request is asked: whose session is it?

use std::fmt;

use http::HeaderMap;
use secrecy::ExposeSecret;

use crate::access_token::AccessTokens;
use crate::cache::CookieCache;
use crate::signature::SigningKey;
use crate::{
    Session, SessionConfig, SessionConfigError, SessionError, SessionToken, bearer, cookie,
};

/// The sessions of one better-auth application: its secret, its cookie names and its public keys.
#[derive(Clone)]
pub struct Sessions {
    key: SigningKey,
    cookie_name: String,
    cache: Option<(String, CookieCache)>,
    access_tokens: Option<AccessTokens>,
}

/// What a request's headers alone say of who sent it.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// All there is to know: an access token, or a session token with a good cookie cache beside it. Nothing need be
    /// looked up, and a session that was signed out since is not noticed.
    Session {
        /// The session.
        session: Session,
        /// Where its token came from.
        source: CredentialSource,
    },
    /// A session token, whose record has to be looked up and given to [`Sessions::session`].
    NeedsLookup(Credential),
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

impl Authentication {
    /// Where the token came from, whatever it says.
    pub fn source(&self) -> CredentialSource {
        match self {
            Self::Session { source, .. } => *source,
            Self::NeedsLookup(credential) => credential.source,
        }
    }
}

impl Sessions {
    /// Refuses a configuration with which sessions could be forged or never be found.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the secret is wiped with the configuration"
    )]
    pub fn new(config: SessionConfig) -> Result<Self, SessionConfigError> {
        let cookie_name = config.checked_cookie_name()?;
        let secret = config.secret.expose_secret();
        let issued = config.checked_jwks()?;
        let issuer = issued.as_ref().map(|(keys, origin)| (keys, *origin));
        let cache = CookieCache::new(
            config.cookie_cache,
            secret,
            &config.cookie_cache_version,
            issuer,
        );
        Ok(Self {
            key: SigningKey::new(secret),
            cookie_name,
            cache: cache
                .map(|cache| Ok((config.checked_cache_name()?, cache)))
                .transpose()?,
            access_tokens: issued.map(|(keys, origin)| AccessTokens {
                keys,
                origin: origin.to_owned(),
            }),
        })
    }

    /// Finds whose session a request is of, as far as its headers tell. `now_ms` is in milliseconds since 1970, by the
    /// server's clock.
    ///
    /// A good bearer token goes before the cookie; a bad one is passed over, and the cookie counts. A cookie cache that
    /// is not good, or not of this token, is passed over too, and the store decides.
    pub fn find(&self, headers: &HeaderMap, now_ms: i64) -> Result<Authentication, SessionError> {
        let Some(token) = bearer::access_token(headers) else {
            return self
                .credential(headers)
                .map(|credential| self.cached(credential, headers, now_ms));
        };
        match self.access_token_session(token, now_ms) {
            Ok(session) => Ok(Authentication::Session {
                session,
                source: CredentialSource::Bearer,
            }),
            Err(refusal) => match self.credential(headers) {
                Ok(credential) => Ok(self.cached(credential, headers, now_ms)),
                Err(_) => Err(refusal),
            },
        }
    }

    /// Finds the signed session token of a request and verifies its signature, before anything is looked up.
    ///
    /// Knows neither cookie cache nor access tokens: those are for [`Sessions::find`].
    pub fn credential(&self, headers: &HeaderMap) -> Result<Credential, SessionError> {
        let bearer_error = match bearer::token(headers, &self.key) {
            Ok(token) => {
                return Ok(Credential {
                    token,
                    source: CredentialSource::Bearer,
                });
            }
            Err(error) => error,
        };
        match cookie::token(headers, &self.cookie_name, &self.key) {
            Ok(token) => Ok(Credential {
                token,
                source: CredentialSource::Cookie,
            }),
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

    /// Signs a token as the web app does; good as a bearer token and as the cookie's value as it stands.
    ///
    /// For tools and tests that sign somebody in. The functions only verify.
    pub fn sign(&self, token: &str) -> String {
        self.key.sign(token)
    }

    fn access_token_session(&self, token: &str, now_ms: i64) -> Result<Session, SessionError> {
        match &self.access_tokens {
            Some(access_tokens) => access_tokens.session(token, now_ms),
            None => Err(SessionError::AccessToken(
                "no keys are configured to verify it with",
            )),
        }
    }

    /// The session in the cookie cache beside a token, or the token to look it up with.
    fn cached(&self, credential: Credential, headers: &HeaderMap, now_ms: i64) -> Authentication {
        let session = self.cache.as_ref().and_then(|(name, cache)| {
            let value = cookie::cached(headers, name)?;
            cache.session(&value, &credential.token, now_ms)
        });
        match session {
            Some(session) => Authentication::Session {
                session,
                source: credential.source,
            },
            None => Authentication::NeedsLookup(credential),
        }
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sessions")
            .field("cookie_name", &self.cookie_name)
            .field("cache_name", &self.cache.as_ref().map(|(name, _)| name))
            .field("access_tokens", &self.access_tokens)
            .finish_non_exhaustive()
    }
}

//! The authentication of requests.

use std::fmt;

use http::HeaderMap;
use secrecy::ExposeSecret;

use crate::access_token::AccessTokens;
use crate::cache::CookieCache;
use crate::signature::SigningKey;
use crate::{
    Session, SessionConfig, SessionConfigError, SessionError, SessionToken, bearer, cookie,
};

/// The verifier for the sessions of one better-auth application: its secret, its cookie names and
/// its public keys.
#[derive(Clone)]
pub struct SessionVerifier {
    key: SigningKey,
    cookie_name: String,
    cache: Option<(String, CookieCache)>,
    access_tokens: Option<AccessTokens>,
}

/// The result of verifying the headers of a request alone.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// A complete session: an access token, or a session token with a valid cookie cache. No lookup
    /// is needed, and a sign-out since then is not noticed.
    Session {
        /// The session.
        session: Session,
        /// The source of its token.
        source: CredentialSource,
    },
    /// A session token. Its record has to be looked up and passed to
    /// [`SessionVerifier::verify_stored`].
    NeedsLookup(Credential),
}

/// A session token with a good signature. The session is not known yet: it may have ended.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The token; its [`SessionToken::storage_key`] is the key of the session.
    pub token: SessionToken,
    /// The source of the token.
    pub source: CredentialSource,
}

/// The place in a request that carried its session token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialSource {
    /// A cookie, which a browser also adds to requests that another site triggers: the caller
    /// checks the origin.
    Cookie,
    /// The `Authorization` header, which no other site can make a browser send.
    Bearer,
}

impl Authentication {
    /// Returns the source of the token.
    pub fn source(&self) -> CredentialSource {
        match self {
            Self::Session { source, .. } => *source,
            Self::NeedsLookup(credential) => credential.source,
        }
    }
}

impl SessionVerifier {
    /// Creates the verifier. Fails for a configuration with which sessions could be forged or never
    /// be found.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the secret is wiped with the configuration"
    )]
    pub fn new(config: SessionConfig) -> Result<Self, SessionConfigError> {
        let cookie_name = config.to_cookie_name()?;
        let secret = config.secret.expose_secret();
        let issued = config.parse_jwks()?;
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
                .map(|cache| Ok((config.to_cache_name()?, cache)))
                .transpose()?,
            access_tokens: issued.map(|(keys, origin)| AccessTokens {
                keys,
                origin: origin.to_owned(),
            }),
        })
    }

    /// Authenticates a request, as far as its headers identify its session. `now_ms` is in
    /// milliseconds since 1970, by the server's clock.
    ///
    /// A good bearer token takes precedence over the cookie; a bad one is ignored, and the cookie
    /// counts. A cookie cache that is not valid, or not of this token, is ignored too, and the
    /// store decides.
    pub fn authenticate(
        &self,
        headers: &HeaderMap,
        now_ms: i64,
    ) -> Result<Authentication, SessionError> {
        let Some(token) = bearer::access_token(headers) else {
            return self
                .credential(headers)
                .map(|credential| self.resolve_cached(credential, headers, now_ms));
        };
        match self.access_token_session(token, now_ms) {
            Ok(session) => Ok(Authentication::Session {
                session,
                source: CredentialSource::Bearer,
            }),
            Err(refusal) => match self.credential(headers) {
                Ok(credential) => Ok(self.resolve_cached(credential, headers, now_ms)),
                Err(_) => Err(refusal),
            },
        }
    }

    /// Finds the signed session token of a request and verifies its signature, before anything is
    /// looked up.
    ///
    /// Uses neither cookie cache nor access tokens: [`SessionVerifier::authenticate`] does.
    pub(crate) fn credential(&self, headers: &HeaderMap) -> Result<Credential, SessionError> {
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
            // Without a cookie the error of the bearer token counts, if there was one.
            Err(SessionError::Missing) => Err(bearer_error),
            Err(error) => Err(error),
        }
    }

    /// Verifies the record that was found under the token's [`SessionToken::storage_key`], `None`
    /// if none was.
    ///
    /// `now_ms` is in milliseconds since 1970, by the server's clock. Revocation of all sessions of
    /// a user is a separate check: [`Session::check_revocation`].
    pub fn verify_stored(
        &self,
        credential: &Credential,
        stored: Option<&str>,
        now_ms: i64,
    ) -> Result<Session, SessionError> {
        Session::parse(&credential.token, stored, now_ms)
    }

    fn access_token_session(&self, token: &str, now_ms: i64) -> Result<Session, SessionError> {
        match &self.access_tokens {
            Some(access_tokens) => access_tokens.session(token, now_ms),
            None => Err(SessionError::AccessToken(
                "no keys are configured to verify it with",
            )),
        }
    }

    /// Returns the session from the cookie cache of a token, or the token for a lookup.
    fn resolve_cached(
        &self,
        credential: Credential,
        headers: &HeaderMap,
        now_ms: i64,
    ) -> Authentication {
        let session = self.cache.as_ref().and_then(|(name, cache)| {
            let value = cookie::cached_session(headers, name)?;
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

impl fmt::Debug for SessionVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SessionVerifier")
            .field("cookie_name", &self.cookie_name)
            .field("cache_name", &self.cache.as_ref().map(|(name, _)| name))
            .field("access_tokens", &self.access_tokens)
            .finish_non_exhaustive()
    }
}

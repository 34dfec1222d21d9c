//! The authentication of requests: the only place that looks up sessions.

use http::HeaderMap;
use message::UserId;
use secrecy::SecretString;
use session::{
    Authentication, CredentialSource, SessionConfig, SessionConfigError, SessionError,
    SessionVerifier,
};
use store::Store;

use crate::access::AllowedOrigins;
use crate::{FrontError, SettingError, Settings, error_chain, now_ms};

/// The authenticator: resolves the signed-in user of a request.
#[derive(Debug)]
pub struct Authenticator {
    verifier: SessionVerifier,
    check_revocation: bool,
    origins: AllowedOrigins,
    store: Store,
}

impl Authenticator {
    /// Creates the authenticator of the web application that signs with `secret` and keeps its
    /// sessions in `store`.
    ///
    /// # Errors
    /// With these settings sessions could be forged or never be found.
    pub fn new(
        settings: &Settings,
        secret: SecretString,
        store: Store,
    ) -> Result<Self, SettingError> {
        let secure = settings
            .auth_url
            .as_ref()
            .is_some_and(|url| url.scheme() == "https");
        let mut config = SessionConfig::new(secret, secure);
        config.cookie_prefix.clone_from(&settings.cookie_prefix);
        config.cookie_cache = settings.cookie_cache;
        config
            .cookie_cache_version
            .clone_from(&settings.cookie_cache_version);
        config.origin = settings
            .auth_url
            .as_ref()
            .map(|url| url.origin().ascii_serialization());
        config.jwks.clone_from(&settings.jwks);
        Ok(Self {
            verifier: SessionVerifier::new(config).map_err(to_setting_error)?,
            check_revocation: settings.check_revocation,
            origins: AllowedOrigins::new(settings.allowed_origins.iter().chain(&settings.auth_url)),
            store,
        })
    }

    /// Resolves the signed-in user of a request.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<UserId, FrontError> {
        let now_ms = now_ms();
        let found = self
            .verifier
            .authenticate(headers, to_i64(now_ms))
            .map_err(FrontError::Unauthorized)?;
        if found.source() == CredentialSource::Cookie {
            self.origins.check(headers).map_err(FrontError::Forbidden)?;
        }
        let session = match found {
            Authentication::Session { session, .. } => session,
            Authentication::NeedsLookup(credential) => {
                let stored = self
                    .store
                    .session_value(credential.token.storage_key(), now_ms)
                    .await?;
                self.verifier
                    .verify_stored(&credential, stored.as_deref(), to_i64(now_ms))
                    .map_err(to_refusal)?
            }
        };
        if !self.check_revocation {
            return Ok(session.user_id);
        }
        let revoked = self
            .store
            .session_value(&session::revocation_key(&session.user_id), now_ms)
            .await?;
        Ok(session
            .check_revocation(revoked.as_deref())
            .map_err(to_refusal)?
            .user_id)
    }
}

/// Adds the name of the variable, which the session crate does not know.
fn to_setting_error(error: SessionConfigError) -> SettingError {
    let name = match error {
        SessionConfigError::CookieName => "BETTER_AUTH_COOKIE_PREFIX",
        SessionConfigError::Jwks(_) => "BETTER_AUTH_JWKS",
        SessionConfigError::Origin => "BETTER_AUTH_URL",
        SessionConfigError::SecretMissing
        | SessionConfigError::SecretTooShort
        | SessionConfigError::SecretIsLibraryDefault => "BETTER_AUTH_SECRET",
    };
    SettingError::Session {
        name,
        source: error,
    }
}

/// Converts a session error. Logs a record that cannot be parsed, for the operator; the user only
/// has to sign in again.
fn to_refusal(error: SessionError) -> FrontError {
    if let SessionError::Malformed(_) = error {
        tracing::warn!(
            error = error_chain(&error),
            "failed to parse a stored session"
        );
    }
    FrontError::Unauthorized(error)
}

fn to_i64(now_ms: u64) -> i64 {
    i64::try_from(now_ms).unwrap_or(i64::MAX)
}

//! The part of the web app's better-auth configuration that determines which sessions are valid.

use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

use crate::jwks::{Jwks, JwksError};

/// The secret that better-auth uses if none is configured; it is public.
const LIBRARY_DEFAULT_SECRET: &str = "better-auth-secret-12345678901234567890";
/// The minimum length of a secret, in characters.
const MIN_SECRET_CHARACTERS: usize = 32;

/// The part of the web app's better-auth configuration that decides which sessions are good.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// `BETTER_AUTH_SECRET`, exactly as the web app has it.
    pub secret: SecretString,
    /// True if the name of the cookie begins with `__Secure-`: better-auth does so when its base
    /// URL is https. Exactly one of the two names is read, so that a plain cookie cannot be planted
    /// on a secure site.
    pub secure: bool,
    /// `advanced.cookiePrefix`; `better-auth` unless changed.
    pub cookie_prefix: String,
    /// `advanced.cookies.session_token.name`, the complete name without `__Secure-`; it overrides
    /// the prefix.
    pub cookie_name: Option<String>,
    /// `session.cookieCache`: the strategy of the cookie cache from which a session may be read
    /// instead of the store.
    pub cookie_cache: CookieCacheStrategy,
    /// `session.cookieCache.version`; `1` unless changed.
    pub cookie_cache_version: String,
    /// The origin of better-auth's base URL, such as `https://app.example.com`: issuer and audience
    /// of its tokens.
    pub origin: Option<String>,
    /// The response of `GET /api/auth/jwks`. With it the access tokens of the jwt plugin are
    /// accepted as bearer tokens.
    pub jwks: Option<String>,
}

/// `session.cookieCache.strategy`, exactly as the web app has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CookieCacheStrategy {
    /// No cache is read: each session is looked up, and a revoked session ends at once.
    #[default]
    Off,
    /// Signed JSON; better-auth's own default where the cache is enabled.
    Compact,
    /// A signed token, signed with the secret or by the jwt plugin (`sessionCookieCache`).
    Jwt,
    /// An encrypted token.
    Jwe,
}

impl FromStr for CookieCacheStrategy {
    type Err = UnknownStrategy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            "compact" => Ok(Self::Compact),
            "jwt" => Ok(Self::Jwt),
            "jwe" => Ok(Self::Jwe),
            _ => Err(UnknownStrategy),
        }
    }
}

/// The error for a text that names no strategy of the cookie cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cookie cache must be off, compact, jwt or jwe")]
pub struct UnknownStrategy;

impl SessionConfig {
    /// Creates a configuration with better-auth's own cookie name, without cookie cache and access
    /// tokens.
    pub fn new(secret: SecretString, secure: bool) -> Self {
        Self {
            secret,
            secure,
            cookie_prefix: "better-auth".to_owned(),
            cookie_name: None,
            cookie_cache: CookieCacheStrategy::Off,
            cookie_cache_version: "1".to_owned(),
            origin: None,
            jwks: None,
        }
    }

    /// Returns the one cookie name that is read, after validating secret and name.
    pub(crate) fn to_cookie_name(&self) -> Result<String, SessionConfigError> {
        check_secret(self.secret.expose_secret())?;
        let name = match &self.cookie_name {
            Some(name) => name.clone(),
            None if self.cookie_prefix.is_empty() => return Err(SessionConfigError::CookieName),
            None => format!("{}.session_token", self.cookie_prefix),
        };
        if !is_cookie_name(&name) {
            return Err(SessionConfigError::CookieName);
        }
        Ok(self.with_secure_prefix(name))
    }

    /// Returns the name of the cookie with the cached session.
    pub(crate) fn to_cache_name(&self) -> Result<String, SessionConfigError> {
        if is_cookie_name(&self.cookie_prefix) {
            Ok(self.with_secure_prefix(format!("{}.session_data", self.cookie_prefix)))
        } else {
            Err(SessionConfigError::CookieName)
        }
    }

    /// Parses the keys of the jwt plugin and returns them with the origin, after validating both.
    pub(crate) fn parse_jwks(&self) -> Result<Option<(Jwks, &str)>, SessionConfigError> {
        let Some(jwks) = &self.jwks else {
            return Ok(None);
        };
        let keys = Jwks::parse(jwks).map_err(SessionConfigError::Jwks)?;
        match self.origin.as_deref() {
            Some(origin) if is_origin(origin) => Ok(Some((keys, origin))),
            _ => Err(SessionConfigError::Origin),
        }
    }

    fn with_secure_prefix(&self, name: String) -> String {
        if self.secure {
            format!("__Secure-{name}")
        } else {
            name
        }
    }
}

/// The error for a configuration with which no session could be trusted. Never holds the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionConfigError {
    /// The secret is empty or blank.
    #[error("better-auth secret is missing: give the one the web app signs its sessions with")]
    SecretMissing,
    /// The secret is short enough to be guessed.
    #[error("better-auth secret has fewer than {MIN_SECRET_CHARACTERS} characters")]
    SecretTooShort,
    /// The secret is the default in better-auth's source.
    #[error(
        "better-auth secret is the library's public default: anybody can sign sessions with it"
    )]
    SecretIsLibraryDefault,
    /// No browser could send a cookie of this name.
    #[error("session cookie name or prefix must be made of letters, digits and !#$%&'*+-.^_`|~")]
    CookieName,
    /// The key set cannot verify any access token.
    #[error("the key set of the jwt plugin is of no use: {0}")]
    Jwks(JwksError),
    /// The origin is missing or malformed. Access tokens identify the web app by it.
    #[error("the web app's base URL is needed to verify access tokens, as http or https origin")]
    Origin,
}

fn check_secret(secret: &str) -> Result<(), SessionConfigError> {
    if secret.trim().is_empty() {
        Err(SessionConfigError::SecretMissing)
    } else if secret == LIBRARY_DEFAULT_SECRET {
        Err(SessionConfigError::SecretIsLibraryDefault)
    } else if secret.chars().count() < MIN_SECRET_CHARACTERS {
        Err(SessionConfigError::SecretTooShort)
    } else {
        Ok(())
    }
}

/// Returns true if `text` is an origin as `new URL(baseURL).origin` writes it: without path and
/// trailing slash.
fn is_origin(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@']))
}

/// Returns true if `name` is a cookie name: a token of RFC 9110 section 5.6.2 (RFC 6265 section
/// 4.1.1).
fn is_cookie_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn config(secret: &str) -> SessionConfig {
        SessionConfig::new(SecretString::from(secret), false)
    }

    #[test]
    fn an_unsafe_secret_is_refused_and_not_printed() {
        for (name, secret, error) in [
            ("empty", "", SessionConfigError::SecretMissing),
            ("blank", &" ".repeat(40), SessionConfigError::SecretMissing),
            (
                "31 characters",
                &SECRET[1..],
                SessionConfigError::SecretTooShort,
            ),
            (
                "32 bytes, 16 characters",
                &"é".repeat(16),
                SessionConfigError::SecretTooShort,
            ),
            (
                "default",
                LIBRARY_DEFAULT_SECRET,
                SessionConfigError::SecretIsLibraryDefault,
            ),
        ] {
            assert_eq!(config(secret).to_cookie_name(), Err(error), "{name}");
            let printed = format!("{error} {error:?} {:?}", config(secret));
            assert!(
                secret.is_empty() || !printed.contains(secret),
                "{name}: {printed}"
            );
        }
        assert!(config(SECRET).to_cookie_name().is_ok());
    }

    #[test]
    fn the_cookie_name_follows_better_auth() {
        for (secure, prefix, name, expected) in [
            (false, "better-auth", None, "better-auth.session_token"),
            (
                true,
                "better-auth",
                None,
                "__Secure-better-auth.session_token",
            ),
            (true, "acme", None, "__Secure-acme.session_token"),
            (false, "acme", Some("sid"), "sid"),
            (true, "better-auth", Some("sid"), "__Secure-sid"),
        ] {
            let config = SessionConfig {
                secure,
                cookie_prefix: prefix.to_owned(),
                cookie_name: name.map(str::to_owned),
                ..config(SECRET)
            };
            assert_eq!(config.to_cookie_name().as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_cookie_name_that_no_browser_sends_is_refused() {
        for name in ["", "a b", "a=b", "a;b", "a\nb", "ä"] {
            let named = SessionConfig {
                cookie_name: Some(name.to_owned()),
                ..config(SECRET)
            };
            let prefixed = SessionConfig {
                cookie_prefix: name.to_owned(),
                ..config(SECRET)
            };
            for config in [named, prefixed] {
                assert_eq!(
                    config.to_cookie_name(),
                    Err(SessionConfigError::CookieName),
                    "{name:?}"
                );
            }
        }
    }

    #[test]
    fn the_cache_has_the_prefix_of_the_token() {
        for (secure, prefix, expected) in [
            (false, "better-auth", "better-auth.session_data"),
            (true, "acme", "__Secure-acme.session_data"),
        ] {
            let config = SessionConfig {
                secure,
                cookie_prefix: prefix.to_owned(),
                ..config(SECRET)
            };
            assert_eq!(config.to_cache_name().as_deref(), Ok(expected));
        }
        // With a separate name for the token, the prefix still names the cache.
        let unnamed = SessionConfig {
            cookie_name: Some("sid".to_owned()),
            cookie_prefix: String::new(),
            ..config(SECRET)
        };
        assert_eq!(unnamed.to_cache_name(), Err(SessionConfigError::CookieName));
    }

    #[test]
    fn strategies_are_named_as_better_auth_names_them() {
        for (text, expected) in [
            ("off", Ok(CookieCacheStrategy::Off)),
            ("compact", Ok(CookieCacheStrategy::Compact)),
            ("jwt", Ok(CookieCacheStrategy::Jwt)),
            ("jwe", Ok(CookieCacheStrategy::Jwe)),
            ("JWE", Err(UnknownStrategy)),
            ("on", Err(UnknownStrategy)),
            ("", Err(UnknownStrategy)),
        ] {
            assert_eq!(text.parse(), expected, "{text:?}");
        }
    }

    #[test]
    fn keys_without_the_origin_that_their_tokens_name_are_refused() {
        const KEY: &str = r#"{"keys":[{"kid":"k","alg":"EdDSA","kty":"OKP","crv":"Ed25519",
            "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        for (origin, good) in [
            (None, false),
            (Some(""), false),
            (Some("app.example.com"), false),
            (Some("https://"), false),
            (Some("https://app.example.com/"), false),
            (Some("https://app.example.com/api/auth"), false),
            (Some("ftp://app.example.com"), false),
            (Some("https://app.example.com"), true),
            (Some("http://localhost:3000"), true),
        ] {
            let config = SessionConfig {
                origin: origin.map(str::to_owned),
                jwks: Some(KEY.to_owned()),
                ..config(SECRET)
            };
            let expected = if good {
                Ok(())
            } else {
                Err(SessionConfigError::Origin)
            };
            assert_eq!(config.parse_jwks().map(|_| ()), expected, "{origin:?}");
        }
        assert!(
            config(SECRET)
                .parse_jwks()
                .expect("no keys, no origin")
                .is_none()
        );
    }
}

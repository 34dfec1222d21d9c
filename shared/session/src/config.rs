//! What must be known of the web app's better-auth configuration, and what of it is refused at start.

use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

use crate::jwks::{Jwks, JwksError};

/// What better-auth signs with when nobody gave it a secret; it is public.
const LIBRARY_DEFAULT_SECRET: &str = "better-auth-secret-12345678901234567890";
const SECRET_MIN_CHARACTERS: usize = 32;

/// The part of the web app's better-auth configuration that decides which sessions are good.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// `BETTER_AUTH_SECRET`, exactly as the web app has it.
    pub secret: SecretString,
    /// Whether the cookie is named `__Secure-…`: better-auth does so when its base URL is https.
    /// Exactly one of the two names is read, so that a plain cookie cannot be planted on a secure site.
    pub secure: bool,
    /// `advanced.cookiePrefix`; `better-auth` unless changed.
    pub cookie_prefix: String,
    /// `advanced.cookies.session_token.name`, the whole name without `__Secure-`; it overrules the prefix.
    pub cookie_name: Option<String>,
    /// `session.cookieCache`: whether a session may be read from a cookie instead of the store.
    pub cookie_cache: CookieCacheStrategy,
    /// `session.cookieCache.version`; `1` unless changed.
    pub cookie_cache_version: String,
    /// The origin of better-auth's base URL, such as `https://app.example.com`: issuer and audience of its tokens.
    pub origin: Option<String>,
    /// What `GET /api/auth/jwks` answers. With it the access tokens of the jwt plugin are taken as bearer tokens.
    pub jwks: Option<String>,
}

/// `session.cookieCache.strategy`, exactly as the web app has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CookieCacheStrategy {
    /// No cache is read: each session is looked up, and one that was revoked is over at once.
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

/// A text that names no strategy of the cookie cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cookie cache must be off, compact, jwt or jwe")]
pub struct UnknownStrategy;

impl SessionConfig {
    /// A configuration with better-auth's own cookie name, without cookie cache and access tokens.
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

    /// The one cookie name that is read, once secret and name have been found fit.
    pub(crate) fn checked_cookie_name(&self) -> Result<String, SessionConfigError> {
        check_secret(self.secret.expose_secret())?;
        let name = match &self.cookie_name {
            Some(name) => name.clone(),
            None if self.cookie_prefix.is_empty() => return Err(SessionConfigError::CookieName),
            None => format!("{}.session_token", self.cookie_prefix),
        };
        if !is_cookie_name(&name) {
            return Err(SessionConfigError::CookieName);
        }
        Ok(self.secured(name))
    }

    /// The name of the cookie with the cached session.
    pub(crate) fn checked_cache_name(&self) -> Result<String, SessionConfigError> {
        if is_cookie_name(&self.cookie_prefix) {
            Ok(self.secured(format!("{}.session_data", self.cookie_prefix)))
        } else {
            Err(SessionConfigError::CookieName)
        }
    }

    /// Keys and origin of the jwt plugin, once both have been found fit.
    pub(crate) fn checked_jwks(&self) -> Result<Option<(Jwks, &str)>, SessionConfigError> {
        let Some(jwks) = &self.jwks else {
            return Ok(None);
        };
        let keys = Jwks::parse(jwks).map_err(SessionConfigError::Jwks)?;
        match self.origin.as_deref() {
            Some(origin) if is_origin(origin) => Ok(Some((keys, origin))),
            _ => Err(SessionConfigError::Origin),
        }
    }

    fn secured(&self, name: String) -> String {
        if self.secure {
            format!("__Secure-{name}")
        } else {
            name
        }
    }
}

/// Why no session could ever be trusted with this configuration. Never holds the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionConfigError {
    /// The secret is empty or blank.
    #[error("better-auth secret is missing: give the one the web app signs its sessions with")]
    SecretMissing,
    /// The secret can be guessed.
    #[error("better-auth secret has fewer than {SECRET_MIN_CHARACTERS} characters")]
    SecretTooShort,
    /// The secret is the one printed in better-auth's source.
    #[error(
        "better-auth secret is the library's public default: anybody can sign sessions with it"
    )]
    SecretIsLibraryDefault,
    /// The cookie could never be sent.
    #[error("session cookie name or prefix must be made of letters, digits and !#$%&'*+-.^_`|~")]
    CookieName,
    /// No access token could ever be verified.
    #[error("the key set of the jwt plugin is of no use: {0}")]
    Jwks(JwksError),
    /// Access tokens name the web app by its origin, and theirs would never be ours.
    #[error("the web app's base URL is needed to verify access tokens, as http or https origin")]
    Origin,
}

fn check_secret(secret: &str) -> Result<(), SessionConfigError> {
    if secret.trim().is_empty() {
        Err(SessionConfigError::SecretMissing)
    } else if secret == LIBRARY_DEFAULT_SECRET {
        Err(SessionConfigError::SecretIsLibraryDefault)
    } else if secret.chars().count() < SECRET_MIN_CHARACTERS {
        Err(SessionConfigError::SecretTooShort)
    } else {
        Ok(())
    }
}

/// As `new URL(baseURL).origin` writes it: with neither path nor slash at the end.
fn is_origin(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@']))
}

/// RFC 6265 section 4.1.1: a cookie name is a token of RFC 9110 section 5.6.2.
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
    fn a_secret_that_others_may_know_is_refused_and_not_repeated() {
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
            assert_eq!(config(secret).checked_cookie_name(), Err(error), "{name}");
            let printed = format!("{error} {error:?} {:?}", config(secret));
            assert!(
                secret.is_empty() || !printed.contains(secret),
                "{name}: {printed}"
            );
        }
        assert!(config(SECRET).checked_cookie_name().is_ok());
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
            assert_eq!(config.checked_cookie_name().as_deref(), Ok(expected));
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
                    config.checked_cookie_name(),
                    Err(SessionConfigError::CookieName),
                    "{name:?}"
                );
            }
        }
    }

    #[test]
    fn the_cache_lies_beside_the_token() {
        for (secure, prefix, expected) in [
            (false, "better-auth", "better-auth.session_data"),
            (true, "acme", "__Secure-acme.session_data"),
        ] {
            let config = SessionConfig {
                secure,
                cookie_prefix: prefix.to_owned(),
                ..config(SECRET)
            };
            assert_eq!(config.checked_cache_name().as_deref(), Ok(expected));
        }
        // With a name of its own for the token, the prefix still names the cache.
        let unnamed = SessionConfig {
            cookie_name: Some("sid".to_owned()),
            cookie_prefix: String::new(),
            ..config(SECRET)
        };
        assert_eq!(
            unnamed.checked_cache_name(),
            Err(SessionConfigError::CookieName)
        );
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
            assert_eq!(config.checked_jwks().map(|_| ()), expected, "{origin:?}");
        }
        assert!(
            config(SECRET)
                .checked_jwks()
                .expect("no keys, no origin")
                .is_none()
        );
    }
}

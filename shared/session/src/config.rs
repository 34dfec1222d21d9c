//! What must be known of the web app's better-auth configuration, and what of it is refused at start.

use secrecy::{ExposeSecret, SecretString};

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
}

impl SessionConfig {
    /// A configuration with better-auth's own cookie name.
    pub fn new(secret: SecretString, secure: bool) -> Self {
        Self { secret, secure, cookie_prefix: "better-auth".to_owned(), cookie_name: None }
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
        Ok(if self.secure { format!("__Secure-{name}") } else { name })
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
    #[error("better-auth secret is the library's public default: anybody can sign sessions with it")]
    SecretIsLibraryDefault,
    /// The cookie could never be sent.
    #[error("session cookie name or prefix must be made of letters, digits and !#$%&'*+-.^_`|~")]
    CookieName,
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

/// RFC 6265 section 4.1.1: a cookie name is a token of RFC 9110 section 5.6.2.
fn is_cookie_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
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
            ("31 characters", &SECRET[1..], SessionConfigError::SecretTooShort),
            ("32 bytes, 16 characters", &"é".repeat(16), SessionConfigError::SecretTooShort),
            ("default", LIBRARY_DEFAULT_SECRET, SessionConfigError::SecretIsLibraryDefault),
        ] {
            assert_eq!(config(secret).checked_cookie_name(), Err(error), "{name}");
            let printed = format!("{error} {error:?} {:?}", config(secret));
            assert!(secret.is_empty() || !printed.contains(secret), "{name}: {printed}");
        }
        assert!(config(SECRET).checked_cookie_name().is_ok());
    }

    #[test]
    fn the_cookie_name_follows_better_auth() {
        for (secure, prefix, name, expected) in [
            (false, "better-auth", None, "better-auth.session_token"),
            (true, "better-auth", None, "__Secure-better-auth.session_token"),
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
            let named = SessionConfig { cookie_name: Some(name.to_owned()), ..config(SECRET) };
            let prefixed = SessionConfig { cookie_prefix: name.to_owned(), ..config(SECRET) };
            for config in [named, prefixed] {
                assert_eq!(config.checked_cookie_name(), Err(SessionConfigError::CookieName), "{name:?}");
            }
        }
    }
}

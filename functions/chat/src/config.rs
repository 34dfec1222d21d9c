//! The function's configuration, read once. Nothing else reads the environment.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use gateway::Protocol;
use registry::{Registry, RegistryError};
use secrecy::{ExposeSecret, SecretString};
use session::CookieCacheStrategy;
use store::TurnLimits;
use tracing::Level;
use url::Url;
use validation::Limits;

/// Why the function cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("{0} must be set")]
    Missing(&'static str),
    #[error("{name} must be {allowed}")]
    Invalid { name: &'static str, allowed: &'static str },
    #[error("{0} and {0}_SSM are both set: choose one")]
    Twice(&'static str),
    #[error("MODELS names a file that cannot be read")]
    ModelsFile(#[source] std::io::Error),
    #[error("BETTER_AUTH_JWKS names a file that cannot be read")]
    JwksFile(#[source] std::io::Error),
    #[error("MODELS or DEFAULT_MODEL is wrong")]
    Models(#[source] RegistryError),
}

/// Everything that an operator can set. README has the table.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) table_name: String,
    pub(crate) dynamodb_endpoint: Option<Url>,
    pub(crate) api_key: Secret,
    pub(crate) gateway_protocol: Protocol,
    pub(crate) gateway_url: Url,
    pub(crate) auth_secret: Secret,
    pub(crate) auth_url: Option<Url>,
    pub(crate) cookie_prefix: String,
    pub(crate) cookie_cache: CookieCacheStrategy,
    pub(crate) cookie_cache_version: String,
    pub(crate) jwks: Option<String>,
    pub(crate) check_revocation: bool,
    pub(crate) allowed_origins: Vec<Url>,
    pub(crate) system_prompt: Option<String>,
    pub(crate) registry: Registry,
    pub(crate) max_output_tokens: Option<u32>,
    pub(crate) first_part_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) limits: Limits,
    pub(crate) journal_interval: Duration,
    pub(crate) on_busy: OnBusy,
    pub(crate) turn_limits: TurnLimits,
    pub(crate) max_turn: Duration,
    pub(crate) shutdown_grace: Duration,
    pub(crate) log_level: Level,
    pub(crate) serve: Serve,
}

/// A secret, or where it is.
#[derive(Debug)]
pub(crate) enum Secret {
    /// The secret itself.
    Here(SecretString),
    /// The name of a SecureString in the SSM Parameter Store.
    Ssm(String),
}

/// What becomes of the turn that runs when another message comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnBusy {
    /// It is stopped, and the new one begins.
    Supersede,
    /// It goes on, and the new one is refused.
    Reject,
}

impl FromStr for OnBusy {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "supersede" => Ok(Self::Supersede),
            "reject" => Ok(Self::Reject),
            _ => Err(()),
        }
    }
}

/// How requests come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Serve {
    /// As invocations, this many at once.
    Lambda { concurrency: u32 },
    /// As plain HTTP at this address.
    Http(SocketAddr),
}

/// Lambda takes events of 6 MB; the event round the body, its escapes included, has to fit too.
const MAX_BODY_BYTES: usize = 6 * 1024 * 1024 - 64 * 1024;

impl Config {
    /// Reads the process's environment.
    pub(crate) fn from_environment() -> Result<Self, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads variables by `lookup`; an empty one counts as not set.
    fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let variables = Variables(lookup);
        let gateway_protocol: Protocol =
            variables.parsed("AI_GATEWAY_PROTOCOL", "native or openai")?.unwrap_or_default();
        Ok(Self {
            table_name: variables.text("TABLE_NAME").ok_or(ConfigError::Missing("TABLE_NAME"))?,
            dynamodb_endpoint: variables.url("AWS_ENDPOINT_URL_DYNAMODB")?,
            api_key: variables.secret("AI_GATEWAY_API_KEY", "AI_GATEWAY_API_KEY_SSM")?,
            gateway_protocol,
            gateway_url: match variables.url("AI_GATEWAY_BASE_URL")? {
                Some(url) => url,
                None => Url::parse(gateway_protocol.default_base_url()).expect("a URL of our own"),
            },
            auth_secret: variables.secret("BETTER_AUTH_SECRET", "BETTER_AUTH_SECRET_SSM")?,
            auth_url: variables.url("BETTER_AUTH_URL")?,
            cookie_prefix: variables
                .text("BETTER_AUTH_COOKIE_PREFIX")
                .unwrap_or_else(|| "better-auth".to_owned()),
            cookie_cache: variables
                .parsed("BETTER_AUTH_COOKIE_CACHE", "off, compact, jwt or jwe")?
                .unwrap_or_default(),
            cookie_cache_version: variables
                .text("BETTER_AUTH_COOKIE_CACHE_VERSION")
                .unwrap_or_else(|| "1".to_owned()),
            jwks: variables.jwks()?,
            check_revocation: variables
                .parsed("BETTER_AUTH_CHECK_REVOCATION", "true or false")?
                .unwrap_or(false),
            allowed_origins: variables.origins("ALLOWED_ORIGINS")?,
            system_prompt: variables.text("SYSTEM_PROMPT"),
            registry: variables.registry()?,
            max_output_tokens: variables.parsed("MAX_OUTPUT_TOKENS", "a whole number of tokens")?,
            first_part_timeout: variables.milliseconds("FIRST_PART_TIMEOUT_MS", 120_000)?,
            idle_timeout: variables.milliseconds("IDLE_TIMEOUT_MS", 60_000)?,
            limits: variables.limits()?,
            journal_interval: variables.milliseconds("JOURNAL_INTERVAL_MS", 1_000)?,
            on_busy: variables.parsed("ON_BUSY", "supersede or reject")?.unwrap_or(OnBusy::Supersede),
            turn_limits: TurnLimits {
                per_day: variables.parsed("MAX_TURNS_PER_DAY", "a whole number")?.unwrap_or(0),
                parallel: variables.parsed("MAX_PARALLEL_TURNS", "a whole number")?.unwrap_or(0),
            },
            max_turn: variables.milliseconds("MAX_TURN_MS", 900_000)?,
            shutdown_grace: variables.milliseconds("SHUTDOWN_GRACE_MS", 20_000)?,
            log_level: variables
                .parsed("LOG_LEVEL", "error, warn, info, debug or trace")?
                .unwrap_or(Level::INFO),
            serve: variables.serve()?,
        })
    }
}

struct Variables<F>(F);

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn text(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn parsed<T: FromStr>(
        &self,
        name: &'static str,
        allowed: &'static str,
    ) -> Result<Option<T>, ConfigError> {
        let parse = |value: String| value.trim().parse().map_err(|_| ConfigError::Invalid { name, allowed });
        self.text(name).map(parse).transpose()
    }

    fn milliseconds(&self, name: &'static str, default: u64) -> Result<Duration, ConfigError> {
        let milliseconds = self.parsed(name, "a whole number of milliseconds")?.unwrap_or(default);
        Ok(Duration::from_millis(milliseconds))
    }

    fn url(&self, name: &'static str) -> Result<Option<Url>, ConfigError> {
        match self.parsed::<Url>(name, "an http or https URL")? {
            Some(url) if !matches!(url.scheme(), "http" | "https") => {
                Err(ConfigError::Invalid { name, allowed: "an http or https URL" })
            }
            url => Ok(url),
        }
    }

    fn origins(&self, name: &'static str) -> Result<Vec<Url>, ConfigError> {
        let allowed = "exact origins such as https://app.example.com, separated by commas";
        let invalid = || ConfigError::Invalid { name, allowed };
        let list = self.text(name).unwrap_or_default();
        let origins = list.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        let origins = origins.map(|origin| {
            let url = Url::parse(origin).map_err(|_| invalid())?;
            let exact = url.origin().is_tuple() && url.path() == "/" && url.query().is_none();
            if exact { Ok(url) } else { Err(invalid()) }
        });
        origins.collect()
    }

    /// White space round a secret is a mistake made while pasting it, and would refuse every session.
    fn secret(&self, name: &'static str, ssm: &'static str) -> Result<Secret, ConfigError> {
        match (self.text(name), self.text(ssm)) {
            (Some(_), Some(_)) => Err(ConfigError::Twice(name)),
            (None, None) => Err(ConfigError::Missing(name)),
            (Some(secret), None) => Ok(Secret::Here(checked(name, secret.into())?)),
            (None, Some(parameter)) => Ok(Secret::Ssm(parameter)),
        }
    }

    fn registry(&self) -> Result<Registry, ConfigError> {
        let models = match self.text("MODELS") {
            Some(path) if !path.trim_start().starts_with('[') => {
                Some(std::fs::read_to_string(path).map_err(ConfigError::ModelsFile)?)
            }
            json => json,
        };
        Registry::new(models.as_deref(), self.text("DEFAULT_MODEL").as_deref()).map_err(ConfigError::Models)
    }

    fn jwks(&self) -> Result<Option<String>, ConfigError> {
        match self.text("BETTER_AUTH_JWKS") {
            Some(path) if !path.trim_start().starts_with('{') => {
                std::fs::read_to_string(path).map(Some).map_err(ConfigError::JwksFile)
            }
            json => Ok(json),
        }
    }

    fn limits(&self) -> Result<Limits, ConfigError> {
        let mut limits = Limits { max_body_bytes: MAX_BODY_BYTES, ..Limits::default() };
        if let Some(bytes) = self.parsed("MAX_BODY_BYTES", "a whole number of bytes")? {
            limits.max_body_bytes = bytes;
        }
        if let Some(messages) = self.parsed("MAX_MESSAGES", "a whole number of messages")? {
            limits.max_messages = messages;
        }
        Ok(limits)
    }

    fn serve(&self) -> Result<Serve, ConfigError> {
        if self.text("AWS_LAMBDA_RUNTIME_API").is_some() {
            let concurrency = self.parsed("AWS_LAMBDA_MAX_CONCURRENCY", "a whole number")?.unwrap_or(1);
            return Ok(Serve::Lambda { concurrency });
        }
        let host = self.parsed("HOST", "an IP address")?.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let port = self.parsed("PORT", "a port number")?.unwrap_or(3000);
        Ok(Serve::Http(SocketAddr::new(host, port)))
    }
}

/// The secret, if nothing was pasted along with it.
pub(crate) fn checked(name: &'static str, secret: SecretString) -> Result<SecretString, ConfigError> {
    let text = secret.expose_secret();
    if text.is_empty() || text.trim() != text {
        return Err(ConfigError::Invalid { name, allowed: "without white space at its ends" });
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(more: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let mut variables = HashMap::from([
            ("TABLE_NAME", "chat"),
            ("AI_GATEWAY_API_KEY", "key-of-the-gateway"),
            ("BETTER_AUTH_SECRET", "secret-of-better-auth-of-32-chars"),
        ]);
        variables.extend(more.iter().copied());
        Config::read(|name| variables.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn three_variables_are_enough() {
        let config = read(&[]).unwrap();
        assert_eq!(config.gateway_url.as_str(), "https://ai-gateway.vercel.sh/v4/ai");
        assert_eq!(config.serve, Serve::Http("127.0.0.1:3000".parse().unwrap()));
        assert_eq!(config.registry.default_model().id, registry::DEFAULT_MODEL);
    }

    #[test]
    fn each_protocol_has_its_own_address() {
        let of = |more: &[(&str, &str)]| {
            read(more).map(|config| (config.gateway_protocol, config.gateway_url.to_string()))
        };
        let native = (Protocol::Native, "https://ai-gateway.vercel.sh/v4/ai".to_owned());
        let openai = ("AI_GATEWAY_PROTOCOL", "openai");
        assert_eq!(of(&[("AI_GATEWAY_PROTOCOL", "")]).unwrap(), native);
        assert_eq!(of(&[("AI_GATEWAY_PROTOCOL", "native")]).unwrap(), native);
        assert_eq!(of(&[openai]).unwrap(), (Protocol::OpenAi, "https://ai-gateway.vercel.sh/v1".to_owned()));
        let own = ("AI_GATEWAY_BASE_URL", "http://127.0.0.1:11434/v1");
        assert_eq!(of(&[openai, own]).unwrap(), (Protocol::OpenAi, own.1.to_owned()));
    }

    #[test]
    fn an_error_names_the_variable() {
        for (name, value, text) in [
            ("TABLE_NAME", "", "TABLE_NAME must be set"),
            ("AI_GATEWAY_API_KEY", "", "AI_GATEWAY_API_KEY must be set"),
            ("AI_GATEWAY_API_KEY", "key\n", "AI_GATEWAY_API_KEY must be without white space at its ends"),
            (
                "BETTER_AUTH_SECRET_SSM",
                "/a",
                "BETTER_AUTH_SECRET and BETTER_AUTH_SECRET_SSM are both set: choose one",
            ),
            ("AI_GATEWAY_BASE_URL", "ftp://x", "AI_GATEWAY_BASE_URL must be an http or https URL"),
            ("AI_GATEWAY_PROTOCOL", "OpenAI", "AI_GATEWAY_PROTOCOL must be native or openai"),
            ("IDLE_TIMEOUT_MS", "1s", "IDLE_TIMEOUT_MS must be a whole number of milliseconds"),
            ("PORT", "70000", "PORT must be a port number"),
            ("ON_BUSY", "wait", "ON_BUSY must be supersede or reject"),
            ("MAX_TURNS_PER_DAY", "-1", "MAX_TURNS_PER_DAY must be a whole number"),
            ("LOG_LEVEL", "loud", "LOG_LEVEL must be error, warn, info, debug or trace"),
            (
                "ALLOWED_ORIGINS",
                "https://*.example.com/x",
                "ALLOWED_ORIGINS must be exact origins such as https://app.example.com, separated by commas",
            ),
            ("MODELS", "/no/such/file", "MODELS names a file that cannot be read"),
            ("BETTER_AUTH_COOKIE_CACHE", "on", "BETTER_AUTH_COOKIE_CACHE must be off, compact, jwt or jwe"),
            ("BETTER_AUTH_JWKS", "/no/such/file", "BETTER_AUTH_JWKS names a file that cannot be read"),
            ("MODELS", "[]", "MODELS or DEFAULT_MODEL is wrong"),
            ("DEFAULT_MODEL", "acme/none", "MODELS or DEFAULT_MODEL is wrong"),
        ] {
            assert_eq!(read(&[(name, value)]).unwrap_err().to_string(), text, "{name}={value}");
        }
    }

    #[test]
    fn no_secret_is_ever_printed() {
        let printed = format!("{:?}", read(&[]).unwrap());
        assert!(!printed.contains("key-of") && !printed.contains("secret-of"), "{printed}");
    }

    #[test]
    fn lambda_is_told_by_its_runtime_api() {
        let api = ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001");
        assert_eq!(read(&[api]).unwrap().serve, Serve::Lambda { concurrency: 1 });
        let many = read(&[api, ("AWS_LAMBDA_MAX_CONCURRENCY", "50")]).unwrap();
        assert_eq!(many.serve, Serve::Lambda { concurrency: 50 });
    }
}

//! The settings that all functions share.

use std::time::Duration;

use registry::Registry;
use secrecy::SecretString;
use session::CookieCacheStrategy;
use store::{ClientOptions, ConnectError, Store, TurnLimits};
use tracing::Level;
use url::Url;

use crate::{Secret, Serve, SettingError, Variables};

/// The settings that an operator makes for all functions. README has the table.
#[derive(Debug)]
pub struct Settings {
    /// The name of the table.
    pub table_name: String,
    /// The DynamoDB endpoint. `None`: the AWS SDK's default.
    pub dynamodb_endpoint: Option<Url>,
    /// The secret that better-auth signs with.
    pub auth_secret: Secret,
    /// The URL of the web application.
    pub auth_url: Option<Url>,
    /// better-auth's `cookiePrefix`.
    pub cookie_prefix: String,
    /// The strategy of better-auth's cookie cache.
    pub cookie_cache: CookieCacheStrategy,
    /// The valid version of the cookie cache.
    pub cookie_cache_version: String,
    /// The public keys of access tokens, as JSON.
    pub jwks: Option<String>,
    /// Set when the revocation of all of a user's sessions is checked.
    pub check_revocation: bool,
    /// The origins whose pages may send cookies, in addition to that of `auth_url`.
    pub allowed_origins: Vec<Url>,
    /// The models.
    pub registry: Registry,
    /// The limits of a user's turns.
    pub turn_limits: TurnLimits,
    /// The grace period of running requests after a shutdown signal, for plain HTTP.
    pub shutdown_grace: Duration,
    /// The log level of the crates of this workspace.
    pub log_level: Level,
    /// The way of serving.
    pub serve: Serve,
}

impl Settings {
    /// Reads the settings from `variables`.
    pub fn read(variables: Variables<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            table_name: variables
                .text("TABLE_NAME")
                .ok_or(SettingError::Missing("TABLE_NAME"))?,
            dynamodb_endpoint: variables.url("AWS_ENDPOINT_URL_DYNAMODB")?,
            auth_secret: variables.secret("BETTER_AUTH_SECRET", "BETTER_AUTH_SECRET_SSM")?,
            auth_url: variables.url("BETTER_AUTH_URL")?,
            cookie_prefix: variables
                .text("BETTER_AUTH_COOKIE_PREFIX")
                .unwrap_or_else(|| "better-auth".to_owned()),
            cookie_cache: variables
                .parse("BETTER_AUTH_COOKIE_CACHE", "off, compact, jwt or jwe")?
                .unwrap_or_default(),
            cookie_cache_version: variables
                .text("BETTER_AUTH_COOKIE_CACHE_VERSION")
                .unwrap_or_else(|| "1".to_owned()),
            jwks: variables.jwks()?,
            check_revocation: variables
                .parse("BETTER_AUTH_CHECK_REVOCATION", "true or false")?
                .unwrap_or(false),
            allowed_origins: variables.origins("ALLOWED_ORIGINS")?,
            registry: variables.registry()?,
            turn_limits: TurnLimits {
                per_day: variables
                    .parse("MAX_TURNS_PER_DAY", "a whole number")?
                    .unwrap_or(0),
                parallel: variables
                    .parse("MAX_PARALLEL_TURNS", "a whole number")?
                    .unwrap_or(0),
            },
            shutdown_grace: variables.milliseconds("SHUTDOWN_GRACE_MS", 20_000)?,
            log_level: variables
                .parse("LOG_LEVEL", "error, warn, info, debug or trace")?
                .unwrap_or(Level::INFO),
            serve: Serve::read(variables)?,
        })
    }

    /// Moves the secret out, leaving an empty one.
    pub fn take_secret(&mut self) -> Secret {
        std::mem::replace(
            &mut self.auth_secret,
            Secret::Inline(SecretString::default()),
        )
    }

    /// Creates the store. Opens no connection.
    pub async fn store(&self) -> Result<Store, ConnectError> {
        let endpoint = self.dynamodb_endpoint.as_ref().map(Url::to_string);
        let client = store::connect(&ClientOptions {
            endpoint,
            ..ClientOptions::default()
        })
        .await?;
        Ok(Store::new(client, &self.table_name))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(more: &[(&str, &str)]) -> Result<Settings, SettingError> {
        let mut variables = HashMap::from([
            ("TABLE_NAME", "chat"),
            ("BETTER_AUTH_SECRET", "secret-of-better-auth-of-32-chars"),
        ]);
        variables.extend(more.iter().copied());
        Settings::read(Variables::new(&|name| {
            variables.get(name).map(|value| (*value).to_owned())
        }))
    }

    #[test]
    fn two_variables_are_enough() {
        let settings = read(&[]).unwrap();
        assert_eq!(
            settings.serve,
            Serve::Http("127.0.0.1:3000".parse().unwrap())
        );
        assert_eq!(
            settings.registry.default_model().id,
            registry::DEFAULT_MODEL
        );
        assert_eq!(settings.turn_limits, TurnLimits::default());
    }

    #[test]
    fn an_error_names_the_variable() {
        for (name, value, text) in [
            ("TABLE_NAME", "", "TABLE_NAME must be set"),
            (
                "BETTER_AUTH_SECRET_SSM",
                "/a",
                "BETTER_AUTH_SECRET and BETTER_AUTH_SECRET_SSM are both set: choose one",
            ),
            (
                "BETTER_AUTH_SECRET",
                "secret-of-better-auth-of-32-chars\n",
                "BETTER_AUTH_SECRET must be without leading or trailing white space",
            ),
            (
                "BETTER_AUTH_URL",
                "ftp://x",
                "BETTER_AUTH_URL must be an http or https URL",
            ),
            ("PORT", "70000", "PORT must be a port number"),
            (
                "MAX_TURNS_PER_DAY",
                "-1",
                "MAX_TURNS_PER_DAY must be a whole number",
            ),
            (
                "LOG_LEVEL",
                "loud",
                "LOG_LEVEL must be error, warn, info, debug or trace",
            ),
            (
                "ALLOWED_ORIGINS",
                "https://*.example.com/x",
                "ALLOWED_ORIGINS must be exact origins such as https://app.example.com, separated by commas",
            ),
            (
                "BETTER_AUTH_COOKIE_CACHE",
                "on",
                "BETTER_AUTH_COOKIE_CACHE must be off, compact, jwt or jwe",
            ),
            (
                "BETTER_AUTH_JWKS",
                "/no/such/file",
                "BETTER_AUTH_JWKS names a file that cannot be read",
            ),
            (
                "MODELS",
                "/no/such/file",
                "MODELS names a file that cannot be read",
            ),
            ("MODELS", "[]", "MODELS or DEFAULT_MODEL is invalid"),
            (
                "DEFAULT_MODEL",
                "acme/none",
                "MODELS or DEFAULT_MODEL is invalid",
            ),
        ] {
            assert_eq!(
                read(&[(name, value)]).unwrap_err().to_string(),
                text,
                "{name}={value}"
            );
        }
    }

    #[test]
    fn no_secret_is_ever_printed() {
        let printed = format!("{:?}", read(&[]).unwrap());
        assert!(!printed.contains("secret-of"), "{printed}");
    }

    #[test]
    fn lambda_is_recognised_by_its_runtime_api() {
        let api = ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001");
        assert_eq!(
            read(&[api]).unwrap().serve,
            Serve::Lambda { concurrency: 1 }
        );
        let many = read(&[api, ("AWS_LAMBDA_MAX_CONCURRENCY", "50")]).unwrap();
        assert_eq!(many.serve, Serve::Lambda { concurrency: 50 });
    }
}

//! Reading variables of the environment, with errors that name them.

use std::str::FromStr;
use std::time::Duration;

use registry::{Registry, RegistryError};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::Secret;

/// Why a function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// There is no default for it.
    #[error("{0} must be set")]
    Missing(&'static str),
    /// It cannot be used as it is.
    #[error("{name} must be {allowed}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it may be.
        allowed: &'static str,
    },
    /// A secret is given in both of its ways.
    #[error("{0} and {0}_SSM are both set: choose one")]
    Twice(&'static str),
    /// The models cannot be read from where they are said to be.
    #[error("MODELS names a file that cannot be read")]
    ModelsFile(#[source] std::io::Error),
    /// The keys of access tokens cannot be read from where they are said to be.
    #[error("BETTER_AUTH_JWKS names a file that cannot be read")]
    JwksFile(#[source] std::io::Error),
    /// The models cannot be used.
    #[error("MODELS or DEFAULT_MODEL is wrong")]
    Models(#[source] RegistryError),
}

/// Variables by their names. An empty one counts as not set.
#[derive(Clone, Copy)]
pub struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Variables<'a> {
    /// Those that `lookup` knows.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(lookup)
    }

    /// Those of the process. To be read once, at start.
    pub fn from_process() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the environment"
        )]
        Self(&|name| std::env::var(name).ok())
    }

    /// The text of a variable.
    pub fn text(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// What a variable says, which has to be what is `allowed`.
    pub fn parsed<T: FromStr>(
        &self,
        name: &'static str,
        allowed: &'static str,
    ) -> Result<Option<T>, SettingError> {
        let parse = |value: String| {
            value
                .trim()
                .parse()
                .map_err(|_| SettingError::Invalid { name, allowed })
        };
        self.text(name).map(parse).transpose()
    }

    /// A time, or `default`, which is in milliseconds too.
    pub fn milliseconds(&self, name: &'static str, default: u64) -> Result<Duration, SettingError> {
        let milliseconds = self
            .parsed(name, "a whole number of milliseconds")?
            .unwrap_or(default);
        Ok(Duration::from_millis(milliseconds))
    }

    /// An address of the web.
    pub fn url(&self, name: &'static str) -> Result<Option<Url>, SettingError> {
        match self.parsed::<Url>(name, "an http or https URL")? {
            Some(url) if !matches!(url.scheme(), "http" | "https") => Err(SettingError::Invalid {
                name,
                allowed: "an http or https URL",
            }),
            url => Ok(url),
        }
    }

    /// A list of exact origins.
    pub fn origins(&self, name: &'static str) -> Result<Vec<Url>, SettingError> {
        let allowed = "exact origins such as https://app.example.com, separated by commas";
        let invalid = || SettingError::Invalid { name, allowed };
        let list = self.text(name).unwrap_or_default();
        let origins = list
            .split(',')
            .map(str::trim)
            .filter(|origin| !origin.is_empty());
        let origins = origins.map(|origin| {
            let url = Url::parse(origin).map_err(|_| invalid())?;
            let exact = url.origin().is_tuple() && url.path() == "/" && url.query().is_none();
            if exact { Ok(url) } else { Err(invalid()) }
        });
        origins.collect()
    }

    /// A secret under `name`, or its place under `ssm`. White space round it is a mistake made while pasting it, and
    /// would refuse every session.
    pub fn secret(&self, name: &'static str, ssm: &'static str) -> Result<Secret, SettingError> {
        match (self.text(name), self.text(ssm)) {
            (Some(_), Some(_)) => Err(SettingError::Twice(name)),
            (None, None) => Err(SettingError::Missing(name)),
            (Some(secret), None) => Ok(Secret::Inline(checked(name, secret.into())?)),
            (None, Some(parameter)) => Ok(Secret::Ssm(parameter)),
        }
    }

    /// The keys of access tokens, or the path of a file with them.
    pub fn jwks(&self) -> Result<Option<String>, SettingError> {
        match self.text("BETTER_AUTH_JWKS") {
            Some(path) if !path.trim_start().starts_with('{') => std::fs::read_to_string(path)
                .map(Some)
                .map_err(SettingError::JwksFile),
            json => Ok(json),
        }
    }

    /// The models of this deployment.
    pub fn registry(&self) -> Result<Registry, SettingError> {
        let models = match self.text("MODELS") {
            Some(path) if !path.trim_start().starts_with('[') => {
                Some(std::fs::read_to_string(path).map_err(SettingError::ModelsFile)?)
            }
            json => json,
        };
        Registry::new(models.as_deref(), self.text("DEFAULT_MODEL").as_deref())
            .map_err(SettingError::Models)
    }
}

/// The secret, if nothing was pasted along with it.
pub(crate) fn checked(
    name: &'static str,
    secret: SecretString,
) -> Result<SecretString, SettingError> {
    let text = secret.expose_secret();
    if text.is_empty() || text.trim() != text {
        return Err(SettingError::Invalid {
            name,
            allowed: "without white space at its ends",
        });
    }
    Ok(secret)
}

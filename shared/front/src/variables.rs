//! Typed access to environment variables, with errors that name the variable.

use std::str::FromStr;
use std::time::Duration;

use registry::Registry;
use url::Url;

use crate::secrets::check_secret;
use crate::{Secret, SettingError};

/// Variables by name. An empty one counts as not set.
#[derive(Clone, Copy)]
pub struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl std::fmt::Debug for Variables<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Variables").finish_non_exhaustive()
    }
}

impl<'a> Variables<'a> {
    /// Creates a view of the variables that `lookup` returns.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(lookup)
    }

    /// Creates a view of the process's environment. To be read once, at start.
    pub fn from_process() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the environment"
        )]
        Self(&|name| std::env::var(name).ok())
    }

    /// Returns the text of a variable.
    pub fn text(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// Parses the value of a variable. `allowed` describes valid values for the error.
    pub fn parse<T: FromStr>(
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

    /// Returns a duration; variable and `default` are in milliseconds.
    pub fn milliseconds(&self, name: &'static str, default: u64) -> Result<Duration, SettingError> {
        let milliseconds = self
            .parse(name, "a whole number of milliseconds")?
            .unwrap_or(default);
        Ok(Duration::from_millis(milliseconds))
    }

    /// Returns an http or https URL.
    pub fn url(&self, name: &'static str) -> Result<Option<Url>, SettingError> {
        match self.parse::<Url>(name, "an http or https URL")? {
            Some(url) if !matches!(url.scheme(), "http" | "https") => Err(SettingError::Invalid {
                name,
                allowed: "an http or https URL",
            }),
            url => Ok(url),
        }
    }

    /// Returns a list of exact origins.
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

    /// Returns the secret under `name`, or the name of its parameter under `ssm`. Rejects
    /// surrounding white space, which is a mistake made while pasting and would invalidate every
    /// session.
    pub fn secret(&self, name: &'static str, ssm: &'static str) -> Result<Secret, SettingError> {
        match (self.text(name), self.text(ssm)) {
            (Some(_), Some(_)) => Err(SettingError::BothSet(name)),
            (None, None) => Err(SettingError::Missing(name)),
            (Some(secret), None) => Ok(Secret::Inline(check_secret(name, secret.into())?)),
            (None, Some(parameter)) => Ok(Secret::Ssm(parameter)),
        }
    }

    /// Returns the keys of access tokens, from the variable or from the file that it names.
    pub fn jwks(&self) -> Result<Option<String>, SettingError> {
        match self.text("BETTER_AUTH_JWKS") {
            Some(path) if !path.trim_start().starts_with('{') => std::fs::read_to_string(path)
                .map(Some)
                .map_err(SettingError::JwksFile),
            json => Ok(json),
        }
    }

    /// Returns the models of this deployment.
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

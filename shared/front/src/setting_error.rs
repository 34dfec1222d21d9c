//! The error of invalid settings.

use registry::RegistryError;
use session::SessionConfigError;

/// The reason why a function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// A variable without a default is not set.
    #[error("{0} must be set")]
    Missing(&'static str),
    /// The value of a variable is invalid.
    #[error("{name} must be {allowed}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// The allowed values.
        allowed: &'static str,
    },
    /// A secret is given both inline and by its parameter name.
    #[error("{0} and {0}_SSM are both set: choose one")]
    BothSet(&'static str),
    /// The file with the models cannot be read.
    #[error("MODELS names a file that cannot be read")]
    ModelsFile(#[source] std::io::Error),
    /// The file with the keys of access tokens cannot be read.
    #[error("BETTER_AUTH_JWKS names a file that cannot be read")]
    JwksFile(#[source] std::io::Error),
    /// With this variable sessions could be forged or never be found.
    #[error("{name} is invalid")]
    Session {
        /// The variable.
        name: &'static str,
        /// The reason.
        source: SessionConfigError,
    },
    /// The models are invalid.
    #[error("MODELS or DEFAULT_MODEL is invalid")]
    Models(#[source] RegistryError),
}

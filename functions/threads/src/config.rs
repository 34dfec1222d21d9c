//! The function's configuration, read once. It holds only the settings that all functions share; no
//! gateway key is needed.

use front::{SettingError, Settings, Variables};

/// The settings of this function. README has the table.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) front: Settings,
}

impl Config {
    /// Reads the configuration from `variables`.
    pub(crate) fn read(variables: Variables<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            front: Settings::read(variables)?,
        })
    }
}

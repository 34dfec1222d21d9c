//! The function's configuration, read once. It is what all functions have in common, and nothing else: no key of a
//! gateway is asked for.

use front::{SettingError, Settings, Variables};

/// Everything that an operator can set. README has the table.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) front: Settings,
}

impl Config {
    /// Reads what is said in `variables`.
    pub(crate) fn read(variables: Variables<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            front: Settings::read(variables)?,
        })
    }
}

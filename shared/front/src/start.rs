//! The start and the end of a function's process.

use std::process::ExitCode;

use tracing::Level;

use crate::logging::log_to_stdout;
use crate::{BoxError, SettingError, Variables, error_chain};

/// Reads the configuration from the environment and serves until the process gets SIGTERM or
/// SIGINT.
///
/// The crates `own_crates` log at the level that `level_of` returns. Logs a failure and
/// returns it as the exit status.
pub fn start<C>(
    own_crates: &[&'static str],
    read: impl FnOnce(Variables<'_>) -> Result<C, SettingError>,
    level_of: impl FnOnce(&C) -> Level,
    serve: impl FnOnce(C) -> Result<(), BoxError>,
) -> ExitCode {
    let config = match read(Variables::from_process()) {
        Ok(config) => config,
        Err(error) => {
            log_to_stdout(Level::INFO, own_crates);
            tracing::error!(error = error_chain(&error), "invalid configuration");
            return ExitCode::FAILURE;
        }
    };
    log_to_stdout(level_of(&config), own_crates);
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(
                error = error_chain(error.as_ref()),
                "failed to run the function"
            );
            ExitCode::FAILURE
        }
    }
}

//! How a function's process begins and ends.

use std::process::ExitCode;

use tracing::Level;

use crate::logging::log_to_stdout;
use crate::{BoxError, SettingError, Variables, failure};

/// Reads the configuration from the environment and serves by it until the process is asked to go. Of the crates `ours`
/// as much is logged as `level_of` the configuration says. What goes wrong is logged, and told by the exit status.
pub fn start<C>(
    ours: &[&'static str],
    read: impl FnOnce(Variables<'_>) -> Result<C, SettingError>,
    level_of: impl FnOnce(&C) -> Level,
    serve: impl FnOnce(C) -> Result<(), BoxError>,
) -> ExitCode {
    let config = match read(Variables::from_process()) {
        Ok(config) => config,
        Err(error) => {
            log_to_stdout(Level::INFO, ours);
            tracing::error!(error = failure::chain(&error), "invalid configuration");
            return ExitCode::FAILURE;
        }
    };
    log_to_stdout(level_of(&config), ours);
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(
                error = failure::chain(error.as_ref()),
                "failed to run the function"
            );
            ExitCode::FAILURE
        }
    }
}

//! The start and the end of a function's process.

use std::process::ExitCode;

use tracing::Level;

use crate::{BoxError, SettingError, error_chain, init_logging};

/// Logs why the configuration is invalid, and returns the exit code for that.
pub fn report_invalid_config(error: &SettingError) -> ExitCode {
    init_logging(Level::INFO);
    tracing::error!(error = error_chain(error), "invalid configuration");
    ExitCode::FAILURE
}

/// Returns the exit code of a function that has ended. Logs its error.
pub fn exit_code(outcome: Result<(), BoxError>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error = error_chain(error.as_ref());
            tracing::error!(error, "failed to run the function");
            ExitCode::FAILURE
        }
    }
}

//! The text of an error with its causes.

use std::error::Error;
use std::fmt::Write;

/// Formats an error with all its causes, separated by colons. Loggers print an error without its
/// causes.
pub fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").expect("a string takes any text");
        cause = error.source();
    }
    text
}

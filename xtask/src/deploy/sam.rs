//! The commands of the SAM CLI.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::{command, workspace};

/// Returns a command of SAM, which finds cargo-lambda and zig in its own folder.
pub(super) fn sam(tools: &Path) -> Command {
    let mut command = Command::new(tools.join("sam"));
    command
        .current_dir(workspace::root())
        .env("PATH", path_with(tools));
    command::forget_outer_cargo(&mut command);
    command
}

/// Returns the search path with the folder `tools` in front.
pub(super) fn path_with(tools: &Path) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(tools.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap_or(path)
}

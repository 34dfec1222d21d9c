//! The places of files and folders. Knows paths only.

use std::path::{Path, PathBuf};

/// Returns the folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a folder of the workspace")
}

/// Returns the folder that fetched tools are kept in; git ignores it.
pub(crate) fn tools() -> PathBuf {
    root().join(".tools")
}

/// Returns the folder that cargo builds into.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// Returns a function as an everyday build leaves it.
pub(crate) fn binary(name: &str) -> PathBuf {
    target().join("debug").join(name)
}

/// Returns the SAM template, the one description of what is deployed.
pub(crate) fn template() -> PathBuf {
    root().join("template.yaml")
}

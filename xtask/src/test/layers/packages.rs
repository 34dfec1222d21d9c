//! The packages of the workspace, as cargo describes them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::command;

/// A package of the workspace.
#[derive(Debug, Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    targets: Vec<Target>,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// Returns the packages of the workspace in the folder `root`.
///
/// # Errors
/// Cargo does not describe the workspace.
pub(super) fn read(root: &Path) -> Result<Vec<Package>> {
    let mut cargo = Command::new(command::cargo());
    cargo
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root);
    let described = command::output(command::forget_outer_cargo(&mut cargo))?;
    parse(&described)
}

/// Reads what `cargo metadata` prints.
///
/// # Errors
/// It is no such description.
pub(super) fn parse(described: &str) -> Result<Vec<Package>> {
    let metadata: Metadata =
        serde_json::from_str(described).context("cargo's description of the workspace")?;
    Ok(metadata.packages)
}

impl Package {
    /// Returns the root files of the library and the binaries.
    pub(super) fn roots(&self) -> impl Iterator<Item = &Path> {
        let is_production = |kind: &String| kind == "lib" || kind == "bin";
        let targets = self.targets.iter();
        targets
            .filter(move |target| target.kind.iter().any(is_production))
            .map(|target| target.src_path.as_path())
    }

    /// Returns the normal dependencies that are folders of the workspace.
    pub(super) fn dependencies(&self) -> impl Iterator<Item = &str> {
        let dependencies = self.dependencies.iter();
        dependencies
            .filter(|dependency| dependency.kind.is_none() && dependency.path.is_some())
            .map(|dependency| dependency.name.as_str())
    }
}

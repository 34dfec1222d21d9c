//! The tools that come from crates.io and are built here.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::stamp::Stamp;
use crate::{command, progress, workspace};

const MACHETE_VERSION: &str = "0.9.2";
const ADVICE: &str = "check that crates.io can be reached, and try again";

/// Returns the finder of unused dependencies, `cargo-machete`.
///
/// # Errors
/// It is not there and cannot be built.
pub(crate) fn cargo_machete() -> Result<PathBuf> {
    install("cargo-machete", MACHETE_VERSION)
}

fn install(package: &str, version: &str) -> Result<PathBuf> {
    let _lock = super::lock::lock()?;
    let folder = workspace::tools().join(package);
    let program = folder.join("bin").join(package);
    let stamp = Stamp::new(folder.join("stamp"), version);
    if stamp.is_current() && program.is_file() {
        return Ok(program);
    }
    let title = format!("building {package} (some minutes)");
    progress::step(&title, || {
        stamp.clear()?;
        let mut cargo = Command::new(command::cargo());
        cargo
            .args(["install", "--locked", "--force", "--root"])
            .arg(&folder)
            .args(["--version", version, package])
            .current_dir(workspace::root());
        command::output(command::forget_outer_cargo(&mut cargo))?;
        stamp.set()
    })
    .with_context(|| format!("{title} failed; {ADVICE}"))?;
    Ok(program)
}

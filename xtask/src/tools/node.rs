//! The packages that come from npm: a current Node, the real AI SDK client that the acceptance
//! tests talk through, the model server that others wrote, the better-auth that users sign in to,
//! and a linter.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::stamp::{Stamp, pin_file};
use crate::{command, progress, workspace};

const PACKAGE_FILES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];
const STAMP: &str = ".stamp";
const ADVICE: &str =
    "install Node with npm, check that npm's registry can be reached, and try again";

/// Returns the pinned Node, which the client tests run under whatever Node the machine has.
///
/// # Errors
/// It is not there and cannot be fetched, or npm has none for this machine.
pub(crate) fn node() -> Result<PathBuf> {
    let folder = workspace::tools().join("node");
    let packages = install(
        &workspace::root().join("xtask").join("tools"),
        &folder,
        "fetching Node",
    )?;
    node_in(&packages).with_context(|| {
        // To npm this package is an optional one: it passes over a failed download in silence.
        let _ = std::fs::remove_file(packages.join(STAMP));
        format!("npm fetched no Node, as if there were none for this kind of machine; {ADVICE}")
    })
}

/// Returns the `node_modules` of the client scripts in `tests/client`.
///
/// # Errors
/// They are not there and cannot be fetched.
pub(crate) fn client_packages() -> Result<PathBuf> {
    let folder = workspace::root().join("tests").join("client");
    install(&folder, &folder, "fetching the AI SDK client")
}

/// Returns the OpenAI-compatible server whose answers lie in `tests/openai`: its script, which the
/// pinned Node runs.
///
/// # Errors
/// It is not there and cannot be fetched.
pub(crate) fn openai_server() -> Result<PathBuf> {
    let folder = workspace::root().join("tests").join("openai");
    let packages = install(&folder, &folder, "fetching an OpenAI-compatible server")?;
    Ok(packages
        .join("@copilotkit")
        .join("aimock")
        .join("dist")
        .join("cli.js"))
}

/// Returns the web app with the real better-auth in `tests/better-auth`: its script, which the
/// pinned Node runs.
///
/// # Errors
/// Its packages are not there and cannot be fetched.
pub(crate) fn better_auth() -> Result<PathBuf> {
    let folder = workspace::root().join("tests").join("better-auth");
    install(&folder, &folder, "fetching better-auth")?;
    Ok(folder.join("web-app.mjs"))
}

/// Returns the linter of OpenAPI documents in `tests/openapi`: its script, which the pinned Node
/// runs.
///
/// # Errors
/// It is not there and cannot be fetched.
pub(crate) fn openapi_linter() -> Result<PathBuf> {
    let folder = workspace::root().join("tests").join("openapi");
    let packages = install(&folder, &folder, "fetching the linter of OpenAPI documents")?;
    Ok(packages
        .join("@redocly")
        .join("cli")
        .join("bin")
        .join("cli.js"))
}

/// Fills `folder` with the packages that the lock file in `source` names. No script of theirs runs.
pub(super) fn install(source: &Path, folder: &Path, title: &str) -> Result<PathBuf> {
    let _lock = super::lock::lock()?;
    let packages = folder.join("node_modules");
    let stamp = Stamp::new(
        packages.join(STAMP),
        &pin_file(&source.join("package-lock.json"))?,
    );
    if stamp.is_current() {
        return Ok(packages);
    }
    progress::step(title, || {
        let npm = command::find("npm").context("there is no `npm` in PATH")?;
        if source != folder {
            copy_package_files(source, folder)?;
        }
        command::output(
            Command::new(npm)
                .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
                .current_dir(folder),
        )?;
        stamp.set()
    })
    .with_context(|| format!("{title} failed; {ADVICE}"))?;
    Ok(packages)
}

fn copy_package_files(source: &Path, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for file in PACKAGE_FILES {
        std::fs::copy(source.join(file), folder.join(file))
            .with_context(|| format!("{file} cannot be copied"))?;
    }
    Ok(())
}

/// Returns the program in the one package that npm installs, that for this platform.
fn node_in(packages: &Path) -> Option<PathBuf> {
    let folders = std::fs::read_dir(packages).ok()?;
    folders
        .filter_map(Result::ok)
        .map(|folder| folder.path().join("bin").join("node"))
        .find(|file| file.is_file())
}

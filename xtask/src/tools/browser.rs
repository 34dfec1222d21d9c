//! The browser that looks at the page in the tests, and Playwright, which drives it. The browser is
//! the system's: it is taken as it is found, and installed where the system's own package manager
//! can do so without asking anybody.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::node::install;
use crate::{command, progress, workspace};

/// Names a browser to use instead of what is found.
const VARIABLE: &str = "SIDEKIQ_CHROMIUM";

const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];
const PLACES: [&str; 2] = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const ADVICE: &str = "install Chromium or Chrome (Debian: apt-get install chromium), or name one in SIDEKIQ_CHROMIUM";

/// Returns the `node_modules` of the scripts in `tests/browser`.
///
/// # Errors
/// They are not there and cannot be fetched.
pub(crate) fn browser_packages() -> Result<PathBuf> {
    let folder = workspace::root().join("tests").join("browser");
    install(&folder, &folder, "fetching Playwright")
}

/// Returns the path of Chromium.
///
/// # Errors
/// There is none and none can be installed.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
    {
        let is_there = named.is_file();
        return is_there
            .then_some(named)
            .with_context(|| format!("{VARIABLE} names no file"));
    }
    if let Some(found) = installed() {
        return Ok(found);
    }
    let apt = command::find("apt-get").filter(|_| rustix::process::geteuid().is_root());
    let Some(apt) = apt else {
        bail!("there is no Chromium; {ADVICE}")
    };
    progress::step("installing Chromium (about a minute)", || install_by(&apt))
        .with_context(|| format!("Chromium cannot be installed; {ADVICE}"))?;
    installed().with_context(|| format!("there is no Chromium after installing it; {ADVICE}"))
}

fn installed() -> Option<PathBuf> {
    let in_path = NAMES.into_iter().find_map(command::find);
    in_path.or_else(|| {
        PLACES
            .into_iter()
            .map(PathBuf::from)
            .find(|file| file.is_file())
    })
}

fn install_by(apt: &Path) -> Result<()> {
    let _lock = super::lock::lock()?;
    let apt = |arguments: &[&str]| {
        command::output(
            Command::new(apt)
                .args(arguments)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    apt(&["update", "--quiet"])?;
    apt(&[
        "install",
        "--quiet",
        "--yes",
        "--no-install-recommends",
        "chromium",
    ])?;
    Ok(())
}

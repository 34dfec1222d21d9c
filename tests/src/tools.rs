//! Where the tools are that `cargo xtask test` fetches: below `.tools`, or where a variable of the tester's says.

use std::env;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("this package lies inside the workspace")
        .to_owned()
}

/// cargo-lambda, from `SIDEKIQ_CARGO_LAMBDA` or the Python environment in `.tools`.
pub fn cargo_lambda() -> Option<PathBuf> {
    named("SIDEKIQ_CARGO_LAMBDA").or_else(|| existing(venv().join("bin/cargo-lambda")))
}

/// AWS's Runtime Interface Emulator, from `SIDEKIQ_RIE` or out of the aws-sam-cli wheel in `.tools`.
pub fn runtime_interface_emulator() -> Option<PathBuf> {
    let file = if cfg!(target_arch = "aarch64") {
        "aws-lambda-rie-arm64"
    } else {
        "aws-lambda-rie-x86_64"
    };
    named("SIDEKIQ_RIE").or_else(|| {
        let pythons = std::fs::read_dir(venv().join("lib")).ok()?;
        let rapid = Path::new("site-packages/samcli/local/rapid").join(file);
        pythons
            .flatten()
            .find_map(|python| existing(python.path().join(&rapid)))
    })
}

/// Node, from `SIDEKIQ_NODE`, from `.tools`, or whatever `node` is.
pub fn node() -> PathBuf {
    let fetched = || {
        let packages = std::fs::read_dir(workspace().join(".tools/node/node_modules")).ok()?;
        packages
            .flatten()
            .find_map(|package| existing(package.path().join("bin/node")))
    };
    named("SIDEKIQ_NODE")
        .or_else(fetched)
        .unwrap_or_else(|| PathBuf::from("node"))
}

/// Schemathesis, from `SIDEKIQ_SCHEMATHESIS` or its Python environment in `.tools`.
pub fn schemathesis() -> Option<PathBuf> {
    named("SIDEKIQ_SCHEMATHESIS")
        .or_else(|| existing(workspace().join(".tools/schemathesis/bin/schemathesis")))
}

/// A binary of this workspace that was built beforehand: `SIDEKIQ_CHAT`, `SIDEKIQ_THREADS` or `SIDEKIQ_XTASK`.
pub fn prebuilt(package: &str) -> Option<PathBuf> {
    named(&format!("SIDEKIQ_{}", package.to_uppercase()))
}

/// The folder of the built page, from `SIDEKIQ_PAGE` or where `cargo xtask` builds it.
pub fn page() -> Option<PathBuf> {
    named("SIDEKIQ_PAGE").or_else(|| existing(workspace().join("web/dist")))
}

/// A browser, from `SIDEKIQ_CHROMIUM` or the path.
pub fn chromium() -> Option<PathBuf> {
    const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
    named("SIDEKIQ_CHROMIUM").or_else(|| {
        let path = env::var_os("PATH")?;
        let folders: Vec<_> = env::split_paths(&path).collect();
        NAMES.into_iter().find_map(|name| {
            folders
                .iter()
                .find_map(|folder| existing(folder.join(name)))
        })
    })
}

/// Where pictures of a browser go.
pub fn pictures() -> PathBuf {
    target().join("browser")
}

/// Where builds go, and whatever else git ignores.
pub fn target() -> PathBuf {
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    workspace().join(target)
}

/// The cargo that runs these tests.
pub fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

/// Says loudly that something was not tested. The test harness hides what a good test prints by `eprintln!`.
pub fn report_skipped(what: &str, missing: &str) {
    let line = format!(
        "\n*** SKIPPED: {what}: {missing} is not installed; `cargo xtask test` installs it ***\n"
    );
    // Without a stderr there is nobody to tell.
    drop(std::io::stderr().write_all(line.as_bytes()));
}

fn venv() -> PathBuf {
    workspace().join(".tools/venv")
}

fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn existing(path: PathBuf) -> Option<PathBuf> {
    path.exists().then_some(path)
}

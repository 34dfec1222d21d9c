//! The locations of the tools that `cargo xtask test` installs: below `.tools`, or as the tester's
//! environment variables specify.

use std::env;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Returns the root of the workspace.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("this package lies inside the workspace")
        .to_owned()
}

/// Returns cargo-lambda, from `SIDEKIQ_CARGO_LAMBDA` or the Python environment in `.tools`.
pub fn cargo_lambda() -> Option<PathBuf> {
    from_variable("SIDEKIQ_CARGO_LAMBDA").or_else(|| if_exists(venv().join("bin/cargo-lambda")))
}

/// Returns AWS's Runtime Interface Emulator, from `SIDEKIQ_RIE` or the aws-sam-cli wheel in
/// `.tools`.
pub fn runtime_interface_emulator() -> Option<PathBuf> {
    let file = if cfg!(target_arch = "aarch64") {
        "aws-lambda-rie-arm64"
    } else {
        "aws-lambda-rie-x86_64"
    };
    from_variable("SIDEKIQ_RIE").or_else(|| {
        let pythons = std::fs::read_dir(venv().join("lib")).ok()?;
        let rapid = Path::new("site-packages/samcli/local/rapid").join(file);
        pythons
            .flatten()
            .find_map(|python| if_exists(python.path().join(&rapid)))
    })
}

/// Returns Node, from `SIDEKIQ_NODE`, from `.tools`, or `node` in the path.
pub fn node() -> PathBuf {
    let fetched = || {
        let packages = std::fs::read_dir(workspace().join(".tools/node/node_modules")).ok()?;
        packages
            .flatten()
            .find_map(|package| if_exists(package.path().join("bin/node")))
    };
    from_variable("SIDEKIQ_NODE")
        .or_else(fetched)
        .unwrap_or_else(|| PathBuf::from("node"))
}

/// Returns Schemathesis, from `SIDEKIQ_SCHEMATHESIS` or its Python environment in `.tools`.
pub fn schemathesis() -> Option<PathBuf> {
    from_variable("SIDEKIQ_SCHEMATHESIS")
        .or_else(|| if_exists(workspace().join(".tools/schemathesis/bin/schemathesis")))
}

/// Returns a prebuilt binary of this workspace: `SIDEKIQ_CHAT`, `SIDEKIQ_THREADS` or
/// `SIDEKIQ_XTASK`.
pub fn prebuilt(package: &str) -> Option<PathBuf> {
    from_variable(&format!("SIDEKIQ_{}", package.to_uppercase()))
}

/// Returns the folder of the built page, from `SIDEKIQ_PAGE` or where `cargo xtask` builds it.
pub fn page() -> Option<PathBuf> {
    from_variable("SIDEKIQ_PAGE").or_else(|| if_exists(workspace().join("web/dist")))
}

/// Returns a browser, from `SIDEKIQ_CHROMIUM` or the path.
pub fn chromium() -> Option<PathBuf> {
    const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
    from_variable("SIDEKIQ_CHROMIUM").or_else(|| {
        let path = env::var_os("PATH")?;
        let folders: Vec<_> = env::split_paths(&path).collect();
        NAMES.into_iter().find_map(|name| {
            folders
                .iter()
                .find_map(|folder| if_exists(folder.join(name)))
        })
    })
}

/// Returns the folder for screenshots.
pub fn screenshots() -> PathBuf {
    target().join("browser")
}

/// Returns cargo's target folder, which git ignores.
pub fn target() -> PathBuf {
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    workspace().join(target)
}

/// Returns the cargo that runs these tests.
pub fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

/// Reports on stderr that a test was skipped. Bypasses `eprintln!`, whose output the test harness
/// hides for passing tests.
pub fn report_skipped(what: &str, missing: &str) {
    let line = format!(
        "\n*** SKIPPED: {what}: {missing} is not installed; `cargo xtask test` installs it ***\n"
    );
    // Without a stderr there is no way to report.
    drop(std::io::stderr().write_all(line.as_bytes()));
}

fn venv() -> PathBuf {
    workspace().join(".tools/venv")
}

fn from_variable(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn if_exists(path: PathBuf) -> Option<PathBuf> {
    path.exists().then_some(path)
}

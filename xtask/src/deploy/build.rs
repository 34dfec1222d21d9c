//! Building what is deployed: first by cargo-lambda itself, whose progress can be watched, then by
//! SAM, which hides it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::sam::{path_with, sam};
use super::settings::Settings;
use crate::{command, workspace};

const FUNCTIONS: [&str; 2] = ["chat", "threads"];

/// Builds both functions and leaves them in `.aws-sam`, where `sam deploy` takes them from.
///
/// # Errors
/// The target cannot be installed, or the functions do not build.
pub(crate) fn run(tools: &Path, settings: &Settings) -> Result<()> {
    let target = if settings.is_x86_64() {
        "x86_64-unknown-linux-gnu"
    } else {
        "aarch64-unknown-linux-gnu"
    };
    // The very options that SAM gives, so that it finds everything built.
    let architecture = (!settings.is_x86_64()).then_some("--arm64");
    install_target(target)?;
    for function in FUNCTIONS {
        eprintln!("\n== build {function} for {target}");
        let mut build = cargo_lambda(tools);
        build
            .args(["lambda", "build", "--release"])
            .args(architecture)
            .args(["--bin", function]);
        check(build.current_dir(function_folder(function)))?;
    }
    // Puts what is built where `sam deploy` looks for it.
    eprintln!("\n== sam build");
    check(
        sam(tools)
            .args(["build", "--config-env", &settings.environment])
            .args(settings.override_arguments()),
    )
}

fn function_folder(function: &str) -> PathBuf {
    workspace::root().join("functions").join(function)
}

fn cargo_lambda(tools: &Path) -> Command {
    let mut cargo = Command::new(command::cargo());
    command::forget_outer_cargo(&mut cargo).env("PATH", path_with(tools));
    cargo
}

/// Installs the standard library of `target`, unless it is there.
fn install_target(target: &str) -> Result<()> {
    let rustc = |print: &[&str]| {
        command::output(
            Command::new("rustc")
                .args(print)
                .current_dir(workspace::root()),
        )
    };
    let library = rustc(&["--print", "target-libdir", "--target", target])?;
    if Path::new(library.trim()).is_dir() {
        return Ok(());
    }
    let rustup = command::find("rustup").with_context(|| {
        format!("Rust's standard library for {target} is not installed, and there is no rustup to install it")
    })?;
    check(
        Command::new(rustup)
            .args(["target", "add", target])
            .current_dir(workspace::root()),
    )
}

fn check(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("`{name}` cannot be started"))?;
    if !status.success() {
        bail!("`{name}` ended with {status}: see its output above");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use crate::workspace;

    /// Checks the profile: cargo-lambda adds `panic = "abort"` to one that does not choose.
    #[test]
    fn a_panic_unwinds_in_the_deployed_functions() {
        let manifest = std::fs::read_to_string(workspace::root().join("Cargo.toml")).unwrap();
        let manifest: Table = manifest.parse().unwrap();
        assert_eq!(
            manifest["profile"]["release"]["panic"].as_str(),
            Some("unwind")
        );
    }
}

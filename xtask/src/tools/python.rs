//! The tools that come from PyPI, in virtual environments of their own: one for what `sam` needs,
//! and one for schemathesis, which needs newer versions of the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};

use super::stamp::{Stamp, pin_file};
use crate::{command, progress, workspace};

const VENV: &str = "venv";
const ADVICE: &str = "install Python 3.10 or newer with its venv module (Debian: python3-venv), check that PyPI can be \
                      reached, and try again; remove .tools/venv and .tools/schemathesis if they were left half-made";

/// Returns the Lambda emulator, `cargo-lambda`.
///
/// # Errors
/// It is not there and cannot be fetched.
pub(crate) fn cargo_lambda() -> Result<PathBuf> {
    // zig comes along only with the full set: running a function does not cross-compile it.
    let folder = install(
        VENV,
        "requirements-dev.txt",
        &["--no-deps"],
        "fetching cargo-lambda",
    )?;
    Ok(folder.join("cargo-lambda"))
}

/// Returns the folder with `sam`, `cfn-lint`, `cargo-lambda` and the Python that runs them.
///
/// # Errors
/// It is not there and cannot be fetched.
pub(crate) fn sam_tools() -> Result<PathBuf> {
    install(
        VENV,
        "requirements.txt",
        &[],
        "fetching the SAM tools (about a minute)",
    )
}

/// Returns the folder of the SAM tools, with the terminal for the test of the deployment added.
///
/// # Errors
/// It is not there and cannot be fetched.
pub(crate) fn deploy_test_tools() -> Result<PathBuf> {
    sam_tools()?;
    install(
        VENV,
        "requirements-deploy-test.txt",
        &["--no-deps"],
        "fetching pexpect",
    )
}

/// Returns the program that tries the functions against their OpenAPI documents.
///
/// # Errors
/// It is not there and cannot be fetched.
pub(crate) fn schemathesis() -> Result<PathBuf> {
    // All that it needs is in the list, at exactly these versions.
    let folder = install(
        "schemathesis",
        "requirements-openapi.txt",
        &["--no-deps"],
        "fetching schemathesis",
    )?;
    Ok(folder.join("schemathesis"))
}

/// AWS's own emulator of the Lambda Runtime API, which is part of the SAM tools.
///
/// # Errors
/// The SAM tools are not there or hold none for this processor.
pub(crate) fn runtime_interface_emulator() -> Result<PathBuf> {
    let architecture = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x86_64"
    };
    let folder = output_of_python(
        &sam_tools()?,
        "import samcli.local.rapid as p; print(list(p.__path__)[0])",
    )?;
    let file = Path::new(folder.trim()).join(format!("aws-lambda-rie-{architecture}"));
    if !file.is_file() || !cfg!(target_os = "linux") {
        return Err(anyhow!(
            "the Runtime Interface Emulator is a Linux program; there is none for this machine"
        ));
    }
    make_executable(&file)?;
    Ok(file)
}

fn install(venv: &str, requirements: &str, options: &[&str], title: &str) -> Result<PathBuf> {
    let _lock = super::lock::lock()?;
    let venv = workspace::tools().join(venv);
    let pins = workspace::root().join("xtask").join("tools");
    let pin = pin_file(&pins.join(requirements))? + &pin_file(&pins.join("constraints.txt"))?;
    let stamp = Stamp::new(venv.join(format!("{requirements}.stamp")), &pin);
    let folder = venv.join("bin");
    if stamp.is_current() && output_of_python(&folder, "").is_ok() {
        return Ok(folder);
    }
    progress::step(title, || {
        stamp.clear()?;
        make_venv(&venv)?;
        let mut pip = Command::new(folder.join("python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
        ]);
        command::output(pip.args(options).arg("-r").arg(pins.join(requirements)))?;
        stamp.set()
    })
    .with_context(|| format!("{title} failed; {ADVICE}"))?;
    Ok(folder)
}

fn make_venv(venv: &Path) -> Result<()> {
    if output_of_python(&venv.join("bin"), "import pip").is_ok() {
        return Ok(());
    }
    let python = command::find("python3").context("there is no `python3` in PATH")?;
    command::output(
        Command::new(python)
            .args(["-m", "venv", "--clear"])
            .arg(venv),
    )?;
    Ok(())
}

fn output_of_python(folder: &Path, program: &str) -> Result<String> {
    command::output(Command::new(folder.join("python")).args(["-c", program]))
}

fn make_executable(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = file.metadata()?.permissions();
    permissions.set_mode(permissions.mode() | 0o755);
    Ok(std::fs::set_permissions(file, permissions)?)
}

//! `cargo xtask deploy`: builds both functions and deploys the stack with AWS SAM, without a
//! question.
//!
//! Knows samconfig.toml, what a deployment needs on this machine, and what a user does next. What
//! is deployed is template.yaml's to say, and how is SAM's.

mod account;
mod build;
mod options;
mod outcome;
mod sam;
mod settings;

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use self::options::Options;
use self::sam::sam;
use self::settings::Settings;
use crate::tools;

/// Deploys the stack that `arguments` and samconfig.toml describe.
///
/// # Errors
/// An unknown option, a setting that cannot be used, a missing tool, no credentials, a missing
/// secret, or a build that fails. A deployment that fails is SAM's to explain: then the status is a
/// failure.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let options = Options::parse(arguments)?;
    let settings = Settings::read(&options)?;
    settings
        .warnings()
        .iter()
        .for_each(|warning| eprintln!("  !!  {warning}"));

    let tools = tools::sam_tools()?;
    let region = account::region(&tools, &settings)?;
    account::check_secrets(&tools, &settings, &region)?;
    build::run(&tools, &settings)?;

    eprintln!("\n== sam deploy, stack {} in {region}", settings.stack_name);
    let deployed = deploy_command(&tools, &settings, &region)
        .status()
        .context("sam cannot be started")?;
    if !deployed.success() {
        eprintln!("{}", outcome::ADVICE);
        return Ok(ExitCode::FAILURE);
    }
    let outputs = outcome::Outputs::read(&tools, &settings, &region);
    println!("{}", outcome::next_steps(&outputs));
    Ok(ExitCode::SUCCESS)
}

fn deploy_command(tools: &Path, settings: &Settings, region: &str) -> Command {
    let mut command = sam(tools);
    command
        .arg("deploy")
        .args(["--config-env", &settings.environment, "--region", region]);
    command.args(["--no-confirm-changeset", "--no-fail-on-empty-changeset"]);
    command.args(settings.override_arguments());
    command
}

//! `cargo xtask parity`: the comparison with the route written with the AI SDK, alone. `cargo xtask
//! test` runs it too.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::{command, tools, workspace};

/// Compares every scenario, or with a filter those whose names contain it.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let (filter, update) = match arguments {
        [] => (None, false),
        [option] if option == "--update" => (None, true),
        [filter] if !filter.starts_with('-') => (Some(filter), false),
        _ => bail!(
            "parity takes a filter, or --update, or nothing; `cargo xtask` lists the commands"
        ),
    };
    tools::client_packages()?;
    let node = tools::node()?;
    if !cargo(&["build", "--package", "chat", "--locked"])
        .status()?
        .success()
    {
        bail!("the function does not build");
    }
    let mut comparison = cargo(&[
        "test",
        "--package",
        "acceptance",
        "--test",
        "parity",
        "--locked",
        "--",
    ]);
    comparison.args(filter).env("SIDEKIQ_NODE", node);
    if update {
        comparison.env("SIDEKIQ_UPDATE_DOCS", "1");
    }
    let status = comparison.status().context("cargo cannot be started")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(command::cargo());
    command::forget_outer_cargo(&mut command)
        .args(arguments)
        .current_dir(workspace::root());
    command
}

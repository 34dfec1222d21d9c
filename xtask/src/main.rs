//! `cargo xtask`: what people and CI run. Knows how to fetch the tools, how to run the backend on
//! this machine and how to check the workspace. Does not know what the product does with a request.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a command line tool prints, reads its environment and spawns tasks; nothing here runs on Lambda"
)]

mod command;
mod deploy;
mod dev;
mod guard;
mod net;
mod parity;
mod progress;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  dev     run the backend on this machine: database, gateway, functions, the page, and one URL for them all
            --watch      rebuild and restart the function when a source file changes
            --plain      run the function as a plain HTTP server, without the Lambda emulator
            --no-page    leave the page out
            --fresh      begin with an empty table
            --port N     take this port, or fail
            --json       print one line of JSON instead of instructions
  test    check everything: format, lints, template, all tests
            [filter]     run only the tests whose name contains this
            layers [crate]   check only that files and crates depend on each other in one direction
            language         check only the language of names, comments and documents
  parity  compare the function with the route written with the AI SDK, request by request
            [filter]     compare only the scenarios whose name contains this
            --update     rewrite docs/compatibility.md
  deploy  build both functions and deploy the stack with AWS SAM, without a question
            --config-env NAME   take this environment of samconfig.toml
            Name=value          set this parameter of template.yaml
  tools   fetch the pinned tools that dev and test use into .tools/
            deploy       only those that a deployment needs
  help    print this list
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let outcome = match command {
        "dev" => dev::run(rest),
        "test" => test::run(rest),
        "parity" => parity::run(rest),
        "deploy" => deploy::run(rest),
        "tools" => tools::run(rest),
        guard::COMMAND => guard::run(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        unknown => Err(anyhow::anyhow!("there is no command `{unknown}`\n\n{HELP}")),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("\nerror: {error:#}");
        ExitCode::FAILURE
    })
}

//! The tools that `dev` and `test` use: pinned, fetched once into `.tools/`, reused as long as the
//! pin stays. Each is fetched only when something asks for it.

mod browser;
mod cargo;
mod dynamodb_local;
mod lock;
mod node;
mod page;
mod python;
mod stamp;

pub(crate) use browser::{browser_packages, chromium};
pub(crate) use cargo::cargo_machete;
pub(crate) use dynamodb_local::{DynamoDbLocal, java};
pub(crate) use node::{better_auth, client_packages, node, openai_server, openapi_linter};
pub(crate) use page::{page, page_packages};
pub(crate) use python::{
    cargo_lambda, deploy_test_tools, runtime_interface_emulator, sam_tools, schemathesis,
};

use std::process::ExitCode;

use anyhow::{Result, bail};

/// Fetches every tool, or with `deploy` only what a deployment needs, and prints where to find
/// them.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    match arguments {
        [] => fetch_all(),
        [only] if only == "deploy" => {
            println!(
                "sam, cargo-lambda, zig: {} (add it to PATH for sam build)",
                sam_tools()?.display()
            );
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("tools takes `deploy` or nothing; `cargo xtask` lists the commands"),
    }
}

fn fetch_all() -> Result<ExitCode> {
    let mut failures = 0;
    let mut report = |name: &str, outcome: Result<String>| match outcome {
        Ok(place) => println!("{name}: {place}"),
        Err(error) => {
            failures += 1;
            println!("{name}: left out: {error:#}");
        }
    };
    report(
        "cargo-lambda",
        cargo_lambda().map(|file| file.display().to_string()),
    );
    report(
        "cargo-machete",
        cargo_machete().map(|file| file.display().to_string()),
    );
    report(
        "sam, cfn-lint, pexpect",
        deploy_test_tools()
            .map(|folder| format!("{} (add it to PATH for sam build)", folder.display())),
    );
    report("node", node().map(|file| file.display().to_string()));
    report(
        "AI SDK client",
        client_packages().map(|folder| folder.display().to_string()),
    );
    report(
        "OpenAI-compatible server",
        openai_server().map(|file| file.display().to_string()),
    );
    report(
        "better-auth",
        better_auth().map(|file| file.display().to_string()),
    );
    report(
        "OpenAPI linter",
        openapi_linter().map(|file| file.display().to_string()),
    );
    report(
        "schemathesis",
        schemathesis().map(|file| file.display().to_string()),
    );
    report("page", page().map(|folder| folder.display().to_string()));
    report(
        "Playwright",
        browser_packages().map(|folder| folder.display().to_string()),
    );
    report(
        "DynamoDB Local",
        dynamodb_local::fetch().map(|folder| folder.display().to_string()),
    );
    Ok(if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

//! `cargo xtask test`: everything that is checked, in one run with one verdict. Knows the steps and
//! what each needs; what a machine cannot do is left out by name, never in silence.

mod cargo_output;
mod environment;
mod language;
mod layers;
mod snapshots;
mod summary;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::test::cargo_output::Counts;
use crate::test::environment::TestEnvironment;
use crate::test::snapshots::SnapshotReferences;
use crate::test::summary::{Outcome, Summary};
use crate::{command, progress, tools, workspace};

/// Runs every check, or with a filter only the tests whose names contain it.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let filter = match arguments {
        [step, only @ ..] if step == "layers" && only.len() < 2 => {
            return layers::run(only.first().map(String::as_str));
        }
        [step] if step == "language" => return language::run(),
        [] => None,
        [filter] if !filter.starts_with('-') => Some(filter.as_str()),
        _ => bail!("test takes one filter or none; `cargo xtask` lists the commands"),
    };
    let mut summary = Summary::default();
    if filter.is_none() {
        check_sources(&mut summary);
        check_template(&mut summary);
        check_openapi(&mut summary);
        check_page(&mut summary);
    }
    run_tests(&mut summary, filter);
    summary.print();
    Ok(if summary.is_good(progress::on_ci()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn check_sources(summary: &mut Summary) {
    check(
        summary,
        "format",
        cargo(&["fmt", "--all", "--check", "--message-format", "short"]),
    );
    let lints = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "--deny",
        "warnings",
    ];
    check(summary, "lints", cargo(&lints));
    let mut documentation = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    documentation.env("RUSTDOCFLAGS", "--deny warnings");
    check(summary, "documentation", documentation);
    check_findings(summary, "language", language::findings);
    check_findings(summary, "layers", layers::findings);
    check_dependencies(summary);
    if command::find("cargo-deny").is_some() {
        // Advisories are looked up in a repository on the network; licences and sources are not.
        check(
            summary,
            "licences",
            cargo(&["deny", "check", "bans", "licenses", "sources"]),
        );
    } else {
        summary.leave_out(
            "licences",
            "cargo-deny is not installed (cargo install cargo-deny)",
        );
    }
}

fn check_dependencies(summary: &mut Summary) {
    let machete = match tools::cargo_machete() {
        Ok(machete) => machete,
        Err(error) => return summary.leave_out("unused dependencies", &format!("{error:#}")),
    };
    let mut find = in_root(&machete);
    // Cargo knows by which name a dependency is imported.
    command::forget_outer_cargo(&mut find).args(["--with-metadata", "--skip-target-dir"]);
    check(summary, "unused dependencies", find);
}

/// Runs a check of our own, which passes if it finds nothing.
fn check_findings(summary: &mut Summary, name: &str, find: impl FnOnce() -> Result<Vec<String>>) {
    announce(name);
    let started = Instant::now();
    let findings = find();
    match &findings {
        Ok(findings) => findings.iter().for_each(|finding| println!("{finding}")),
        Err(error) => eprintln!("{error:#}"),
    }
    let passed = findings.is_ok_and(|findings| findings.is_empty());
    summary.add(name, Outcome::Checked { passed }, started.elapsed());
}

fn check_template(summary: &mut Summary) {
    let tools = match tools::sam_tools() {
        Ok(tools) => tools,
        Err(error) => return summary.leave_out("template", &format!("{error:#}")),
    };
    let mut validate = in_root(&tools.join("sam"));
    validate
        .args(["validate", "--lint", "--template"])
        .arg(workspace::template())
        .env("SAM_CLI_TELEMETRY", "0");
    check(summary, "template", validate);
    let mut lint = in_root(&tools.join("python"));
    lint.arg(workspace::root().join("xtask").join("sam").join("lint.py"))
        .arg("--self-test");
    check(summary, "template, transformed", lint);
    let tools = match tools::deploy_test_tools() {
        Ok(tools) => tools,
        Err(error) => {
            return summary.leave_out("deployment, as README says", &format!("{error:#}"));
        }
    };
    let mut deployment = in_root(&tools.join("python"));
    deployment.arg(
        workspace::root()
            .join("xtask")
            .join("sam")
            .join("deploy_test.py"),
    );
    deployment
        .arg("--xtask")
        .arg(std::env::current_exe().unwrap_or_else(|_| workspace::binary("xtask")));
    check(summary, "deployment, as README says", deployment);
}

/// Checks that the documents are valid OpenAPI. The tests check that they match the code and the
/// running functions.
fn check_openapi(summary: &mut Summary) {
    let (node, linter) = match tools::node().and_then(|node| Ok((node, tools::openapi_linter()?))) {
        Ok(found) => found,
        Err(error) => return summary.leave_out("openapi", &format!("{error:#}")),
    };
    let mut lint = in_root(&node);
    lint.arg(linter).args([
        "lint",
        "--format",
        "stylish",
        "--config",
        "tests/openapi/redocly.yaml",
    ]);
    lint.args(["docs/openapi/chat.json", "docs/openapi/threads.json"]);
    // Without these it reports its use, and asks whether there is a newer one.
    lint.env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    check(summary, "openapi", lint);
}

/// Runs the page's own checks; the tests in a browser are among the others.
fn check_page(summary: &mut Summary) {
    let (node, packages) = match tools::node().and_then(|node| Ok((node, tools::page_packages()?)))
    {
        Ok(found) => found,
        Err(error) => return summary.leave_out("page", &format!("{error:#}")),
    };
    let scripts = [
        (
            "page, types",
            packages.join("typescript").join("bin").join("tsc"),
            None,
        ),
        (
            "page, unit tests",
            packages.join("vitest").join("vitest.mjs"),
            Some("run"),
        ),
    ];
    for (name, script, argument) in scripts {
        let mut command = Command::new(&node);
        command
            .arg(script)
            .args(argument)
            .current_dir(workspace::root().join("web"));
        check(summary, name, command);
    }
    announce("page, build");
    let started = Instant::now();
    // What it is built with is there: if it fails now, the page is broken.
    let built = tools::page();
    if let Err(error) = &built {
        eprintln!("{error:#}");
    }
    summary.add(
        "page, build",
        Outcome::Checked {
            passed: built.is_ok(),
        },
        started.elapsed(),
    );
}

/// Builds everything first, so that no test waits for a compiler, and runs the tests.
fn run_tests(summary: &mut Summary, filter: Option<&str>) {
    let tests_built = check(
        summary,
        "build",
        cargo(&["test", "--workspace", "--locked", "--no-run"]),
    );
    // The functions as they ship: each alone, without what tests and the other switch on in its dependencies.
    let chat_built = check(
        summary,
        "build, chat",
        cargo(&["build", "--package", "chat", "--locked"]),
    );
    let threads_built = check(
        summary,
        "build, threads",
        cargo(&["build", "--package", "threads", "--locked"]),
    );
    if !(tests_built && chat_built && threads_built) {
        return summary.leave_out("tests", "the workspace does not build");
    }
    let environment = TestEnvironment::prepare(summary);
    let mut tests = cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
    if let Some(filter) = filter {
        tests.args(["--", filter]);
    }
    tests.envs(environment.variables());
    let references = SnapshotReferences::begin();
    if let Ok(references) = &references {
        tests.envs([references.variable()]);
    }
    announce("tests");
    let started = Instant::now();
    let outcome = match count(tests) {
        Ok(counts) => Outcome::Counted(counts),
        Err(error) => {
            eprintln!("{error:#}");
            Outcome::Counted(Counts {
                failed: 1,
                ..Counts::default()
            })
        }
    };
    // Fewer tests, or failed ones, rightly leave snapshots out.
    let is_complete = filter.is_none() && outcome.is_good();
    summary.add("tests", outcome, started.elapsed());
    if is_complete {
        check_findings(summary, "snapshots", || references?.findings());
    }
}

/// Runs one command whose exit status is the verdict.
fn check(summary: &mut Summary, name: &str, mut command: Command) -> bool {
    announce(name);
    let started = Instant::now();
    let passed = match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!(
                "{} cannot be started: {error}",
                command.get_program().to_string_lossy()
            );
            false
        }
    };
    summary.add(name, Outcome::Checked { passed }, started.elapsed());
    passed
}

/// Runs `cargo test`, shows what it prints and counts its results.
fn count(mut tests: Command) -> Result<Counts> {
    let mut child = tests
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo cannot be started")?;
    let stdout = child.stdout.take().context("cargo has no stdout")?;
    let mut counts = cargo_output::read(stdout, &mut std::io::stdout())?;
    let status = child.wait().context("cargo cannot be waited for")?;
    if !status.success() && counts.failed == 0 {
        // A test binary that crashed or did not link has no result line.
        counts.failed = 1;
    }
    Ok(counts)
}

fn announce(name: &str) {
    println!("\n== {name}");
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = in_root(&command::cargo());
    command::forget_outer_cargo(&mut command).args(arguments);
    command
}

fn in_root(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    command
}

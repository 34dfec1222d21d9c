//! The function beside the original: the same requests, by the same client, against gateways that say the same. All
//! that a page, or the gateway, could see is compared. What differs on purpose is listed in `tests/parity`.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test prints its verdict, reads the tester's environment and owns no invocation"
)]

mod broken;
mod compare;
mod deliberate;
mod docs;
mod node;
mod outcome;
mod scenario;
mod script;
mod stage;
mod trials;

use std::process::ExitCode;

use acceptance::tools;
use anyhow::Result;
use libtest_mimic::{Arguments, Conclusion};

/// The slow scenarios only wait, so more may be under way than there are cores.
const AT_ONCE: usize = 16;

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    if std::env::var_os("SIDEKIQ_NODE").is_none_or(|node| node.is_empty()) && !arguments.list {
        tools::report_skipped("the comparison with the original", "the AI SDK");
        return Ok(concluded(&libtest_mimic::run(&arguments, Vec::new())));
    }
    let trials = trials::Trials::read()?;
    let conclusion = libtest_mimic::run(&arguments, trials.for_run(&arguments));
    trials.stop()?;
    Ok(concluded(&conclusion))
}

fn concluded(conclusion: &Conclusion) -> ExitCode {
    println!(
        "{} passed, {} failed",
        conclusion.num_passed, conclusion.num_failed
    );
    conclusion.exit_code()
}

//! The comparison of the function with the original: the same requests, by the same client, in
//! front of gateways with the same answers. Compares everything that a page or the gateway could
//! observe; `tests/parity` lists the deliberate differences.
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

/// The number of concurrent trials. The slow scenarios only wait, so it may exceed the number of
/// cores.
const MAX_CONCURRENT_TRIALS: usize = 16;

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(MAX_CONCURRENT_TRIALS);
    if std::env::var_os("SIDEKIQ_NODE").is_none_or(|node| node.is_empty()) && !arguments.list {
        tools::report_skipped("the comparison with the original", "the AI SDK");
        return Ok(report_conclusion(&libtest_mimic::run(
            &arguments,
            Vec::new(),
        )));
    }
    let trials = trials::Trials::read()?;
    let conclusion = libtest_mimic::run(&arguments, trials.list_trials(&arguments));
    trials.stop()?;
    Ok(report_conclusion(&conclusion))
}

fn report_conclusion(conclusion: &Conclusion) -> ExitCode {
    println!(
        "{} passed, {} failed",
        conclusion.num_passed, conclusion.num_failed
    );
    conclusion.exit_code()
}

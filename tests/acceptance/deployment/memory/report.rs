//! The figures of a test. All its cases are measured before one fails it.

use std::fmt::Write as _;

use anyhow::{Error, Result, ensure};

use super::Peak;

/// The peaks of the cases of a test, and what is wrong with them.
#[derive(Debug)]
pub(super) struct Report {
    table: String,
    wrong: Vec<String>,
}

impl Report {
    /// Creates a report without cases.
    pub(super) fn new(title: &str) -> Self {
        let table = format!(
            "| {title} | peak, MiB | of it program | counted | limit |\n|---|--:|--:|--:|--:|\n"
        );
        Self {
            table,
            wrong: Vec::new(),
        }
    }

    /// Adds the peak of a case, or the reason why there is none.
    pub(super) fn add(&mut self, case: &str, limit_mib: f64, peak: Result<Peak>) {
        match peak {
            Ok(peak) => {
                let Peak {
                    resident_mib,
                    program_mib,
                } = peak;
                let counted_mib = peak.counted_mib();
                let figures = format!(
                    "{resident_mib:.1} | {program_mib:.1} | {counted_mib:.1} | {limit_mib}"
                );
                writeln!(self.table, "| {case} | {figures} |")
                    .expect("a string takes whatever is written");
                if counted_mib > limit_mib {
                    self.wrong.push(format!(
                        "{case}: {counted_mib:.1} MiB, the limit is {limit_mib} MiB"
                    ));
                }
            }
            Err(error) => self.fail(case, &error),
        }
    }

    /// Adds what is wrong with a case besides its peak.
    pub(super) fn fail(&mut self, case: &str, error: &Error) {
        self.wrong.push(format!("{case}: {error:#}"));
    }

    /// Prints the figures, and fails if a case is wrong.
    #[allow(
        clippy::print_stdout,
        reason = "the test harness shows it with --nocapture"
    )]
    pub(super) fn finish(self) -> Result<()> {
        println!("\n{}", self.table);
        ensure!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        Ok(())
    }
}

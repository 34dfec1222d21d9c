//! The verdict of a run: one row for each step, and the sums.

use std::time::Duration;

use super::cargo_output::Counts;
use crate::progress::seconds;

/// Steps that need what not every machine can have: cargo-deny, a browser, and Java.
const OPTIONAL: [&str; 3] = [
    "licences",
    "tests in a browser",
    "store tests on DynamoDB Local",
];

/// The outcome of a step.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// One check, by exit status.
    Checked { passed: bool },
    /// Tests, counted one by one.
    Counted(Counts),
    /// Not done, and why.
    LeftOut(String),
}

/// All steps so far.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    rows: Vec<(String, Outcome, Duration)>,
}

impl Summary {
    /// Notes a step that ran.
    pub(crate) fn add(&mut self, name: &str, outcome: Outcome, took: Duration) {
        self.rows.push((name.to_owned(), outcome, took));
    }

    /// Notes what this machine cannot do; the first line of the reason is kept.
    pub(crate) fn leave_out(&mut self, name: &str, reason: &str) {
        let reason = reason.lines().next().unwrap_or_default().to_owned();
        eprintln!("left out: {name}: {reason}");
        self.add(name, Outcome::LeftOut(reason), Duration::ZERO);
    }

    /// Returns true if something ran and nothing failed. Where `everything` is to run, only what is
    /// optional may be left out.
    pub(crate) fn is_good(&self, everything: bool) -> bool {
        let sums = self.sums();
        let is_missing = |(name, outcome, _): &(String, Outcome, Duration)| {
            matches!(outcome, Outcome::LeftOut(_)) && !OPTIONAL.contains(&name.as_str())
        };
        sums.failed == 0 && sums.passed > 0 && !(everything && self.rows.iter().any(is_missing))
    }

    /// Prints the table and, as the last line, `N passed, N failed`.
    pub(crate) fn print(&self) {
        println!("\n{}", self.text());
    }

    fn text(&self) -> String {
        let width = self
            .rows
            .iter()
            .map(|(name, ..)| name.len())
            .max()
            .unwrap_or_default();
        let mut text = String::new();
        for (name, outcome, took) in &self.rows {
            text += &format!("{name:width$}  {}\n", outcome.describe(*took));
        }
        let sums = self.sums();
        text + &format!("\n{} passed, {} failed", sums.passed, sums.failed)
    }

    fn sums(&self) -> Counts {
        let mut sums = Counts::default();
        for (_, outcome, _) in &self.rows {
            let counts = outcome.counts();
            sums.passed += counts.passed;
            sums.failed += counts.failed;
        }
        sums
    }
}

impl Outcome {
    /// Returns true if nothing failed.
    pub(crate) fn is_good(&self) -> bool {
        self.counts().failed == 0
    }

    fn counts(&self) -> Counts {
        match self {
            Self::Checked { passed } => Counts {
                passed: u32::from(*passed),
                failed: u32::from(!passed),
                ignored: 0,
            },
            Self::Counted(counts) => *counts,
            Self::LeftOut(_) => Counts::default(),
        }
    }

    fn describe(&self, took: Duration) -> String {
        match self {
            Self::Checked { passed: true } => format!("ok       {}", seconds(took)),
            Self::Checked { passed: false } => format!("FAILED   {}", seconds(took)),
            Self::Counted(Counts {
                passed,
                failed,
                ignored,
            }) => {
                let verdict = if *failed == 0 { "ok    " } else { "FAILED" };
                format!(
                    "{verdict}   {} ({passed} passed, {failed} failed, {ignored} ignored)",
                    seconds(took)
                )
            }
            Self::LeftOut(reason) => format!("left out: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_sums_up_what_ran() {
        let mut summary = Summary::default();
        summary.add(
            "format",
            Outcome::Checked { passed: true },
            Duration::from_millis(1500),
        );
        summary.leave_out("client tests", "there is no `npm` in PATH\nand more");
        summary.add(
            "tests",
            Outcome::Counted(Counts {
                passed: 7,
                failed: 0,
                ignored: 1,
            }),
            Duration::from_secs(2),
        );
        assert!(summary.is_good(false));
        let expected = "\
format        ok       1.5 s
client tests  left out: there is no `npm` in PATH
tests         ok       2.0 s (7 passed, 0 failed, 1 ignored)

8 passed, 0 failed";
        assert_eq!(summary.text(), expected);

        summary.add("lints", Outcome::Checked { passed: false }, Duration::ZERO);
        assert!(!summary.is_good(false));
        assert!(
            summary.text().ends_with("\n8 passed, 1 failed"),
            "{}",
            summary.text()
        );
    }

    #[test]
    fn a_run_in_which_nothing_ran_is_not_good() {
        let mut summary = Summary::default();
        summary.leave_out("tests", "no reason");
        assert!(!summary.is_good(false));
    }
}

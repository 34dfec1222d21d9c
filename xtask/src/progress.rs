//! One line per piece of work: a spinner on a terminal, plain text elsewhere. Everything goes to
//! stderr, so that stdout holds results only.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// A piece of work that somebody may have to wait for.
pub(crate) struct Step {
    name: String,
    started: Instant,
    spinner: Option<ProgressBar>,
}

impl Step {
    /// Announces the work.
    pub(crate) fn begin(name: impl Into<String>) -> Self {
        let name = name.into();
        let spinner = is_interactive().then(|| spinner(&name));
        if spinner.is_none() {
            eprintln!("  ..  {name}");
        }
        Self {
            name,
            started: Instant::now(),
            spinner,
        }
    }

    /// Says that the work is done and how long it took.
    pub(crate) fn done(self) {
        self.end("ok");
    }

    /// Says that the work failed; the reason is the caller's to print.
    pub(crate) fn failed(self) {
        self.end("FAILED");
    }

    fn end(self, verdict: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
        eprintln!(
            "  {verdict}  {} ({})",
            self.name,
            seconds(self.started.elapsed())
        );
    }
}

/// Runs `work` as a step with this name.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let step = Step::begin(name);
    let outcome = work();
    if outcome.is_ok() {
        step.done();
    } else {
        step.failed();
    }
    outcome
}

/// Returns a duration as people read it: `0.4 s`, `73.0 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

fn is_interactive() -> bool {
    std::io::stderr().is_terminal() && !on_ci()
}

fn spinner(name: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("  {spinner}  {msg} ({elapsed})")
        .expect("the template is well-formed");
    let spinner = ProgressBar::new_spinner()
        .with_style(style)
        .with_message(name.to_owned());
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}

/// Returns true in a CI run, which checks everything.
pub(crate) fn on_ci() -> bool {
    std::env::var_os("CI").is_some()
}

//! The layers check: no files of a crate depend on each other in a circle, and no crate on one that
//! is not below it.
//!
//! Knows `use` declarations and paths, and follows re-exports to the file that defines a name.
//! `mod` lines and re-exports are no dependencies, and what only tests compile does not count. Does
//! not see a function of an `impl` block that is called by method syntax, attributes, nor the code
//! that a macro makes.

mod attributes;
mod circles;
mod floors;
mod packages;
mod references;
mod resolver;
mod sources;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

use self::circles::Circle;
use self::packages::Package;
use crate::workspace;

/// Crates that are not free of circles yet, with the number of their circles. It may only fall.
const CIRCLES: [(&str, usize); 0] = [];

/// The outcome of the check.
#[derive(Debug, Default)]
struct Report {
    /// Every circle with its references, known ones too.
    circles: Vec<String>,
    /// One text for each breach of a rule.
    findings: Vec<String>,
}

/// Returns one text for each breach of a rule.
///
/// # Errors
/// Cargo does not describe the workspace, or a source file cannot be read.
pub(crate) fn findings() -> Result<Vec<String>> {
    Ok(check(workspace::root(), None)?.findings)
}

/// Runs the check alone, for all crates or the one named, and prints known circles too.
///
/// # Errors
/// Those of [`findings`].
pub(crate) fn run(only: Option<&str>) -> Result<ExitCode> {
    let report = check(workspace::root(), only)?;
    let is_other = |finding: &&String| !report.circles.contains(finding);
    let findings = report.findings.iter().filter(is_other);
    for text in report.circles.iter().chain(findings) {
        println!("{text}");
    }
    println!("{} circles of files", report.circles.len());
    Ok(if report.findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Checks the workspace in the folder `root`, or of its crates only the one named.
fn check(root: &Path, only: Option<&str>) -> Result<Report> {
    let mut packages = packages::read(root)?;
    packages.retain(|package| only.is_none_or(|name| package.name == name));
    if let (Some(name), true) = (only, packages.is_empty()) {
        bail!("there is no crate `{name}`");
    }
    let mut report = Report {
        findings: floors::findings(&packages),
        ..Report::default()
    };
    for package in &packages {
        let circles = circles_of(package)?.into_iter();
        let circles: Vec<String> = circles
            .map(|circle| describe(&package.name, &circle, root))
            .collect();
        report
            .findings
            .extend(judge(&package.name, &circles, &CIRCLES));
        report.circles.extend(circles);
    }
    Ok(report)
}

fn circles_of(package: &Package) -> Result<Vec<Circle>> {
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    let mut circles = Vec::new();
    for root in package.roots() {
        circles.extend(circles::find(&sources::read_target(root, &read)?));
    }
    Ok(circles)
}

/// Compares the circles of a crate with the number that is known.
fn judge(name: &str, circles: &[String], known: &[(&str, usize)]) -> Vec<String> {
    let known = known.iter().find(|(other, _)| *other == name);
    let allowed = known.map_or(0, |(_, number)| *number);
    let found = circles.len();
    if found > allowed {
        return circles.to_vec();
    }
    if found < allowed {
        return vec![format!(
            "{name} has {found} circles of files: lower its number in xtask/src/test/layers.rs"
        )];
    }
    Vec::new()
}

fn describe(name: &str, circle: &Circle, root: &Path) -> String {
    let short = |path: &Path| {
        path.strip_prefix(root)
            .unwrap_or(path)
            .display()
            .to_string()
    };
    let edges = circle.edges.iter().map(|edge| {
        let (from, to) = (short(&edge.from), short(&edge.to));
        format!("\n  {from}:{} uses {} from {to}", edge.line, edge.name)
    });
    let edges: String = edges.collect();
    format!("{name}: a circle of {} files{edges}", circle.files.len())
}

//! The order of the crates: each depends only on those of lower floors.

use super::packages::Package;

/// The floors of ARCHITECTURE's "Code map", from the lowest up.
const FLOORS: [&[&str]; 8] = [
    &["json"],
    &["message", "registry"],
    &["gateway", "session", "store", "ui-stream", "validation"],
    &["front", "recovery"],
    &["chat", "threads"],
    &["testing"],
    &["acceptance"],
    &["xtask"],
];

/// Returns one line for each dependency that does not point downward, and for each crate without a
/// floor.
pub(super) fn findings(packages: &[Package]) -> Vec<String> {
    packages.iter().flat_map(findings_of).collect()
}

fn findings_of(package: &Package) -> Vec<String> {
    let name = &package.name;
    let Some(floor) = floor_of(name) else {
        return vec![format!(
            "the crate {name} has no floor in xtask/src/test/layers/floors.rs"
        )];
    };
    let is_below = |dependency: &&str| floor_of(dependency).is_some_and(|other| other < floor);
    let dependencies = package.dependencies();
    dependencies
        .filter(|dependency| !is_below(dependency))
        .map(|dependency| format!("{name} depends on {dependency}, which is not on a lower floor"))
        .collect()
}

fn floor_of(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

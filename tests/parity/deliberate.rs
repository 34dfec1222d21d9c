//! The list of deliberate differences from the original, with their reasons. Every listed
//! difference must exist, and no other may.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde::Deserialize;

use crate::compare::{Aspect, Difference};
use crate::scenario::{Scenario, folder, read};

/// The cases that differ for one reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Class {
    /// The behaviour of the original, and ours.
    pub(crate) class: String,
    /// The reason.
    pub(crate) reason: String,
    /// The scenarios, and the aspects in which they differ.
    pub(crate) cases: Vec<Cases>,
}

/// Scenarios that differ in the same aspects.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cases {
    pub(crate) aspects: Vec<Aspect>,
    pub(crate) scenarios: Vec<String>,
}

/// The list.
#[derive(Debug)]
pub(crate) struct DifferenceList {
    /// Its classes, in the order of the file.
    pub(crate) classes: Vec<Class>,
}

impl DifferenceList {
    /// Reads the list.
    pub(crate) fn read() -> Result<Self> {
        Ok(Self {
            classes: read(&folder().join("differences.json"))?,
        })
    }

    /// Returns the aspects in which a scenario differs deliberately.
    pub(crate) fn aspects(&self, scenario: &str) -> BTreeSet<Aspect> {
        let cases = self.classes.iter().flat_map(|class| &class.cases);
        let listed = cases.filter(|cases| cases.scenarios.iter().any(|name| name == scenario));
        listed
            .flat_map(|cases| cases.aspects.iter().copied())
            .collect()
    }

    /// Fails unless a scenario differs in exactly the listed aspects.
    pub(crate) fn ensure_expected(&self, scenario: &str, found: &[Difference]) -> Result<()> {
        let listed = self.aspects(scenario);
        let differ: BTreeSet<Aspect> = found.iter().map(|difference| difference.aspect).collect();
        let unlisted = found
            .iter()
            .filter(|difference| !listed.contains(&difference.aspect));
        let mut wrong: Vec<String> = unlisted
            .map(|difference| format!("differs: {}: {}", difference.aspect, difference.detail))
            .collect();
        wrong.extend(
            listed
                .difference(&differ)
                .map(|aspect| format!("no longer differs, but is listed: {aspect}")),
        );
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    }

    /// Fails unless every listed scenario exists and every class has a reason.
    pub(crate) fn ensure_valid(&self, scenarios: &[Scenario]) -> Result<()> {
        for class in &self.classes {
            ensure!(
                class.reason.ends_with('.') && class.reason.len() > 20,
                "{}: needs a reason",
                class.class
            );
            for name in class.cases.iter().flat_map(|cases| &cases.scenarios) {
                ensure!(
                    scenarios.iter().any(|scenario| scenario.name == *name),
                    "there is no {name}"
                );
            }
        }
        Ok(())
    }
}

/// Fails unless [`DifferenceList::ensure_expected`] reports both an unlisted difference and a
/// listed one that no longer exists.
pub(crate) fn ensure_strict() -> Result<()> {
    let cases = Cases {
        aspects: vec![Aspect::Chunks],
        scenarios: vec!["listed".to_owned()],
    };
    let list = DifferenceList {
        classes: vec![Class {
            class: String::new(),
            reason: String::new(),
            cases: vec![cases],
        }],
    };
    let differs = |aspect| Difference {
        aspect,
        detail: String::new(),
    };
    for (scenario, found, is_good) in [
        ("listed", vec![differs(Aspect::Chunks)], true),
        ("listed", vec![], false),
        (
            "listed",
            vec![differs(Aspect::Chunks), differs(Aspect::End)],
            false,
        ),
        ("listed", vec![differs(Aspect::End)], false),
        ("other", vec![], true),
        ("other", vec![differs(Aspect::Chunks)], false),
    ] {
        ensure!(
            list.ensure_expected(scenario, &found).is_ok() == is_good,
            "{scenario}: {found:?}"
        );
    }
    Ok(())
}

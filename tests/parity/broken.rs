//! Answers altered on their way to the page, and calls altered on their way to the gateway. The
//! comparison must notice each alteration, in the aspects where it shows and in no other.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::compare::{Aspect, differences};
use crate::outcome::Outcome;
use crate::scenario::{folder, read};

/// An alteration of one answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alteration {
    /// Its name: one of `broken.mjs`, or one that starts with `call: ` and is implemented below.
    pub(crate) way: String,
    /// The scenario whose answer is altered.
    pub(crate) scenario: String,
    /// The aspects in which it shows.
    aspects: BTreeSet<Aspect>,
}

/// Reads all alterations.
pub(crate) fn read_all() -> Result<Vec<Alteration>> {
    read(&folder().join("broken.json"))
}

impl Alteration {
    /// Returns the alteration that the client applies, if it is one of the client's.
    pub(crate) fn tamper(&self) -> Option<&str> {
        (!self.way.starts_with("call: ")).then_some(self.way.as_str())
    }

    /// Fails unless the altered answer differs from the original one in exactly the expected
    /// aspects.
    pub(crate) fn ensure_noticed(&self, unaltered: &Outcome, altered: &Outcome) -> Result<()> {
        let mut altered = altered.clone();
        let calls = altered.calls.as_array_mut().context("a list of calls")?;
        // Each run has a model id of its own, which is the only permitted difference between two
        // runs.
        for (call, like) in calls
            .iter_mut()
            .zip(unaltered.calls.as_array().into_iter().flatten())
        {
            call["headers"]["ai-language-model-id"] =
                like["headers"]["ai-language-model-id"].clone();
        }
        if self.tamper().is_none() {
            alter_calls(&self.way, calls)?;
        }
        let found = differences(unaltered, &altered);
        let affected: BTreeSet<Aspect> = found.iter().map(|difference| difference.aspect).collect();
        ensure!(affected == self.aspects, "shows in {affected:?}: {found:?}");
        Ok(())
    }
}

fn alter_calls(way: &str, calls: &mut Vec<Value>) -> Result<()> {
    let first = calls.first_mut().context("a call")?;
    match way {
        "call: another method" => first["method"] = "PUT".into(),
        "call: another path" => first["path"] = "/v3/ai/language-model".into(),
        "call: no key" => drop(
            first["headers"]
                .as_object_mut()
                .context("headers")?
                .remove("authorization"),
        ),
        "call: one more header" => first["headers"]["x-more"] = "1".into(),
        "call: one more field" => first["body"]["more"] = 1.into(),
        "call: twice" => calls.push(calls[0].clone()),
        "call: never" => calls.clear(),
        other => bail!("unknown alteration {other}"),
    }
    Ok(())
}

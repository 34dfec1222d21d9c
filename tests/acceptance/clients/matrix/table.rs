//! The table of `docs/compatibility.md` between its markers, compared with the results or written
//! from them.

use std::fmt::Write as _;

use acceptance::client::ai_sdk::Version;
use acceptance::tools::workspace;
use anyhow::{Context, Result, ensure};

use super::super::UNKNOWN_TO_OLDER;
use super::{Feature, Outcome};

const BEGIN: &str = "<!-- clients: begin -->";
const END: &str = "<!-- clients: end -->";

/// Compares the file with the results, or writes it when `SIDEKIQ_UPDATE_DOCS` is set. Only the
/// text between the markers is generated.
pub(super) fn check(columns: &[(Version, Vec<Outcome>)]) -> Result<()> {
    let file = workspace().join("docs/compatibility.md");
    let present = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let (before, rest) = present
        .split_once(BEGIN)
        .with_context(|| format!("{} lacks {BEGIN}", file.display()))?;
    let (table, after) = rest
        .split_once(END)
        .with_context(|| format!("{} lacks {END}", file.display()))?;
    let seen = render(columns)?;
    if std::env::var_os("SIDEKIQ_UPDATE_DOCS").is_some_and(|value| !value.is_empty()) {
        return Ok(std::fs::write(
            &file,
            [before, BEGIN, &seen, END, after].concat(),
        )?);
    }
    ensure!(
        table == seen,
        "{} is stale; with SIDEKIQ_UPDATE_DOCS=1 this test writes:\n{seen}",
        file.display()
    );
    Ok(())
}

fn render(columns: &[(Version, Vec<Outcome>)]) -> Result<String> {
    let mut text = String::from(ABOVE);
    for (version, _) in columns {
        write!(text, " `ai` {} |", version.pinned()?)?;
    }
    writeln!(text, "\n|---|{}", "---|".repeat(columns.len()))?;
    for (row, feature) in Feature::ALL.iter().enumerate() {
        write!(text, "| {} |", feature.title())?;
        for (_, column) in columns {
            text += match column[row] {
                Outcome::Works => " yes |",
                Outcome::Unknown => " no¹ |",
            };
        }
        text.push('\n');
    }
    let unknown: Vec<_> = UNKNOWN_TO_OLDER
        .iter()
        .map(|(kind, _)| format!("`{kind}`"))
        .collect();
    writeln!(text, "\n{BELOW}\n{}.", unknown.join(", "))?;
    Ok(text)
}

const ABOVE: &str = "
The chat and the transport of each version hold conversations with the built function. Each row is checked in
three places: the messages that the client holds, the prompt that reaches the gateway, and the stored messages.

| action and result |";

const BELOW: &str = "\
¹ This version has no such chunk: the answer ends in an error, and the next message works. The route written with the AI
SDK sends the same chunk. All versions accept every other chunk, and everything that the function sends on its own
account; only `ai` 5 cannot read on if a tool of the provider fails whose input had been refused before. The chunks that
not all versions accept:";

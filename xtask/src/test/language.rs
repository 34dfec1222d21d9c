//! The language check: doc comments open with a verb or a noun, and names and documents use no word
//! of the private dialect that this project once had. Doc comments are wrapped, which rustfmt
//! leaves to the author.
//!
//! Knows Rust's comments and identifiers well enough to leave strings alone, and Markdown's code.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::{command, workspace};

/// Openings of a doc comment that hide its subject.
const OPENINGS: [&str; 10] = [
    "What", "How", "Whether", "Who", "Why", "Which", "When", "Where", "The same", "Nothing",
];

/// Words that readers of other projects would not expect, or that say too many things.
const WORDS: [&str; 14] = [
    "settle",
    "settles",
    "settled",
    "whole",
    "stands",
    "beside",
    "behind",
    "anew",
    "said",
    "told",
    "nobody",
    "whoever",
    "patience",
    "afterglow",
];

/// First words of constants that other projects call `MAX` and `DEFAULT`.
const LIMITS: [&str; 3] = ["MOST", "LONGEST", "USUAL"];

/// Phrases, checked in comments and documents only.
const PHRASES: [&str; 4] = [
    "at leisure",
    "brought to its end",
    "goes no further",
    "lost sight of",
];

/// The width of a doc comment, that of code. The rows of a table cannot be wrapped.
const MAX_COLUMNS: usize = 100;

/// Documents that tests write from other sources.
const GENERATED: [&str; 2] = ["docs/compatibility.md", "docs/costs.md"];

/// Returns one line for each place that breaks a rule.
///
/// # Errors
/// Git does not list the files, or one cannot be read.
pub(crate) fn findings() -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in files()? {
        let text = std::fs::read_to_string(workspace::root().join(&file))
            .with_context(|| format!("{} cannot be read", file.display()))?;
        let check = if is_rust(&file) {
            rust_line
        } else {
            markdown_line
        };
        let mut state = State::default();
        for (index, line) in text.lines().enumerate() {
            let found = check(line, &mut state);
            let place = format!("{}:{}", file.display(), index + 1);
            findings.extend(
                found
                    .into_iter()
                    .map(|problem| format!("{place}: {problem}")),
            );
        }
    }
    Ok(findings)
}

/// Runs the check alone and prints its findings.
///
/// # Errors
/// Those of [`findings`].
pub(crate) fn run() -> Result<ExitCode> {
    let findings = findings()?;
    for finding in &findings {
        println!("{finding}");
    }
    println!("{} findings", findings.len());
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn files() -> Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "*.rs", "*.md"])
        .current_dir(workspace::root());
    let listed = command::output(&mut git)?;
    let own = Path::new("xtask/src/test/language.rs");
    let files = listed.lines().map(PathBuf::from);
    Ok(files
        .filter(|file| file != own && !GENERATED.iter().any(|name| file == Path::new(name)))
        .collect())
}

fn is_rust(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "rs")
}

/// The part of a file that a line is in.
#[derive(Debug, Default)]
struct State {
    /// The last line was a doc comment too, so that this one does not open it.
    in_doc: bool,
    /// Inside of a string that goes on over lines, or of a Markdown block of code.
    in_quote: bool,
    /// Inside of a raw string.
    in_raw: bool,
    /// The first word of a doc comment whose item has not come yet.
    first_word: Option<String>,
}

fn rust_line(line: &str, state: &mut State) -> Vec<String> {
    let trimmed = line.trim_start();
    let doc = (!state.in_quote && !state.in_raw)
        .then(|| {
            trimmed
                .strip_prefix("///")
                .or_else(|| trimmed.strip_prefix("//!"))
        })
        .flatten();
    let Some(doc) = doc else {
        state.in_doc = false;
        let (code, comment) = outside_of_strings(line, state);
        let mut problems = banned_words(&code);
        problems.extend(opening_of_function(trimmed, state));
        problems.extend(banned_limits(&code));
        problems.extend(banned_words(&comment));
        problems.extend(banned_phrases(&comment));
        return problems;
    };
    let mut problems = banned_words(&without_code(doc));
    problems.extend(banned_phrases(doc));
    let opening = doc.trim_start();
    if line.chars().count() > MAX_COLUMNS && !opening.starts_with('|') {
        problems.push(format!("a doc comment over {MAX_COLUMNS} columns"));
    }
    let is_opening = !std::mem::replace(&mut state.in_doc, true);
    let hides = |start: &&&str| {
        let rest = opening.strip_prefix(**start);
        is_opening && rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    if is_opening {
        state.first_word = opening.split(' ').next().map(str::to_owned);
    }
    if let Some(start) = OPENINGS.iter().find(hides) {
        problems.push(format!("a doc comment opens with \"{start}\""));
    }
    problems
}

/// Returns a problem if `line` begins a function whose doc comment does not open with a verb in the
/// third person. Attributes may be between the two.
fn opening_of_function(line: &str, state: &mut State) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let word = state.first_word.take()?;
    let mut words = line
        .split([' ', '('])
        .skip_while(|word| ["pub", "async", "const", ""].contains(word) || word.ends_with(')'));
    let is_function = words.next() == Some("fn");
    let is_verb = word.trim_end_matches(',').ends_with('s')
        && !["As", "This", "Its", "Those", "Unless"].contains(&&*word);
    (is_function && !is_verb)
        .then(|| format!("the doc comment of a function opens with \"{word}\", not with a verb"))
}

fn markdown_line(line: &str, state: &mut State) -> Vec<String> {
    if line.trim_start().starts_with("```") {
        state.in_quote = !state.in_quote;
        return Vec::new();
    }
    if state.in_quote {
        return Vec::new();
    }
    let text = without_code(line);
    let mut problems = banned_words(&text);
    problems.extend(banned_phrases(&text));
    problems
}

/// Splits a line of Rust into its code without strings, and its comment.
fn outside_of_strings(line: &str, state: &mut State) -> (String, String) {
    let (mut code, mut escaped) = (String::new(), false);
    for (at, character) in line.char_indices() {
        let rest = &line[at..];
        match character {
            '#' if state.in_raw && line[..at].ends_with('"') => state.in_raw = false,
            _ if state.in_raw => {}
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            'r' if !state.in_quote && rest.starts_with("r#\"") => state.in_raw = true,
            '"' if !code.ends_with('\'') => state.in_quote = !state.in_quote,
            '/' if !state.in_quote && rest.starts_with("//") => {
                return (code, without_code(&line[at + 2..]));
            }
            other if !state.in_quote => code.push(other),
            _ => {}
        }
    }
    (code, String::new())
}

/// Returns `text` without what is between backticks, double quotes or in the target of a link.
fn without_code(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut until = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match until {
            Some(end) if character == end => until = None,
            Some(_) => {}
            None if character == '`' || character == '"' => until = Some(character),
            None if character == ']' && characters.peek() == Some(&'(') => until = Some(')'),
            None => kept.push(character),
        }
    }
    kept
}

fn banned_words(text: &str) -> Vec<String> {
    let words = text.split(|character: char| !character.is_alphanumeric());
    let segments = words.flat_map(segments);
    let banned = segments.filter(|segment| WORDS.contains(&segment.as_str()));
    banned.map(|word| format!("the word \"{word}\"")).collect()
}

fn banned_limits(code: &str) -> Vec<String> {
    let names = code.split(|character: char| !character.is_alphanumeric() && character != '_');
    let banned = names.filter(|name| {
        let first = name.split('_').next().unwrap_or_default();
        LIMITS.contains(&first)
    });
    banned
        .map(|name| format!("the name {name}: a limit is `MAX_…`, a default `DEFAULT_…`"))
        .collect()
}

fn banned_phrases(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let found = PHRASES.iter().filter(|phrase| text.contains(**phrase));
    found
        .map(|phrase| format!("the phrase \"{phrase}\""))
        .collect()
}

/// Splits `CamelCase` into its words, in lower case.
fn segments(word: &str) -> Vec<String> {
    let mut segments: Vec<String> = Vec::new();
    let mut was_upper = true;
    for character in word.chars() {
        if (character.is_uppercase() && !was_upper) || segments.is_empty() {
            segments.push(String::new());
        }
        was_upper = character.is_uppercase();
        segments
            .last_mut()
            .into_iter()
            .for_each(|last| last.extend(character.to_lowercase()));
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(lines: &str, check: fn(&str, &mut State) -> Vec<String>) -> usize {
        let mut state = State::default();
        lines
            .lines()
            .map(|line| check(line, &mut state).len())
            .sum()
    }

    #[test]
    fn doc_comments_that_hide_their_subject_are_found() {
        for line in [
            "/// What is kept.",
            "    //! How it runs",
            "/// Whether it is.",
            "/// Who asks",
            "/// The same, later.",
            "/// Nothing.",
            "/// Why it failed.",
            "//! Which models there are.",
            "/// When it began",
            "/// Where it is",
        ] {
            assert_eq!(problems(line, rust_line), 1, "{line}");
        }
        for line in [
            "/// Returns it.",
            "/// However it ends.",
            "/// Whole-number",
            "// What for",
        ] {
            let openings = rust_line(line, &mut State::default())
                .iter()
                .filter(|problem| problem.contains("opens"))
                .count();
            assert_eq!(openings, 0, "{line}");
        }
        assert_eq!(
            problems("/// Returns it.\n/// What is more is left out.", rust_line),
            0
        );
    }

    #[test]
    fn docs_of_functions_that_do_not_open_with_a_verb_are_found() {
        for (expected, lines) in [
            (0, "/// Returns it.\nfn a() {"),
            (
                0,
                "    /// Stores it.\n    #[must_use]\n    pub(crate) async fn a(&self) {",
            ),
            (0, "/// A thread.\npub struct Thread {"),
            (0, "/// A thread.\nlet a = 1;\nfn a() {"),
            (1, "/// The id.\nfn a() {"),
            (
                1,
                "    /// True if it runs.\n    ///\n    /// More.\n    pub(super) fn a() {",
            ),
            (1, "/// Its id.\n#[test]\npub const fn a() {"),
        ] {
            assert_eq!(problems(lines, rust_line), expected, "{lines}");
        }
    }

    #[test]
    fn long_doc_comments_are_found_but_for_tables() {
        let columns = |start: &str, count: usize| format!("{start:ä<count$}");
        for (case, line, expected) in [
            ("as long as may be", columns("/// Reads ", 100), 0),
            ("longer", columns("    /// Reads ", 101), 1),
            ("of a module", columns("//! Reads ", 101), 1),
            ("the row of a table", columns("//! | a | ", 101), 0),
            ("code, which rustfmt wraps", columns("let a = ", 101), 0),
        ] {
            assert_eq!(problems(&line, rust_line), expected, "{case}");
        }
    }

    #[test]
    fn words_of_the_dialect_are_found_in_names_and_comments_and_not_in_strings() {
        for line in [
            "let whole = 1;",
            "fn close_behind() {}",
            "struct WholeText;",
            "/// Sent anew.",
            "call(); // nobody waits",
            "const LAST: u8 = 1; // lost sight of",
            "const MOST_BYTES: usize = 1;",
            "take(LONGEST_KEY)",
            "    USUAL",
        ] {
            assert_eq!(problems(line, rust_line), 1, "{line}");
        }
        for line in [
            r#"let text = "the whole \" told";"#,
            "let wholesale = 1;",
            "const ALMOST_ALL: u8 = 1; let most_bytes = 1;",
            "/// Reads `whole` and \"said\".",
            "let text = \"begins\n  whole\n  ends\"; let x = 1;",
            "let quote = '\"'; let x = 1;",
            r##"let json = r#"{"whole":"told"}"#; let x = 1;"##,
        ] {
            assert_eq!(problems(line, rust_line), 0, "{line}");
        }
    }

    #[test]
    fn documents_are_checked_outside_of_code() {
        assert_eq!(
            problems("It stands [here](a-whole-file.md).", markdown_line),
            1
        );
        assert_eq!(problems("```sh\nwhole\n```\nand `told`", markdown_line), 0);
    }
}

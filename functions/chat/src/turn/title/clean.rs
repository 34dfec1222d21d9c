//! The extraction of a title from a model's output: models tend to quote, mark up and announce a
//! title.

use store::MAX_TITLE_CHARS;

/// Returns the first line that has a letter or digit, without marks. `None`: there is no such line.
pub(super) fn clean(text: &str) -> Option<String> {
    text.lines()
        .map(strip_line)
        .find(|line| line.chars().any(char::is_alphanumeric))
}

fn strip_line(line: &str) -> String {
    let printed: String = line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<&str> = printed.split_whitespace().collect();
    let words = words.join(" ");
    let line = strip_marks(&words);
    let line = match line.split_at_checked("title:".len()) {
        Some((word, rest)) if word.eq_ignore_ascii_case("title:") => strip_marks(rest),
        _ => line,
    };
    let title: String = line.chars().take(MAX_TITLE_CHARS).collect();
    title.trim_end().to_owned()
}

/// Removes the marks around a line and its full stop.
fn strip_marks(line: &str) -> &str {
    let is_mark = |c: char| c.is_whitespace() || "\"'`*_#“”„‟‘’‚«»‹›「」".contains(c);
    let line = line.trim_matches(is_mark);
    line.strip_suffix('.')
        .filter(|rest| !rest.ends_with('.'))
        .unwrap_or(line)
        .trim_end_matches(is_mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_bare_line() {
        let long = "word ".repeat(40);
        for (case, text, title) in [
            ("plain", "Why the sky is blue", Some("Why the sky is blue")),
            (
                "quoted",
                "\"Why the sky is blue.\"",
                Some("Why the sky is blue"),
            ),
            (
                "other quotes",
                "„Warum der Himmel blau ist“",
                Some("Warum der Himmel blau ist"),
            ),
            ("marked up", "## **Blue skies**", Some("Blue skies")),
            ("announced", "Title: \"Blue skies\"\n", Some("Blue skies")),
            (
                "announced and marked up",
                "**Title:** Blue skies",
                Some("Blue skies"),
            ),
            (
                "more lines",
                "\n\n  Blue skies\nThis title says it all.",
                Some("Blue skies"),
            ),
            (
                "control characters and gaps",
                "Blue\t\u{0} \u{1b}skies",
                Some("Blue skies"),
            ),
            (
                "dots that mean something",
                "And then...",
                Some("And then..."),
            ),
            (
                "an inner quote",
                "The word \"blue\" explained",
                Some("The word \"blue\" explained"),
            ),
            (
                "another script",
                "空はなぜ青いのか",
                Some("空はなぜ青いのか"),
            ),
            ("longer than a title", &long, Some(&long[..79])),
            ("nothing", "", None),
            ("nothing but marks", "\"**...**\"\n \n", None),
        ] {
            assert_eq!(clean(text).as_deref(), title, "{case}");
        }
    }

    #[test]
    fn a_title_is_cut_between_characters() {
        let title = clean(&"😀ä".repeat(100)).unwrap();
        assert_eq!(title.chars().count(), MAX_TITLE_CHARS);
    }
}

//! The paths of a thread: the messages that belong to one branch.
//!
//! Regenerating, editing and continuing add a message to the one that it replaces, and nothing is
//! destroyed. Such a message carries a `cut`: nothing from that sort key on precedes it on its
//! path. All others follow what was the path's end when they came, and need none. So a path is read
//! newest first in one pass, and what has to be remembered is one key.
//!
//! | message | its cut |
//! |---|---|
//! | a regenerated answer | just after its question |
//! | an edited question | the cut of what it replaces, or its key |
//! | an answer that goes on from another | the cut of what it replaces, or its key |
//!
//! The cut of what it replaces, since that may itself replace another, which must not come back.
//!
//! An answer with a cut and no content replaces nothing either: a path passes over it, and goes on
//! as if it had not been asked for. Only the path that ends in it, because somebody names it, shows
//! it.

use crate::attribute::{self, Item};
use crate::cursor;
use crate::keys;
use crate::messages::item::{EMPTY_PARTS, PARTS, Status};

/// A walk along a path, newest first.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    bound: String,
    /// The message that is shown whatever it came to.
    end: Option<String>,
}

impl Path {
    /// Returns the path of everything before the sort key `bound`.
    pub(crate) fn before(bound: &str) -> Self {
        Self {
            bound: bound.to_owned(),
            end: None,
        }
    }

    /// Returns the path that ends in the message `sk`.
    pub(crate) fn ending_in(sk: &str) -> Self {
        Self {
            bound: keys::after(sk),
            end: Some(sk.to_owned()),
        }
    }

    /// Returns true if the item `sk`, be it a message or a continuation, may lie on the path.
    pub(crate) fn admits(&self, sk: &str) -> bool {
        sk < self.bound.as_str()
    }

    /// Returns true if the path leads past the message `sk` without a step on it. It has come to
    /// nothing if `is_nothing`.
    pub(crate) fn passes(&self, sk: &str, is_nothing: bool) -> bool {
        is_nothing && self.end.as_deref() != Some(sk)
    }

    /// Steps onto the message `sk`.
    pub(crate) fn step(&mut self, sk: &str, cut: Option<&str>) {
        self.bound = cursor::bound(sk, cut).to_owned();
    }

    /// Returns the bound that the next item sorts before.
    pub(crate) fn bound(&self) -> &str {
        &self.bound
    }
}

/// Returns true if the message is an answer that was to replace another, and has no content. One
/// that the model has ended without a word is an answer.
pub(crate) fn is_nothing(message: &Item) -> bool {
    let status = attribute::text(message, "status");
    let unfinished = [Status::Failed, Status::Stopped, Status::Interrupted];
    message.contains_key("cut")
        && attribute::text(message, "role") == "assistant"
        && attribute::text(message, PARTS) == EMPTY_PARTS
        && unfinished
            .iter()
            .any(|unfinished| unfinished.as_str() == status)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Items are given oldest first, as `key`, `key<cut` or, if it came to nothing, `key<cut!`.
    fn walk<'a>(items: &[&'a str], mut path: Path) -> Vec<&'a str> {
        let mut walked = Vec::new();
        for item in items.iter().rev() {
            let (item, is_nothing) = item
                .strip_suffix('!')
                .map_or((*item, false), |item| (item, true));
            let (sk, cut) = item
                .split_once('<')
                .map_or((item, None), |(sk, cut)| (sk, Some(cut)));
            if path.admits(sk) && !path.passes(sk, is_nothing) {
                path.step(sk, cut);
                walked.push(sk);
            }
        }
        walked.reverse();
        walked
    }

    #[test]
    fn a_path_skips_regenerated_edited_and_continued_messages() {
        for (name, items, expected) in [
            ("plain", vec!["1q", "2a", "3q", "4a"], "1q 2a 3q 4a"),
            ("regenerated", vec!["1q", "2a", "3a<1q~"], "1q 3a"),
            (
                "regenerated twice",
                vec!["1q", "2a", "3a<1q~", "4a<1q~"],
                "1q 4a",
            ),
            (
                "regenerated, then on",
                vec!["1q", "2a", "3a<1q~", "4q", "5a"],
                "1q 3a 4q 5a",
            ),
            (
                "an older one regenerated",
                vec!["1q", "2a", "3q", "4a", "5a<1q~"],
                "1q 5a",
            ),
            ("edited", vec!["1q", "2a", "3q<1q", "4a"], "3q 4a"),
            (
                "edited twice",
                vec!["1q", "2a", "3q<1q", "4a", "5q<1q", "6a"],
                "5q 6a",
            ),
            (
                "edited in the middle",
                vec!["1q", "2a", "3q", "4a", "5q<3q", "6a"],
                "1q 2a 5q 6a",
            ),
            (
                "regenerated on an old branch",
                vec!["1q", "2a", "3q", "4a", "5q<1q", "6a", "7a<3q~"],
                "1q 2a 3q 7a",
            ),
            ("gone on twice", vec!["1q", "2a", "3a<2a", "4a<2a"], "1q 4a"),
            (
                "gone on from a regenerated one",
                vec!["1q", "2a", "3a<1q~", "4a<1q~"],
                "1q 4a",
            ),
            (
                "regenerated to nothing",
                vec!["1q", "2a", "3a<1q~!"],
                "1q 2a",
            ),
            (
                "regenerated to nothing, then to something",
                vec!["1q", "2a", "3a<1q~!", "4a<1q~"],
                "1q 4a",
            ),
            (
                "regenerated to nothing, then on",
                vec!["1q", "2a", "3a<1q~!", "4q", "5a"],
                "1q 2a 4q 5a",
            ),
            (
                "an older one to nothing",
                vec!["1q", "2a", "3q", "4a", "5a<1q~!"],
                "1q 2a 3q 4a",
            ),
            (
                "gone on to nothing, twice",
                vec!["1q", "2a", "3a<2a!", "4a<2a!"],
                "1q 2a",
            ),
            (
                "an answer that came late",
                vec!["1q", "2a", "3q", "4a"],
                "1q 2a 3q 4a",
            ),
        ] {
            assert_eq!(
                walk(&items, Path::before("~")).join(" "),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn a_path_may_end_in_an_older_message() {
        let items = ["1q", "2a", "3a<1q~", "4q", "5a"];
        assert_eq!(walk(&items, Path::before("2a~")).join(" "), "1q 2a");
        assert_eq!(walk(&items, Path::ending_in("4q")).join(" "), "1q 3a 4q");
    }

    #[test]
    fn what_came_to_nothing_is_shown_to_who_names_it() {
        let items = ["1q", "2a", "3a<1q~!", "4a<1q~!"];
        assert_eq!(walk(&items, Path::ending_in("4a")).join(" "), "1q 4a");
        assert_eq!(walk(&items, Path::ending_in("3a")).join(" "), "1q 3a");
        assert_eq!(walk(&items, Path::ending_in("2a")).join(" "), "1q 2a");
    }
}

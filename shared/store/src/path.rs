//! Which of a thread's messages lie on one path.
//!
//! Regenerating, editing and continuing put a message beside the one it stands for, and nothing is destroyed. Such a
//! message carries a `cut`: nothing from that sort key on precedes it on its path. All others follow what was the
//! path's end when they came, and need none. So a path is read newest first in one pass, and what has to be
//! remembered is one key.
//!
//! | message | its cut |
//! |---|---|
//! | an answer given anew | just after its question |
//! | an edited question | the cut of what it stands for, or its key |
//! | an answer that goes on from another | the cut of what it stands for, or its key |
//!
//! The cut of what it stands for, since that may itself stand for another, which must not come back.

/// A walk along a path, newest first.
#[derive(Debug)]
pub(crate) struct Path {
    bound: String,
}

impl Path {
    /// The path of everything before the sort key `bound`.
    pub(crate) fn before(bound: &str) -> Self {
        Self { bound: bound.to_owned() }
    }

    /// Whether the item `sk`, be it a message or a continuation, may lie on the path.
    pub(crate) fn admits(&self, sk: &str) -> bool {
        sk < self.bound.as_str()
    }

    /// Steps onto the message `sk`.
    pub(crate) fn step(&mut self, sk: &str, cut: Option<&str>) {
        self.bound = bound(sk, cut).to_owned();
    }

    /// What comes next sorts before this.
    pub(crate) fn bound(&self) -> &str {
        &self.bound
    }
}

/// Where the path goes on below a message: before its cut, and in any case before itself.
pub(crate) fn bound<'a>(sk: &'a str, cut: Option<&'a str>) -> &'a str {
    cut.map_or(sk, |cut| cut.min(sk))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Items are given oldest first, as `key` or `key<cut`.
    fn walk<'a>(items: &[&'a str], from: &str) -> Vec<&'a str> {
        let mut path = Path::before(from);
        let mut walked = Vec::new();
        for item in items.iter().rev() {
            let (sk, cut) = item.split_once('<').map_or((*item, None), |(sk, cut)| (sk, Some(cut)));
            if path.admits(sk) {
                path.step(sk, cut);
                walked.push(sk);
            }
        }
        walked.reverse();
        walked
    }

    #[test]
    fn a_path_skips_what_was_answered_anew_edited_or_gone_on_from() {
        for (name, items, expected) in [
            ("plain", vec!["1q", "2a", "3q", "4a"], "1q 2a 3q 4a"),
            ("regenerated", vec!["1q", "2a", "3a<1q~"], "1q 3a"),
            ("regenerated twice", vec!["1q", "2a", "3a<1q~", "4a<1q~"], "1q 4a"),
            ("regenerated, then on", vec!["1q", "2a", "3a<1q~", "4q", "5a"], "1q 3a 4q 5a"),
            ("an older one regenerated", vec!["1q", "2a", "3q", "4a", "5a<1q~"], "1q 5a"),
            ("edited", vec!["1q", "2a", "3q<1q", "4a"], "3q 4a"),
            ("edited twice", vec!["1q", "2a", "3q<1q", "4a", "5q<1q", "6a"], "5q 6a"),
            ("edited in the middle", vec!["1q", "2a", "3q", "4a", "5q<3q", "6a"], "1q 2a 5q 6a"),
            (
                "regenerated on an old branch",
                vec!["1q", "2a", "3q", "4a", "5q<1q", "6a", "7a<3q~"],
                "1q 2a 3q 7a",
            ),
            ("gone on twice", vec!["1q", "2a", "3a<2a", "4a<2a"], "1q 4a"),
            ("gone on from a regenerated one", vec!["1q", "2a", "3a<1q~", "4a<1q~"], "1q 4a"),
            ("an answer that came late", vec!["1q", "2a", "3q", "4a"], "1q 2a 3q 4a"),
        ] {
            assert_eq!(walk(&items, "~").join(" "), expected, "{name}");
        }
    }

    #[test]
    fn a_path_may_end_in_an_older_message() {
        let items = ["1q", "2a", "3a<1q~", "4q", "5a"];
        assert_eq!(walk(&items, "2a~").join(" "), "1q 2a");
        assert_eq!(walk(&items, "4q~").join(" "), "1q 3a 4q");
    }
}

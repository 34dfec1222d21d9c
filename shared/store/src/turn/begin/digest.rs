//! A digest of a question, in a few bytes: enough to tell whether the same is asked again.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// 128 bits: two questions with one digest cannot be found, and 22 characters are cheap to store.
const BYTES: usize = 16;
const CHARS: usize = 22;
const MARK_CHARS: usize = 6;

/// A digest of a question and, where one goes on, of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digest(String);

impl Digest {
    pub(crate) fn of(question: &str, continued: Option<&str>) -> Self {
        let mut text = short(question);
        text.extend(continued.map(short));
        Self(text)
    }

    /// Returns the digest as it is stored.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns true if `stored` is of the same question, and where this goes on from an answer, of
    /// the same answer.
    pub(crate) fn repeats(&self, stored: &str) -> bool {
        if self.0.len() > CHARS {
            stored == self.0
        } else {
            stored.get(..CHARS) == Some(&*self.0)
        }
    }
}

/// Returns the mark of a message's id. Two ids may share one: it only says that the messages are
/// worth a look.
pub(crate) fn mark(message: &str) -> String {
    short(message)[..MARK_CHARS].to_owned()
}

fn short(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_repeated_whatever_became_of_its_answer() {
        let plain = Digest::of("q", None);
        let on = Digest::of("q", Some("a"));
        assert_eq!(plain.as_str().len(), CHARS);
        for (name, digest, stored, repeats) in [
            ("the same", &plain, &plain, true),
            ("the same, which went on", &plain, &on, true),
            ("another", &plain, &Digest::of("Q", None), false),
            ("goes on for the first time", &on, &plain, false),
            ("goes on again", &on, &on, true),
            (
                "goes on from more",
                &Digest::of("q", Some("ab")),
                &on,
                false,
            ),
        ] {
            assert_eq!(digest.repeats(stored.as_str()), repeats, "{name}");
        }
    }
}

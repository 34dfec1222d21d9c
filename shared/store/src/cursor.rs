//! A position among the messages of a thread.

use crate::keys;

/// The longest key of a message: its time and role, and an id of 64 characters.
const MAX_KEY_BYTES: usize = 128;

/// A position on a path of a thread: before one message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub(crate) Box<str>);

impl Cursor {
    /// Reads before the sort key `bound`.
    pub(crate) fn at(bound: &str) -> Self {
        Self(bound.into())
    }

    /// Reads before the message `sk`.
    pub(crate) fn before(sk: &str, cut: Option<&str>) -> Self {
        Self::at(bound(sk, cut))
    }

    /// Returns the cursor as text, which names no user and no thread.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses the text of a cursor. `None`: it is no position among messages.
    pub fn parse(text: &str) -> Option<Self> {
        let is_key = text.len() <= MAX_KEY_BYTES
            && text.starts_with(keys::FIRST_MESSAGE)
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_key.then(|| Self(text.into()))
    }
}

/// Returns the sort key below which a path goes on from the message `sk`: its cut, and in any case
/// itself.
pub(crate) fn bound<'a>(sk: &'a str, cut: Option<&'a str>) -> &'a str {
    cut.map_or(sk, |cut| cut.min(sk))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_place_among_messages_is_a_place() {
        for (text, good) in [
            ("M#0000000000001#0#a", true),
            ("M#0000000000001#0#a#~~", true),
            ("M#", true),
            ("", false),
            ("T#thread", false),
            ("Q#2026-11-22", false),
            ("M#\n", false),
            ("M#ä", false),
            (&format!("M#{}", "1".repeat(MAX_KEY_BYTES)), false),
        ] {
            assert_eq!(Cursor::parse(text).is_some(), good, "{text:?}");
        }
    }
}

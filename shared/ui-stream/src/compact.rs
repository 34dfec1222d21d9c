//! Fewer bytes that say the same, for a log that is written down.

use memchr::memchr2;

use crate::PING;
use crate::events::{END, Events};

/// The forms in which [`crate::UiMessageChunk::encode`] writes a delta: what stands before the id, and between id and
/// text. A delta with anything after its text is left as it is.
const FORMS: [(&[u8], &[u8]); 3] = [
    (
        b"data: {\"type\":\"text-delta\",\"id\":\"",
        b"\",\"delta\":\"",
    ),
    (
        b"data: {\"type\":\"reasoning-delta\",\"id\":\"",
        b"\",\"delta\":\"",
    ),
    (
        b"data: {\"type\":\"tool-input-delta\",\"toolCallId\":\"",
        b"\",\"inputTextDelta\":\"",
    ),
];

/// What stands after a delta's text.
const TAIL: &[u8] = b"\"}";

/// Makes one event of adjacent deltas of one block, and drops pings. The result makes the same message, and the same
/// text for every block; all other events pass as they are.
///
/// Linear in the length of `stretch`, any run of whole events.
pub fn compact(stretch: &[u8]) -> Vec<u8> {
    let mut compacted = Vec::with_capacity(stretch.len());
    let mut events = Events::of(stretch);
    // What the delta begins with that `compacted` ends with, if it ends with one.
    let mut last: Option<&[u8]> = None;
    for event in &mut events {
        if PING.strip_suffix(END) == Some(event) {
            continue;
        }
        let delta = Delta::of(event);
        match &delta {
            Some(delta) if last == Some(delta.head) => {
                compacted.truncate(compacted.len() - TAIL.len() - END.len());
                compacted.extend_from_slice(delta.text);
                compacted.extend_from_slice(TAIL);
            }
            _ => compacted.extend_from_slice(event),
        }
        compacted.extend_from_slice(END);
        last = delta.map(|delta| delta.head);
    }
    compacted.extend_from_slice(events.rest());
    compacted
}

/// A delta that says nothing but its text.
struct Delta<'a> {
    /// All before the text: the kind, and the id of the block.
    head: &'a [u8],
    /// The inside of a JSON string.
    text: &'a [u8],
}

impl<'a> Delta<'a> {
    fn of(event: &'a [u8]) -> Option<Self> {
        let (begin, between) = FORMS.iter().find(|(begin, _)| event.starts_with(begin))?;
        let id_end = string_end(event, begin.len())?;
        if !event[id_end..].starts_with(between) {
            return None;
        }
        let text_begin = id_end + between.len();
        let text_end = string_end(event, text_begin)?;
        let (head, text) = (&event[..text_begin], &event[text_begin..text_end]);
        (&event[text_end..] == TAIL).then_some(Self { head, text })
    }
}

/// Where the quote stands that ends the JSON string whose inside begins at `at`.
fn string_end(json: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let next = at + memchr2(b'"', b'\\', json.get(at..)?)?;
        if json[next] == b'"' {
            return Some(next);
        }
        at = next + 2;
    }
}

#[cfg(test)]
mod tests;

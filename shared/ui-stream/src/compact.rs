//! Compaction of a stream for storage.

use memchr::memchr2;

use crate::PING;
use crate::events::{EVENT_END, Events};

/// The forms in which [`crate::UiMessageChunk::encode`] writes a delta: the bytes before the id,
/// and those between id and text. A delta with further fields after its text is left unchanged.
const DELTA_FORMS: [(&[u8], &[u8]); 3] = [
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

/// The bytes after the text of a delta.
const DELTA_END: &[u8] = b"\"}";

/// Merges adjacent deltas of one block into one event, and drops pings. The result makes the same
/// message, and the same text for every block; all other events are left unchanged.
///
/// Linear in the length of `stream`, which is any sequence of complete events.
pub fn compact(stream: &[u8]) -> Vec<u8> {
    let mut compacted = Vec::with_capacity(stream.len());
    let mut events = Events::new(stream);
    // The head of the delta at the end of `compacted`, if there is one.
    let mut last: Option<&[u8]> = None;
    for event in &mut events {
        if PING.strip_suffix(EVENT_END) == Some(event) {
            continue;
        }
        let delta = Delta::parse(event);
        match &delta {
            Some(delta) if last == Some(delta.head) => {
                compacted.truncate(compacted.len() - DELTA_END.len() - EVENT_END.len());
                compacted.extend_from_slice(delta.text);
                compacted.extend_from_slice(DELTA_END);
            }
            _ => compacted.extend_from_slice(event),
        }
        compacted.extend_from_slice(EVENT_END);
        last = delta.map(|delta| delta.head);
    }
    compacted.extend_from_slice(events.rest());
    compacted
}

/// A delta with no field other than its text.
struct Delta<'a> {
    /// The bytes before the text: the kind, and the id of the block.
    head: &'a [u8],
    /// The content of a JSON string.
    text: &'a [u8],
}

impl<'a> Delta<'a> {
    fn parse(event: &'a [u8]) -> Option<Self> {
        let (begin, between) = DELTA_FORMS
            .iter()
            .find(|(begin, _)| event.starts_with(begin))?;
        let id_end = find_string_end(event, begin.len())?;
        if !event[id_end..].starts_with(between) {
            return None;
        }
        let text_begin = id_end + between.len();
        let text_end = find_string_end(event, text_begin)?;
        let (head, text) = (&event[..text_begin], &event[text_begin..text_end]);
        (&event[text_end..] == DELTA_END).then_some(Self { head, text })
    }
}

/// Returns the index of the closing quote of the JSON string whose content begins at `at`.
fn find_string_end(json: &[u8], mut at: usize) -> Option<usize> {
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

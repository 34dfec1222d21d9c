//! Contents of a given size: text that does not shrink in the table, pictures, nested parts.

use serde_json::{Value, json};

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// After so many letters [`noise`] repeats: twice as far as deflate looks back, so that it finds no
/// repetition.
const PERIOD: usize = 64 * 1024;

/// Returns `length` letters of base64, which deflate cannot make shorter than the six bits that
/// each of them has.
pub(super) fn noise(length: usize) -> String {
    let mut random = fastrand::Rng::with_seed(length as u64);
    let period = length.min(PERIOD);
    let letters: String = (0..period)
        .map(|_| char::from(LETTERS[random.usize(..LETTERS.len())]))
        .collect();
    let mut text = letters.repeat(length.div_ceil(period.max(1)));
    text.truncate(length);
    text
}

/// Returns a part with a picture of so many letters of base64.
pub(super) fn picture(letters: usize) -> Value {
    json!({"type": "file", "mediaType": "image/png", "url": format!("data:image/png;base64,{}", noise(letters))})
}

/// Returns a part with this text.
pub(super) fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// Returns one steering-message as JSON: it holds 16 others, they hold 16 each, and so on down to
/// `leaves` small parts.
pub(super) fn nested_steering_messages(leaves: usize) -> String {
    let mut level = vec![r#"{"type":"a"}"#.to_owned(); leaves];
    while level.len() > 1 {
        let parents = level.chunks(16).map(|parts| {
            let parts = parts.join(",");
            format!(r#"{{"type":"steering-message","parts":[{parts}]}}"#)
        });
        level = parents.collect();
    }
    level.concat()
}

//! Unpaired surrogates, which JSON may contain and a Rust string cannot. Each becomes a character
//! of plane 15, which Unicode assigns no meaning, so that two texts can be compared.

use std::borrow::Cow;

use anyhow::Result;
use serde::de::DeserializeOwned;

const FIRST_SURROGATE: u32 = 0xd800;
const PRIVATE_USE_BASE: u32 = 0xf_0000;

/// Parses JSON that may contain unpaired surrogates.
pub fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    Ok(serde_json::from_str(&replace_surrogates(
        std::str::from_utf8(json)?,
    ))?)
}

/// Joins two halves of a surrogate pair that have become adjacent.
pub fn join_halves(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let low = characters
            .peek()
            .copied()
            .and_then(to_surrogate)
            .filter(|unit| is_low(*unit));
        match (to_surrogate(character).filter(|unit| !is_low(*unit)), low) {
            (Some(high), Some(low)) => {
                joined.push(combine(high, low));
                characters.next();
            }
            _ => joined.push(character),
        }
    }
    joined
}

fn replace_surrogates(json: &str) -> Cow<'_, str> {
    if !json.contains("\\u") {
        return json.into();
    }
    let mut replaced = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        replaced.push_str(&rest[..at]);
        let escape = &rest[at..];
        let length = match (parse_escape(escape), escape.get(6..).and_then(parse_escape)) {
            // serde_json joins the two halves of a complete pair.
            (Some(high), Some(low)) if !is_low(high) && is_low(low) => 12,
            (Some(lone), _) => {
                replaced.push(to_private_use(lone));
                rest = &escape[6..];
                continue;
            }
            (None, _) => escape.chars().take(2).map(char::len_utf8).sum(),
        };
        replaced.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    replaced.push_str(rest);
    replaced.into()
}

/// Returns the surrogate that `text` begins with as an escape.
fn parse_escape(text: &str) -> Option<u32> {
    let unit = u32::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (FIRST_SURROGATE..0xe000).contains(&unit).then_some(unit)
}

fn to_private_use(unit: u32) -> char {
    char::from_u32(PRIVATE_USE_BASE + (unit - FIRST_SURROGATE)).expect("plane 15 has no gaps")
}

fn to_surrogate(character: char) -> Option<u32> {
    let offset = u32::from(character).checked_sub(PRIVATE_USE_BASE)?;
    (offset < 0x800).then_some(FIRST_SURROGATE + offset)
}

fn is_low(unit: u32) -> bool {
    unit >= 0xdc00
}

fn combine(high: u32, low: u32) -> char {
    let point = 0x1_0000 + ((high - FIRST_SURROGATE) << 10) + (low - 0xdc00);
    char::from_u32(point).expect("a pair of surrogates is a character")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpaired_surrogates_differ_and_pairs_become_characters() {
        for (name, json, text) in [
            ("plain", r#""a\n\\ud83d""#, "a\n\\ud83d"),
            ("pair", r#""\ud83d\ude00""#, "\u{1f600}"),
            ("high", r#""x\ud83dy""#, "x\u{f003d}y"),
            ("low", r#""\uDE00""#, "\u{f0600}"),
            ("two highs", r#""\ud83d\ud83d""#, "\u{f003d}\u{f003d}"),
        ] {
            assert_eq!(parse::<String>(json.as_bytes()).unwrap(), text, "{name}");
        }
    }

    #[test]
    fn adjacent_halves_become_a_character() {
        assert_eq!(
            join_halves("a\u{f003d}\u{f0600}b\u{f0600}\u{f003d}"),
            "a\u{1f600}b\u{f0600}\u{f003d}"
        );
    }
}

//! Halves of surrogate pairs, which JSON may hold and no Rust string can. Here each is a character of plane 15, which
//! Unicode gives no meaning, so that two texts can be compared.

use std::borrow::Cow;

use anyhow::Result;
use serde::de::DeserializeOwned;

const FIRST: u32 = 0xd800;
const STAND_INS: u32 = 0xf_0000;

/// Reads JSON that may hold halves of surrogate pairs.
pub fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    Ok(serde_json::from_str(&readable(std::str::from_utf8(json)?))?)
}

/// Joins two halves that have come together.
pub fn join_halves(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let low = characters
            .peek()
            .copied()
            .and_then(unit)
            .filter(|unit| is_low(*unit));
        match (unit(character).filter(|unit| !is_low(*unit)), low) {
            (Some(high), Some(low)) => {
                whole.push(pair(high, low));
                characters.next();
            }
            _ => whole.push(character),
        }
    }
    whole
}

fn readable(json: &str) -> Cow<'_, str> {
    if !json.contains("\\u") {
        return json.into();
    }
    let mut readable = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        readable.push_str(&rest[..at]);
        let escape = &rest[at..];
        let length = match (escaped(escape), escape.get(6..).and_then(escaped)) {
            (Some(high), Some(low)) if !is_low(high) && is_low(low) => 12,
            (Some(lone), _) => {
                readable.push(stand_in(lone));
                rest = &escape[6..];
                continue;
            }
            (None, _) => escape.chars().take(2).map(char::len_utf8).sum(),
        };
        readable.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    readable.push_str(rest);
    readable.into()
}

/// The surrogate that `text` begins with as an escape.
fn escaped(text: &str) -> Option<u32> {
    let unit = u32::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (FIRST..0xe000).contains(&unit).then_some(unit)
}

fn stand_in(unit: u32) -> char {
    char::from_u32(STAND_INS + (unit - FIRST)).expect("plane 15 has no gaps")
}

fn unit(character: char) -> Option<u32> {
    let offset = u32::from(character).checked_sub(STAND_INS)?;
    (offset < 0x800).then_some(FIRST + offset)
}

fn is_low(unit: u32) -> bool {
    unit >= 0xdc00
}

fn pair(high: u32, low: u32) -> char {
    let point = 0x1_0000 + ((high - FIRST) << 10) + (low - 0xdc00);
    char::from_u32(point).expect("a pair of surrogates is a character")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_told_apart_and_pairs_are_what_they_mean() {
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
    fn halves_that_meet_are_a_character() {
        assert_eq!(
            join_halves("a\u{f003d}\u{f0600}b\u{f0600}\u{f003d}"),
            "a\u{1f600}b\u{f0600}\u{f003d}"
        );
    }
}

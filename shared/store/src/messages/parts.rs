//! The split of a message's parts into items: short ones as they are, longer ones deflated, the
//! longest in pieces.
//!
//! Knows sizes and bytes. The JSON text is never decoded, so it comes back byte for byte, half
//! surrogate pairs (`\ud800`) and all.

use flate2::Crc;

use crate::attribute::MAX_DATA_BYTES;
use crate::deflate::{InflateError, deflate, inflate};

/// Up to here text is stored as it is: an item of 1 KB costs one write unit however it is packed.
pub(crate) const MAX_PLAIN_BYTES: usize = 1024;
/// The most continuations of one message; their index has three digits.
pub(crate) const MAX_PIECES: usize = 999;

/// Parts as they are stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packed {
    /// As it came.
    Plain(String),
    /// Deflated, small enough for one item.
    Single(Vec<u8>),
    /// Deflated, too large for one item.
    Pieces { bytes: Vec<u8>, checksum: String },
}

/// Packs `text`.
pub(crate) async fn pack(text: &str) -> Packed {
    if text.len() <= MAX_PLAIN_BYTES {
        return Packed::Plain(text.to_owned());
    }
    fitted(deflate(text.as_bytes()).await)
}

fn fitted(bytes: Vec<u8>) -> Packed {
    if bytes.len() <= MAX_DATA_BYTES {
        return Packed::Single(bytes);
    }
    let checksum = checksum(&bytes);
    Packed::Pieces { bytes, checksum }
}

/// Names `bytes` well enough to tell two versions of one message apart.
pub(crate) fn checksum(bytes: &[u8]) -> String {
    let mut crc = Crc::new();
    crc.update(bytes);
    format!("{:08x}", crc.sum())
}

/// Inflates what [`pack`] deflated from `length` bytes of text. Never makes more than one byte over
/// `length`.
pub(crate) fn unpack(bytes: &[u8], length: usize) -> Result<Box<str>, InflateError> {
    let text = inflate(bytes, length)?;
    if text.len() != length {
        return Err(InflateError::Length { expected: length });
    }
    String::from_utf8(text)
        .map(String::into_boxed_str)
        .map_err(InflateError::Utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn deflated(text: &str) -> Vec<u8> {
        match pack(text).await {
            Packed::Single(bytes) => bytes,
            other => panic!("not deflated into one item: {other:?}"),
        }
    }

    #[tokio::test]
    async fn only_text_over_a_kilobyte_is_deflated() {
        let text = "a".repeat(MAX_PLAIN_BYTES);
        assert_eq!(pack(&text).await, Packed::Plain(text.clone()));
        assert!(matches!(pack(&format!("{text}b")).await, Packed::Single(_)));
    }

    #[test]
    fn only_what_exceeds_an_item_is_cut_in_pieces() {
        let (full, over) = (vec![0; MAX_DATA_BYTES], vec![0; MAX_DATA_BYTES + 1]);
        assert_eq!(fitted(full.clone()), Packed::Single(full));
        assert!(matches!(fitted(over), Packed::Pieces { .. }));
    }

    #[tokio::test]
    async fn a_text_comes_back_byte_for_byte() {
        for (name, text) in [
            (
                "half surrogate pairs",
                r#"[{"text":"\ud800 \uDFFF \u0000"}]"#.repeat(64),
            ),
            ("multi-byte characters over slices", "ä😀".repeat(50_000)),
        ] {
            assert_eq!(
                &*unpack(&deflated(&text).await, text.len()).unwrap(),
                text,
                "{name}"
            );
        }
    }

    #[tokio::test]
    async fn inflating_stops_at_the_length_that_was_written_down() {
        let bomb = deflated(&"0".repeat(8 << 20)).await;
        assert!(matches!(
            unpack(&bomb, 1_000),
            Err(InflateError::Length { expected: 1_000 })
        ));
    }

    #[tokio::test]
    async fn damage_is_an_error() {
        let text = "0123456789".repeat(1_000);
        let bytes = deflated(&text).await;
        let cut = &bytes[..bytes.len() - 3];
        for (name, result) in [
            ("cut", unpack(cut, text.len())),
            ("not deflated", unpack(b"\xff\xff\xff", text.len())),
            ("longer than it should be", unpack(&bytes, text.len() - 1)),
            ("shorter than it should be", unpack(&bytes, text.len() + 1)),
        ] {
            assert!(result.is_err(), "{name}");
        }
    }
}

//! The content of base64: the type of an image by its first bytes, or all bytes.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// 18 bytes: more than the longest signature.
const LOOKED_AT: usize = 24;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The images that `ai` 7 knows, in its order; `_` is any byte.
const SIGNATURES: [(&str, &[u8]); 10] = [
    ("image/gif", b"GIF87a"),
    ("image/gif", b"GIF89a"),
    ("image/png", b"\x89PNG"),
    ("image/jpeg", b"\xff\xd8"),
    ("image/webp", b"RIFF____WEBP"),
    ("image/bmp", b"BM____\0\0\0\0"),
    ("image/tiff", b"II*\0"),
    ("image/tiff", b"MM\0*"),
    ("image/avif", b"\0\0\0_ftypavif"),
    ("image/heic", b"\0\0\0_ftypheic"),
];

/// Returns the media type of the image in `base64`, of either alphabet.
pub(crate) fn image_type(base64: &str) -> Option<&'static str> {
    let start = decode(base64.get(..LOOKED_AT).unwrap_or(base64))?;
    SIGNATURES
        .iter()
        .find(|(_, signature)| begins_with(&start, signature))
        .map(|(name, _)| *name)
}

/// Decodes `base64`, of either alphabet, padded or not.
pub(crate) fn decode(base64: &str) -> Option<Vec<u8>> {
    LENIENT
        .decode(base64.bytes().map(to_standard).collect::<Vec<u8>>())
        .ok()
}

fn to_standard(character: u8) -> u8 {
    match character {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    }
}

fn begins_with(start: &[u8], signature: &[u8]) -> bool {
    start.len() >= signature.len()
        && signature
            .iter()
            .zip(start)
            .all(|(expected, byte)| *expected == b'_' || expected == byte)
}

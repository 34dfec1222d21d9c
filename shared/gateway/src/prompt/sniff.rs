//! Which image it is, by its first bytes.

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

/// The images that `ai` 7 knows, in its order; `_` stands for any byte.
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

/// The media type of the image that `base64` holds, in either alphabet.
pub(super) fn image_type(base64: &str) -> Option<&'static str> {
    let start: Vec<u8> = base64.bytes().take(LOOKED_AT).map(to_standard).collect();
    let start = LENIENT.decode(start).ok()?;
    SIGNATURES.iter().find(|(_, signature)| begins_with(&start, signature)).map(|(name, _)| *name)
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
        && signature.iter().zip(start).all(|(expected, byte)| *expected == b'_' || expected == byte)
}

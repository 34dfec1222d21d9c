//! Deflated bytes, of messages, short questions and journals.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// Deflating this much takes a few milliseconds, after which other tasks of the thread get their
/// turn.
const SLICE_BYTES: usize = 64 * 1024;

/// Damage to deflated bytes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InflateError {
    #[error("deflated bytes are malformed")]
    Inflate(#[source] std::io::Error),
    #[error("inflated length is not {expected} bytes")]
    Length { expected: usize },
    #[error("inflated bytes are not UTF-8")]
    Utf8(#[source] std::string::FromUtf8Error),
}

/// Deflates `bytes`, letting others have their turn.
pub(crate) async fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    for slice in bytes.chunks(SLICE_BYTES) {
        encoder
            .write_all(slice)
            .expect("a Vec takes whatever is written");
        tokio::task::yield_now().await;
    }
    encoder.finish().expect("a Vec takes whatever is written")
}

/// Inflates bytes whose length was not written down. Never makes more than one byte over `most`.
pub(crate) fn inflate(bytes: &[u8], most: usize) -> Result<Vec<u8>, InflateError> {
    let mut inflated = Vec::new();
    DeflateDecoder::new(bytes)
        .take(most as u64 + 1)
        .read_to_end(&mut inflated)
        .map_err(InflateError::Inflate)?;
    if inflated.len() > most {
        return Err(InflateError::Length { expected: most });
    }
    Ok(inflated)
}

/// Inflates text in the same way.
pub(crate) fn inflate_text(bytes: &[u8], most: usize) -> Result<String, InflateError> {
    String::from_utf8(inflate(bytes, most)?).map_err(InflateError::Utf8)
}

//! JSON strings as they stand on the wire.

use std::borrow::Cow;

/// The text of a JSON string token, quotes included. `None` for other values, and for half a surrogate pair, which
/// no Rust string can hold.
pub(crate) fn unquoted(token: &str) -> Option<Cow<'_, str>> {
    let inside = token.strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains('\\') {
        serde_json::from_str(token).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inside))
    }
}

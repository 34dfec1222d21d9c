//! Keys that the original's JSON parser refuses, since they reach into JavaScript's prototypes.
//!
//! Provider metadata and tool results go on to browsers as they came; what the original would not let through, nor
//! do we. Works on JSON that is known to be well-formed.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::token::unquoted;

/// Whether an object in `json` has a `__proto__` key, or a `constructor` object with a `prototype` key.
pub(crate) fn has_forbidden_key(json: &str) -> bool {
    is_suspect(json) && scan(json)
}

/// Nearly all parts are cleared by this: the keys both hold "proto", unless it is written with escapes.
fn is_suspect(json: &str) -> bool {
    // Made once: to make a searcher costs more than to search one small part.
    static PROTO: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("proto"));
    static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\\u00"));
    [&PROTO, &ESCAPE].iter().any(|finder| finder.find(json.as_bytes()).is_some())
}

fn scan(json: &str) -> bool {
    let bytes = json.as_bytes();
    // For each open object or array: whether it is the value of a `constructor` key.
    let mut open = Vec::new();
    let mut is_constructor = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string_end(bytes, at);
                let is_key = bytes[end..].trim_ascii_start().first() == Some(&b':');
                match unquoted(&json[at..end]).as_deref() {
                    Some("__proto__") if is_key => return true,
                    Some("prototype") if is_key && open.last() == Some(&true) => return true,
                    key => is_constructor = is_key && key == Some("constructor"),
                }
                at = end;
                continue;
            }
            b'{' => open.push(std::mem::take(&mut is_constructor)),
            b'[' => {
                open.push(false);
                is_constructor = false;
            }
            b'}' | b']' => {
                open.pop();
            }
            _ => {}
        }
        at += 1;
    }
    false
}

/// The index behind the closing quote of the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prototype_keys_are_found_however_they_are_written() {
        for json in [
            r#"{"__proto__":1}"#,
            r#"{"a":[{"b":{"__proto__" : {}}}]}"#,
            r#"{"\u005f_proto__":1}"#,
            r#"{"__\u0070roto__":1}"#,
            r#"{"constructor":{"prototype":1}}"#,
            r#"{"constructor": {"a":{"b":[1,"}"]},"prototype":1}}"#,
            r#"{"c\u006fnstructor":{"prototyp\u0065":1}}"#,
            r#"[{"constructor":{"x\ud800":1,"prototype":{}}}]"#,
        ] {
            assert!(has_forbidden_key(json), "{json}");
        }
    }

    #[test]
    fn the_words_alone_are_harmless() {
        for json in [
            r#"{"delta":"obj.__proto__ and \"__proto__\": 1"}"#,
            r#"{"delta":"__proto__"}"#,
            r#"["__proto__","constructor",{"prototype":1}]"#,
            r#"{"constructor":"prototype"}"#,
            r#"{"constructor":{"a":{"prototype":1}}}"#,
            r#"{"constructor":[{"prototype":1}]}"#,
            r#"{"constructor":1,"b":{"prototype":1}}"#,
            r#"{"constructor":{},"prototype":1}"#,
            r#"{"a\u0000":"\\","proto":"\ud800"}"#,
        ] {
            assert!(!has_forbidden_key(json), "{json}");
        }
    }
}

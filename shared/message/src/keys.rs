//! Keys that the AI SDK's JSON parser refuses, since they reach into JavaScript's prototypes.
//!
//! What models say goes on to browsers as it came; what the AI SDK would not let through, nor do we.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::token::{JsonToken, json_tokens, unquoted};

/// Whether an object in `json` has a `__proto__` key, or a `constructor` object with a `prototype` key. `json` is known
/// to be well-formed.
pub fn has_forbidden_key(json: &str) -> bool {
    is_suspect(json) && scan(json)
}

/// Nearly all parts are cleared by this: the keys both hold "proto", unless it is written with escapes.
fn is_suspect(json: &str) -> bool {
    // Made once: to make a searcher costs more than to search one small part.
    static PROTO: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("proto"));
    static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\\u00"));
    [&PROTO, &ESCAPE]
        .iter()
        .any(|finder| finder.find(json.as_bytes()).is_some())
}

fn scan(json: &str) -> bool {
    // For each open object or array: whether it is the value of a `constructor` key.
    let mut open = Vec::new();
    let mut is_constructor = false;
    for (_, token) in json_tokens(json) {
        let of_constructor = std::mem::take(&mut is_constructor);
        match token {
            JsonToken::Key(key) => match unquoted(key).as_deref() {
                Some("__proto__") => return true,
                Some("prototype") if open.last() == Some(&true) => return true,
                key => is_constructor = key == Some("constructor"),
            },
            JsonToken::Object => open.push(of_constructor),
            JsonToken::Array => open.push(false),
            JsonToken::End => drop(open.pop()),
            JsonToken::Text(_) | JsonToken::Number(_) => {}
        }
    }
    false
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
            r#"[{"constructor":1},{"prototype":1}]"#,
            r#"[{"constructor":null},{"prototype":1}]"#,
            r#"{"a\u0000":"\\","proto":"\ud800"}"#,
        ] {
            assert!(!has_forbidden_key(json), "{json}");
        }
    }
}

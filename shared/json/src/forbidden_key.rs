//! Detection of keys that the AI SDK's JSON parser rejects because they reach into JavaScript's
//! prototypes.
//!
//! The output of models is passed to browsers unchanged; keys that the AI SDK does not accept are
//! rejected here too.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::token::{JsonToken, json_tokens, unquoted};

/// Returns true if an object in `json` has a `__proto__` key, or a `constructor` object with a
/// `prototype` key. `json` must be well-formed.
pub fn has_forbidden_key(json: &str) -> bool {
    is_suspect(json) && contains_forbidden_key(json)
}

/// Returns false for nearly all parts without a `contains_forbidden_key`: both keys hold "proto",
/// unless it is written with escapes.
fn is_suspect(json: &str) -> bool {
    // Built once: building a searcher costs more than searching one small part.
    static PROTO: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("proto"));
    static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\\u00"));
    [&PROTO, &ESCAPE]
        .iter()
        .any(|finder| finder.find(json.as_bytes()).is_some())
}

fn contains_forbidden_key(json: &str) -> bool {
    // One flag for each open object or array: true if it is the value of a `constructor` key.
    let mut open = Vec::new();
    let mut is_constructor = false;
    for (_, token) in json_tokens(json) {
        let is_constructor_value = std::mem::take(&mut is_constructor);
        match token {
            JsonToken::Key(key) => match unquoted(key).as_deref() {
                Some("__proto__") => return true,
                Some("prototype") if open.last() == Some(&true) => return true,
                key => is_constructor = key == Some("constructor"),
            },
            JsonToken::Object => open.push(is_constructor_value),
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
    fn prototype_keys_are_found_also_when_escaped() {
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

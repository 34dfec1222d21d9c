//! Readers of values that `serde_json` carries unparsed. Each returns `None` for a value of another
//! type, so that a caller decides if that is an error or counts as absent.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::token::unquoted;

/// Returns the text of a string. `None` also for half a surrogate pair, which no Rust string can
/// hold.
pub fn as_str(value: &RawValue) -> Option<Cow<'_, str>> {
    unquoted(value.get())
}

/// Returns the text of a string, like [`as_str`], as an owned string.
pub fn as_string(value: &RawValue) -> Option<String> {
    as_str(value).map(Cow::into_owned)
}

/// Returns the value of an integer that is not negative.
pub fn as_u64(value: &RawValue) -> Option<u64> {
    serde_json::from_str(value.get()).ok()
}

/// Returns the value of a boolean.
pub fn as_bool(value: &RawValue) -> Option<bool> {
    match value.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Parses the fields of an object; serde alone would accept an array for a struct too.
pub fn as_object<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    is_object(value)
        .then(|| serde_json::from_str(value.get()).ok())
        .flatten()
}

/// Returns true if the value is an object.
pub fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_value_of_another_type_is_none() {
        for (json, text, number, flag) in [
            (r#""a\u0062""#, Some("ab"), None, None),
            (r#""""#, Some(""), None, None),
            (r#""\ud83d""#, None, None, None),
            ("7", None, Some(7), None),
            ("7.5", None, None, None),
            ("-7", None, None, None),
            ("18446744073709551616", None, None, None),
            ("true", None, None, Some(true)),
            ("false", None, None, Some(false)),
            ("null", None, None, None),
            ("[1]", None, None, None),
            ("{}", None, None, None),
        ] {
            let value = raw(json);
            assert_eq!(as_str(&value).as_deref(), text, "{json}");
            assert_eq!(as_string(&value).as_deref(), text, "{json}");
            assert_eq!(as_u64(&value), number, "{json}");
            assert_eq!(as_bool(&value), flag, "{json}");
            assert_eq!(is_object(&value), json == "{}", "{json}");
        }
    }

    #[test]
    fn only_an_object_is_parsed_as_one() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Point {
            x: u64,
        }

        assert_eq!(as_object(&raw(r#"{"x":1,"y":2}"#)), Some(Point { x: 1 }));
        for json in ["[1]", r#"{"y":2}"#, "null", r#""x""#] {
            assert_eq!(as_object::<Point>(&raw(json)), None, "{json}");
        }
    }
}

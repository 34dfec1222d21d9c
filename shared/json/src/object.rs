//! Field-by-field reading of a JSON object, with errors that name the field.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::bounded::{Key, array_items};
use crate::raw::RawJson;
use crate::read::is_object;
use crate::text::JsonText;

/// A field with an invalid value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Invalid {
    /// The path of the field, such as `messages[2].parts[0].text`.
    pub field: String,
    /// The problem and what is allowed: "must be a string".
    pub problem: String,
}

impl Invalid {
    /// Creates the error; `problem` continues the sentence that the name of the field begins.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

/// A JSON object whose values are not parsed yet. A repeated key is an error; `null` counts as
/// absent.
#[derive(Debug)]
pub struct Object<'a> {
    path: String,
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// Parses `value` as an object; `path` precedes the field's name in errors and may be empty.
    pub fn parse(value: &'a RawValue, path: impl Into<String>) -> Result<Self, Invalid> {
        let path = path.into();
        if !is_object(value) {
            return Err(Invalid::new(path, "must be an object"));
        }
        match serde_json::from_str::<Fields<'a>>(value.get()) {
            Ok(Fields(fields)) => Ok(Self { path, fields }),
            Err(error) => Err(Invalid::new(
                path,
                format!("must be an object without repeated keys ({error})"),
            )),
        }
    }

    /// Returns the full path of `key`.
    pub fn path(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Returns the value of `key`, if it is present and not `null`.
    pub fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.fields
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| *value)
            .filter(|value| value.get() != "null")
    }

    /// Returns the string under `key`.
    pub fn string(&self, key: &str) -> Result<String, Invalid> {
        self.required(key, self.optional_string(key)?, "must be a string")
    }

    /// Returns the string under `key`, if any.
    pub fn optional_string(&self, key: &str) -> Result<Option<String>, Invalid> {
        self.optional(key, "must be a string without half a surrogate pair")
    }

    /// Returns the text under `key`, escapes kept.
    pub fn text(&self, key: &str) -> Result<JsonText, Invalid> {
        self.required(key, self.optional_text(key)?, "must be a string")
    }

    /// Returns the text under `key`, if any, escapes kept.
    pub fn optional_text(&self, key: &str) -> Result<Option<JsonText>, Invalid> {
        self.get(key)
            .map(|value| {
                JsonText::from_token(value)
                    .ok_or_else(|| Invalid::new(self.path(key), "must be a string"))
            })
            .transpose()
    }

    /// Returns the boolean under `key`, if any.
    pub fn optional_bool(&self, key: &str) -> Result<Option<bool>, Invalid> {
        self.optional(key, "must be true or false")
    }

    /// Returns the value under `key` unchanged, if any.
    pub fn optional_json(&self, key: &str) -> Option<RawJson> {
        self.get(key).map(RawJson::from)
    }

    /// Returns the object under `key` unchanged, if any.
    pub fn optional_object(&self, key: &str) -> Result<Option<RawJson>, Invalid> {
        match self.optional_json(key) {
            Some(value) if !is_object(value.as_raw()) => {
                Err(Invalid::new(self.path(key), "must be an object"))
            }
            other => Ok(other),
        }
    }

    /// Returns the items of the array under `key`, at most `limit`: six megabytes of `0,` must not
    /// become a hundred megabytes of pointers.
    pub fn array(&self, key: &str, limit: usize) -> Result<Vec<&'a RawValue>, Invalid> {
        let Some(value) = self.get(key).filter(|value| value.get().starts_with('[')) else {
            return Err(Invalid::new(self.path(key), "must be an array"));
        };
        // The value is well-formed JSON, so only the number of items can be wrong.
        array_items(value, limit)
            .ok_or_else(|| Invalid::new(self.path(key), format!("must have at most {limit} items")))
    }

    fn optional<T: Deserialize<'a>>(&self, key: &str, problem: &str) -> Result<Option<T>, Invalid> {
        self.get(key)
            .map(|value| {
                serde_json::from_str(value.get()).map_err(|_| Invalid::new(self.path(key), problem))
            })
            .transpose()
    }

    fn required<T>(&self, key: &str, value: Option<T>, problem: &str) -> Result<T, Invalid> {
        value.ok_or_else(|| Invalid::new(self.path(key), problem))
    }
}

/// The maximum number of fields of an [`Object`]; no part of a message has as many.
const MAX_FIELDS: usize = 100;

struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor).map(Self)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields: Self::Value = Vec::new();
        while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            if fields.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom("a key is repeated"));
            }
            if fields.len() == MAX_FIELDS {
                return Err(A::Error::custom(format_args!(
                    "more than {MAX_FIELDS} keys"
                )));
            }
            fields.push((key, value));
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_error_names_the_field_and_what_is_allowed() {
        let value = raw(r#"{"text":5,"flag":"yes","list":{}}"#);
        let object = Object::parse(&value, "messages[2]").unwrap();
        assert_eq!(
            object.text("text").unwrap_err().to_string(),
            "messages[2].text: must be a string"
        );
        assert_eq!(
            object.string("none").unwrap_err().to_string(),
            "messages[2].none: must be a string"
        );
        assert_eq!(
            object.optional_bool("flag").unwrap_err().to_string(),
            "messages[2].flag: must be true or false"
        );
        assert_eq!(
            object.array("list", 1).unwrap_err().to_string(),
            "messages[2].list: must be an array"
        );
    }

    #[test]
    fn a_repeated_key_is_refused_also_when_escaped() {
        for json in [r#"{"id":1,"id":2}"#, r#"{"id":1,"i\u0064":2}"#] {
            assert!(Object::parse(&raw(json), "").is_err(), "{json}");
        }
    }

    #[test]
    fn an_array_is_read_up_to_its_limit() {
        let value = raw(r#"{"list":[1,2]}"#);
        let object = Object::parse(&value, "body").unwrap();
        assert_eq!(object.array("list", 2).unwrap().len(), 2);
        assert_eq!(
            object.array("list", 1).unwrap_err().to_string(),
            "body.list: must have at most 1 items"
        );
    }

    #[test]
    fn a_value_that_is_not_an_object_is_refused() {
        for json in ["[]", "null", "\"x\"", "1", r#"["a","b"]"#] {
            assert_eq!(
                Object::parse(&raw(json), "body").unwrap_err().problem,
                "must be an object",
                "{json}"
            );
        }
    }

    #[test]
    fn null_counts_as_absent() {
        let value = raw(r#"{"title":null}"#);
        let object = Object::parse(&value, "").unwrap();
        assert_eq!(object.optional_string("title"), Ok(None));
    }

    #[test]
    fn more_keys_than_any_part_has_are_refused() {
        let many: Vec<String> = (0..101).map(|number| format!("\"k{number}\":0")).collect();
        assert!(Object::parse(&raw(&format!("{{{}}}", many.join(","))), "").is_err());
    }
}

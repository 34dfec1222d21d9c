//! Reading of arrays and objects up to a limit: megabytes of `0,` must not become a hundred
//! megabytes of pointers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Returns the items of `array`, or `None` if it is not an array or has more than `limit`. Reading
/// ends at the limit.
pub fn array_items(array: &RawValue, limit: usize) -> Option<Vec<&RawValue>> {
    serde_json::Deserializer::from_str(array.get())
        .deserialize_seq(Items { limit })
        .ok()
}

struct Items {
    limit: usize,
}

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an array of at most {} items", self.limit)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            if items.len() == self.limit {
                return Err(A::Error::custom("too many items"));
            }
            items.push(item);
        }
        Ok(items)
    }
}

/// Returns the fields of `object` by their names, or `None` if it is not an object or has more than
/// `limit`. The last value of a repeated key counts, as in JavaScript. Reading ends at the limit.
pub fn object_fields(object: &RawValue, limit: usize) -> Option<BTreeMap<Cow<'_, str>, &RawValue>> {
    serde_json::Deserializer::from_str(object.get())
        .deserialize_map(Entries { limit })
        .ok()
}

struct Entries {
    limit: usize,
}

impl<'de> Visitor<'de> for Entries {
    type Value = BTreeMap<Cow<'de, str>, &'de RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object of at most {} fields", self.limit)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Self::Value::new();
        while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            fields.insert(key, value);
            if fields.len() > self.limit {
                return Err(A::Error::custom("too many fields"));
            }
        }
        Ok(fields)
    }
}

/// A key that borrows from the input where it can; `Cow<str>` alone never borrows.
#[derive(Deserialize, PartialEq)]
pub(crate) struct Key<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_array_is_read_up_to_its_limit() {
        let value = raw("[1,2]");
        assert_eq!(array_items(&value, 2).unwrap().len(), 2);
        assert!(array_items(&value, 1).is_none(), "two are too many");
        assert!(array_items(&raw("{}"), 1).is_none(), "an object has none");
    }

    #[test]
    fn fields_are_read_up_to_their_limit_and_the_last_of_two_counts() {
        let value = raw(r#"{"a":1,"\u0061":2,"b":3}"#);
        let fields = object_fields(&value, 2).unwrap();
        assert_eq!(
            fields
                .iter()
                .map(|(key, value)| (&**key, value.get()))
                .collect::<Vec<_>>(),
            [("a", "2"), ("b", "3")]
        );
        assert!(object_fields(&value, 1).is_none(), "two are too many");
        assert!(object_fields(&raw("[]"), 1).is_none(), "an array has none");
    }
}

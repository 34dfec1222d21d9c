//! Reading a JSON array that may be too long to hold.

use std::fmt;

use message::{Invalid, Object};
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The items of the array under `key`, `limit` at most. Reading ends at the limit, so that six megabytes of `0,`
/// do not become a hundred of pointers.
pub(crate) fn items<'a>(fields: &Object<'a>, key: &str, limit: usize) -> Result<Vec<&'a RawValue>, Invalid> {
    let Some(value) = fields.get(key).filter(|value| value.get().starts_with('[')) else {
        return Err(Invalid::new(fields.path(key), "must be an array"));
    };
    // The document was checked before, so the number of items is all that can be wrong.
    serde_json::Deserializer::from_str(value.get())
        .deserialize_seq(Items { limit })
        .map_err(|_| Invalid::new(fields.path(key), format!("must have at most {limit} items")))
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

//! JSON that is passed on without being interpreted, and readers of single values in it.
//!
//! No value is parsed before it is needed, and no reader recurses: depth and size of the JSON are
//! its sender's choice. Knows nothing of messages, models or HTTP.

mod bounded;
mod forbidden_key;
mod object;
#[cfg(feature = "openapi")]
mod openapi;
mod raw;
mod read;
mod text;
mod token;

pub use bounded::{array_items, object_fields};
pub use forbidden_key::has_forbidden_key;
pub use object::{Invalid, Object};
pub use raw::RawJson;
pub use read::{as_bool, as_object, as_str, as_string, as_u64, is_object};
pub use text::JsonText;
pub use token::{JsonToken, has_number_out_of_range, is_out_of_range, json_tokens, unquoted};

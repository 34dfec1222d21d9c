//! Provider metadata.

use json::{RawJson, has_number_out_of_range, is_object, object_fields};
use serde_json::value::RawValue;

/// The maximum number of providers in metadata. An event of 12 MB may name a million, each of which
/// takes a hundred bytes here.
const MAX_PROVIDERS: usize = 1_000;

/// Returns the metadata if it is an object of objects with finite numbers. Every client refuses a
/// chunk with anything else, and an invisible detail is not worth the answer.
pub(super) fn metadata(value: Option<&RawValue>) -> Option<RawJson> {
    let value = value.filter(|value| is_object(value))?;
    let providers = object_fields(value, MAX_PROVIDERS)?;
    let is_valid = providers.values().all(|provider| is_object(provider))
        && !has_number_out_of_range(value.get());
    is_valid.then(|| RawJson::from(value))
}

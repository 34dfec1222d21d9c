//! Attributes and items as DynamoDB has them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use crate::StoreError;

/// An item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The attribute that holds bytes: of a message's continuation, or of a journal's piece.
pub(crate) const DATA: &str = "d";
/// The most of these bytes in one item. An item may have 400 KB (409,600 bytes) with its names and
/// all else.
pub(crate) const MAX_DATA_BYTES: usize = 380_000;

/// Serializes a value as a DynamoDB attribute.
pub(crate) fn serialize(value: &impl Serialize) -> Result<AttributeValue, StoreError> {
    serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(value).map_err(|error| {
        StoreError::Refused {
            operation: "UpdateItem",
            source: error.into(),
        }
    })
}

/// Deserializes an item; an error names it.
pub(crate) fn read<T: serde::de::DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    let (pk, sk) = (text(&item, "pk"), text(&item, "sk"));
    serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
        .map_err(|error| StoreError::corrupt(&pk, &sk, error))
}

/// Returns a text attribute; empty if there is none.
pub(crate) fn text(item: &Item, name: &str) -> String {
    item.get(name)
        .and_then(|value| value.as_s().ok())
        .cloned()
        .unwrap_or_default()
}

pub(crate) fn string(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// Returns a set of one text.
pub(crate) fn set_of(text: &str) -> AttributeValue {
    AttributeValue::Ss(vec![text.to_owned()])
}

pub(crate) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

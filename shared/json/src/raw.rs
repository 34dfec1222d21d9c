//! A JSON value that is passed on unchanged.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::text::JsonText;

/// A JSON value that is passed on unchanged: tool inputs and outputs, provider metadata.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// Wraps a value that is JSON already.
    pub fn new(value: Box<RawValue>) -> Self {
        Self(value)
    }

    /// Serializes `value` as JSON. Fails only if its `Serialize` implementation does.
    pub fn from_value(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// Returns the JSON `null`.
    pub fn null() -> Self {
        Self(RawValue::NULL.to_owned())
    }

    /// Returns the JSON text.
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// Returns the value as `serde_json`'s own type for uninterpreted text.
    pub fn as_raw(&self) -> &RawValue {
        &self.0
    }

    /// Returns the text if the value is a JSON string.
    pub fn text(&self) -> Option<JsonText> {
        JsonText::from_token(&self.0)
    }
}

impl From<&RawValue> for RawJson {
    fn from(value: &RawValue) -> Self {
        Self(value.to_owned())
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for RawJson {}

impl fmt::Debug for RawJson {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.get())
    }
}

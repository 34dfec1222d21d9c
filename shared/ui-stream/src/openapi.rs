//! The JSON schema in `docs/openapi` of the chunk whose `Serialize` does not describe it. Only
//! tests enable it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::decode::{DATA_PREFIX, SOURCE_TYPES};

/// A placeholder for the chunks that are also parts.
pub(crate) struct PartChunk;

impl JsonSchema for PartChunk {
    fn schema_name() -> Cow<'static, str> {
        "PartChunk".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "required": ["type"],
            "properties": { "type": { "type": "string", "pattern": format!("^({}$|{DATA_PREFIX})", SOURCE_TYPES.join("$|")) } },
            "examples": [{ "type": "source-url", "sourceId": "s1", "url": "https://example.com/" }],
        })
    }
}

//! What a chunk looks like to who reads `docs/openapi`, where its `Serialize` does not say it. Only tests switch it on.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::decode::{DATA, SOURCES};

/// Stands for the chunks that are parts as well.
pub(crate) struct PartChunk;

impl JsonSchema for PartChunk {
    fn schema_name() -> Cow<'static, str> {
        "PartChunk".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "required": ["type"],
            "properties": { "type": { "type": "string", "pattern": format!("^({}$|{DATA})", SOURCES.join("$|")) } },
            "examples": [{ "type": "source-url", "sourceId": "s1", "url": "https://example.com/" }],
        })
    }
}

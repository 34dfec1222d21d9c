//! The JSON schemas in `docs/openapi` of the types whose `Serialize` does not describe them.
//!
//! Knows JSON Schema. No function contains any of it: only tests enable it.

use std::borrow::Cow;

use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::ids::WORD_LENGTH;
use crate::{MessageId, StreamId, ThreadId};

/// The pattern of one character of an id.
const WORD_CHARACTER: &str = "[A-Za-z0-9_-]";

/// The types of parts that [`crate::UiPart`] has a variant for, except those that begin with
/// [`TOOL_PREFIX`].
const KNOWN_PARTS: [&str; 8] = [
    "text",
    "reasoning",
    "file",
    "reasoning-file",
    "custom",
    "step-start",
    "steering-message",
    "dynamic-tool",
];
const TOOL_PREFIX: &str = "tool-";

/// The fields that providers add, always an object.
const PROVIDER_FIELDS: [&str; 4] = [
    "providerMetadata",
    "providerReference",
    "callProviderMetadata",
    "resultProviderMetadata",
];

macro_rules! impl_word_schema {
    ($name:ident, $description:literal, $example:literal) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "description": $description,
                    "minLength": WORD_LENGTH.start(),
                    "maxLength": WORD_LENGTH.end(),
                    "pattern": format!("^{WORD_CHARACTER}+$"),
                    "examples": [$example],
                })
            }
        }
    };
}

impl_word_schema!(
    ThreadId,
    "The id of a conversation, chosen by the client and unique for one user.",
    "thread-1"
);
impl_word_schema!(
    MessageId,
    "The id of a message, unique within its thread.",
    "message-1"
);
impl_word_schema!(
    StreamId,
    "The id of one run of one turn.",
    "V1StGXR8_Z5jdHi6B-myT"
);

/// A placeholder for the parts that are kept unchanged.
#[derive(Debug)]
pub struct OtherPart;

impl JsonSchema for OtherPart {
    fn schema_name() -> Cow<'static, str> {
        "OtherPart".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "A source (`source-url`, `source-document`), a `data-*` part, or a part that a later version of \
                            the SDK adds. Kept unchanged.",
            "required": ["type"],
            "properties": {
                "type": {
                    "type": "string",
                    "not": { "anyOf": [{ "enum": KNOWN_PARTS }, { "pattern": format!("^{TOOL_PREFIX}") }] },
                },
            },
            "examples": [{ "type": "source-url", "sourceId": "s1", "url": "https://example.com/" }],
        })
    }
}

/// Describes that a tool is named by the type of its part, or by a separate field.
pub(crate) fn describe_tool(schema: &mut Schema) {
    describe_provider_fields(schema);
    let description = "A call of a tool and its result. The tool is named by `type`, `tool-<name>`, or by `toolName`.";
    schema.insert("description".to_owned(), description.into());
    if let Some(properties) = schema.get_mut("properties") {
        properties["type"] =
            json!({ "type": "string", "pattern": format!("^(dynamic-tool$|{TOOL_PREFIX})") });
        properties["toolName"] = json!({ "description": "The name, if `type` is `dynamic-tool`." });
    }
    schema.insert(
        "if".to_owned(),
        json!({ "properties": { "type": { "const": "dynamic-tool" } } }),
    );
    schema.insert(
        "then".to_owned(),
        json!({ "required": ["toolName"], "properties": { "toolName": { "type": "string" } } }),
    );
}

/// Forbids steering messages in an array of parts.
pub fn forbid_steering_messages(parts: &mut Schema) {
    let steering_message =
        json!({ "required": ["type"], "properties": { "type": { "const": "steering-message" } } });
    parts.insert("not".to_owned(), json!({ "contains": steering_message }));
}

/// Describes the fields that providers add as objects.
pub fn describe_provider_fields(schema: &mut Schema) {
    if let Some(properties) = schema
        .get_mut("properties")
        .and_then(|properties| properties.as_object_mut())
    {
        for name in PROVIDER_FIELDS {
            if let Some(property) = properties.get_mut(name) {
                *property = json!({ "type": ["object", "null"] });
            }
        }
    }
    transform_subschemas(&mut ProviderFields, schema);
}

struct ProviderFields;

impl Transform for ProviderFields {
    fn transform(&mut self, schema: &mut Schema) {
        describe_provider_fields(schema);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::UiPart;

    #[test]
    fn an_id_accepts_exactly_the_documented_characters() {
        for byte in 0..=127_u8 {
            let is_documented = byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            assert_eq!(
                ThreadId::parse(&char::from(byte).to_string()).is_ok(),
                is_documented,
                "byte {byte}"
            );
        }
        assert_eq!(WORD_CHARACTER, "[A-Za-z0-9_-]");
        let schema = ThreadId::json_schema(&mut SchemaGenerator::default());
        assert_eq!(schema.get("maxLength"), Some(&json!(64)));
    }

    #[test]
    fn an_other_part_is_one_without_a_variant() {
        let kind = |name: &str| {
            let part: Box<RawValue> =
                serde_json::from_str(&json!({ "type": name }).to_string()).unwrap();
            UiPart::parse(&part, "part")
        };
        for name in KNOWN_PARTS
            .into_iter()
            .filter(|name| *name != "step-start")
            .chain([TOOL_PREFIX])
        {
            assert!(kind(name).is_err(), "{name} lacks its fields");
        }
        for name in ["source-url", "data-x", "", "Text", "toolbox"] {
            assert!(matches!(kind(name), Ok(UiPart::Other(_))), "{name}");
        }
    }
}

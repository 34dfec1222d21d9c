//! What these types look like to who reads `docs/openapi`, where their `Serialize` does not say it.
//!
//! Knows JSON Schema. Nothing of it is in a function: only their tests switch it on.

use std::borrow::Cow;

use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::ids::WORD_LENGTH;
use crate::{JsonText, MessageId, RawJson, StreamId, ThreadId};

/// A character of an id.
const WORD_CHARACTER: &str = "[A-Za-z0-9_-]";

/// The types of parts that [`crate::UiPart`] has a form for, but for those that begin with [`TOOL`].
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
const TOOL: &str = "tool-";

/// What providers add: an object wherever it stands.
const OF_PROVIDERS: [&str; 4] = [
    "providerMetadata",
    "providerReference",
    "callProviderMetadata",
    "resultProviderMetadata",
];

macro_rules! word {
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

word!(
    ThreadId,
    "A conversation. Its id is chosen by the client and unique for one user.",
    "thread-1"
);
word!(
    MessageId,
    "A message. Its id is unique within its thread.",
    "message-1"
);
word!(StreamId, "One run of one turn.", "V1StGXR8_Z5jdHi6B-myT");

impl JsonSchema for JsonText {
    fn schema_name() -> Cow<'static, str> {
        "JsonText".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

impl JsonSchema for RawJson {
    fn schema_name() -> Cow<'static, str> {
        "RawJson".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        Schema::default()
    }
}

/// Stands for the parts that are kept as they come.
#[derive(Debug)]
pub struct OtherPart;

impl JsonSchema for OtherPart {
    fn schema_name() -> Cow<'static, str> {
        "OtherPart".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "A source (`source-url`, `source-document`), a `data-*` part, or what a later version of the \
                            SDK adds: kept as it is.",
            "required": ["type"],
            "properties": {
                "type": {
                    "type": "string",
                    "not": { "anyOf": [{ "enum": KNOWN_PARTS }, { "pattern": format!("^{TOOL}") }] },
                },
            },
            "examples": [{ "type": "source-url", "sourceId": "s1", "url": "https://example.com/" }],
        })
    }
}

/// A tool is named by the type of its part, or by a field of its own.
pub(crate) fn tool(schema: &mut Schema) {
    objects(schema);
    let description = "A call of a tool, and what came of it. It is named by its `type`, `tool-<name>`, or by `toolName`.";
    schema.insert("description".to_owned(), description.into());
    if let Some(properties) = schema.get_mut("properties") {
        properties["type"] =
            json!({ "type": "string", "pattern": format!("^(dynamic-tool$|{TOOL})") });
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

/// Refuses steering-messages in an array of parts.
pub fn without_steering_messages(parts: &mut Schema) {
    let steering_message =
        json!({ "required": ["type"], "properties": { "type": { "const": "steering-message" } } });
    parts.insert("not".to_owned(), json!({ "contains": steering_message }));
}

/// Says that what providers add are objects.
pub fn objects(schema: &mut Schema) {
    if let Some(properties) = schema
        .get_mut("properties")
        .and_then(|properties| properties.as_object_mut())
    {
        for name in OF_PROVIDERS {
            if let Some(property) = properties.get_mut(name) {
                *property = json!({ "type": ["object", "null"] });
            }
        }
    }
    transform_subschemas(&mut Objects, schema);
}

struct Objects;

impl Transform for Objects {
    fn transform(&mut self, schema: &mut Schema) {
        objects(schema);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::UiPart;

    #[test]
    fn an_id_has_the_characters_that_are_said() {
        for byte in 0..=127_u8 {
            let said = byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            assert_eq!(
                ThreadId::parse(&char::from(byte).to_string()).is_ok(),
                said,
                "byte {byte}"
            );
        }
        assert_eq!(WORD_CHARACTER, "[A-Za-z0-9_-]");
        let schema = ThreadId::json_schema(&mut SchemaGenerator::default());
        assert_eq!(schema.get("maxLength"), Some(&json!(64)));
    }

    #[test]
    fn another_part_is_one_that_has_no_form_of_its_own() {
        let kind = |name: &str| {
            let part: Box<RawValue> =
                serde_json::from_str(&json!({ "type": name }).to_string()).unwrap();
            UiPart::parse(&part, "part")
        };
        for name in KNOWN_PARTS
            .into_iter()
            .filter(|name| *name != "step-start")
            .chain([TOOL])
        {
            assert!(kind(name).is_err(), "{name} lacks its fields");
        }
        for name in ["source-url", "data-x", "", "Text", "toolbox"] {
            assert!(matches!(kind(name), Ok(UiPart::Other(_))), "{name}");
        }
    }
}

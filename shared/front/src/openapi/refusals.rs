//! How refusals look in a document: each with the codes that it can have, and an example of each.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::SCHEMAS;

/// A response without a code yet.
pub(super) fn refused(reason: &str) -> Value {
    let codes = json!({ "properties": { "error": { "properties": { "code": { "enum": [] } } } } });
    let schema = json!({ "allOf": [{ "$ref": format!("#{SCHEMAS}/Refusal") }, codes] });
    json!({ "description": reason, "content": { "application/json": { "schema": schema, "examples": {} } } })
}

/// Adds a code, and how it looks.
pub(super) fn add_example(content: &mut Value, example: &Value) {
    let code = &example["error"]["code"];
    let said =
        &mut content["schema"]["allOf"][1]["properties"]["error"]["properties"]["code"]["enum"];
    push_new(said, code);
    let name = code.as_str().expect("a code is text");
    let examples = content["examples"]
        .as_object_mut()
        .expect("the examples of a refusal are named");
    examples
        .entry(name)
        .or_insert_with(|| json!({ "value": example }));
}

/// Adds what is not in the list.
pub(super) fn push_new(list: &mut Value, value: &Value) {
    let list = list.as_array_mut().expect("codes are a list");
    if !list.contains(value) {
        list.push(value.clone());
    }
}

/// The body of every refusal.
pub(super) fn refusal_schema() -> Value {
    json!({
        "type": "object",
        "description": "Why nothing was done.",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": { "type": "string", "description": "For programs. It never changes.", "enum": [] },
                    "message": { "type": "string", "description": "For people." },
                    "streamId": { "type": "string", "description": "With `turn_in_progress`: the answer that runs." },
                },
            },
        },
    })
}

/// The headers of one that may be tried again.
pub(super) fn retry_after() -> Value {
    let schema = json!({ "type": "integer", "minimum": 1 });
    json!({ "retry-after": { "description": "After how many seconds it may be worth trying again.", "schema": schema } })
}

/// Moves responses that operations have in common to one place, under the names of their codes.
pub(super) fn share(document: &mut Value) {
    let mut shared = BTreeMap::new();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, path) in paths {
        for (_, operation) in path.as_object_mut().into_iter().flatten() {
            for (_, response) in operation["responses"].as_object_mut().into_iter().flatten() {
                let Some(name) = codes_of(response) else {
                    continue;
                };
                if shared
                    .entry(name.clone())
                    .or_insert_with(|| response.clone())
                    == response
                {
                    *response = json!({ "$ref": format!("#/components/responses/{name}") });
                }
            }
        }
    }
    document["components"]["responses"] = json!(shared);
}

fn codes_of(response: &Value) -> Option<String> {
    let codes = &response["content"]["application/json"]["schema"]["allOf"][1];
    let codes = codes["properties"]["error"]["properties"]["code"]["enum"].as_array()?;
    Some(
        codes
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join("."),
    )
}

//! The representation of refusals in a document: the possible codes of each response, with an
//! example of each.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::schemas::SCHEMAS;

/// Returns a response without codes.
pub(super) fn refusal_response(reason: &str) -> Value {
    let codes = json!({ "properties": { "error": { "properties": { "code": { "enum": [] } } } } });
    let schema = json!({ "allOf": [{ "$ref": format!("#{SCHEMAS}/Refusal") }, codes] });
    json!({ "description": reason, "content": { "application/json": { "schema": schema, "examples": {} } } })
}

/// Adds a code with its example.
pub(super) fn add_example(content: &mut Value, example: &Value) {
    let code = &example["error"]["code"];
    let codes =
        &mut content["schema"]["allOf"][1]["properties"]["error"]["properties"]["code"]["enum"];
    push_unique(codes, code);
    let name = code.as_str().expect("a code is text");
    let examples = content["examples"]
        .as_object_mut()
        .expect("the examples of a refusal are named");
    examples
        .entry(name)
        .or_insert_with(|| json!({ "value": example }));
}

/// Adds a value that is not in the list yet.
pub(super) fn push_unique(list: &mut Value, value: &Value) {
    let list = list.as_array_mut().expect("codes are a list");
    if !list.contains(value) {
        list.push(value.clone());
    }
}

/// Returns the schema of a refusal's body.
pub(super) fn refusal_schema() -> Value {
    json!({
        "type": "object",
        "description": "The reason for refusing the request.",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": { "type": "string", "description": "A stable code for programs.", "enum": [] },
                    "message": { "type": "string", "description": "A message for people." },
                    "streamId": { "type": "string", "description": "With `turn_in_progress`: the stream of the running answer." },
                },
            },
        },
    })
}

/// Returns the headers of a refusal that may be retried.
pub(super) fn retry_after_header() -> Value {
    let schema = json!({ "type": "integer", "minimum": 1 });
    json!({ "retry-after": { "description": "The number of seconds after which a retry may succeed.", "schema": schema } })
}

/// Moves the responses that operations share to the components, named by their codes.
pub(super) fn share_responses(document: &mut Value) {
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

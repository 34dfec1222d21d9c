//! Schemas of the types that go in and out, made by schemars and changed where it cannot know better.

use std::collections::BTreeSet;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::SCHEMAS;

/// The schemas that `define` asks for, and those that they need. What requests may hold is said in `described`.
pub(super) fn schemas(
    described: &Value,
    define: impl FnOnce(&mut SchemaGenerator),
) -> Map<String, Value> {
    let mut generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .with(|settings| settings.definitions_path = SCHEMAS.into())
        .into_generator();
    define(&mut generator);
    let mut schemas = generator.take_definitions(true);
    schemas.values_mut().for_each(plain_descriptions);
    let asked = reachable(&schemas, &request_bodies(described));
    let sent_only = schemas
        .iter_mut()
        .filter(|(name, _)| !asked.contains(*name));
    sent_only.for_each(|(_, schema)| never_null(schema));
    schemas
}

/// Comments are wrapped, and point to each other as Rust does.
fn plain_descriptions(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(plain_descriptions),
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                let paragraphs = text
                    .split("\n\n")
                    .map(|paragraph| paragraph.replace('\n', " "));
                *text = paragraphs
                    .collect::<Vec<_>>()
                    .join("\n\n")
                    .replace("[`crate::", "`")
                    .replace("`]", "`");
            }
            fields.values_mut().for_each(plain_descriptions);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What the bodies of requests refer to.
fn request_bodies(described: &Value) -> Vec<Value> {
    let paths = described["paths"]
        .as_object()
        .into_iter()
        .flat_map(Map::values);
    let operations = paths.flat_map(|path| path.as_object().into_iter().flat_map(Map::values));
    operations
        .map(|operation| operation["requestBody"].clone())
        .collect()
}

/// The names of all schemas that these values refer to, and those to others.
fn reachable(schemas: &Map<String, Value>, from: &[Value]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Value> = from.iter().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => open.extend(fields.values()),
            Value::Array(items) => open.extend(items),
            Value::String(text) => {
                let name = text
                    .strip_prefix('#')
                    .and_then(|path| path.strip_prefix(SCHEMAS)?.strip_prefix('/'));
                let known = name.and_then(|name| schemas.get_key_value(name));
                open.extend(
                    known
                        .filter(|(name, _)| found.insert((*name).clone()))
                        .map(|(_, schema)| schema),
                );
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    found
}

/// In what we send a field that is not there is left out, and never `null`. In a request that is the same.
fn never_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(never_null),
        Value::Object(fields) => {
            let required = fields.get("required").cloned().unwrap_or_default();
            let is_required = |name: &str| {
                required
                    .as_array()
                    .is_some_and(|names| names.iter().any(|one| one == name))
            };
            if let Some(Value::Object(properties)) = fields.get_mut("properties") {
                properties
                    .iter_mut()
                    .filter(|(name, _)| !is_required(name))
                    .for_each(|(_, property)| not_null(property));
            }
            fields.values_mut().for_each(never_null);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn not_null(property: &mut Value) {
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            property["type"] = only.clone();
        }
    }
    let Some(Value::Array(forms)) = property.get_mut("anyOf") else {
        return;
    };
    forms.retain(|form| form["type"] != "null");
    if let [Value::Object(only)] = forms.as_slice() {
        let only = only.clone();
        let fields = property.as_object_mut().expect("it has forms");
        fields.remove("anyOf");
        fields.extend(only);
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::Serialize;
    use serde_json::json;

    use super::*;

    /// What is
    /// asked.
    #[derive(Serialize, JsonSchema)]
    struct Asked {
        #[serde(skip_serializing_if = "Option::is_none")]
        part: Option<Part>,
    }

    #[derive(Serialize, JsonSchema)]
    struct Part {
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<u8>,
    }

    #[derive(Serialize, JsonSchema)]
    struct Told {
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        more: Option<Part>,
        next: Option<String>,
    }

    #[test]
    fn null_is_said_where_it_can_stand() {
        let body = json!({ "content": { "schema": { "$ref": "#/components/schemas/Asked" } } });
        let described = json!({ "paths": { "/": { "post": { "requestBody": body } } } });
        let schemas = schemas(&described, |generator| {
            generator.subschema_for::<Asked>();
            generator.subschema_for::<Told>();
        });
        let types = |name: &str, field: &str| schemas[name]["properties"][field]["type"].clone();
        assert_eq!(schemas["Asked"]["description"], "What is asked.");
        assert_eq!(
            types("Part", "size"),
            json!(["integer", "null"]),
            "a request may say it"
        );
        assert_eq!(
            types("Told", "size"),
            json!("integer"),
            "what is absent is left out"
        );
        assert_eq!(
            types("Told", "next"),
            json!(["string", "null"]),
            "it is always there"
        );
        assert_eq!(schemas["Told"]["required"], json!(["next"]));
        assert_eq!(
            schemas["Told"]["properties"]["more"],
            json!({ "$ref": "#/components/schemas/Part" })
        );
    }
}

//! The generation of the documents in `docs/openapi`: completes a function's own description of its
//! operations, and compares the result with the file in the repository.
//!
//! Knows OpenAPI as JSON, the form of refusals, and the ways to sign in. Knows no route. Only tests
//! enable it.

mod refusals;
mod schemas;

use std::collections::BTreeSet;
use std::path::Path;

use axum::body::to_bytes;
use axum::response::IntoResponse;
use http::header;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use self::refusals::{
    add_example, push_unique, refusal_response, refusal_schema, retry_after_header, share_responses,
};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// A document under construction.
#[derive(Debug)]
pub struct Document(Value);

impl Document {
    /// Creates a document with the operations of `described` and the schemas that `define`
    /// requests.
    pub fn new(mut described: Value, define: impl FnOnce(&mut SchemaGenerator)) -> Self {
        let schemas = schemas::schemas(&described, define);
        described["components"] =
            json!({ "schemas": schemas, "securitySchemes": security_schemes() });
        described["security"] = json!([{ "bearer": [] }, { "cookie": [] }]);
        Self(described)
    }

    /// Adds a refusal, in the form in which it is sent, to the `operations` that may make it.
    pub async fn refuse(&mut self, refusal: impl IntoResponse, operations: &[&str]) {
        let (head, body) = refusal.into_response().into_parts();
        let body = to_bytes(body, usize::MAX)
            .await
            .expect("the body of a refusal is there");
        let example: Value = serde_json::from_slice(&body).expect("a refusal is JSON");
        self.add_code(&example["error"]["code"]);
        let waits = head.headers.contains_key(header::RETRY_AFTER);
        for operation in self
            .operations()
            .filter(|operation| is_one_of(operation, operations))
        {
            let response = &mut operation["responses"][head.status.as_str()];
            if response.is_null() {
                *response = refusal_response(head.status.canonical_reason().unwrap_or_default());
            }
            if waits {
                response["headers"] = retry_after_header();
            }
            add_example(&mut response["content"]["application/json"], &example);
        }
    }

    /// Sets the default of a query parameter.
    pub fn set_default(&mut self, operation: &str, parameter: &str, default: usize) {
        let operations = self.operations().filter(|one| is_one_of(one, &[operation]));
        let parameters = operations
            .flat_map(parameters)
            .filter(|one| one["name"] == parameter);
        parameters.for_each(|one| one["schema"]["default"] = default.into());
    }

    /// Declares that an empty query parameter counts as absent.
    pub fn allow_empty_parameters(&mut self) {
        let parameters = self
            .operations()
            .flat_map(parameters)
            .filter(|one| one["in"] == "query");
        parameters.for_each(|one| one["allowEmptyValue"] = true.into());
    }

    /// Declares that a request of this operation must have a body.
    pub fn require_body(&mut self, operation: &str) {
        let operations = self.operations().filter(|one| is_one_of(one, &[operation]));
        operations.for_each(|operation| operation["requestBody"]["required"] = true.into());
    }

    /// Applies `change` to every response of this media type.
    pub fn each_response(&mut self, media_type: &str, change: impl Fn(&mut Value)) {
        for operation in self.operations() {
            let responses = operation["responses"]
                .as_object_mut()
                .into_iter()
                .flat_map(Map::values_mut);
            responses
                .filter(|response| !response["content"][media_type].is_null())
                .for_each(&change);
        }
    }

    /// Returns the paths and methods of the document.
    pub fn routes(&self) -> BTreeSet<(String, String)> {
        let paths = self.0["paths"].as_object().into_iter().flatten();
        let methods = paths.flat_map(|(path, item)| {
            item.as_object()
                .into_iter()
                .flat_map(Map::keys)
                .map(|method| (path.clone(), method.clone()))
        });
        methods.collect()
    }

    /// Compares the document with `file`. With `UPDATE_OPENAPI` set, writes it first.
    ///
    /// # Panics
    /// If the file differs or cannot be written.
    pub fn check(&self, file: &Path) {
        let mut document = self.0.clone();
        share_responses(&mut document);
        let document = format!("{document:#}\n");
        #[expect(
            clippy::disallowed_methods,
            reason = "this belongs to tests, not to a function"
        )]
        let update = std::env::var_os("UPDATE_OPENAPI").is_some();
        if update {
            std::fs::write(file, &document).expect("the document can be written");
        }
        let written = std::fs::read_to_string(file).unwrap_or_default();
        let name = file.display();
        assert!(
            written == document,
            "{name} is stale: UPDATE_OPENAPI=1 cargo test -p chat -p threads openapi"
        );
    }

    fn operations(&mut self) -> impl Iterator<Item = &mut Value> {
        let paths = self.0["paths"]
            .as_object_mut()
            .into_iter()
            .flat_map(Map::values_mut);
        paths.flat_map(|path| path.as_object_mut().into_iter().flat_map(Map::values_mut))
    }

    /// Adds a code to the schema of refusals, which lists all codes, including those of requests
    /// that no operation describes.
    fn add_code(&mut self, code: &Value) {
        let schema = &mut self.0["components"]["schemas"]["Refusal"];
        if schema.is_null() {
            *schema = refusal_schema();
        }
        let codes = &mut schema["properties"]["error"]["properties"]["code"]["enum"];
        push_unique(codes, code);
    }
}

/// Returns the paths and methods in the source of a router.
pub fn routes_in(source: &str) -> BTreeSet<(String, String)> {
    let routes = source.split(".route(").skip(1).filter_map(|route| {
        let (path, handlers) = route.trim_start().strip_prefix('"')?.split_once('"')?;
        let words: Vec<&str> = handlers
            .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '(')
            .collect();
        let methods = METHODS.into_iter().filter(move |method| {
            words.iter().any(|word| {
                word.strip_prefix(method)
                    .is_some_and(|rest| rest.starts_with('('))
            })
        });
        Some(methods.map(|method| (path.to_owned(), method.to_owned())))
    });
    routes.flatten().collect()
}

fn parameters(operation: &mut Value) -> impl Iterator<Item = &mut Value> {
    operation
        .get_mut("parameters")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

fn is_one_of(operation: &Value, ids: &[&str]) -> bool {
    operation["operationId"]
        .as_str()
        .is_some_and(|id| ids.contains(&id))
}

fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "The signed session token that better-auth's bearer plugin returns in `set-auth-token`, or an \
                            access token of its jwt plugin if the function is configured with its keys.",
        },
        "cookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": "better-auth.session_token",
            "description": "better-auth's session cookie; over https its name begins with `__Secure-`. The request must \
                            come from an allowed page, according to its `Origin` or `Referer`.",
        },
    })
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::schemas::SCHEMAS;
    use super::*;
    use crate::Refusal;

    fn refusal(status: StatusCode, code: &'static str, message: &str) -> Refusal {
        Refusal::new(&std::io::Error::other(message.to_owned()), status, code)
    }

    #[test]
    fn the_routes_of_a_router_are_found_in_its_source() {
        let source = r#"Router::new()
            .route("/a", get(a::get_all))
            .route("/a/{id}", patch(a::rename).delete(a::delete))
            .method_not_allowed_fallback(nothing)"#;
        let expected = [("/a", "get"), ("/a/{id}", "delete"), ("/a/{id}", "patch")];
        let expected = expected.map(|(path, method)| (path.to_owned(), method.to_owned()));
        assert_eq!(routes_in(source), expected.into());
    }

    #[tokio::test]
    async fn an_operation_names_the_codes_that_it_can_have_and_the_document_all_of_them() {
        let operation = |id: &str| json!({ "operationId": id, "responses": {} });
        let paths = json!({ "/a": { "get": operation("read"), "put": operation("write") }, "/b": { "get": operation("other") } });
        let mut document = Document::new(json!({ "paths": paths }), |_| ());
        document
            .refuse(
                refusal(StatusCode::CONFLICT, "first", "One."),
                &["read", "write"],
            )
            .await;
        document
            .refuse(
                refusal(StatusCode::CONFLICT, "second", "Two.").with_retry_after(Some(2)),
                &["write"],
            )
            .await;
        document
            .refuse(refusal(StatusCode::NOT_FOUND, "third", "Three."), &[])
            .await;

        let Document(mut document) = document;
        share_responses(&mut document);
        let codes = "/properties/error/properties/code/enum";
        let all = document.pointer(&format!("{SCHEMAS}/Refusal{codes}"));
        assert_eq!(all, Some(&json!(["first", "second", "third"])));
        let write = &document["components"]["responses"]["first.second"];
        let content = &write["content"]["application/json"];
        assert_eq!(
            content["schema"]["allOf"][1].pointer(codes),
            Some(&json!(["first", "second"]))
        );
        assert_eq!(
            content["examples"]["second"]["value"]["error"]["message"],
            "Two."
        );
        assert!(!write["headers"]["retry-after"].is_null());
        let named =
            |name: &str| json!({ "409": { "$ref": format!("#/components/responses/{name}") } });
        assert_eq!(
            document["paths"]["/a"]["put"]["responses"],
            named("first.second")
        );
        assert_eq!(document["paths"]["/a"]["get"]["responses"], named("first"));
        assert_eq!(document["paths"]["/b"]["get"]["responses"], json!({}));
    }
}

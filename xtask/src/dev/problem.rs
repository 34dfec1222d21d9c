//! The answers of the front itself to what it cannot serve.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Returns the answer to a path that leads nowhere.
pub(crate) fn nothing_here() -> Response {
    problem(
        StatusCode::NOT_FOUND,
        "not_found",
        "look at /dev for what is here",
    )
}

/// Returns an error in the shape that the functions give theirs.
pub(crate) fn problem(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": message } }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

//! JSON responses, and the form of a refusal: a status, a code for programs, a sentence for people.

use std::error::Error;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::error_chain;

/// The response to a refused request: `{"error":{"code","message"}}`. The page shows the message to
/// the user.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    error: Map<String, Value>,
    retry_after_s: Option<u64>,
}

impl Refusal {
    /// Creates a refusal from `error`, whose text is the message, and logs it with its causes.
    pub fn new(error: &dyn Error, status: StatusCode, code: &'static str) -> Self {
        if status.is_server_error() {
            tracing::error!(code, error = error_chain(error), "a request failed");
        } else {
            tracing::info!(code, error = error_chain(error), "a request was refused");
        }
        let fields = [("code", code.to_owned()), ("message", error.to_string())];
        let error = fields.map(|(name, text)| (name.to_owned(), Value::String(text)));
        Self {
            status,
            error: Map::from_iter(error),
            retry_after_s: None,
        }
    }

    /// Adds a field for programs.
    #[must_use]
    pub fn with_field(mut self, name: &str, value: &str) -> Self {
        self.error.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the number of seconds after which a retry may succeed, if it may.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: Option<u64>) -> Self {
        self.retry_after_s = seconds;
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = json_response(self.status, json!({ "error": self.error }).to_string());
        if let Some(seconds) = self.retry_after_s {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Builds a JSON response that must be neither cached nor sniffed for another type.
pub fn json_response(status: StatusCode, body: String) -> Response {
    let mut response = (status, body).into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn a_refusal_is_json_with_a_code_and_a_sentence() {
        let error = std::io::Error::other("Please wait.");
        let refusal =
            Refusal::new(&error, StatusCode::CONFLICT, "busy").with_field("streamId", "s1");
        let response = refusal.with_retry_after(Some(2)).into_response();
        assert_eq!(response.status(), 409);
        let header = |name| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "application/json; charset=utf-8");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("retry-after"), "2");
        let body = to_bytes(response.into_body(), 1_000).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body,
            json!({ "error": { "code": "busy", "message": "Please wait.", "streamId": "s1" } })
        );
    }
}

//! The body of a call.

use bytes::Bytes;
use json::RawJson;
use serde::Serialize;

use crate::adapter::Request;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    messages: &'a RawJson,
    stream: bool,
    stream_options: StreamOptions,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// Serializes the body, with the keys of the original in its order.
pub(super) fn body(request: &Request<'_>) -> Bytes {
    let body = Body {
        model: request.model,
        max_tokens: request.max_output_tokens,
        messages: request.prompt,
        stream: true,
        stream_options: StreamOptions {
            include_usage: true,
        },
    };
    serde_json::to_vec(&body)
        .expect("a body of numbers, words and JSON is JSON")
        .into()
}

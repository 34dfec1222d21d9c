//! The body of a call.

use bytes::Bytes;
use json::RawJson;
use serde::Serialize;

use crate::adapter::Request;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    tool_choice: ToolChoice,
    prompt: &'a RawJson,
    include_raw_chunks: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum ToolChoice {
    Auto,
}

/// Serializes the body, with the keys of the original in its order.
pub(super) fn body(request: &Request<'_>) -> Bytes {
    let body = Body {
        max_output_tokens: request.max_output_tokens,
        tool_choice: ToolChoice::Auto,
        prompt: request.prompt,
        include_raw_chunks: false,
    };
    serde_json::to_vec(&body)
        .expect("a body of numbers, words and JSON is JSON")
        .into()
}

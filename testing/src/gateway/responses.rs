//! Model answers in the AI Gateway's native protocol: stream parts, HTTP framing and errors. They
//! know no socket; the server plays them.

use bytes::Bytes;
use serde_json::{Value, json};

use super::step::Step;
use crate::wire::{LAST_CHUNK, chunk};

/// A word in every prompt and every answer of these tests. It must appear in no log.
pub const TEXT_CANARY: &str = "marzipan";

/// The input tokens that [`finish`] reports.
pub const INPUT_TOKENS: u64 = 12;
/// The output tokens that [`finish`] reports.
pub const OUTPUT_TOKENS: u64 = 7;

/// The text deltas of the default answer.
pub const PIECES: [&str; 4] = ["Sweet ", "marzipan, ", "gr\u{fc}n \u{1f34f} ", "and done."];

/// Returns the text of the default answer.
pub fn full_text() -> String {
    PIECES.concat()
}

/// Returns the parts before the first text delta.
pub fn opening_parts() -> Vec<Value> {
    vec![
        json!({"type": "stream-start", "warnings": []}),
        json!({"type": "response-metadata", "id": "resp_01", "modelId": "claude-sonnet-4-20250514",
               "timestamp": "2025-10-01T12:00:00.000Z"}),
        json!({"type": "text-start", "id": "0"}),
    ]
}

/// Returns a text delta part.
pub fn delta(text: &str) -> Value {
    json!({"type": "text-delta", "id": "0", "delta": text})
}

/// Returns the part that ends the text.
pub fn text_end() -> Value {
    json!({"type": "text-end", "id": "0"})
}

/// Returns the `finish` part, with usage.
pub fn finish() -> Value {
    json!({"type": "finish", "finishReason": {"unified": "stop", "raw": "end_turn"}, "usage": {
        "inputTokens": {"total": INPUT_TOKENS, "noCache": INPUT_TOKENS, "cacheRead": 0, "cacheWrite": 0},
        "outputTokens": {"total": OUTPUT_TOKENS, "text": OUTPUT_TOKENS, "reasoning": 0}}})
}

/// Returns the parts of a complete, successful answer with one delta per piece.
pub fn parts(pieces: &[&str]) -> Vec<Value> {
    let mut parts = opening_parts();
    parts.extend(pieces.iter().map(|piece| delta(piece)));
    parts.extend([text_end(), finish()]);
    parts
}

/// Returns the head of a streamed response.
pub fn head() -> Step {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    Step::Raw(Bytes::from_static(head.as_bytes()))
}

/// Encodes a part as an SSE event.
pub fn frame(part: &Value) -> Bytes {
    format!("data: {part}\n\n").into()
}

/// Returns one write per part.
pub fn send_steps(parts: &[Value]) -> Vec<Step> {
    parts.iter().map(|part| Step::Send(frame(part))).collect()
}

/// Returns a streamed answer of these parts that ends with `last`.
pub fn stream(parts: &[Value], last: Step) -> Vec<Step> {
    let mut steps = vec![head()];
    steps.extend(send_steps(parts));
    steps.push(last);
    steps
}

/// Returns the default successful answer.
pub fn good() -> Vec<Step> {
    stream(&parts(&PIECES), Step::End)
}

/// Returns the default answer in a single write, with its head and its last chunk.
pub fn good_in_one_packet() -> Vec<Step> {
    let mut packet = Vec::new();
    for step in good() {
        match step {
            Step::Raw(bytes) => packet.extend_from_slice(&bytes),
            Step::Send(bytes) => packet.extend_from_slice(&chunk(&bytes)),
            _ => packet.extend_from_slice(LAST_CHUNK),
        }
    }
    vec![Step::Raw(packet.into())]
}

/// Returns a response with this status, content type, additional headers and body.
pub fn refusal(status: u16, content_type: &str, headers: &[(&str, &str)], body: &str) -> Vec<Step> {
    let mut head = format!("HTTP/1.1 {status} No\r\ncontent-type: {content_type}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    vec![Step::Raw(
        format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into(),
    )]
}

/// Returns the gateway's own error response. It asks for a retry after 1 ms, so that retries cost
/// no time.
pub fn error(status: u16, kind: &str) -> Vec<Step> {
    let body = json!({"error": {"message": format!("no {TEXT_CANARY} today"), "type": kind, "param": null, "code": null},
                      "generationId": "gen_01"});
    refusal(
        status,
        "application/json",
        &[("retry-after-ms", "1")],
        &body.to_string(),
    )
}

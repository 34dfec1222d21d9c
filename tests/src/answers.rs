//! What a gateway may say: stream parts of the AI Gateway's native protocol, and errors. Knows no socket.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::gateway::Step;

/// A word that stands in every prompt and every answer of these tests, and so must be in no log.
pub const TEXT_CANARY: &str = "marzipan";

/// The usage that `finish` reports.
pub const INPUT_TOKENS: u64 = 12;
/// The usage that `finish` reports.
pub const OUTPUT_TOKENS: u64 = 7;

/// The pieces of the usual answer.
pub const PIECES: [&str; 4] = ["Sweet ", "marzipan, ", "gr\u{fc}n \u{1f34f} ", "and done."];

/// The usual answer as one text.
pub fn full_text() -> String {
    PIECES.concat()
}

/// The parts before any text.
pub fn opening_parts() -> Vec<Value> {
    vec![
        json!({"type": "stream-start", "warnings": []}),
        json!({"type": "response-metadata", "id": "resp_01", "modelId": "claude-sonnet-4-20250514",
               "timestamp": "2025-10-01T12:00:00.000Z"}),
        json!({"type": "text-start", "id": "0"}),
    ]
}

/// One piece of text.
pub fn delta(text: &str) -> Value {
    json!({"type": "text-delta", "id": "0", "delta": text})
}

/// The end of the text.
pub fn text_end() -> Value {
    json!({"type": "text-end", "id": "0"})
}

/// The last part, with usage.
pub fn finish() -> Value {
    json!({"type": "finish", "finishReason": {"unified": "stop", "raw": "end_turn"}, "usage": {
        "inputTokens": {"total": INPUT_TOKENS, "noCache": INPUT_TOKENS, "cacheRead": 0, "cacheWrite": 0},
        "outputTokens": {"total": OUTPUT_TOKENS, "text": OUTPUT_TOKENS, "reasoning": 0}}})
}

/// A whole good answer of these pieces.
pub fn parts(pieces: &[&str]) -> Vec<Value> {
    let mut parts = opening_parts();
    parts.extend(pieces.iter().map(|piece| delta(piece)));
    parts.extend([text_end(), finish()]);
    parts
}

/// The head of a streamed answer.
pub fn head() -> Step {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    Step::Raw(Bytes::from_static(head.as_bytes()))
}

/// A part as a frame.
pub fn frame(part: &Value) -> Bytes {
    format!("data: {part}\n\n").into()
}

/// Parts, each in a write of its own.
pub fn send_steps(parts: &[Value]) -> Vec<Step> {
    parts.iter().map(|part| Step::Send(frame(part))).collect()
}

/// A streamed answer of these parts that ends in `last`.
pub fn stream(parts: &[Value], last: Step) -> Vec<Step> {
    let mut steps = vec![head()];
    steps.extend(send_steps(parts));
    steps.push(last);
    steps
}

/// The usual good answer.
pub fn good() -> Vec<Step> {
    stream(&parts(&PIECES), Step::End)
}

/// A good answer that is written all at once, head and end included.
pub fn good_in_one_packet() -> Vec<Step> {
    let mut whole = Vec::new();
    for step in good() {
        match step {
            Step::Raw(bytes) => whole.extend_from_slice(&bytes),
            Step::Send(bytes) => whole.extend_from_slice(&crate::wire::chunk(&bytes)),
            _ => whole.extend_from_slice(crate::wire::LAST_CHUNK),
        }
    }
    vec![Step::Raw(whole.into())]
}

/// An answer with a status, a content type, further header lines and a body.
pub fn refusal(status: u16, content_type: &str, headers: &[(&str, &str)], body: &str) -> Vec<Step> {
    let mut head = format!("HTTP/1.1 {status} No\r\ncontent-type: {content_type}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    vec![Step::Raw(
        format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into(),
    )]
}

/// The gateway's own error answer; a repetition is asked for at once, so that retries take no time.
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

//! Stream parts beyond a plain text: many kinds in one answer, and a usage with its cost.

use serde_json::{Value, json};

use super::responses::{delta, finish, opening_parts, text_end};

const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// Returns reasoning, provider-executed tools, a source, a file and text in two blocks.
pub fn mixed_parts() -> Vec<Value> {
    let search = |id: &str, more: Value| {
        let mut part = json!({"toolCallId": id, "toolName": "web_search", "providerExecuted": true, "dynamic": true});
        part.as_object_mut()
            .into_iter()
            .for_each(|part| part.extend(more.as_object().cloned().unwrap_or_default()));
        part
    };
    let mut parts = opening_parts();
    parts.extend([
        delta("Let me "),
        delta("see. "),
        text_end(),
        json!({"type": "reasoning-start", "id": "r0", "providerMetadata": {"anthropic": {"signature": "s"}}}),
        json!({"type": "reasoning-delta", "id": "r0", "delta": "hm, "}),
        json!({"type": "reasoning-delta", "id": "r0", "delta": "marzipan"}),
        json!({"type": "reasoning-end", "id": "r0"}),
        json!({"type": "source", "sourceType": "url", "id": "s1", "url": "https://example.com/", "title": "x"}),
        json!({"type": "file", "mediaType": "image/png", "data": {"type": "data", "data": PIXEL}}),
        search("call_1", json!({"type": "tool-call", "input": "{\"query\":\"x\"}"})),
        search("call_1", json!({"type": "tool-result", "result": {"hits": [1, null]}})),
        search("call_2", json!({"type": "tool-call", "input": "{}"})),
        search("call_2", json!({"type": "tool-result", "isError": true, "result": {"code": "unavailable"}})),
        json!({"type": "text-start", "id": "0"}),
        delta("That is all."),
        text_end(),
        finish(),
    ]);
    parts
}

/// Returns the `finish` part of a call with these tokens, of which `cached` input tokens were
/// cached and `reasoning` output tokens were reasoning, and with this cost.
pub fn finish_with(input: u64, output: u64, cached: u64, reasoning: u64, cost: &str) -> Value {
    json!({"type": "finish", "finishReason": {"unified": "stop", "raw": "end_turn"},
        "providerMetadata": {"gateway": {"cost": cost}},
        "usage": {
            "inputTokens": {"total": input, "noCache": input - cached, "cacheRead": cached, "cacheWrite": 0},
            "outputTokens": {"total": output, "text": output - reasoning, "reasoning": reasoning}}})
}

//! Scripts of answers with gates and pauses, and parts of many kinds. Built from `responses`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::gateway::responses::{
    self, PIECES, delta, finish, opening_parts, parts, send_steps, stream, text_end,
};
use crate::gateway::{Gate, Step};

const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// Returns the text of the first half of the default answer.
pub fn first_half() -> String {
    PIECES[..2].concat()
}

/// The number of UI chunks of the first half: `start`, `start-step`, `text-start` and two deltas.
pub const FIRST_HALF_CHUNKS: usize = 5;

/// Returns the default answer, with its second half after the gate.
pub fn answer_in_halves(gate: &Gate) -> Vec<Step> {
    let mut first = parts(&PIECES);
    let second = first.split_off(opening_parts().len() + 2);
    let mut steps = stream(&first, Step::Wait(gate.clone()));
    steps.extend(send_steps(&second));
    steps.push(Step::End);
    steps
}

/// Returns the default answer, entirely after the gate, including its head.
pub fn answer_after(gate: &Gate) -> Vec<Step> {
    [vec![Step::Wait(gate.clone())], responses::good()].concat()
}

/// Returns the first half of the default answer, without an end.
pub fn half_answer() -> Vec<Step> {
    stream(
        &[
            opening_parts(),
            PIECES[..2].iter().map(|piece| delta(piece)).collect(),
        ]
        .concat(),
        Step::Hold,
    )
}

/// Returns a successful answer of these pieces, with a pause before each part.
pub fn answer_slowly(pieces: &[&str], pause: Duration) -> Vec<Step> {
    let mut steps = vec![responses::head()];
    for part in parts(pieces) {
        steps.extend([Step::Pause(pause), Step::Send(responses::frame(&part))]);
    }
    steps.push(Step::End);
    steps
}

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

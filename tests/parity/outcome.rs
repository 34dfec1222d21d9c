//! The outcome of one side in a comparable form: random ids are numbered, deltas of one block
//! joined, and our own metadata left out.

use std::collections::BTreeMap;

use acceptance::gateway::Call;
use acceptance::surrogates;
use serde_json::{Map, Value, json};

use crate::scenario::Scenario;

/// The answer as a page sees it, and the calls for it as the gateway sees them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// The status.
    pub(crate) status: Value,
    /// All headers except those of the connection and the clock.
    pub(crate) headers: Value,
    /// The chunks in order; the texts of errors are in `errors`.
    pub(crate) chunks: Value,
    /// The end of the body, and a flag for a body of complete events.
    pub(crate) end: Value,
    /// The error texts that the page shows, and the body of an answer that is not a stream.
    pub(crate) errors: Value,
    /// The final state of the client's chat.
    pub(crate) client: Value,
    /// The conversation that the client holds.
    pub(crate) messages: Value,
    /// The requests that reached the gateway.
    pub(crate) calls: Value,
}

const NOT_COMPARED: [&str; 6] = [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "transfer-encoding",
    "vary",
];

/// Returns `true` for headers that depend on the HTTP library and not on the request.
fn is_library_header(name: &str) -> bool {
    let others = ["connection", "content-length", "host", "user-agent"];
    others.contains(&name) || name.starts_with("accept") || name.starts_with("sec-fetch-")
}

impl Outcome {
    /// Builds the outcome of a scenario from the client's report and the calls that the gateway
    /// received.
    pub(crate) fn new(report: &Value, calls: &[Call], scenario: &Scenario) -> Self {
        let mut names = Names::new(report, scenario);
        let (chunks, mut errors) = chunks_of(report);
        let mut messages = report["messages"].clone();
        remove_metadata(&mut messages);
        errors.extend([report["client"]["error"].clone(), report["body"].clone()]);
        Self {
            status: report["status"].clone(),
            headers: headers_of(report),
            chunks: chunks
                .into_iter()
                .map(|chunk| names.replace_in_value(chunk))
                .collect(),
            end: json!({"end": report["end"], "framing": report["framing"], "done": report["done"]}),
            errors: errors.into(),
            client: json!({"status": report["client"]["status"], "error": report["client"]["errorName"]}),
            messages: names.replace_in_value(messages),
            calls: calls.iter().map(to_json).collect(),
        }
    }
}

fn headers_of(report: &Value) -> Value {
    let all = report["headers"].as_object().cloned().unwrap_or_default();
    // CORS headers are set by our own front; the original leaves them to its framework.
    let is_compared =
        |name: &str| !NOT_COMPARED.contains(&name) && !name.starts_with("access-control-");
    all.into_iter()
        .filter(|(name, _)| is_compared(name))
        .collect::<Map<_, _>>()
        .into()
}

/// Returns the chunks without our metadata and without the texts of errors, and those texts.
fn chunks_of(report: &Value) -> (Vec<Value>, Vec<Value>) {
    let mut chunks: Vec<Value> = Vec::new();
    let mut errors = Vec::new();
    for chunk in report["chunks"].as_array().into_iter().flatten() {
        let mut chunk = chunk.clone();
        if chunk["type"] == "message-metadata" {
            continue;
        }
        if let Some(fields) = chunk.as_object_mut() {
            fields.remove("messageMetadata");
        }
        if chunk["type"] == "error" {
            errors.push(chunk["errorText"].take());
            chunk["errorText"] = "<words>".into();
        }
        if !chunks
            .last_mut()
            .is_some_and(|last| append_delta(last, &chunk))
        {
            chunks.push(chunk);
        }
    }
    chunks.iter_mut().for_each(join_surrogates);
    (chunks, errors)
}

/// Appends a delta to the previous chunk, if both belong to the same block and differ in nothing
/// else.
fn append_delta(last: &mut Value, next: &Value) -> bool {
    let key = match next["type"].as_str() {
        Some("text-delta" | "reasoning-delta") => "delta",
        _ => return false,
    };
    let without = |chunk: &Value| {
        let mut fields = chunk.as_object().cloned().unwrap_or_default();
        fields.remove(key);
        fields
    };
    let (Some(before), Some(after)) = (last[key].as_str(), next[key].as_str()) else {
        return false;
    };
    if without(last) != without(next) {
        return false;
    }
    last[key] = format!("{before}{after}").into();
    true
}

fn join_surrogates(chunk: &mut Value) {
    if let Some(delta) = chunk.get_mut("delta")
        && let Some(text) = delta.as_str()
    {
        *delta = surrogates::join_halves(text).into();
    }
}

fn remove_metadata(messages: &mut Value) {
    let last = messages
        .as_array_mut()
        .and_then(|messages| messages.last_mut());
    if let Some(fields) = last.and_then(Value::as_object_mut)
        && fields.get("role").is_some_and(|role| role == "assistant")
    {
        fields.remove("metadata");
    }
}

fn to_json(call: &Call) -> Value {
    let mut headers = BTreeMap::new();
    for (name, value) in &call.head.headers {
        if !is_library_header(name.as_str()) {
            headers.insert(name.as_str(), String::from_utf8_lossy(value.as_bytes()));
        }
    }
    json!({"method": call.head.method, "path": call.head.path, "headers": headers, "body": call.body})
}

/// Numbered names for the ids that each side generates, in the order of their appearance.
struct Names {
    answer: Option<String>,
    calls: Vec<String>,
    blocks: Vec<String>,
}

impl Names {
    fn new(report: &Value, scenario: &Scenario) -> Self {
        let chunks = report["chunks"].as_array();
        let ids = |key: &'static str| {
            chunks
                .into_iter()
                .flatten()
                .filter_map(move |chunk| chunk[key].as_str())
        };
        let is_generated = |id: &&str| !scenario.mentions(id);
        let answer = ids("messageId")
            .next()
            .filter(is_generated)
            .filter(|id| is_nanoid(id));
        let mut calls: Vec<String> = Vec::new();
        for id in ids("toolCallId").filter(is_generated) {
            if !calls.iter().any(|known| known == id) {
                calls.push(id.to_owned());
            }
        }
        Self {
            answer: answer.map(str::to_owned),
            calls,
            blocks: Vec::new(),
        }
    }

    fn replace_in_value(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => self.replace_in_text(text).into(),
            Value::Array(items) => items
                .into_iter()
                .map(|item| self.replace_in_value(item))
                .collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(key, value)| (key, self.replace_in_value(value)))
                .collect(),
            other => other,
        }
    }

    fn replace_in_text(&mut self, text: String) -> String {
        if self.answer.as_ref() == Some(&text) {
            return "<id of the answer>".to_owned();
        }
        if let Some(number) = self.calls.iter().position(|call| *call == text) {
            return format!("<fresh call {number}>");
        }
        if !text.strip_prefix("aitxt-").is_some_and(is_block_id) {
            return text;
        }
        let known = self.blocks.iter().position(|block| *block == text);
        let number = known.unwrap_or_else(|| {
            self.blocks.push(text);
            self.blocks.len() - 1
        });
        format!("<fresh block {number}>")
    }
}

fn is_block_id(letters: &str) -> bool {
    letters.len() == 24 && letters.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_nanoid(id: &str) -> bool {
    id.len() == 21
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

//! What one side did, in a form that can be compared: random ids are numbered, deltas of one block joined, our own
//! metadata left out.

use std::collections::BTreeMap;

use acceptance::gateway::Call;
use acceptance::lone;
use serde_json::{Map, Value, json};

use crate::scenario::Scenario;

/// What a page sees of one answer, and what the gateway sees of the calls for it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// The status.
    pub(crate) status: Value,
    /// All headers but those of the connection and the clock.
    pub(crate) headers: Value,
    /// The chunks in order; the words of errors are in `errors`.
    pub(crate) chunks: Value,
    /// How the body ended, and whether it was made of whole events.
    pub(crate) end: Value,
    /// The words that the page has for what went wrong, and the body of an answer that is no stream.
    pub(crate) errors: Value,
    /// The state that the client's chat is left in.
    pub(crate) client: Value,
    /// The conversation that the client holds.
    pub(crate) messages: Value,
    /// What reached the gateway.
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

/// Headers that tell the HTTP library, not the request.
fn is_of_the_library(name: &str) -> bool {
    let others = ["connection", "content-length", "host", "user-agent"];
    others.contains(&name) || name.starts_with("accept") || name.starts_with("sec-fetch-")
}

impl Outcome {
    /// The outcome of a scenario, from what the client noted and the gateway was asked.
    pub(crate) fn new(said: &Value, calls: &[Call], scenario: &Scenario) -> Self {
        let mut names = Names::new(said, scenario);
        let (chunks, mut errors) = chunks_of(said);
        let mut messages = said["messages"].clone();
        without_metadata(&mut messages);
        errors.extend([said["client"]["error"].clone(), said["body"].clone()]);
        Self {
            status: said["status"].clone(),
            headers: headers_of(said),
            chunks: chunks
                .into_iter()
                .map(|chunk| names.in_value(chunk))
                .collect(),
            end: json!({"end": said["end"], "framing": said["framing"], "done": said["done"]}),
            errors: errors.into(),
            client: json!({"status": said["client"]["status"], "error": said["client"]["errorName"]}),
            messages: names.in_value(messages),
            calls: calls.iter().map(call).collect(),
        }
    }
}

fn headers_of(said: &Value) -> Value {
    let all = said["headers"].as_object().cloned().unwrap_or_default();
    // What lets pages of other origins in is the front door's affair; the route has it in its framework.
    let is_compared =
        |name: &str| !NOT_COMPARED.contains(&name) && !name.starts_with("access-control-");
    all.into_iter()
        .filter(|(name, _)| is_compared(name))
        .collect::<Map<_, _>>()
        .into()
}

/// The chunks without our metadata and without the words of errors, and those words.
fn chunks_of(said: &Value) -> (Vec<Value>, Vec<Value>) {
    let mut chunks: Vec<Value> = Vec::new();
    let mut errors = Vec::new();
    for chunk in said["chunks"].as_array().into_iter().flatten() {
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
        if !chunks.last_mut().is_some_and(|last| join(last, &chunk)) {
            chunks.push(chunk);
        }
    }
    chunks.iter_mut().for_each(rejoin);
    (chunks, errors)
}

/// Adds a delta to the one before it, if that is of the same block and they differ in nothing else.
fn join(last: &mut Value, next: &Value) -> bool {
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

fn rejoin(chunk: &mut Value) {
    if let Some(delta) = chunk.get_mut("delta")
        && let Some(text) = delta.as_str()
    {
        *delta = lone::join_halves(text).into();
    }
}

fn without_metadata(messages: &mut Value) {
    let last = messages
        .as_array_mut()
        .and_then(|messages| messages.last_mut());
    if let Some(fields) = last.and_then(Value::as_object_mut)
        && fields.get("role").is_some_and(|role| role == "assistant")
    {
        fields.remove("metadata");
    }
}

fn call(call: &Call) -> Value {
    let mut headers = BTreeMap::new();
    for (name, value) in &call.head.headers {
        if !is_of_the_library(name.as_str()) {
            headers.insert(name.as_str(), String::from_utf8_lossy(value.as_bytes()));
        }
    }
    json!({"method": call.head.method, "path": call.head.path, "headers": headers, "body": call.body})
}

/// Names for the ids that each side makes up, in the order in which they come.
struct Names {
    answer: Option<String>,
    calls: Vec<String>,
    blocks: Vec<String>,
}

impl Names {
    fn new(said: &Value, scenario: &Scenario) -> Self {
        let chunks = said["chunks"].as_array();
        let ids = |key: &'static str| {
            chunks
                .into_iter()
                .flatten()
                .filter_map(move |chunk| chunk[key].as_str())
        };
        let is_fresh = |id: &&str| !scenario.mentions(id);
        let answer = ids("messageId")
            .next()
            .filter(is_fresh)
            .filter(|id| is_nanoid(id));
        let mut calls: Vec<String> = Vec::new();
        for id in ids("toolCallId").filter(is_fresh) {
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

    fn in_value(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => self.in_text(text).into(),
            Value::Array(items) => items.into_iter().map(|item| self.in_value(item)).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(key, value)| (key, self.in_value(value)))
                .collect(),
            other => other,
        }
    }

    fn in_text(&mut self, text: String) -> String {
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

//! Scenarios recorded from the original implementation, in `fixtures/scenarios.json`: the parts of
//! the model, the chunks of the original route, and the message that the client then held. They
//! contain halves of surrogate pairs, so most values stay raw.

use std::fmt::Write as _;

use json::{JsonText, RawJson};
use message::{
    FileData, FinishReason, GeneratedFile, StreamPart, UiPart, UnifiedFinishReason, Usage,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{MessageAssembler, StreamMapper, UiMessageChunk};

#[derive(Deserialize)]
struct Fixture {
    scenarios: Vec<Scenario>,
}

#[derive(Deserialize)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// The reason for a deliberate difference from the original.
    pub(crate) differs: Option<String>,
    /// True if the original ended its stream without an end chunk.
    #[serde(default)]
    pub(crate) torn: bool,
    pub(crate) parts: Vec<Box<RawValue>>,
    /// The parts of the message that the answer continues.
    #[serde(default)]
    continuing: Vec<Box<RawValue>>,
    chunks: Vec<Box<RawValue>>,
    message: Vec<Box<RawValue>>,
}

/// The outcome of a scenario, as JSON.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) chunks: Vec<Value>,
    pub(crate) message: Vec<Value>,
}

pub(crate) fn scenarios() -> Vec<Scenario> {
    let fixture: Fixture =
        serde_json::from_str(include_str!("../fixtures/scenarios.json")).unwrap();
    fixture.scenarios
}

impl Scenario {
    /// Returns the outcome of the original, without its `start`.
    pub(crate) fn original_outcome(&self) -> Outcome {
        Outcome {
            chunks: self
                .chunks
                .iter()
                .skip(1)
                .map(|chunk| value(chunk.get()))
                .collect(),
            message: self.message.iter().map(|part| value(part.get())).collect(),
        }
    }

    /// Returns the outcome of this implementation.
    pub(crate) fn actual_outcome(&self) -> Outcome {
        let (chunks, parts) = self.run();
        let mut names = Vec::new();
        Outcome {
            chunks: chunks
                .iter()
                .map(|chunk| with_numbered_id(json(chunk), &mut names))
                .collect(),
            message: parts
                .iter()
                .map(|part| with_numbered_id(json(part), &mut names))
                .collect(),
        }
    }

    /// Returns the chunks of this implementation, and the parts that they make.
    pub(crate) fn run(&self) -> (Vec<UiMessageChunk>, Vec<UiPart>) {
        let chunks = self.map_parts();
        let mut assembler = MessageAssembler::from_parts(self.parts_before());
        chunks.iter().for_each(|chunk| assembler.push(chunk));
        assembler.close_open_inputs();
        (chunks, assembler.parts().to_vec())
    }

    /// Returns the parts of the message that the answer continues.
    pub(crate) fn parts_before(&self) -> Vec<UiPart> {
        self.continuing
            .iter()
            .map(|part| UiPart::parse(part, "part").unwrap())
            .collect()
    }

    /// Returns the parts that the client of the original then held.
    pub(crate) fn original_parts(&self) -> Vec<UiPart> {
        self.message
            .iter()
            .map(|part| UiPart::parse(part, "part").unwrap())
            .collect()
    }

    /// Drives the mapper as a turn does.
    fn map_parts(&self) -> Vec<UiMessageChunk> {
        let known = self
            .parts_before()
            .into_iter()
            .filter_map(|part| match part {
                UiPart::Tool(tool) => Some(tool.tool_call_id),
                _ => None,
            });
        let mut mapper = StreamMapper::with_known_calls(known);
        let mut chunks = Vec::new();
        let mut has_ended = false;
        for raw in &self.parts {
            let part = parse_part(raw);
            has_ended |= matches!(part, StreamPart::Finish { .. } | StreamPart::Error { .. });
            if mapper.push(part, |chunk| chunks.push(chunk)).is_err() {
                mapper.fail("It broke.", |chunk| chunks.push(chunk));
                return chunks;
            }
        }
        if has_ended {
            mapper.finish(|chunk| chunks.push(chunk));
        } else {
            mapper.fail("It broke.", |chunk| chunks.push(chunk));
        }
        chunks
    }
}

fn json(value: &impl Serialize) -> Value {
    self::value(&serde_json::to_string(value).unwrap())
}

/// Parses JSON that may hold half a surrogate pair, which becomes the characters of its escape. A
/// pair of escapes becomes its character.
pub(crate) fn value(json: &str) -> Value {
    let mut readable = String::new();
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        readable.push_str(&rest[..at]);
        let escape = &rest[at..];
        let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
        let length = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(lone @ 0xd800..=0xdfff), _) => {
                write!(readable, "\\\\u{lone:x}").unwrap();
                rest = &escape[6..];
                continue;
            }
            _ => 2,
        };
        readable.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    readable.push_str(rest);
    serde_json::from_str(&readable).unwrap()
}

/// Numbers generated ids, which are random, as the fixture does.
fn with_numbered_id(mut value: Value, names: &mut Vec<String>) -> Value {
    if let Some(id) = value.get_mut("id")
        && let Some(name) = id
            .as_str()
            .filter(|id| id.starts_with("aitxt-"))
            .map(str::to_owned)
    {
        assert_eq!(name.len(), "aitxt-".len() + 24, "{name}");
        let number = names
            .iter()
            .position(|known| *known == name)
            .unwrap_or(names.len());
        if number == names.len() {
            names.push(name);
        }
        *id = format!("aitxt-{number}").into();
    }
    value
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePart {
    r#type: String,
    id: Option<String>,
    delta: Option<JsonText>,
    provider_metadata: Option<RawJson>,
    citations: Option<RawJson>,
    media_type: Option<String>,
    data: Option<WireData>,
    kind: Option<String>,
    title: Option<String>,
    tool_call_id: Option<String>,
    tool_name: Option<String>,
    input: Option<JsonText>,
    result: Option<RawJson>,
    is_error: Option<bool>,
    provider_executed: Option<bool>,
    dynamic: Option<bool>,
    approval_id: Option<String>,
    error: Option<RawJson>,
    finish_reason: Option<WireReason>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum WireData {
    Data { data: String },
    Url { url: String },
}

#[derive(Deserialize)]
struct WireReason {
    unified: String,
    raw: Option<String>,
}

/// Parses one part, without the validation of the gateway's own decoder.
fn parse_part(raw: &RawValue) -> StreamPart {
    let wire: WirePart = serde_json::from_str(raw.get()).unwrap();
    let provider_metadata = wire.provider_metadata;
    let id = wire.id.or(wire.tool_call_id).unwrap_or_default();
    let delta = wire.delta.unwrap_or_default();
    let tool_name = wire.tool_name.unwrap_or_default();
    let (provider_executed, dynamic) = (wire.provider_executed, wire.dynamic);
    let file = wire.data.map(|data| GeneratedFile {
        media_type: wire.media_type.unwrap_or_default(),
        data: match data {
            WireData::Data { data } => FileData::Base64(data),
            WireData::Url { url } => FileData::Url(url),
        },
        provider_metadata: provider_metadata.clone(),
    });
    match wire.r#type.as_str() {
        "stream-start" => StreamPart::StreamStart { warnings: None },
        "response-metadata" => StreamPart::ResponseMetadata {
            id: Some(id),
            model_id: None,
            timestamp: None,
        },
        "ping" => StreamPart::Ping,
        "text-start" => StreamPart::TextStart {
            id,
            provider_metadata,
        },
        "text-delta" => StreamPart::TextDelta {
            id,
            delta,
            provider_metadata,
        },
        "text-end" => StreamPart::TextEnd {
            id,
            provider_metadata,
            citations: wire.citations,
        },
        "reasoning-start" => StreamPart::ReasoningStart {
            id,
            provider_metadata,
        },
        "reasoning-delta" => StreamPart::ReasoningDelta {
            id,
            delta,
            provider_metadata,
        },
        "reasoning-end" => StreamPart::ReasoningEnd {
            id,
            provider_metadata,
        },
        // The original ran without sources.
        "source" => StreamPart::Source { source: None },
        "file" => StreamPart::File {
            file: file.unwrap(),
        },
        "reasoning-file" => StreamPart::ReasoningFile {
            file: file.unwrap(),
        },
        "custom" => StreamPart::Custom {
            kind: wire.kind.unwrap(),
            provider_metadata,
        },
        "tool-input-start" => StreamPart::ToolInputStart {
            id,
            tool_name,
            title: wire.title,
            provider_executed,
            dynamic,
            provider_metadata,
        },
        "tool-input-delta" => StreamPart::ToolInputDelta { id, delta },
        "tool-input-end" => StreamPart::ToolInputEnd { id },
        "tool-call" => StreamPart::ToolCall {
            tool_call_id: id,
            tool_name,
            input: wire.input.unwrap(),
            provider_executed,
            dynamic,
            provider_metadata,
        },
        "tool-result" => StreamPart::ToolResult {
            tool_call_id: id,
            tool_name,
            result: wire.result.unwrap_or_else(RawJson::null),
            is_error: wire.is_error.unwrap_or(false),
            dynamic,
            provider_metadata,
        },
        "tool-approval-request" => StreamPart::ToolApprovalRequest {
            approval_id: wire.approval_id.unwrap(),
            tool_call_id: id,
            provider_metadata,
        },
        "error" => StreamPart::Error {
            error: wire.error.unwrap_or_else(RawJson::null),
        },
        "finish" => {
            let reason = wire.finish_reason.unwrap();
            let finish_reason = FinishReason {
                unified: UnifiedFinishReason::from_name(&reason.unified),
                raw: reason.raw,
            };
            StreamPart::Finish {
                finish_reason,
                usage: wire.usage,
                provider_metadata,
            }
        }
        other => unreachable!("no scenario has a part {other}"),
    }
}

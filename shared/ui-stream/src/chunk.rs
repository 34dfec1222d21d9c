//! The chunks of the AI SDK's UI message stream, version 1.

use json::{JsonText, RawJson};
use message::{AnswerMetadata, UnifiedFinishReason};
use serde::Serialize;

/// One event of the stream to the browser (`UIMessageChunk` of the AI SDK). A missing optional
/// field is omitted: the client rejects a chunk that holds `null` in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(transform = message::openapi::describe_provider_fields))]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum UiMessageChunk {
    /// The beginning of an answer.
    Start {
        message_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        message_metadata: Option<Box<AnswerMetadata>>,
    },
    /// The metadata of the answer that is known by now.
    MessageMetadata {
        message_metadata: Box<AnswerMetadata>,
    },
    /// The beginning of a model call.
    StartStep,
    /// The beginning of a text block.
    TextStart {
        id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
    },
    /// More text of a text block.
    TextDelta {
        id: String,
        delta: JsonText,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
    },
    /// The end of a text block.
    TextEnd {
        id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        citations: Option<RawJson>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
    },
    /// The beginning of a reasoning block.
    ReasoningStart {
        id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
    },
    /// More text of a reasoning block.
    ReasoningDelta {
        id: String,
        delta: JsonText,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
    },
    /// The end of a reasoning block.
    ReasoningEnd {
        id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
    },
    /// A file that the model generated.
    File {
        media_type: String,
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
    },
    /// A file that the model generated while it reasoned.
    ReasoningFile {
        media_type: String,
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
    },
    /// A part that only one provider has.
    Custom {
        kind: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
    },
    /// The beginning of the input of a tool call.
    ToolInputStart {
        tool_call_id: String,
        tool_name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_executed: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
        dynamic: bool,
    },
    /// More of the input of a tool call.
    ToolInputDelta {
        tool_call_id: String,
        input_text_delta: JsonText,
    },
    /// A tool call with its complete input.
    ToolInputAvailable {
        tool_call_id: String,
        tool_name: String,
        input: RawJson,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_executed: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
        dynamic: bool,
    },
    /// A call of a tool that cannot be called.
    ToolInputError {
        tool_call_id: String,
        tool_name: String,
        input: RawJson,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_executed: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
        dynamic: bool,
        error_text: JsonText,
    },
    /// A request for the user's approval of a tool call.
    ToolApprovalRequest {
        approval_id: String,
        tool_call_id: String,
    },
    /// The result of a tool call.
    ToolOutputAvailable {
        tool_call_id: String,
        output: RawJson,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_executed: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
        #[serde(skip_serializing_if = "Option::is_none")]
        dynamic: Option<bool>,
    },
    /// The error of a failed tool call.
    ToolOutputError {
        tool_call_id: String,
        error_text: JsonText,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_executed: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
        #[serde(skip_serializing_if = "Option::is_none")]
        dynamic: Option<bool>,
    },
    /// The acknowledgement that the user denied a tool call.
    ToolOutputDenied { tool_call_id: String },
    /// An error; clients stop reading here.
    Error { error_text: String },
    /// The end of a model call.
    FinishStep,
    /// The end of the answer.
    Finish {
        finish_reason: UnifiedFinishReason,
        #[serde(skip_serializing_if = "Option::is_none")]
        message_metadata: Option<Box<AnswerMetadata>>,
    },
    /// The end of an answer that the user stopped; clients stop reading here.
    Abort,
    /// A source or a `data-*` part: chunk and part are the same JSON.
    #[serde(untagged)]
    Part(#[cfg_attr(feature = "openapi", schemars(with = "crate::openapi::PartChunk"))] RawJson),
}

impl UiMessageChunk {
    /// Returns the length of the event that [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        let mut length = Counter(b"data: \n\n".len());
        match self {
            Self::TextDelta {
                id,
                delta,
                provider_metadata: None,
            } => length.add_delta("text-delta", id, delta),
            Self::ReasoningDelta {
                id,
                delta,
                provider_metadata: None,
            } => {
                length.add_delta("reasoning-delta", id, delta);
            }
            other => serde_json::to_writer(&mut length, other).expect("a chunk is always JSON"),
        }
        length.0
    }

    /// Appends the chunk to `stream` as one server-sent event, always a single `data:` line.
    pub fn encode(&self, stream: &mut Vec<u8>) {
        stream.extend_from_slice(b"data: ");
        match self {
            Self::TextDelta {
                id,
                delta,
                provider_metadata: None,
            } => encode_delta(stream, "text-delta", id, delta),
            Self::ReasoningDelta {
                id,
                delta,
                provider_metadata: None,
            } => {
                encode_delta(stream, "reasoning-delta", id, delta);
            }
            other => encode_any(stream, other),
        }
        stream.extend_from_slice(b"\n\n");
    }
}

fn encode_any(stream: &mut Vec<u8>, chunk: &UiMessageChunk) {
    let begin = stream.len();
    serde_json::to_writer(&mut *stream, chunk).expect("a chunk is always JSON");
    // Carried JSON may be pretty-printed. Line ends inside its strings are escapes, so these are
    // white space.
    for byte in &mut stream[begin..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

/// Encodes a delta without serde: nearly all chunks of a stream are deltas, and their text is JSON
/// already.
fn encode_delta(stream: &mut Vec<u8>, kind: &str, id: &str, delta: &JsonText) {
    stream.extend_from_slice(b"{\"type\":\"");
    stream.extend_from_slice(kind.as_bytes());
    stream.extend_from_slice(b"\",\"id\":");
    serde_json::to_writer(&mut *stream, id).expect("a string is always JSON");
    stream.extend_from_slice(b",\"delta\":\"");
    stream.extend_from_slice(delta.escaped().as_bytes());
    stream.extend_from_slice(b"\"}");
}

/// A writer that counts the bytes written to it.
struct Counter(usize);

impl Counter {
    fn add_delta(&mut self, kind: &str, id: &str, delta: &JsonText) {
        serde_json::to_writer(&mut *self, id).expect("a string is always JSON");
        self.0 += r#"{"type":"","id":,"delta":""}"#.len() + kind.len() + delta.escaped().len();
    }
}

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(chunk: &UiMessageChunk) -> String {
        let mut stream = Vec::new();
        chunk.encode(&mut stream);
        assert_eq!(chunk.encoded_len(), stream.len(), "{chunk:?}");
        String::from_utf8(stream).unwrap()
    }

    #[test]
    fn the_fast_path_for_deltas_writes_the_same_bytes_as_serde() {
        for text in ["", "plain", "quote \" back \\ line \n nul \0 \u{2028} 😀"] {
            let id = "a\"b".to_owned();
            for chunk in [
                UiMessageChunk::TextDelta {
                    id: id.clone(),
                    delta: text.into(),
                    provider_metadata: None,
                },
                UiMessageChunk::ReasoningDelta {
                    id: id.clone(),
                    delta: text.into(),
                    provider_metadata: None,
                },
            ] {
                assert_eq!(
                    encoded(&chunk),
                    format!("data: {}\n\n", serde_json::to_string(&chunk).unwrap())
                );
            }
        }
    }

    #[test]
    fn every_event_is_one_line() {
        let pretty = serde_json::from_str("{\n  \"a\":\r\n \"x\\n\"\n}").unwrap();
        let chunk = UiMessageChunk::Custom {
            kind: "a.b".to_owned(),
            provider_metadata: Some(pretty),
        };
        let event = encoded(&chunk);
        assert_eq!(event.trim_end_matches('\n').lines().count(), 1, "{event}");
        assert!(event.contains(r#""x\n""#), "{event}");
    }

    #[test]
    fn missing_fields_are_omitted() {
        let chunk = UiMessageChunk::ToolOutputAvailable {
            tool_call_id: "c".to_owned(),
            output: RawJson::null(),
            provider_executed: Some(true),
            provider_metadata: None,
            dynamic: None,
        };
        assert_eq!(
            encoded(&chunk),
            "data: {\"type\":\"tool-output-available\",\"toolCallId\":\"c\",\"output\":null,\"providerExecuted\":true}\n\n"
        );
    }
}

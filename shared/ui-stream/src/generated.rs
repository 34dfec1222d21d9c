//! Generators of parts and chunks of all kinds from a few numbers, for property tests.

use json::{JsonText, RawJson};
use message::{
    AnswerMetadata, FileData, FinishReason, GeneratedFile, InputTokenDetails, Source, SourceKind,
    StreamPart, TokenUsage, UnifiedFinishReason,
};

use crate::UiMessageChunk;

/// The number of kinds of parts; the most common ones count twice.
pub(crate) const PART_KINDS: u8 = 28;
/// The number of kinds of chunks.
pub(crate) const CHUNK_KINDS: u8 = 30;

/// Generates a part of kind `kind`. There are few ids, so that they collide; `bits` selects the
/// other fields.
pub(crate) fn part(kind: u8, id: u8, bits: u8) -> StreamPart {
    let id = ["0", "a\"b", "", "😀"][usize::from(id)].to_owned();
    let bit = |index: u8| bits >> index & 1 == 1;
    let flag = |index: u8| [None, Some(true), Some(false), None][usize::from(bits >> index & 3)];
    let provider_metadata = bit(7).then(|| raw("{\"a\":{ \"n\":null,\r\n\"b\":[1.0]}}"));
    let delta: JsonText = serde_json::from_str(
        [
            "\"\"",
            "\"Hi \\n\"",
            "\"\\ud83d\"",
            "\"\\ude00\u{2028}\\u0000\"",
            "\"{\\\"a\\\":[1,\"",
            "\"2]}\"",
        ][usize::from(bits % 6)],
    )
    .unwrap();
    let json = raw(["null", "\"a\\nb\"", "{ \"x\" :\n[\"\\ud800\"]}", "12"][usize::from(bits % 4)]);
    let file = || GeneratedFile {
        media_type: "image/png".to_owned(),
        data: if bit(0) {
            FileData::Base64("AA==".to_owned())
        } else {
            FileData::Url("https://a.example/b".to_owned())
        },
        provider_metadata: provider_metadata.clone(),
    };
    let (tool_name, provider_executed, dynamic) = ("search".to_owned(), flag(2), flag(4));
    match kind {
        0 => StreamPart::StreamStart { warnings: None },
        1 => StreamPart::ResponseMetadata {
            id: None,
            model_id: None,
            timestamp: None,
        },
        2 => StreamPart::Ping,
        3 | 21 => StreamPart::TextStart {
            id,
            provider_metadata,
        },
        4 | 22 => StreamPart::TextDelta {
            id,
            delta,
            provider_metadata,
        },
        5 => StreamPart::TextEnd {
            id,
            provider_metadata,
            citations: bit(6).then(|| raw("[ ]")),
        },
        6 | 23 => StreamPart::ReasoningStart {
            id,
            provider_metadata,
        },
        7 | 24 => StreamPart::ReasoningDelta {
            id,
            delta,
            provider_metadata,
        },
        8 => StreamPart::ReasoningEnd {
            id,
            provider_metadata,
        },
        9 => {
            let title = JsonText::new(&tool_name);
            let kind = match (bit(1), bit(2)) {
                (true, titled) => SourceKind::Url {
                    url: delta,
                    title: titled.then_some(title),
                },
                (false, named) => SourceKind::Document {
                    media_type: "a/b".into(),
                    title,
                    filename: named.then_some(delta),
                },
            };
            let source = Source {
                id: JsonText::new(&id),
                kind,
                provider_metadata,
            };
            StreamPart::Source {
                source: Some(source).filter(|_| bit(0)),
            }
        }
        10 => StreamPart::File { file: file() },
        11 => StreamPart::ReasoningFile { file: file() },
        12 => StreamPart::Custom {
            kind: "a.b".to_owned(),
            provider_metadata,
        },
        13 | 25 => StreamPart::ToolInputStart {
            id,
            tool_name,
            title: None,
            provider_executed,
            dynamic,
            provider_metadata,
        },
        14 | 26 => StreamPart::ToolInputDelta { id, delta },
        15 => StreamPart::ToolInputEnd { id },
        16 | 27 => StreamPart::ToolCall {
            tool_call_id: id,
            tool_name,
            input: if bit(6) {
                delta
            } else {
                JsonText::new(json.get())
            },
            provider_executed,
            dynamic,
            provider_metadata,
        },
        17 => StreamPart::ToolResult {
            tool_call_id: id,
            tool_name,
            result: json,
            is_error: bit(6),
            dynamic,
            provider_metadata,
        },
        18 => StreamPart::ToolApprovalRequest {
            approval_id: "apr".to_owned(),
            tool_call_id: id,
            provider_metadata,
        },
        19 => StreamPart::Error { error: json },
        _ => {
            let finish_reason = FinishReason {
                unified: UnifiedFinishReason::ToolCalls,
                raw: None,
            };
            StreamPart::Finish {
                finish_reason,
                usage: None,
                provider_metadata,
            }
        }
    }
}

pub(crate) fn raw(json: &str) -> RawJson {
    serde_json::from_str(json).unwrap()
}

/// Generates a chunk of kind `kind`, as [`part`] does for parts.
pub(crate) fn chunk(kind: u8, id: u8, bits: u8) -> UiMessageChunk {
    use UiMessageChunk as Chunk;
    let id = ["0", "a\"b", "\\", "😀"][usize::from(id)].to_owned();
    let bit = |index: u8| bits >> index & 1 == 1;
    let flag = |index: u8| [None, Some(true), Some(false), None][usize::from(bits >> index & 3)];
    let provider_metadata = bit(7).then(|| raw("{\"a\":{ \"n\":null, \"b\":[1.0,\"\\ud83d\"]}}"));
    let delta: JsonText = serde_json::from_str(
        [
            "\"\"",
            "\"Hi \\n\"",
            "\"\\ud83d\"",
            "\"\\ude00\u{2028}\\u0000\"",
            "\"{\\\"a\\\":\\\\\"",
            "\"\\\\\\\"}\"",
        ][usize::from(bits % 6)],
    )
    .unwrap();
    let json = raw(["null", "\"a\\nb\"", "{ \"x\" : [\"\\ud800\"]}", "12"][usize::from(bits % 4)]);
    let message_metadata = bit(0).then(|| Box::new(metadata(bits)));
    let (tool_call_id, tool_name, dynamic) = (id.clone(), "search".to_owned(), bit(6));
    let provider_executed = flag(2);
    match kind {
        0 => Chunk::Start {
            message_id: id,
            message_metadata,
        },
        1 => Chunk::MessageMetadata {
            message_metadata: Box::new(metadata(bits)),
        },
        2 => Chunk::StartStep,
        3 => Chunk::TextStart {
            id,
            provider_metadata,
        },
        4 | 24 | 25 => Chunk::TextDelta {
            id,
            delta,
            provider_metadata: provider_metadata.filter(|_| bit(6)),
        },
        5 => Chunk::TextEnd {
            id,
            citations: bit(6).then(|| raw("[ ]")),
            provider_metadata,
        },
        6 => Chunk::ReasoningStart {
            id,
            provider_metadata,
        },
        7 | 26 | 27 => Chunk::ReasoningDelta {
            id,
            delta,
            provider_metadata: provider_metadata.filter(|_| bit(6)),
        },
        8 => Chunk::ReasoningEnd {
            id,
            provider_metadata,
        },
        9 => Chunk::File {
            media_type: "image/png".to_owned(),
            url: id,
            provider_metadata,
        },
        10 => Chunk::ReasoningFile {
            media_type: "image/png".to_owned(),
            url: id,
            provider_metadata,
        },
        11 => Chunk::Custom {
            kind: "a.b".to_owned(),
            provider_metadata,
        },
        12 => Chunk::ToolInputStart {
            tool_call_id,
            tool_name,
            provider_executed,
            provider_metadata,
            dynamic,
        },
        13 | 28 | 29 => Chunk::ToolInputDelta {
            tool_call_id,
            input_text_delta: delta,
        },
        14 => Chunk::ToolInputAvailable {
            tool_call_id,
            tool_name,
            input: json,
            provider_executed,
            provider_metadata,
            dynamic,
        },
        15 => Chunk::ToolInputError {
            tool_call_id,
            tool_name,
            input: json,
            provider_executed,
            provider_metadata,
            dynamic,
            error_text: delta,
        },
        16 => Chunk::ToolApprovalRequest {
            approval_id: "apr".to_owned(),
            tool_call_id,
        },
        17 => Chunk::ToolOutputAvailable {
            tool_call_id,
            output: json,
            provider_executed,
            provider_metadata,
            dynamic: flag(4),
        },
        18 => Chunk::ToolOutputError {
            tool_call_id,
            error_text: delta,
            provider_executed,
            provider_metadata,
            dynamic: flag(4),
        },
        19 => Chunk::ToolOutputDenied { tool_call_id },
        20 => Chunk::Error { error_text: id },
        21 => Chunk::FinishStep,
        22 => {
            let finish_reason = [
                UnifiedFinishReason::Stop,
                UnifiedFinishReason::ContentFilter,
            ][usize::from(bits >> 1 & 1)];
            Chunk::Finish {
                finish_reason,
                message_metadata,
            }
        }
        _ if bit(0) => Chunk::Abort,
        _ => Chunk::Part(raw([
            "{\"type\":\"data-x\",\"id\":\"1\",\"data\":[\"\\ud800\"]}",
            "{\"type\":\"source-url\",\"sourceId\":\"s\",\"url\":\"https://a.example/\"}",
        ][usize::from(bits >> 1 & 1)])),
    }
}

fn metadata(bits: u8) -> AnswerMetadata {
    let input_token_details = InputTokenDetails {
        cache_read_tokens: Some(0),
        ..InputTokenDetails::default()
    };
    AnswerMetadata {
        usage: (bits & 2 != 0).then(|| TokenUsage {
            input_tokens: Some(u64::from(bits)),
            input_token_details,
            ..TokenUsage::default()
        }),
        finish_reason: (bits & 4 != 0).then_some(UnifiedFinishReason::ToolCalls),
        raw_finish_reason: (bits & 8 != 0).then(|| "end \"turn\"".to_owned()),
        latency_ms: (bits & 16 != 0).then_some(u64::MAX),
        aborted: (bits & 32 != 0).then_some(bits & 64 != 0),
        error: (bits & 64 != 0).then(|| "interrupted".to_owned()),
        ..AnswerMetadata::at_start("acme/large", 1 << 53)
    }
}

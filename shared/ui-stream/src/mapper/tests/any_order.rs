//! Whatever parts come in whatever order: the client can read what comes out.

use std::collections::HashSet;

use gateway::{FileData, GeneratedFile, StreamPart};
use message::{FinishReason, JsonText, RawJson, UiPart, UnifiedFinishReason};
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::fixture::value;
use crate::{MessageAssembler, StreamMapper, UiMessageChunk};

/// A part of kind `kind`. Few ids, so that they meet; `bits` decides what else there is.
fn part(kind: u8, id: u8, bits: u8) -> StreamPart {
    let id = ["0", "a\"b", "", "😀"][usize::from(id)].to_owned();
    let bit = |index: u8| bits >> index & 1 == 1;
    let flag = |index: u8| [None, Some(true), Some(false), None][usize::from(bits >> index & 3)];
    let provider_metadata = bit(7).then(|| raw("{\"a\":{ \"n\":null,\r\n\"b\":[1.0]}}"));
    let delta: JsonText = serde_json::from_str(
        ["\"\"", "\"Hi \\n\"", "\"\\ud83d\"", "\"\\ude00\u{2028}\\u0000\"", "\"{\\\"a\\\":[1,\"", "\"2]}\""]
            [usize::from(bits % 6)],
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
        1 => StreamPart::ResponseMetadata { id: None, model_id: None, timestamp: None },
        2 => StreamPart::Ping,
        3 | 21 => StreamPart::TextStart { id, provider_metadata },
        4 | 22 => StreamPart::TextDelta { id, delta, provider_metadata },
        5 => StreamPart::TextEnd { id, provider_metadata, citations: bit(6).then(|| raw("[ ]")) },
        6 | 23 => StreamPart::ReasoningStart { id, provider_metadata },
        7 | 24 => StreamPart::ReasoningDelta { id, delta, provider_metadata },
        8 => StreamPart::ReasoningEnd { id, provider_metadata },
        9 => StreamPart::Source { source: json },
        10 => StreamPart::File { file: file() },
        11 => StreamPart::ReasoningFile { file: file() },
        12 => StreamPart::Custom { kind: "a.b".to_owned(), provider_metadata },
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
            input: if bit(6) { delta } else { JsonText::new(json.get()) },
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
            let finish_reason = FinishReason { unified: UnifiedFinishReason::ToolCalls, raw: None };
            StreamPart::Finish { finish_reason, usage: None, provider_metadata }
        }
    }
}

fn raw(json: &str) -> RawJson {
    serde_json::from_str(json).unwrap()
}

/// The kinds of blocks and calls that a chunk can belong to.
#[derive(Default)]
struct Client {
    open: HashSet<(String, String)>,
    used: HashSet<(String, String)>,
    written: HashSet<String>,
    shown: HashSet<String>,
    steps: Vec<String>,
}

impl Client {
    fn read(&mut self, chunk: &Value) {
        let text = |key: &str| chunk[key].as_str().unwrap_or_else(|| panic!("{key} of {chunk}")).to_owned();
        let kind = text("type");
        assert_ne!(self.steps.last().map(String::as_str), Some("finish"), "{chunk} after the end");
        for (key, value) in chunk.as_object().unwrap() {
            assert!(!value.is_null() || key == "input" || key == "output", "{chunk}");
        }
        match kind.as_str() {
            "text-start" | "reasoning-start" => {
                let block = (kind.replace("-start", ""), text("id"));
                assert!(self.used.insert(block.clone()), "{chunk} comes again");
                self.open.insert(block);
            }
            "text-delta" | "reasoning-delta" => {
                text("delta");
                assert!(self.open.contains(&(kind.replace("-delta", ""), text("id"))), "{chunk} is not open");
            }
            "text-end" | "reasoning-end" => {
                assert!(self.open.remove(&(kind.replace("-end", ""), text("id"))), "{chunk} is not open");
            }
            "tool-input-start" => {
                self.written.insert(text("toolCallId"));
                self.shown.insert(text("toolCallId"));
            }
            "tool-input-delta" => {
                text("inputTextDelta");
                assert!(self.written.contains(&text("toolCallId")), "{chunk} never started");
            }
            "tool-input-available" | "tool-input-error" => {
                assert!(chunk.get("input").is_some(), "{chunk}");
                self.shown.insert(text("toolCallId"));
            }
            "tool-output-available" | "tool-output-error" | "tool-approval-request" => {
                assert!(self.shown.contains(&text("toolCallId")), "{chunk} was never called");
            }
            "start-step" | "finish-step" | "finish" => self.steps.push(kind),
            "error" => drop(text("errorText")),
            "file" | "reasoning-file" => drop((text("url"), text("mediaType"))),
            "custom" => drop(text("kind")),
            other => panic!("no client knows {other}"),
        }
    }
}

/// The chunk in an event, which is one `data:` line and an empty one.
fn read(event: &str) -> Value {
    let line = event.strip_prefix("data: ").and_then(|rest| rest.strip_suffix("\n\n")).expect(event);
    assert!(!line.contains(['\n', '\r']), "{event}");
    value(line)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn the_client_can_read_what_comes_out(
        parts in prop::collection::vec((0..28_u8, 0..4_u8, any::<u8>()), 0..60),
        cut in any::<bool>(),
        patient in any::<bool>(),
    ) {
        let (mut mapper, mut chunks, mut broken) = (StreamMapper::default(), Vec::new(), cut);
        for (kind, id, bits) in parts {
            let before = chunks.len();
            if mapper.push(part(kind, id, bits), |chunk| chunks.push(chunk)).is_err() {
                prop_assert!(chunks[before..].iter().all(|chunk| *chunk == UiMessageChunk::StartStep));
                // A refused part leaves no trace, so one could go on.
                if !patient {
                    broken = true;
                    break;
                }
            }
        }
        let begun = !chunks.is_empty();
        if broken {
            mapper.fail("It broke.", |chunk| chunks.push(chunk));
        } else {
            mapper.finish(|chunk| chunks.push(chunk));
        }

        let (mut client, mut assembler) = (Client::default(), MessageAssembler::default());
        for chunk in &chunks {
            let mut event = Vec::new();
            chunk.encode(&mut event);
            client.read(&read(std::str::from_utf8(&event).unwrap()));
            assembler.push(chunk);
        }
        prop_assert!(!broken || client.open.is_empty(), "{:?} is left open", client.open);
        let expected: &[&str] = match (begun, broken) {
            (true, _) => &["start-step", "finish-step", "finish"],
            (false, true) => &[],
            (false, false) => &["finish"],
        };
        prop_assert_eq!(client.steps, expected);

        assembler.settle_open_inputs();
        for part in assembler.parts() {
            let json: Box<RawValue> = serde_json::value::to_raw_value(part).unwrap();
            prop_assert!(UiPart::parse(&json, "part").is_ok(), "{json}");
        }
    }
}

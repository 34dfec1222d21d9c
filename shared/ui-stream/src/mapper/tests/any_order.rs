//! Tests that the client can read the chunks of any parts in any order.

use std::collections::HashSet;

use message::UiPart;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::fixture::value;
use crate::generated::{PART_KINDS, part};
use crate::{MessageAssembler, StreamMapper, UiMessageChunk};

/// A client that checks the order of the chunks, with the blocks and calls that a chunk can belong
/// to.
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
        let text = |key: &str| {
            chunk[key]
                .as_str()
                .unwrap_or_else(|| panic!("{key} of {chunk}"))
                .to_owned()
        };
        let kind = text("type");
        assert_ne!(
            self.steps.last().map(String::as_str),
            Some("finish"),
            "{chunk} after the end"
        );
        for (key, value) in chunk.as_object().unwrap() {
            assert!(
                !value.is_null() || key == "input" || key == "output",
                "{chunk}"
            );
        }
        match kind.as_str() {
            "text-start" | "reasoning-start" => {
                let block = (kind.replace("-start", ""), text("id"));
                assert!(self.used.insert(block.clone()), "{chunk} comes again");
                self.open.insert(block);
            }
            "text-delta" | "reasoning-delta" => {
                text("delta");
                assert!(
                    self.open
                        .contains(&(kind.replace("-delta", ""), text("id"))),
                    "{chunk} is not open"
                );
            }
            "text-end" | "reasoning-end" => {
                assert!(
                    self.open.remove(&(kind.replace("-end", ""), text("id"))),
                    "{chunk} is not open"
                );
            }
            "tool-input-start" => {
                self.written.insert(text("toolCallId"));
                self.shown.insert(text("toolCallId"));
            }
            "tool-input-delta" => {
                text("inputTextDelta");
                assert!(
                    self.written.contains(&text("toolCallId")),
                    "{chunk} never started"
                );
            }
            "tool-input-available" | "tool-input-error" => {
                assert!(chunk.get("input").is_some(), "{chunk}");
                self.shown.insert(text("toolCallId"));
            }
            "tool-output-available" | "tool-output-error" | "tool-approval-request" => {
                assert!(
                    self.shown.contains(&text("toolCallId")),
                    "{chunk} was never called"
                );
            }
            "start-step" | "finish-step" | "finish" => self.steps.push(kind),
            "error" => drop(text("errorText")),
            "file" | "reasoning-file" => drop((text("url"), text("mediaType"))),
            "custom" => drop(text("kind")),
            "source-url" => drop((text("sourceId"), text("url"))),
            "source-document" => drop((text("sourceId"), text("mediaType"), text("title"))),
            other => panic!("no client knows {other}"),
        }
    }
}

/// Parses the chunk in an event, which is one `data:` line and an empty one.
fn read(event: &str) -> Value {
    let line = event
        .strip_prefix("data: ")
        .and_then(|rest| rest.strip_suffix("\n\n"))
        .expect(event);
    assert!(!line.contains(['\n', '\r']), "{event}");
    value(line)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn the_client_can_read_every_chunk(
        parts in prop::collection::vec((0..PART_KINDS, 0..4_u8, any::<u8>()), 0..60),
        cut in any::<bool>(),
        continues_after_errors in any::<bool>(),
        sources in any::<bool>(),
    ) {
        let mapper = StreamMapper::default().with_sources(sources);
        let (mut mapper, mut chunks, mut broken) = (mapper, Vec::new(), cut);
        for (kind, id, bits) in parts {
            let (before, part) = (chunks.len(), part(kind, id, bits));
            let bound = mapper.stream_bytes(&part);
            let pushed = mapper.push(part, |chunk| chunks.push(chunk));
            let added = chunks[before..].iter().map(UiMessageChunk::encoded_len).sum::<usize>();
            prop_assert!(added <= bound, "{added} bytes of {bound}: {:?}", &chunks[before..]);
            if pushed.is_err() {
                prop_assert!(chunks[before..].iter().all(|chunk| *chunk == UiMessageChunk::StartStep));
                // A rejected part has no effect, so a caller could continue.
                if !continues_after_errors {
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
            prop_assert!(sources || !matches!(chunk, UiMessageChunk::Part(_)), "{chunk:?}");
        }
        prop_assert!(!broken || client.open.is_empty(), "{:?} is left open", client.open);
        let expected: &[&str] = match (begun, broken) {
            (true, _) => &["start-step", "finish-step", "finish"],
            (false, true) => &[],
            (false, false) => &["finish"],
        };
        prop_assert_eq!(client.steps, expected);

        assembler.close_open_inputs();
        for part in assembler.parts() {
            let json: Box<RawValue> = serde_json::value::to_raw_value(part).unwrap();
            prop_assert!(UiPart::parse(&json, "part").is_ok(), "{json}");
        }
    }
}

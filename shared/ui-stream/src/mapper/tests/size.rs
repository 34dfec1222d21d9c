//! Tests that the size of a part is known before it is mapped, whatever its fields hold.

use json::{JsonText, RawJson};
use message::{FileData, GeneratedFile, Source, SourceKind, StreamPart};

use super::StreamMapper;
use crate::UiMessageChunk;

const LONG: usize = 100_000;

/// Returns texts that grow when they are written as JSON, and one that does not.
fn texts() -> [String; 4] {
    ["a", "\"", "\\", "\u{1}"].map(|character| character.repeat(LONG))
}

fn metadata(text: &str) -> Option<RawJson> {
    Some(RawJson::from_value(&serde_json::json!({ "provider": { "text": text } })).unwrap())
}

/// Returns one part of each kind that carries content, with `text` in all of its fields.
fn parts(text: &str) -> Vec<StreamPart> {
    let (id, long) = (|| text.to_owned(), || JsonText::new(text));
    let file = |data| GeneratedFile {
        media_type: id(),
        data,
        provider_metadata: metadata(text),
    };
    let source = |kind| StreamPart::Source {
        source: Some(Source {
            id: long(),
            kind,
            provider_metadata: metadata(text),
        }),
    };
    let call = |input, provider_executed| StreamPart::ToolCall {
        tool_call_id: id(),
        tool_name: id(),
        input,
        provider_executed,
        dynamic: Some(true),
        provider_metadata: metadata(text),
    };
    let result = |result: &serde_json::Value, is_error| StreamPart::ToolResult {
        tool_call_id: id(),
        tool_name: id(),
        result: RawJson::from_value(result).unwrap(),
        is_error,
        dynamic: None,
        provider_metadata: metadata(text),
    };
    let list = serde_json::json!([text, { "text": text }]);
    vec![
        StreamPart::TextStart {
            id: id(),
            provider_metadata: metadata(text),
        },
        StreamPart::TextDelta {
            id: id(),
            delta: long(),
            provider_metadata: metadata(text),
        },
        // This delta takes the metadata of the delta before.
        StreamPart::TextDelta {
            id: id(),
            delta: JsonText::new("b"),
            provider_metadata: None,
        },
        StreamPart::TextStart {
            id: id(),
            provider_metadata: None,
        },
        StreamPart::TextDelta {
            id: id(),
            delta: long(),
            provider_metadata: None,
        },
        StreamPart::TextEnd {
            id: id(),
            provider_metadata: metadata(text),
            citations: metadata(text),
        },
        StreamPart::ReasoningStart {
            id: id(),
            provider_metadata: metadata(text),
        },
        StreamPart::ReasoningDelta {
            id: id(),
            delta: long(),
            provider_metadata: metadata(text),
        },
        StreamPart::ReasoningEnd {
            id: id(),
            provider_metadata: metadata(text),
        },
        source(SourceKind::Url {
            url: long(),
            title: Some(long()),
        }),
        source(SourceKind::Document {
            media_type: long(),
            title: long(),
            filename: Some(long()),
        }),
        StreamPart::File {
            file: file(FileData::Base64(id())),
        },
        StreamPart::ReasoningFile {
            file: file(FileData::Url(id())),
        },
        StreamPart::Custom {
            kind: id(),
            provider_metadata: metadata(text),
        },
        StreamPart::ToolInputStart {
            id: id(),
            tool_name: id(),
            title: Some(id()),
            provider_executed: None,
            dynamic: None,
            provider_metadata: metadata(text),
        },
        StreamPart::ToolInputDelta {
            id: id(),
            delta: long(),
        },
        call(long(), None),
        call(JsonText::new(&list.to_string()), Some(true)),
        result(&list, false),
        result(&list, true),
        StreamPart::ToolApprovalRequest {
            approval_id: id(),
            tool_call_id: id(),
            provider_metadata: metadata(text),
        },
    ]
}

#[test]
fn a_part_never_adds_more_than_its_bound() {
    for text in texts() {
        let mut mapper = StreamMapper::default().with_sources(true);
        for part in parts(&text) {
            let (mut added, name) = (
                0,
                format!("{:.40} of {:?}", format!("{part:?}"), &text[..1]),
            );
            let bound = mapper.stream_bytes(&part);
            mapper
                .push(part, |chunk| added += chunk.encoded_len())
                .unwrap();
            assert!(
                added <= bound,
                "{name}: {added} bytes, the bound is {bound}"
            );
        }
    }
}

#[test]
fn the_bound_of_a_delta_is_tight() {
    let mut mapper = StreamMapper::default();
    mapper
        .push(
            StreamPart::TextStart {
                id: "t".to_owned(),
                provider_metadata: None,
            },
            |_| {},
        )
        .unwrap();
    let delta = || StreamPart::TextDelta {
        id: "t".to_owned(),
        delta: "word".into(),
        provider_metadata: None,
    };
    let mut added = 0;
    let bound = mapper.stream_bytes(&delta());
    mapper
        .push(delta(), |chunk| added += chunk.encoded_len())
        .unwrap();
    assert!(bound < added + 512, "{bound} for {added}");
}

#[test]
fn the_end_of_an_open_block_is_counted_with_its_start() {
    let id = "x".repeat(LONG);
    let mut mapper = StreamMapper::default();
    let mut bytes = 0;
    let count = |bytes: &mut usize, chunk: &UiMessageChunk| *bytes += chunk.encoded_len();
    let start = StreamPart::TextStart {
        id,
        provider_metadata: None,
    };
    let bound = mapper.stream_bytes(&start);
    mapper
        .push(start, |chunk| count(&mut bytes, &chunk))
        .unwrap();
    mapper.fail("It broke.", |chunk| count(&mut bytes, &chunk));
    assert!(bytes <= bound + 512, "{bytes} bytes, the bound is {bound}");
}

use json::JsonText;
use message::{FinishReason, Source, SourceKind, StreamPart, UnifiedFinishReason, Usage};
use serde_json::{Value, json};

use super::{OutOfOrder, StreamMapper};
use crate::fixture::{Scenario, scenarios};
use crate::{MessageAssembler, UiMessageChunk};

mod any_order;
mod size;

/// The chunks that this implementation sends where the original ends without an end chunk.
const BROKEN: [(&str, &str); 3] = [
    ("error", "It broke."),
    ("finish-step", ""),
    ("finish", "error"),
];

#[test]
fn chunks_equal_those_of_the_original() {
    for scenario in scenarios()
        .iter()
        .filter(|scenario| scenario.differs.is_none() && !scenario.torn)
    {
        assert_eq!(
            scenario.actual_outcome().chunks,
            scenario.original_outcome().chunks,
            "{}",
            scenario.name
        );
    }
}

#[test]
fn where_the_original_is_cut_open_blocks_are_closed_and_an_error_is_sent() {
    for scenario in scenarios()
        .iter()
        .filter(|scenario| scenario.differs.is_none() && scenario.torn)
    {
        let (ours, theirs) = (
            scenario.actual_outcome().chunks,
            scenario.original_outcome().chunks,
        );
        let (same, rest) = ours.split_at(theirs.len());
        assert_eq!(same, theirs, "{}", scenario.name);

        let (ends, broken) = rest.split_at(rest.len() - BROKEN.len());
        let closed = ends.iter().map(|chunk| {
            (
                chunk["type"].as_str().unwrap().replace("-end", "-start"),
                &chunk["id"],
            )
        });
        for (start, id) in closed.clone() {
            assert!(
                same.iter()
                    .any(|chunk| chunk["type"] == *start && chunk["id"] == *id),
                "{}",
                scenario.name
            );
        }
        assert_eq!(closed.count(), open_blocks(same), "{}", scenario.name);
        for (chunk, (kind, text)) in broken.iter().zip(BROKEN) {
            assert_eq!(chunk["type"], kind, "{}", scenario.name);
            let text_field = chunk
                .get("errorText")
                .or(chunk.get("finishReason"))
                .and_then(Value::as_str);
            assert_eq!(text_field.unwrap_or_default(), text, "{}", scenario.name);
        }
    }
}

fn open_blocks(chunks: &[Value]) -> usize {
    let count = |suffix| {
        let kinds = [format!("text-{suffix}"), format!("reasoning-{suffix}")];
        chunks
            .iter()
            .filter(|chunk| kinds.iter().any(|kind| chunk["type"] == **kind))
            .count()
    };
    count("start") - count("end")
}

#[test]
fn deliberate_differences_still_exist() {
    let scenarios = scenarios();
    let different: Vec<&Scenario> = scenarios
        .iter()
        .filter(|scenario| scenario.differs.is_some())
        .collect();
    for scenario in &different {
        let (mut ours, theirs) = (scenario.actual_outcome(), scenario.original_outcome());
        assert_ne!(ours, theirs, "{}", scenario.name);
        if scenario.differs.as_deref() == Some("the error text helps") {
            for chunk in ours
                .chunks
                .iter_mut()
                .filter(|chunk| chunk["type"] == "error")
            {
                chunk["errorText"] = json!("An error occurred.");
            }
            assert_eq!(ours, theirs, "{}", scenario.name);
        }
    }
    let described = different.iter().map(|scenario| {
        let (reason, ours) = (
            scenario.differs.as_deref().unwrap_or_default(),
            scenario.actual_outcome(),
        );
        let lines = ours
            .chunks
            .iter()
            .chain(&ours.message)
            .map(|value| format!("  {value}\n"));
        format!("{}: {reason}\n{}", scenario.name, lines.collect::<String>())
    });
    insta::assert_snapshot!(described.collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_fixture_tests_every_kind_of_part() {
    let kinds = [
        "stream-start",
        "response-metadata",
        "ping",
        "text-start",
        "text-delta",
        "text-end",
        "reasoning-start",
        "reasoning-delta",
        "reasoning-end",
        "source",
        "file",
        "reasoning-file",
        "custom",
        "tool-input-start",
        "tool-input-delta",
        "tool-input-end",
        "tool-call",
        "tool-result",
        "tool-approval-request",
        "error",
        "finish",
    ];
    let scenarios = scenarios();
    for kind in kinds {
        let tag = format!("\"type\":\"{kind}\"");
        let tried = scenarios
            .iter()
            .filter(|scenario| scenario.parts.iter().any(|part| part.get().contains(&tag)));
        assert!(tried.count() >= 2, "{kind}");
    }
}

fn finish(unified: UnifiedFinishReason, total: u64) -> StreamPart {
    let mut usage = Usage::default();
    usage.output.total = Some(total);
    let finish_reason = FinishReason {
        unified,
        raw: Some("end_turn".to_owned()),
    };
    StreamPart::Finish {
        finish_reason,
        usage: Some(usage),
        provider_metadata: None,
    }
}

fn error() -> StreamPart {
    StreamPart::Error {
        error: json::RawJson::null(),
    }
}

#[test]
fn an_error_after_the_finish_changes_the_reason_and_keeps_the_usage() {
    let mut mapper = StreamMapper::default();
    for part in [finish(UnifiedFinishReason::Stop, 7), error()] {
        mapper.push(part, |_| {}).unwrap();
    }
    assert_eq!(mapper.finish_reason(), UnifiedFinishReason::Error);
    assert_eq!(mapper.usage().and_then(|usage| usage.output.total), Some(7));
    assert!(mapper.has_failed() && mapper.ended_in_error());
}

#[test]
fn the_last_of_two_finish_parts_counts() {
    let mut mapper = StreamMapper::default();
    for part in [
        finish(UnifiedFinishReason::Length, 1),
        error(),
        finish(UnifiedFinishReason::Stop, 2),
    ] {
        mapper.push(part, |_| {}).unwrap();
    }
    assert_eq!(mapper.finish_reason(), UnifiedFinishReason::Stop);
    assert_eq!(mapper.raw_finish_reason(), Some("end_turn"));
    assert!(mapper.has_failed() && !mapper.ended_in_error());
    assert_eq!(mapper.usage().and_then(|usage| usage.output.total), Some(2));
}

#[test]
fn without_a_finish_part_nothing_is_reported() {
    let mapper = StreamMapper::default();
    assert_eq!(mapper.finish_reason(), UnifiedFinishReason::Other);
    assert_eq!(
        (
            mapper.usage(),
            mapper.raw_finish_reason(),
            mapper.provider_metadata()
        ),
        (None, None, None)
    );
    assert_eq!(mapper.reported_finish_reason(), None);
    assert!(!mapper.has_failed() && !mapper.ended_in_error());
}

#[test]
fn a_call_that_fails_before_its_first_part_is_only_an_error() {
    let mut chunks = Vec::new();
    StreamMapper::default().fail("No answer came.", |chunk| chunks.push(chunk));
    assert_eq!(
        chunks,
        [UiMessageChunk::Error {
            error_text: "No answer came.".to_owned()
        }]
    );
}

#[test]
fn a_part_out_of_order_is_named() {
    let part = StreamPart::TextDelta {
        id: "0".to_owned(),
        delta: "a".into(),
        provider_metadata: None,
    };
    let mut chunks = Vec::new();
    let refused = StreamMapper::default().push(part, |chunk| chunks.push(chunk));
    assert_eq!(refused, Err(OutOfOrder { part: "text-delta" }));
    assert_eq!(chunks, [UiMessageChunk::StartStep]);
}

#[test]
fn the_anthropic_start_part_begins_the_step_and_is_dropped() {
    let (mut mapper, mut chunks) = (StreamMapper::default(), Vec::new());
    for kind in ["anthropic.message_start", "anthropic.compaction"] {
        let part = StreamPart::Custom {
            kind: kind.to_owned(),
            provider_metadata: None,
        };
        mapper.push(part, |chunk| chunks.push(chunk)).unwrap();
    }
    let kept = UiMessageChunk::Custom {
        kind: "anthropic.compaction".to_owned(),
        provider_metadata: None,
    };
    assert_eq!(chunks, [UiMessageChunk::StartStep, kept]);
}

/// Checks the chunks against those of the original with `sendSources`.
#[test]
fn sources_are_sent_in_place_and_stored_as_parts_if_enabled() {
    let metadata = serde_json::from_str(r#"{"a":{"age":null}}"#).unwrap();
    let sources = [
        (
            SourceKind::Url {
                url: "https://a.example".into(),
                title: Some("A".into()),
            },
            Some(metadata),
        ),
        (
            SourceKind::Url {
                url: "https://a.example".into(),
                title: None,
            },
            None,
        ),
        (
            SourceKind::Document {
                media_type: "a/b".into(),
                title: serde_json::from_str(r#""half \ud83d""#).unwrap(),
                filename: Some("f".into()),
            },
            None,
        ),
    ];
    let text = |delta: &str| StreamPart::TextDelta {
        id: "0".to_owned(),
        delta: delta.into(),
        provider_metadata: None,
    };
    let mut parts = vec![
        StreamPart::TextStart {
            id: "0".to_owned(),
            provider_metadata: None,
        },
        text("a"),
    ];
    parts.extend(sources.map(|(kind, provider_metadata)| StreamPart::Source {
        source: Some(Source {
            id: "s".into(),
            kind,
            provider_metadata,
        }),
    }));
    parts.extend([StreamPart::Source { source: None }, text("b")]);
    let sent = [
        r#"{"type":"source-url","sourceId":"s","url":"https://a.example","title":"A","providerMetadata":{"a":{"age":null}}}"#,
        r#"{"type":"source-url","sourceId":"s","url":"https://a.example"}"#,
        r#"{"type":"source-document","sourceId":"s","mediaType":"a/b","title":"half \ud83d","filename":"f"}"#,
    ];
    for (sends, expected) in [(true, &sent[..]), (false, &[])] {
        let (mut mapper, mut stream) = (StreamMapper::default().with_sources(sends), Vec::new());
        let mut assembler = MessageAssembler::default();
        for part in parts.clone() {
            mapper
                .push(part, |chunk| {
                    chunk.encode(&mut stream);
                    assembler.push(&chunk);
                })
                .unwrap();
        }
        let stream = String::from_utf8(stream).unwrap();
        let found = |line: &&str| line.contains(r#""type":"source-"#);
        let found: Vec<_> = stream.lines().filter(found).collect();
        assert_eq!(
            found,
            expected
                .iter()
                .map(|chunk| format!("data: {chunk}"))
                .collect::<Vec<_>>()
        );
        let parts: Vec<_> = assembler
            .parts()
            .iter()
            .map(|part| serde_json::to_string(part).unwrap())
            .collect();
        assert_eq!(
            parts[2..],
            *expected,
            "one text precedes all of them: {parts:?}"
        );
    }
}

#[test]
fn a_failed_result_is_written_as_in_javascript() {
    let result =
        serde_json::from_str("{\n  \"a b\": [1, \"x \\\" : y\"],\r\n\t\"c\": \"\\\\\" }").unwrap();
    let (id, dynamic) = ("c".to_owned(), Some(true));
    let call = StreamPart::ToolCall {
        tool_call_id: id.clone(),
        tool_name: "s".to_owned(),
        input: "{}".into(),
        provider_executed: dynamic,
        dynamic,
        provider_metadata: None,
    };
    let failure = StreamPart::ToolResult {
        tool_call_id: id,
        tool_name: "s".to_owned(),
        result,
        is_error: true,
        dynamic,
        provider_metadata: None,
    };
    let (mut mapper, mut chunks) = (StreamMapper::default(), Vec::new());
    for part in [call, failure] {
        mapper.push(part, |chunk| chunks.push(chunk)).unwrap();
    }
    let Some(UiMessageChunk::ToolOutputError { error_text, .. }) = chunks.pop() else {
        panic!("{chunks:?}")
    };
    assert_eq!(
        error_text,
        JsonText::new(r#"{"a b":[1,"x \" : y"],"c":"\\"}"#)
    );
}

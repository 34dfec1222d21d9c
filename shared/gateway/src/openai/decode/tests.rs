use std::fmt::Write;

use serde::Deserialize;

use super::*;
use crate::sse::SseDecoder;

const FIXTURES: [(&str, &str); 14] = [
    (
        "openai",
        include_str!("../../../fixtures/openai/openai.sse"),
    ),
    (
        "openai-tools",
        include_str!("../../../fixtures/openai/openai-tools.sse"),
    ),
    (
        "openai-refusal",
        include_str!("../../../fixtures/openai/openai-refusal.sse"),
    ),
    (
        "openrouter",
        include_str!("../../../fixtures/openai/openrouter.sse"),
    ),
    (
        "openrouter-details",
        include_str!("../../../fixtures/openai/openrouter-details.sse"),
    ),
    (
        "openrouter-error",
        include_str!("../../../fixtures/openai/openrouter-error.sse"),
    ),
    ("vllm", include_str!("../../../fixtures/openai/vllm.sse")),
    (
        "litellm",
        include_str!("../../../fixtures/openai/litellm.sse"),
    ),
    (
        "litellm-error",
        include_str!("../../../fixtures/openai/litellm-error.sse"),
    ),
    (
        "ollama",
        include_str!("../../../fixtures/openai/ollama.sse"),
    ),
    (
        "deepseek",
        include_str!("../../../fixtures/openai/deepseek.sse"),
    ),
    (
        "gemini",
        include_str!("../../../fixtures/openai/gemini.sse"),
    ),
    (
        "mistral",
        include_str!("../../../fixtures/openai/mistral.sse"),
    ),
    ("odd", include_str!("../../../fixtures/openai/odd.sse")),
];

/// Returns the parts of a stream, one a line, and how many events were skipped.
fn parts(wire: &str) -> String {
    let (mut sse, mut openai, mut parts) =
        (SseDecoder::default(), OpenAiDecoder::default(), Vec::new());
    let mut bytes = wire.as_bytes();
    while let Some(event) = sse.next_event(&mut bytes).unwrap() {
        openai.decode(event, &mut parts);
    }
    assert!(openai.can_finish());
    openai.finish(&mut parts);
    let mut lines = String::new();
    for part in parts {
        writeln!(lines, "{part:?}").unwrap();
    }
    writeln!(lines, "skipped: {}", openai.skipped()).unwrap();
    lines
}

#[test]
fn the_streams_of_many_servers_give_these_parts() {
    for (name, wire) in FIXTURES {
        insta::assert_snapshot!(name, parts(wire));
    }
}

/// The parts of the real package for these events. `differs` gives the reason for `ours`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    events: Vec<String>,
    parts: Vec<String>,
    ours: Option<Vec<String>>,
    differs: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    #[serde(rename = "source")]
    _source: String,
    cases: Vec<Case>,
}

#[test]
fn an_answer_is_read_as_the_openai_compatible_package_reads_it() {
    let fixture: Fixture =
        serde_json::from_str(include_str!("../../../fixtures/openai/answers.json")).unwrap();
    assert!(fixture.cases.len() > 100, "{} cases", fixture.cases.len());
    for Case {
        name,
        events,
        parts,
        ours,
        differs,
    } in fixture.cases
    {
        let read = read(&events);
        assert_eq!(
            read == parts,
            differs.is_none(),
            "{name}: {differs:?}, but got {read:?}, not {parts:?}"
        );
        assert_eq!(read, ours.unwrap_or(parts), "{name}");
    }
}

/// Returns the parts of `events` in short, up to the end of the stream. Ids that are not in
/// `events` are numbered.
fn read(events: &[String]) -> Vec<String> {
    let (mut decoder, mut parts) = (OpenAiDecoder::default(), Vec::new());
    for event in events {
        decoder.decode(event.as_bytes(), &mut parts);
    }
    let can_finish = decoder.can_finish();
    if can_finish {
        decoder.finish(&mut parts);
    }
    let wire = events.concat();
    let mut made: Vec<String> = Vec::new();
    let mut id = |id: &str| {
        if wire.contains(&format!("\"{id}\"")) {
            return id.to_owned();
        }
        let at = made
            .iter()
            .position(|known| known == id)
            .unwrap_or_else(|| {
                made.push(id.to_owned());
                made.len() - 1
            });
        format!("#{}", at + 1)
    };
    let mut lines: Vec<String> = parts.iter().map(|part| short(part, &mut id)).collect();
    lines.extend((!can_finish).then(|| "truncated".to_owned()));
    lines
}

fn short(part: &StreamPart, id: &mut impl FnMut(&str) -> String) -> String {
    match part {
        StreamPart::ResponseMetadata { .. } => "who".to_owned(),
        StreamPart::TextStart { .. } => "text {".to_owned(),
        StreamPart::TextDelta { delta, .. } => format!("text {delta:?}"),
        StreamPart::TextEnd { .. } => "text }".to_owned(),
        StreamPart::ReasoningStart { .. } => "reasoning {".to_owned(),
        StreamPart::ReasoningDelta { delta, .. } => format!("reasoning {delta:?}"),
        StreamPart::ReasoningEnd { .. } => "reasoning }".to_owned(),
        StreamPart::ToolInputStart { id: call, .. } => format!("input {} {{", id(call)),
        StreamPart::ToolInputDelta { id: call, delta } => format!("input {} {delta:?}", id(call)),
        StreamPart::ToolInputEnd { id: call } => format!("input {} }}", id(call)),
        StreamPart::ToolCall {
            tool_call_id,
            tool_name,
            input,
            provider_metadata,
            ..
        } => {
            let metadata = provider_metadata
                .as_ref()
                .map(|metadata| format!(" {metadata:?}"));
            format!(
                "call {} {tool_name} {input:?}{}",
                id(tool_call_id),
                metadata.unwrap_or_default()
            )
        }
        StreamPart::Error { .. } => "error".to_owned(),
        StreamPart::Finish { finish_reason, .. } => {
            let raw = finish_reason.raw.as_ref().map(|raw| format!(" {raw:?}"));
            format!(
                "finish {}{}",
                finish_reason.unified.as_str(),
                raw.unwrap_or_default()
            )
        }
        part => panic!("{part:?}"),
    }
}

#[test]
fn an_invalid_event_is_not_repeated_in_its_error() {
    for event in [
        "secret",
        "{\"choices\":[{\"delta\":{\"content\":\"secret",
        "{\"choices\":\"secret\"}",
    ] {
        let mut parts = Vec::new();
        OpenAiDecoder::default().decode(event.as_bytes(), &mut parts);
        assert!(matches!(parts[..], [StreamPart::Error { .. }]), "{parts:?}");
        assert!(!format!("{parts:?}").contains("secret"), "{parts:?}");
    }
}

#[test]
fn a_reported_error_is_carried_as_it_came() {
    let mut parts = Vec::new();
    OpenAiDecoder::default().decode(br#"{"error":{"message":"no", "code":1e3}}"#, &mut parts);
    let [StreamPart::Error { error }] = &parts[..] else {
        panic!("{parts:?}")
    };
    assert_eq!(error.get(), r#"{"message":"no", "code":1e3}"#);
}

#[test]
fn bytes_that_are_no_utf_8_become_the_replacement_character() {
    let mut parts = Vec::new();
    OpenAiDecoder::default().decode(
        b"{\"choices\":[{\"delta\":{\"content\":\"a\xff\xe2\x82\"}}]}",
        &mut parts,
    );
    let [_, StreamPart::TextDelta { delta, .. }] = &parts[..] else {
        panic!("{parts:?}")
    };
    assert_eq!(delta.to_text(), "a\u{fffd}\u{fffd}");
}

#[test]
fn calls_without_end_are_not_kept() {
    for (case, piece) in [
        (
            "named",
            r#"{"id":"c%","function":{"name":"f","arguments":"{}"}}"#,
        ),
        ("nameless", r#"{"index":%,"function":{"arguments":"{}"}}"#),
    ] {
        let (mut decoder, mut parts) = (OpenAiDecoder::default(), Vec::new());
        for number in 0..1100 {
            let piece = piece.replace('%', &number.to_string());
            decoder.decode(
                format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{piece}]}}}}]}}"#).as_bytes(),
                &mut parts,
            );
        }
        assert_eq!(decoder.skipped(), 100, "{case}");
    }
}

#[test]
fn lists_without_end_are_not_kept() {
    for (list, item) in [
        (r#"{"choices":[%]}"#, "{}"),
        (
            r#"{"choices":[{"delta":{"content":[%]}}]}"#,
            r#"{"type":"image"}"#,
        ),
        (r#"{"choices":[{"delta":{"tool_calls":[%]}}]}"#, "{}"),
    ] {
        let failed = |count| {
            let mut parts = Vec::new();
            OpenAiDecoder::default().decode(
                list.replace('%', &vec![item; count].join(",")).as_bytes(),
                &mut parts,
            );
            parts
                .iter()
                .any(|part| matches!(part, StreamPart::Error { .. }))
        };
        assert!(!failed(10_000), "{list}");
        assert!(failed(10_001), "{list}");
    }
}

#[test]
fn depth_is_no_danger() {
    let deep = 200_000;
    let (open, close) = ("[".repeat(deep), "]".repeat(deep));
    let mut parts = Vec::new();
    let mut decoder = OpenAiDecoder::default();
    let json = format!(
        r#"{{"choices":[{{"delta":{{"content":"a","x":{open}{close}}}}}],"y":{open}{close}}}"#
    );
    decoder.decode(json.as_bytes(), &mut parts);
    assert_eq!(parts.len(), 2, "{parts:?}");
}

use message::{AnswerMetadata, MessageId, PartState, UiPart, UnifiedFinishReason};
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{ReplayEnd, replay};
use crate::fixture::{scenarios, value};
use crate::generated::{PART_KINDS, part};
use crate::{MessageAssembler, StreamMapper, UiMessageChunk};

fn metadata() -> AnswerMetadata {
    let finish_reason = Some(UnifiedFinishReason::Length);
    AnswerMetadata {
        finish_reason,
        aborted: Some(false),
        ..AnswerMetadata::at_start("acme/large", 5)
    }
}

fn chunks(given: &[UiPart], parts: &[UiPart], end: ReplayEnd<'_>) -> Vec<UiMessageChunk> {
    let (message, mut chunks) = (MessageId::parse("a1").unwrap(), Vec::new());
    replay(given, &message, parts, &metadata(), end, |chunk| {
        chunks.push(chunk);
    });
    chunks
}

/// Returns the parts that a client that has `given` builds from the replay of `parts`.
fn rebuild(given: &[UiPart], parts: &[UiPart]) -> Vec<UiPart> {
    let mut assembler = MessageAssembler::from_parts(given.to_vec());
    chunks(given, parts, ReplayEnd::Finished)
        .iter()
        .for_each(|chunk| assembler.push(chunk));
    assembler.close_open_inputs();
    assembler.parts().to_vec()
}

fn json(parts: &[UiPart]) -> Vec<Value> {
    parts
        .iter()
        .map(|part| value(&serde_json::to_string(part).unwrap()))
        .collect()
}

fn parse(json: &str) -> UiPart {
    UiPart::parse(
        &serde_json::from_str::<Box<RawValue>>(json).unwrap(),
        "part",
    )
    .unwrap()
}

#[test]
fn every_recorded_message_is_rebuilt() {
    for scenario in scenarios() {
        let (given, theirs) = (scenario.parts_before(), scenario.original_outcome().message);
        assert_eq!(
            json(&rebuild(&given, &scenario.original_parts())),
            theirs,
            "{}",
            scenario.name
        );
        let (_, ours) = scenario.run();
        assert_eq!(rebuild(&given, &ours), ours, "{}: ours", scenario.name);
    }
}

#[test]
fn a_client_without_the_message_gets_all_that_chunks_can_carry() {
    for scenario in scenarios() {
        let mut theirs = scenario.original_outcome().message;
        for part in theirs.iter_mut().filter_map(|part| part.as_object_mut()) {
            part.retain(|key, _| key != "title" && key != "preliminary");
            part.get_mut("approval")
                .and_then(Value::as_object_mut)
                .map(|asked| asked.remove("approved"));
        }
        assert_eq!(
            json(&rebuild(&[], &scenario.original_parts())),
            theirs,
            "{}",
            scenario.name
        );
    }
}

#[test]
fn parts_that_only_a_client_can_make_are_replayed_as_far_as_possible() {
    for (name, stored, expected) in [
        (
            "no state",
            r#"{"type":"text","text":"a"}"#,
            Some(r#"{"type":"text","text":"a","state":"done"}"#),
        ),
        (
            "no id",
            r#"{"type":"reasoning","text":"","state":"streaming"}"#,
            Some(r#"{"type":"reasoning","id":"0","text":"","state":"streaming"}"#),
        ),
        (
            "a named file without a media type",
            r#"{"type":"file","url":"https://a.example/b","filename":"b"}"#,
            Some(
                r#"{"type":"file","mediaType":"application/octet-stream","url":"https://a.example/b"}"#,
            ),
        ),
        (
            "a steering message",
            r#"{"type":"steering-message","id":"s","parts":[]}"#,
            None,
        ),
        ("an unknown type", r#"{"type":"hologram","x":1}"#, None),
        (
            "data",
            r#"{"type":"data-x","data":"\ud800"}"#,
            Some(r#"{"type":"data-x","data":"\ud800"}"#),
        ),
        (
            "a source",
            r#"{"type":"source-url","sourceId":"s","url":"https://a.example/"}"#,
            Some(r#"{"type":"source-url","sourceId":"s","url":"https://a.example/"}"#),
        ),
        (
            "an approval that was given",
            r#"{"type":"dynamic-tool","toolName":"s","toolCallId":"c","state":"approval-responded","input":{},"approval":{"id":"a","approved":true}}"#,
            Some(
                r#"{"type":"dynamic-tool","toolName":"s","toolCallId":"c","state":"approval-requested","input":{},"approval":{"id":"a"}}"#,
            ),
        ),
        (
            "an approval that was denied",
            r#"{"type":"tool-s","toolCallId":"c","state":"output-denied","input":{},"approval":{"id":"a","approved":false}}"#,
            Some(
                r#"{"type":"tool-s","toolCallId":"c","state":"output-denied","input":{},"approval":{"id":"a"}}"#,
            ),
        ),
        (
            "the output of a tool of the page",
            r#"{"type":"tool-s","toolCallId":"c","state":"output-available","title":"T","input":{"a":[1.0]},"output":2}"#,
            Some(
                r#"{"type":"tool-s","toolCallId":"c","state":"output-available","input":{"a":[1.0]},"output":2}"#,
            ),
        ),
    ] {
        let expected: Vec<UiPart> = expected.map(parse).into_iter().collect();
        assert_eq!(rebuild(&[], &[parse(stored)]), expected, "{name}");
    }
}

#[test]
fn a_client_tool_that_has_run_is_not_called_again() {
    let ran = parse(
        r#"{"type":"tool-s","toolCallId":"c","state":"output-available","input":{"a":1},"output":2}"#,
    );
    let chunks = chunks(&[], &[ran], ReplayEnd::Finished);
    assert!(
        !chunks
            .iter()
            .any(|chunk| matches!(chunk, UiMessageChunk::ToolInputAvailable { .. })),
        "{chunks:?}"
    );
}

/// Clients of `ai` 5 search for the call among those of the kind that its result names.
#[test]
fn the_result_of_a_dynamic_call_is_marked_as_dynamic() {
    for (kind, dynamic) in [
        (r#""dynamic-tool","toolName":"s""#, Some(true)),
        (r#""tool-s""#, None),
    ] {
        for outcome in [
            r#""output-available","output":1"#,
            r#""output-error","errorText":"no""#,
        ] {
            let json = format!(
                r#"{{"type":{kind},"toolCallId":"c","state":{outcome},"providerExecuted":true}}"#
            );
            let chunks = chunks(&[], &[parse(&json)], ReplayEnd::Finished);
            let sent: Vec<Option<bool>> = chunks
                .iter()
                .filter_map(|chunk| match chunk {
                    UiMessageChunk::ToolOutputAvailable { dynamic, .. }
                    | UiMessageChunk::ToolOutputError { dynamic, .. } => Some(*dynamic),
                    _ => None,
                })
                .collect();
            assert_eq!(sent, [dynamic], "{json}");
        }
    }
}

#[test]
fn a_replay_ends_like_the_stream() {
    let text = parse(r#"{"type":"text","text":"a","state":"done"}"#);
    let steps = [UiPart::StepStart, text.clone(), UiPart::StepStart, text];
    let kinds = |parts: &[UiPart], end| {
        let chunks = chunks(&[], parts, end);
        let kind = |chunk| {
            serde_json::to_value(chunk).unwrap()["type"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        chunks
            .iter()
            .map(kind)
            .filter(|kind| !kind.starts_with("text-"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let step = "start start-step finish-step start-step";
    for (name, parts, end, expected) in [
        (
            "finished",
            &steps[..],
            ReplayEnd::Finished,
            format!("{step} finish-step finish"),
        ),
        (
            "failed",
            &steps,
            ReplayEnd::Failed("It broke."),
            format!("{step} message-metadata error finish-step finish"),
        ),
        (
            "aborted",
            &steps,
            ReplayEnd::Aborted,
            format!("{step} message-metadata abort"),
        ),
        (
            "finished, no content",
            &[],
            ReplayEnd::Finished,
            "start finish".to_owned(),
        ),
        (
            "failed, no content",
            &[],
            ReplayEnd::Failed("No."),
            "start message-metadata error".to_owned(),
        ),
        (
            "aborted, no content",
            &[],
            ReplayEnd::Aborted,
            "start message-metadata abort".to_owned(),
        ),
    ] {
        assert_eq!(kinds(parts, end), expected, "{name}");
    }
}

#[test]
fn the_client_gets_the_metadata_of_the_answer() {
    let (message, mut chunks) = (MessageId::parse("a1").unwrap(), Vec::new());
    replay(
        &[],
        &message,
        &[],
        &metadata(),
        ReplayEnd::Finished,
        |chunk| {
            chunks.push(chunk);
        },
    );
    let at_start = AnswerMetadata::at_start("acme/large", 5);
    assert_eq!(
        chunks,
        [
            UiMessageChunk::Start {
                message_id: "a1".to_owned(),
                message_metadata: Some(Box::new(at_start))
            },
            UiMessageChunk::Finish {
                finish_reason: UnifiedFinishReason::Length,
                message_metadata: Some(Box::new(metadata())),
            },
        ]
    );
}

#[test]
fn an_interrupted_answer_ends_with_its_complete_metadata() {
    for end in [ReplayEnd::Failed("It broke."), ReplayEnd::Aborted] {
        let known = UiMessageChunk::MessageMetadata {
            message_metadata: Box::new(metadata()),
        };
        assert_eq!(chunks(&[], &[UiPart::StepStart], end)[2], known, "{end:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn every_generated_answer_is_rebuilt(
        given in prop::collection::vec((0..PART_KINDS, 0..4_u8, any::<u8>()), 0..30),
        numbers in prop::collection::vec((0..PART_KINDS, 0..4_u8, any::<u8>()), 0..60),
    ) {
        let given = answer(Vec::new(), &given);
        prop_assert_eq!(rebuild(&[], &given), &*given);
        let parts = answer(given.clone(), &numbers);
        prop_assert_eq!(rebuild(&given, &parts), &*parts, "on top of {:?}", given);
    }
}

/// Returns the answer that continues `given` with these parts of a model.
fn answer(given: Vec<UiPart>, numbers: &[(u8, u8, u8)]) -> Vec<UiPart> {
    let known: Vec<String> = given
        .iter()
        .filter_map(|part| match part {
            UiPart::Tool(tool) => Some(tool.tool_call_id.clone()),
            _ => None,
        })
        .collect();
    let (mut mapper, mut assembler) = (
        StreamMapper::with_known_calls(known),
        MessageAssembler::from_parts(given),
    );
    for &(kind, id, bits) in numbers {
        // A part that the mapper rejects has no effect.
        let _ = mapper.push(part(kind, id, bits), |chunk| assembler.push(&chunk));
    }
    assembler.close_open_inputs();
    assembler.parts().to_vec()
}

#[test]
fn an_open_block_is_closed_when_the_answer_is_interrupted() {
    let mut assembler = MessageAssembler::from_parts(vec![parse(
        r#"{"type":"text","text":"a","state":"streaming"}"#,
    )]);
    for chunk in [
        UiMessageChunk::TextStart {
            id: "0".to_owned(),
            provider_metadata: None,
        },
        UiMessageChunk::ReasoningStart {
            id: "0".to_owned(),
            provider_metadata: None,
        },
    ] {
        assembler.push(&chunk);
    }
    assembler.close_open_blocks();
    let states: Vec<Option<PartState>> = assembler
        .parts()
        .iter()
        .map(|part| match part {
            UiPart::Text { state, .. } | UiPart::Reasoning { state, .. } => *state,
            _ => None,
        })
        .collect();
    let (open, closed) = (Some(PartState::Streaming), Some(PartState::Done));
    assert_eq!(states, [open, closed, closed], "given parts stay unchanged");
}

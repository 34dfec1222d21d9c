use json::RawJson;
use message::{PartState, UiPart};

use super::MessageAssembler;
use crate::UiMessageChunk;
use crate::fixture::{Outcome, scenarios};

#[test]
fn the_message_equals_that_of_the_original() {
    for scenario in scenarios()
        .iter()
        .filter(|scenario| scenario.differs.is_none() && !scenario.torn)
    {
        assert_eq!(
            scenario.actual_outcome().message,
            scenario.original_outcome().message,
            "{}",
            scenario.name
        );
    }
}

#[test]
fn where_the_original_is_cut_all_received_content_is_kept() {
    for scenario in scenarios()
        .iter()
        .filter(|scenario| scenario.differs.is_none() && scenario.torn)
    {
        let Outcome { mut message, .. } = scenario.original_outcome();
        for part in message
            .iter_mut()
            .filter(|part| part["state"] == "streaming")
        {
            part["state"] = "done".into();
        }
        assert_eq!(
            scenario.actual_outcome().message,
            message,
            "{}",
            scenario.name
        );
    }
}

fn text_chunks(deltas: &[&str]) -> Vec<UiMessageChunk> {
    let id = "0".to_owned();
    let start = UiMessageChunk::TextStart {
        id: id.clone(),
        provider_metadata: None,
    };
    let deltas = deltas.iter().map(|delta| UiMessageChunk::TextDelta {
        id: id.clone(),
        delta: serde_json::from_str(&format!("\"{delta}\"")).unwrap(),
        provider_metadata: None,
    });
    std::iter::once(start).chain(deltas).collect()
}

#[test]
fn halves_of_a_surrogate_pair_become_one_character() {
    let mut assembler = MessageAssembler::default();
    text_chunks(&["split \\ud83d", "\\ude00 ok"])
        .iter()
        .for_each(|chunk| assembler.push(chunk));
    let [UiPart::Text { text, state, .. }] = assembler.parts() else {
        panic!("{:?}", assembler.parts())
    };
    assert_eq!(text.to_text(), "split 😀 ok");
    assert_eq!(*state, Some(PartState::Streaming));
}

#[test]
fn a_message_is_empty_until_the_model_produces_content() {
    let mut assembler = MessageAssembler::default();
    assert!(assembler.is_empty());
    assembler.push(&UiMessageChunk::StartStep);
    assert!(assembler.is_empty());
    assembler.push(&UiMessageChunk::TextStart {
        id: "begun".to_owned(),
        provider_metadata: None,
    });
    assert!(assembler.is_empty(), "a block that has only begun");
    text_chunks(&["a"])
        .iter()
        .for_each(|chunk| assembler.push(chunk));
    assert!(!assembler.is_empty());
}

#[test]
fn a_stray_chunk_has_no_effect() {
    let mut assembler = MessageAssembler::default();
    let id = || "ghost".to_owned();
    for chunk in [
        UiMessageChunk::TextDelta {
            id: id(),
            delta: "a".into(),
            provider_metadata: None,
        },
        UiMessageChunk::TextEnd {
            id: id(),
            citations: None,
            provider_metadata: None,
        },
        UiMessageChunk::ReasoningDelta {
            id: id(),
            delta: "a".into(),
            provider_metadata: None,
        },
        UiMessageChunk::ReasoningEnd {
            id: id(),
            provider_metadata: None,
        },
        UiMessageChunk::ToolInputDelta {
            tool_call_id: id(),
            input_text_delta: "a".into(),
        },
        UiMessageChunk::ToolOutputDenied { tool_call_id: id() },
        UiMessageChunk::ToolApprovalRequest {
            approval_id: id(),
            tool_call_id: id(),
        },
        UiMessageChunk::Error { error_text: id() },
    ] {
        assembler.push(&chunk);
    }
    assert_eq!(assembler.parts(), []);
}

#[test]
fn deltas_after_a_call_restore_the_name_from_the_start_of_its_input() {
    for dynamic in [false, true] {
        let (id, mut assembler) = (|| "c".to_owned(), MessageAssembler::default());
        for chunk in [
            UiMessageChunk::ToolInputStart {
                tool_call_id: id(),
                tool_name: "search".to_owned(),
                provider_executed: None,
                provider_metadata: None,
                dynamic,
            },
            UiMessageChunk::ToolInputError {
                tool_call_id: id(),
                tool_name: "fetch".to_owned(),
                input: RawJson::null(),
                provider_executed: None,
                provider_metadata: None,
                dynamic: true,
                error_text: "no".into(),
            },
        ] {
            assembler.push(&chunk);
        }
        assert_eq!(names(&assembler), ["fetch"], "dynamic: {dynamic}");

        assembler.push(&UiMessageChunk::ToolInputDelta {
            tool_call_id: id(),
            input_text_delta: "{".into(),
        });
        assert_eq!(names(&assembler), ["search"], "dynamic: {dynamic}");
    }
}

fn names(assembler: &MessageAssembler) -> Vec<&str> {
    let tools = assembler.parts().iter().filter_map(|part| match part {
        UiPart::Tool(tool) => Some(tool),
        _ => None,
    });
    tools
        .map(|tool| {
            tool.tool_name
                .as_deref()
                .unwrap_or(&tool.kind["tool-".len()..])
        })
        .collect()
}

//! The chunks that the function sends on its own account, whatever the model sends: no client
//! refuses any of them.

use acceptance::aws::Function;
use acceptance::client::ai_sdk::{Readers, Version};
use acceptance::client::requests::{post_request, turn_request};
use acceptance::gateway::Step;
use acceptance::gateway::responses::{self, delta, finish, opening_parts, stream};
use acceptance::http_client::fetch;
use acceptance::world::World;
use anyhow::{Context, Result, ensure};
use message::{
    AnswerMetadata, InputTokenDetails, OutputTokenDetails, TokenUsage, UnifiedFinishReason,
};
use serde_json::{Value, json};
use ui_stream::{DONE, PING, UiMessageChunk};

use super::is_unknown;

const REASONS: [UnifiedFinishReason; 6] = [
    UnifiedFinishReason::Stop,
    UnifiedFinishReason::Length,
    UnifiedFinishReason::ContentFilter,
    UnifiedFinishReason::ToolCalls,
    UnifiedFinishReason::Error,
    UnifiedFinishReason::Other,
];

#[tokio::test]
async fn every_chunk_of_the_functions_own_is_accepted_by_every_client() -> Result<()> {
    let Some(mut readers) = Readers::start()? else {
        return Ok(());
    };
    for chunk in own_chunks() {
        let mut stream = PING.to_vec();
        chunk.encode(&mut stream);
        stream.extend_from_slice(DONE);
        ensure_accepted(&mut readers, &stream, &format!("{chunk:?}")).await?;
    }
    Ok(())
}

/// Returns each kind, once bare and once with all fields that it can carry.
fn own_chunks() -> Vec<UiMessageChunk> {
    let id = || "0".to_owned();
    let mut chunks = vec![
        UiMessageChunk::Start {
            message_id: id(),
            message_metadata: None,
        },
        UiMessageChunk::StartStep,
        UiMessageChunk::TextEnd {
            id: id(),
            citations: None,
            provider_metadata: None,
        },
        UiMessageChunk::ReasoningEnd {
            id: id(),
            provider_metadata: None,
        },
        UiMessageChunk::ToolOutputDenied { tool_call_id: id() },
        UiMessageChunk::Error {
            error_text: "The answer was cut off.".to_owned(),
        },
        UiMessageChunk::FinishStep,
        UiMessageChunk::Abort,
    ];
    for metadata in [
        AnswerMetadata::at_start("openai/gpt-4o", 1),
        full_metadata(),
    ] {
        let metadata = Box::new(metadata);
        chunks.push(UiMessageChunk::Start {
            message_id: id(),
            message_metadata: Some(metadata.clone()),
        });
        chunks.push(UiMessageChunk::MessageMetadata {
            message_metadata: metadata.clone(),
        });
        for finish_reason in REASONS {
            chunks.push(UiMessageChunk::Finish {
                finish_reason,
                message_metadata: Some(metadata.clone()),
            });
        }
    }
    chunks
}

fn full_metadata() -> AnswerMetadata {
    let input_token_details = InputTokenDetails {
        no_cache_tokens: Some(1),
        cache_read_tokens: Some(2),
        cache_write_tokens: Some(3),
    };
    AnswerMetadata {
        usage: Some(TokenUsage {
            input_tokens: Some(6),
            input_token_details,
            output_tokens: Some(9),
            output_token_details: OutputTokenDetails {
                text_tokens: Some(4),
                reasoning_tokens: Some(5),
            },
            total_tokens: Some(u64::MAX),
        }),
        finish_reason: Some(UnifiedFinishReason::Stop),
        raw_finish_reason: Some("end_turn".to_owned()),
        latency_ms: Some(0),
        ttft_ms: Some(0),
        aborted: Some(true),
        error: Some("gateway_cut".to_owned()),
        ..AnswerMetadata::at_start("openai/gpt-4o", u64::MAX)
    }
}

/// Returns whether the function sends such a chunk without a part of the model. A new kind has to
/// be judged here and, if it is one, to be added to [`own_chunks`].
fn is_own(chunk: &UiMessageChunk) -> bool {
    match chunk {
        UiMessageChunk::Start { .. }
        | UiMessageChunk::MessageMetadata { .. }
        | UiMessageChunk::StartStep
        | UiMessageChunk::TextEnd { .. }
        | UiMessageChunk::ReasoningEnd { .. }
        | UiMessageChunk::ToolOutputDenied { .. }
        | UiMessageChunk::Error { .. }
        | UiMessageChunk::FinishStep
        | UiMessageChunk::Finish { .. }
        | UiMessageChunk::Abort => true,
        UiMessageChunk::TextStart { .. }
        | UiMessageChunk::TextDelta { .. }
        | UiMessageChunk::ReasoningStart { .. }
        | UiMessageChunk::ReasoningDelta { .. }
        | UiMessageChunk::File { .. }
        | UiMessageChunk::ReasoningFile { .. }
        | UiMessageChunk::Custom { .. }
        | UiMessageChunk::ToolInputStart { .. }
        | UiMessageChunk::ToolInputDelta { .. }
        | UiMessageChunk::ToolInputAvailable { .. }
        | UiMessageChunk::ToolInputError { .. }
        | UiMessageChunk::ToolApprovalRequest { .. }
        | UiMessageChunk::ToolOutputAvailable { .. }
        | UiMessageChunk::ToolOutputError { .. }
        | UiMessageChunk::Part(_) => false,
    }
}

#[test]
fn the_list_of_own_chunks_holds_only_own_chunks() {
    for chunk in own_chunks() {
        assert!(is_own(&chunk), "{chunk:?}");
    }
}

#[tokio::test]
async fn every_end_of_an_answer_is_readable_for_every_client() -> Result<()> {
    let world = World::new().await?;
    let Some(mut readers) = Readers::start()? else {
        return Ok(());
    };
    let function =
        Function::start_plain(&world.variables_with(&[("IDLE_TIMEOUT_MS", "500")])).await?;
    let alice = world.sign_in("alice").await?;
    let thinking = json!({"type": "reasoning-start", "id": "r0"});
    let begun = [opening_parts(), vec![delta("Sweet "), thinking]].concat();
    let error = json!({"type": "error", "error": "secret"});
    let kinds = [
        "message-metadata",
        "text-end",
        "reasoning-end",
        "error",
        "finish-step",
        "finish",
    ];
    for (name, steps, expected) in [
        ("complete", responses::good(), &kinds[4..]),
        (
            "refused",
            responses::error(400, "invalid_request_error"),
            &["message-metadata", "error"][..],
        ),
        (
            "no content",
            stream(&[], Step::End),
            &["message-metadata", "error"],
        ),
        ("cut", stream(&begun, Step::Cut), &kinds),
        ("ended in mid-text", stream(&begun, Step::End), &kinds),
        ("silent", stream(&begun, Step::Hold), &kinds),
        (
            "broken",
            [
                stream(&begun, Step::Send("data: {\n\n".into())),
                vec![Step::End],
            ]
            .concat(),
            &kinds,
        ),
        (
            "out of order",
            stream(&[begun.clone(), vec![stray_delta()]].concat(), Step::End),
            &kinds,
        ),
        (
            "error of the model",
            stream(&[begun.clone(), vec![error, finish()]].concat(), Step::End),
            &kinds[3..],
        ),
    ] {
        world.gateway.next(steps);
        let answer = fetch(turn_request(
            &function,
            &alice,
            &name.replace(' ', "-"),
            "m1",
        )?)
        .await?
        .bytes()
        .await?;
        ensure_accepted(&mut readers, &answer, name).await?;
        ensure_contains(&answer, name, &["start"])?;
        ensure_contains(&answer, name, expected)?;
    }
    let answer = fetch(post_request(
        &function,
        &alice,
        denial_request().to_string(),
    )?)
    .await?
    .bytes()
    .await?;
    ensure_accepted(&mut readers, &answer, "denial").await?;
    ensure_contains(&answer, "denial", &["tool-output-denied"])?;
    function.stop().await
}

/// Returns a delta of a text that never began.
fn stray_delta() -> Value {
    json!({"type": "text-delta", "id": "never-started", "delta": "x"})
}

/// Returns the request of a client whose user has just denied a tool.
fn denial_request() -> Value {
    let approval = json!({"id": "apr", "approved": false});
    let pay = json!({"type": "dynamic-tool", "toolName": "pay", "toolCallId": "c1", "state": "approval-responded",
                     "input": {}, "approval": approval});
    json!({"threadId": "denial", "messages": [
        {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Pay"}]},
        {"id": "m2", "role": "assistant", "parts": [{"type": "step-start"}, pay]},
    ]})
}

fn ensure_contains(answer: &[u8], name: &str, kinds: &[&str]) -> Result<()> {
    let answer = std::str::from_utf8(answer)?;
    for kind in kinds {
        ensure!(
            answer.contains(&format!("data: {{\"type\":\"{kind}\"")),
            "{name}: no {kind} in\n{answer}"
        );
    }
    Ok(())
}

/// Checks that every version's schema accepts every chunk. A chunk that cannot come before a client
/// has asked for it may be unknown to those that cannot ask.
async fn ensure_accepted(readers: &mut Readers, stream: &[u8], name: &str) -> Result<()> {
    for (version, read) in readers.read(stream, None).await? {
        let known = |kind: &str| version == Version::Seven || !is_unknown(kind, version);
        let refused = read
            .refused
            .iter()
            .find(|refused| refused.r#type.as_deref().is_none_or(known));
        ensure!(refused.is_none(), "{name}: {version:?} refuses {refused:?}");
    }
    std::str::from_utf8(stream).map(drop).context("UTF-8")
}

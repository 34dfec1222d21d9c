//! Tool calls, and the chunks that only newer clients know.

use acceptance::client::ai_sdk::{ChatAction, ChatState, Version};
use acceptance::gateway::responses;
use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::super::is_unknown;
use super::Outcome;
use super::setup::{ClientSetup, SCHEMA_ERROR, ensure_answered, ensure_part, has_fields};

const NO_SUCH_TOOL: &str = "AI_NoSuchToolError: Model tried to call unavailable tool 'getWeather'. No tools are available.";

/// Plays a call of a tool that the function does not have.
pub(super) async fn unknown(setup: &mut ClientSetup) -> Result<Outcome> {
    setup.plan_answer(&[
        json!({"type": "stream-start", "warnings": []}),
        json!({"type": "tool-input-start", "id": "c1", "toolName": "getWeather"}),
        json!({"type": "tool-input-delta", "id": "c1", "delta": "{\"city\":\"Paris\"}"}),
        json!({"type": "tool-input-end", "id": "c1"}),
        json!({"type": "tool-call", "toolCallId": "c1", "toolName": "getWeather", "input": "{\"city\":\"Paris\"}"}),
        responses::finish(),
    ]);
    let state = setup.send("unknown", "Weather?").await?;
    ensure_part(
        &state,
        &json!({"toolCallId": "c1", "state": "output-error", "errorText": NO_SUCH_TOOL}),
    )?;
    setup.send("unknown", "And now?").await?;
    let prompt = setup.last_prompt()?;
    let call = json!({"type": "tool-call", "toolCallId": "c1", "toolName": "getWeather"});
    let output = json!({"type": "error-text", "value": NO_SUCH_TOOL});
    let result = json!({"type": "tool-result", "toolCallId": "c1", "output": output});
    ensure!(
        has_fields(&prompt[1]["content"][0], &call)
            && has_fields(&prompt[2]["content"][0], &result),
        "{prompt}"
    );
    Ok(Outcome::Works)
}

/// Plays a tool that the provider runs itself.
pub(super) async fn provider_tool(setup: &mut ClientSetup) -> Result<Outcome> {
    let mut parts = responses::parts(&["So."]);
    let start = json!({"type": "tool-input-start", "id": "s1", "toolName": "search", "providerExecuted": true, "dynamic": true});
    let search = [
        start,
        json!({"type": "tool-input-delta", "id": "s1", "delta": "{\"q\":1}"}),
        json!({"type": "tool-input-end", "id": "s1"}),
        call("s1", "search", "{\"q\":1}"),
        json!({"type": "tool-result", "toolCallId": "s1", "toolName": "search", "result": ["a"], "dynamic": true}),
    ];
    parts.splice(2..2, search);
    setup.plan_answer(&parts);
    let state = setup.send("search", "Look").await?;
    let held =
        json!({"type": "dynamic-tool", "toolName": "search", "input": {"q": 1}, "output": ["a"]});
    ensure_part(&state, &held)?;
    setup.send("search", "And now?").await?;
    let prompt = setup.last_prompt()?;
    let called = json!({"type": "tool-call", "toolCallId": "s1", "toolName": "search", "providerExecuted": true});
    let result = json!({"type": "tool-result", "output": {"type": "json", "value": ["a"]}});
    let answer = &prompt[1]["content"];
    ensure!(
        has_fields(&answer[0], &called) && has_fields(&answer[1], &result),
        "{prompt}"
    );
    Ok(Outcome::Works)
}

/// Plays a provider's tool whose approval the user denies.
pub(super) async fn approval(setup: &mut ClientSetup) -> Result<Outcome> {
    setup.plan_answer(&[
        json!({"type": "stream-start", "warnings": []}),
        call("m1", "pay", "{}"),
        json!({"type": "tool-approval-request", "approvalId": "apr", "toolCallId": "m1"}),
        responses::finish(),
    ]);
    let act = setup.request("approval", "Pay").into();
    let state = setup.perform(&act).await?;
    if is_refused(setup.version, "tool-approval-request", &state)? {
        return Ok(Outcome::Unknown);
    }
    ensure_part(
        &state,
        &json!({"type": "dynamic-tool", "toolCallId": "m1", "state": "approval-requested"}),
    )?;
    let request = setup.request("approval", "");
    let state = setup
        .succeed(&ChatAction {
            deny: Some("apr"),
            ..request.into()
        })
        .await?;
    ensure!(state.text() == responses::full_text(), "{state:?}");
    let prompt = setup.last_prompt()?;
    let response = json!({"type": "tool-approval-response", "approvalId": "apr", "approved": false, "reason": "No."});
    let content = prompt
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|message| message["content"].as_array());
    ensure!(
        content.flatten().any(|part| has_fields(part, &response)),
        "{prompt}"
    );
    Ok(Outcome::Works)
}

/// Plays the part with which every answer of Anthropic begins.
pub(super) async fn anthropic_start(setup: &mut ClientSetup) -> Result<Outcome> {
    let start = json!({"type": "custom", "kind": "anthropic.message_start",
                       "providerMetadata": {"anthropic": {"id": "msg_01", "usage": {"input_tokens": 10}}}});
    let mut parts = responses::parts(&["So."]);
    parts.insert(1, start);
    setup.plan_answer(&parts);
    let state = setup.send("anthropic", "Who are you?").await?;
    ensure_answered(&state, "So.")?;
    ensure!(
        state.chunks.iter().all(|chunk| chunk["type"] != "custom"),
        "{state:?}"
    );
    Ok(Outcome::Works)
}

/// Plays a part that only one provider has.
pub(super) async fn custom(setup: &mut ClientSetup) -> Result<Outcome> {
    play_new_part(
        setup,
        "custom",
        json!({"type": "custom", "kind": "anthropic.compaction"}),
    )
    .await
}

/// Plays a file that the model made while it reasoned.
pub(super) async fn reasoning_file(setup: &mut ClientSetup) -> Result<Outcome> {
    let data = json!({"type": "data", "data": "iVBORw0KGgo="});
    play_new_part(
        setup,
        "reasoning-file",
        json!({"type": "reasoning-file", "mediaType": "image/png", "data": data}),
    )
    .await
}

async fn play_new_part(setup: &mut ClientSetup, kind: &str, new: Value) -> Result<Outcome> {
    let mut parts = responses::parts(&["So."]);
    parts.insert(2, new);
    setup.plan_answer(&parts);
    let act = setup.request(kind, "New?").into();
    let state = setup.perform(&act).await?;
    let refused = is_refused(setup.version, kind, &state)?;
    if !refused {
        ensure_part(&state, &json!({"type": kind}))?;
    }
    setup.send(kind, "And?").await?;
    Ok(if refused {
        Outcome::Unknown
    } else {
        Outcome::Works
    })
}

/// Returns whether the client refused the chunk, and checks that it did exactly when its version
/// does not know it.
fn is_refused(version: Version, kind: &str, state: &ChatState) -> Result<bool> {
    let refused = state.error_name.as_deref() == Some(SCHEMA_ERROR);
    ensure!(refused == is_unknown(kind, version), "{state:?}");
    ensure!(refused || state.status == "ready", "{state:?}");
    Ok(refused)
}

fn call(id: &str, tool: &str, input: &str) -> Value {
    json!({"type": "tool-call", "toolCallId": id, "toolName": tool, "input": input, "providerExecuted": true,
           "dynamic": true})
}

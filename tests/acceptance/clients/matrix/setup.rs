//! The setup of the matrix: one function, one gateway and the client of one version, for one
//! feature after the other.

use acceptance::aws::Function;
use acceptance::client::ai_sdk::{ChatAction, ChatRequest, ChatState, Client, Version};
use acceptance::gateway::{Step, responses};
use acceptance::session::SignedIn;
use acceptance::world::World;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// The name of the client's error for a chunk that its schema refuses.
pub(super) const SCHEMA_ERROR: &str = "AI_TypeValidationError";

/// The function, the gateway and the client on which the features are tried.
pub(super) struct ClientSetup {
    pub(super) version: Version,
    pub(super) world: World,
    pub(super) function: Function,
    pub(super) alice: SignedIn,
    client: Client,
}

impl ClientSetup {
    /// Starts the setup for a version. Returns `None` when its client is not installed.
    pub(super) async fn new(version: Version) -> Result<Option<Self>> {
        let Some(client) = Client::start_version(version)? else {
            return Ok(None);
        };
        let world = World::new().await?;
        let function = Function::start_plain(&world.variables()).await?;
        let alice = world.sign_in("alice").await?;
        Ok(Some(Self {
            version,
            world,
            function,
            alice,
            client,
        }))
    }

    /// Returns a text message for a thread, authenticated by bearer token.
    pub(super) fn request<'a>(&self, thread: &'a str, text: &'a str) -> ChatRequest<'a> {
        ChatRequest::new(&self.function, &self.alice, thread, text)
    }

    /// Sends a text that must be answered successfully.
    pub(super) async fn send(&mut self, thread: &str, text: &str) -> Result<ChatState> {
        let request = self.request(thread, text);
        self.succeed(&request.into()).await
    }

    /// Asks for another answer: to the last message, or to the one that `more` names.
    pub(super) async fn regenerate(&mut self, thread: &str, more: Value) -> Result<ChatState> {
        let request = ChatRequest {
            text: None,
            ..self.request(thread, "")
        };
        self.succeed(&ChatAction {
            more,
            ..request.into()
        })
        .await
    }

    /// Performs an action that must succeed.
    pub(super) async fn succeed(&mut self, act: &ChatAction<'_>) -> Result<ChatState> {
        let state = self.perform(act).await?;
        ensure!(state.status == "ready", "{state:?}");
        Ok(state)
    }

    /// Performs an action that must end in an error, but not in an error of the client's own
    /// schema.
    pub(super) async fn fail(&mut self, act: &ChatAction<'_>) -> Result<ChatState> {
        let state = self.perform(act).await?;
        ensure!(
            state.status == "error" && state.error_name.as_deref() != Some(SCHEMA_ERROR),
            "{state:?}"
        );
        Ok(state)
    }

    /// Performs an action.
    pub(super) async fn perform(&mut self, act: &ChatAction<'_>) -> Result<ChatState> {
        self.client.act(act).await
    }

    /// Plans these parts as the answer to the next call.
    pub(super) fn plan_answer(&self, parts: &[Value]) {
        self.world.gateway.next(responses::stream(parts, Step::End));
    }

    /// Returns the prompt of the last call.
    pub(super) fn last_prompt(&self) -> Result<Value> {
        let calls = self.world.gateway.calls();
        Ok(calls.last().context("the gateway was called")?.body["prompt"].clone())
    }

    /// Checks the prompt of the last call.
    pub(super) fn ensure_prompt(&self, expected: &Value) -> Result<()> {
        let prompt = self.last_prompt()?;
        ensure!(prompt == *expected, "asked {prompt}\nexpected {expected}");
        Ok(())
    }
}

/// Returns a user message of a prompt.
pub(super) fn user_message(text: &str) -> Value {
    json!({"role": "user", "content": [{"type": "text", "text": text}]})
}

/// Returns an assistant message of a prompt.
pub(super) fn assistant_message(text: &str) -> Value {
    json!({"role": "assistant", "content": [{"type": "text", "text": text}]})
}

/// Checks that the conversation ends with one question and its finished answer.
pub(super) fn ensure_answered(state: &ChatState, text: &str) -> Result<()> {
    ensure!(
        state.text() == text && roles(state) == ["user", "assistant"],
        "{state:?}"
    );
    Ok(())
}

/// Returns the roles of a conversation's messages.
pub(super) fn roles(state: &ChatState) -> Vec<&str> {
    state
        .messages
        .iter()
        .filter_map(|message| message["role"].as_str())
        .collect()
}

/// Checks that the last message has a part with at least these fields.
pub(super) fn ensure_part(state: &ChatState, fields: &Value) -> Result<()> {
    let parts = state
        .messages
        .last()
        .and_then(|message| message["parts"].as_array());
    let found = parts
        .into_iter()
        .flatten()
        .any(|part| has_fields(part, fields));
    ensure!(found, "no part {fields}: {state:?}");
    Ok(())
}

/// Returns whether `value` has at least these fields.
pub(super) fn has_fields(value: &Value, fields: &Value) -> bool {
    let mut fields = fields.as_object().into_iter().flatten();
    fields.all(|(name, expected)| value[name] == *expected)
}

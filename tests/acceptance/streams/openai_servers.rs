//! An independent OpenAI-compatible server: its answers reach the real client completely and are
//! stored, and its failures are reported.

use acceptance::aws::Function;
use acceptance::client::ai_sdk::{ChatRequest, ChatState, Client};
use acceptance::client::requests::question;
use acceptance::gateway::openai_server::{Dialect, OpenAiServer};
use acceptance::session::SignedIn;
use acceptance::world::{API_KEY, DEFAULT_MODEL, World, metadata};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use store::{Status, StoredMessage};

/// A function in front of the server, and a user of it.
struct Conversation {
    world: World,
    function: Function,
    alice: SignedIn,
    client: Client,
}

impl Conversation {
    async fn start(
        server: &OpenAiServer,
        dialect: Dialect,
        changes: &[(&str, &str)],
    ) -> Result<Option<Self>> {
        let Some(client) = Client::start()? else {
            return Ok(None);
        };
        let world = World::new().await?;
        let base_url = server.base_url(dialect);
        let mut variables = world.variables_with(&[
            ("AI_GATEWAY_PROTOCOL", "openai"),
            ("AI_GATEWAY_BASE_URL", &base_url),
        ]);
        variables.extend(
            changes
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let function = Function::start_plain(&variables).await?;
        let alice = world.sign_in("alice").await?;
        Ok(Some(Self {
            world,
            function,
            alice,
            client,
        }))
    }

    /// Sends the text `name`, by which the server selects its answer.
    async fn send(&mut self, thread: &str, name: &str) -> Result<ChatState> {
        let question = question_about(name);
        self.client
            .send(&ChatRequest::new(
                &self.function,
                &self.alice,
                thread,
                &question,
            ))
            .await
    }

    async fn answer(&self, thread: &str) -> Result<StoredMessage> {
        self.world.only_answer(&self.alice, thread).await
    }
}

fn question_about(name: &str) -> String {
    format!("{name}: {}", question())
}

/// An answer of `tests/openai/answers.json`.
struct Answer {
    name: &'static str,
    parts: Vec<Value>,
    finish_reason: &'static str,
    tokens: (u64, u64),
}

fn read_answers() -> Vec<Answer> {
    let answer = |name, parts, finish_reason, tokens| Answer {
        name,
        parts,
        finish_reason,
        tokens,
    };
    let text = |text| json!({"type": "text", "text": text});
    let reasoning = |text| json!({"type": "reasoning", "text": text});
    let call = |id, name, input: Value| json!({"toolCallId": id, "toolName": name, "input": input});
    let weather = call("call_1", "getWeather", json!({"city": "Łódź", "days": 2}));
    vec![
        answer(
            "text in pieces",
            vec![text("Sweet grüne 🍏🍏 marzipan\nfrom \"Łódź\".")],
            "stop",
            (21, 9),
        ),
        answer(
            "a comment before the first chunk",
            vec![text("Marzipan, after some thought.")],
            "stop",
            (2, 7),
        ),
        answer(
            "thought before words",
            vec![
                reasoning("Almonds and sugar: that is marzipan."),
                text("It is sweet."),
            ],
            "stop",
            (5, 12),
        ),
        answer(
            "two tool calls after a thought",
            vec![
                reasoning("Look it up."),
                weather,
                call("call_2", "getTime", json!({})),
            ],
            "tool-calls",
            (6, 20),
        ),
        answer(
            "a tool call between words",
            vec![
                text("Let me look. Then we shall know."),
                call("call_3", "getWeather", json!({"city": "Rome"})),
            ],
            "tool-calls",
            (7, 15),
        ),
        answer(
            "no room for the rest",
            vec![text("Once upon a")],
            "length",
            (8, 3),
        ),
        answer(
            "stopped by a filter",
            vec![text("I must not")],
            "content-filter",
            (9, 2),
        ),
        answer("busy at first", vec![text("Here you are.")], "stop", (4, 4)),
    ]
}

#[tokio::test]
async fn answers_of_an_openai_server_reach_the_real_client_completely_and_are_stored() -> Result<()>
{
    for dialect in Dialect::ALL {
        let Some(server) = OpenAiServer::start().await? else {
            return Ok(());
        };
        let Some(mut conversation) = Conversation::start(&server, dialect, &[]).await? else {
            return Ok(());
        };
        for (number, case) in read_answers().iter().enumerate() {
            let thread = format!("t{number}");
            let state = conversation.send(&thread, case.name).await?;
            let stored = conversation.answer(&thread).await?;
            check_case(case, &state, &stored)
                .with_context(|| format!("{}, {dialect:?}", case.name))?;
        }
        let calls = server.requests("busy at first").await?.len();
        ensure!(
            calls == 2,
            "{dialect:?}: asked to come again at once, it was called {calls} times"
        );
        // OpenAI's own dialect has the details too, but this server leaves them out there.
        if dialect == Dialect::OpenRouter {
            let cached = metadata(&conversation.answer("t0").await?, "usage");
            ensure!(
                cached["inputTokenDetails"]["cacheReadTokens"] == 4,
                "{cached}"
            );
            let thought = metadata(&conversation.answer("t2").await?, "usage");
            ensure!(
                thought["outputTokenDetails"]["reasoningTokens"] == 8,
                "{thought}"
            );
        }
        conversation.function.stop().await?;
    }
    Ok(())
}

fn check_case(case: &Answer, state: &ChatState, stored: &StoredMessage) -> Result<()> {
    ensure!(state.status == "ready", "{state:?}");
    let held = state.messages.last().context("the answer")?;
    ensure!(
        to_output(&held["parts"]) == case.parts,
        "the client holds {held}"
    );
    ensure!(
        to_output(&serde_json::from_str(&stored.parts)?) == case.parts,
        "stored is {}",
        stored.parts
    );
    ensure!(
        stored.status == Some(Status::Completed),
        "{:?}",
        stored.status
    );
    let tokens = (stored.input_tokens, stored.output_tokens);
    ensure!(
        tokens == (Some(case.tokens.0), Some(case.tokens.1)),
        "{tokens:?}"
    );
    let held_metadata = &held["metadata"];
    ensure!(
        metadata(stored, "finishReason") == case.finish_reason,
        "{:?}",
        stored.metadata
    );
    ensure!(
        held_metadata["finishReason"] == case.finish_reason
            && held_metadata["usage"] == metadata(stored, "usage"),
        "{held}"
    );
    ensure!(
        stored.model.as_deref() == Some(DEFAULT_MODEL),
        "{:?}",
        stored.model
    );
    Ok(())
}

/// Reduces parts to the model's output: the texts, and the tool calls with their inputs.
fn to_output(parts: &Value) -> Vec<Value> {
    let to_output_part = |part: &Value| match part["type"].as_str()? {
        kind @ ("text" | "reasoning") => Some(json!({"type": kind, "text": part["text"]})),
        "step-start" => None,
        kind => {
            let name = kind
                .strip_prefix("tool-")
                .or_else(|| part["toolName"].as_str());
            Some(
                json!({"toolCallId": part["toolCallId"], "toolName": name, "input": part["input"]}),
            )
        }
    };
    parts
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(to_output_part)
        .collect()
}

#[tokio::test]
async fn failures_of_an_openai_server_are_reported_and_stored_by_their_kind() -> Result<()> {
    let full = "Once upon a time there was marzipan.";
    for dialect in Dialect::ALL {
        let Some(server) = OpenAiServer::start().await? else {
            return Ok(());
        };
        let Some(mut conversation) = Conversation::start(&server, dialect, &[]).await? else {
            return Ok(());
        };
        for (name, code, calls) in [
            ("always busy", "gateway_refused", 3),
            ("refused for good", "gateway_refused", 1),
            ("cut in the middle", "gateway_cut", 1),
            ("no stream at all", "gateway_truncated", 1),
        ] {
            let thread = name.replace(' ', "-");
            let state = conversation.send(&thread, name).await?;
            state.ensure_legal()?;
            ensure!(state.status == "error", "{name}, {dialect:?}: {state:?}");
            let stored = conversation.answer(&thread).await?;
            ensure!(
                stored.status == Some(Status::Failed),
                "{name}, {dialect:?}: {:?}",
                stored.status
            );
            ensure!(
                metadata(&stored, "error") == code,
                "{name}, {dialect:?}: {:?}",
                stored.metadata
            );
            let made = server.requests(name).await?.len();
            ensure!(made == calls, "{name}, {dialect:?}: called {made} times");
            let text = state.text();
            let is_some = !text.is_empty() && text.len() < full.len() && full.starts_with(&text);
            ensure!(
                is_some == (name == "cut in the middle"),
                "{name}, {dialect:?}: {text}"
            );
            ensure!(
                to_output(&serde_json::from_str(&stored.parts)?) == texts(&text),
                "{name}: {}",
                stored.parts
            );
        }
        conversation.function.stop().await?;
    }
    Ok(())
}

fn texts(text: &str) -> Vec<Value> {
    if text.is_empty() {
        Vec::new()
    } else {
        vec![json!({"type": "text", "text": text})]
    }
}

#[tokio::test]
async fn a_key_unknown_to_an_openai_server_is_reported_as_a_configuration_error() -> Result<()> {
    let Some(server) = OpenAiServer::start().await? else {
        return Ok(());
    };
    let other = API_KEY.replace("canary", "another");
    let changes = [("AI_GATEWAY_API_KEY", other.as_str())];
    let Some(mut conversation) = Conversation::start(&server, Dialect::OpenAi, &changes).await?
    else {
        return Ok(());
    };
    let state = conversation.send("t1", "text in pieces").await?;
    state.ensure_legal()?;
    ensure!(
        state
            .error
            .as_deref()
            .is_some_and(|error| error.contains("not set up correctly")),
        "{state:?}"
    );
    let stored = conversation.answer("t1").await?;
    ensure!(
        metadata(&stored, "error") == "gateway_refused",
        "{:?}",
        stored.metadata
    );
    conversation.function.stop().await
}

#[tokio::test]
async fn an_openai_server_gets_the_conversation_with_its_tool_calls() -> Result<()> {
    let Some(server) = OpenAiServer::start().await? else {
        return Ok(());
    };
    let changes = [("SYSTEM_PROMPT", "You like sweets.")];
    let Some(mut conversation) = Conversation::start(&server, Dialect::OpenAi, &changes).await?
    else {
        return Ok(());
    };
    conversation.send("t1", "a tool call between words").await?;
    let state = conversation.send("t1", "text in pieces").await?;
    ensure!(state.status == "ready", "{state:?}");

    let requests = server.requests("text in pieces").await?;
    let [request] = requests.as_slice() else {
        anyhow::bail!("one call, not {requests:?}")
    };
    ensure!(request["model"] == DEFAULT_MODEL, "{request}");
    ensure!(
        request["stream"] == true && request["stream_options"]["include_usage"] == true,
        "{request}"
    );
    let messages = request["messages"].as_array().context("messages")?;
    let roles: Vec<_> = messages
        .iter()
        .filter_map(|message| message["role"].as_str())
        .collect();
    ensure!(
        roles == ["system", "user", "assistant", "tool", "user"],
        "{request}"
    );
    ensure!(messages[0]["content"] == "You like sweets.", "{request}");
    ensure!(
        messages[1]["content"] == question_about("a tool call between words"),
        "{request}"
    );
    let call = &messages[2]["tool_calls"][0];
    ensure!(
        call["id"] == "call_3" && call["function"]["name"] == "getWeather",
        "{request}"
    );
    ensure!(
        call["function"]["arguments"] == "{\"city\":\"Rome\"}",
        "{request}"
    );
    ensure!(messages[3]["tool_call_id"] == "call_3", "{request}");
    conversation.function.stop().await
}

//! The conversational face: makes up an answer to the question, word by word, and never pretends to
//! be a model.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::call::Call;
use super::responses;
use super::server::Server;
use super::step::Step;

const WORD_EVERY: Duration = Duration::from_millis(40);
const ECHO_LIMIT: usize = 300;
const REASONING: &str = "The question asks for sources. Nothing was looked up, so the documents of the \
    protocols have to do.";
const SOURCES: [(&str, &str); 2] = [
    ("https://vercel.com/docs/ai-gateway", "AI Gateway"),
    (
        "https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol",
        "Stream protocol of the AI SDK",
    ),
];

/// A conversational gateway on a loopback port. It stops when dropped.
#[derive(Debug)]
pub struct Conversation(Server);

impl Conversation {
    /// Starts the gateway.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start() -> Result<Self> {
        Ok(Self(Server::start(|call| answer(&call)).await?))
    }

    /// Returns the value for `AI_GATEWAY_BASE_URL`.
    pub fn base_url(&self) -> String {
        self.0.base_url()
    }
}

fn answer(call: &Call) -> Vec<Step> {
    if (call.head.method.as_str(), call.head.path.as_str()) != ("POST", "/v4/ai/language-model") {
        return responses::refusal(404, "text/plain", &[], "");
    }
    if call.body.is_null() {
        let error = json!({ "error": { "message": "the body is not JSON", "type": "invalid_request_error" } });
        return responses::refusal(400, "text/plain; charset=utf-8", &[], &error.to_string());
    }
    let mut steps = vec![responses::head()];
    for part in parts(call.model().unwrap_or("unknown"), &call.body["prompt"]) {
        if part["delta"].is_string() {
            steps.push(Step::Pause(WORD_EVERY));
        }
        steps.push(Step::Send(responses::frame(&part)));
    }
    steps.push(Step::End);
    steps
}

/// Returns the complete answer, part by part; each word is a delta of its own. Who asks for sources
/// gets some, and what was thought about them.
fn parts(model: &str, prompt: &Value) -> Vec<Value> {
    let question = last_question(prompt);
    let text = text(model, &question);
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    let asked = prompt.to_string().split_whitespace().count();
    let wants_sources = question.to_lowercase().contains("source");
    let mut parts = vec![
        json!({ "type": "stream-start", "warnings": [] }),
        json!({ "type": "response-metadata", "id": "simulated", "modelId": model, "timestamp": now() }),
    ];
    if wants_sources {
        parts.extend(block("reasoning", REASONING.split_inclusive(' ')));
    }
    parts.extend(block("text", words.iter().copied()));
    if wants_sources {
        let source = |(id, (url, title)): (usize, &(&str, &str))| json!({ "type": "source", "sourceType": "url", "id": id.to_string(), "url": url, "title": title });
        parts.extend(SOURCES.iter().enumerate().map(source));
    }
    parts.push(json!({
        "type": "finish",
        "finishReason": { "unified": "stop", "raw": "simulated" },
        "usage": {
            "inputTokens": { "total": asked, "noCache": asked, "cacheRead": 0, "cacheWrite": 0 },
            "outputTokens": { "total": words.len(), "text": words.len(), "reasoning": 0 },
        },
    }));
    parts
}

fn block<'a>(kind: &str, words: impl Iterator<Item = &'a str>) -> Vec<Value> {
    let part = |step| json!({ "type": format!("{kind}-{step}"), "id": "0" });
    let delta = |word| json!({ "type": format!("{kind}-delta"), "id": "0", "delta": word });
    [part("start")]
        .into_iter()
        .chain(words.map(delta))
        .chain([part("end")])
        .collect()
}

fn now() -> String {
    humantime::format_rfc3339_millis(std::time::SystemTime::now()).to_string()
}

/// Suggestions for a newcomer, in the text of the simulated answer.
fn text(model: &str, question: &str) -> String {
    let mut echo: String = question.chars().take(ECHO_LIMIT).collect();
    if echo.len() < question.len() {
        echo.push('…');
    }
    let echo = echo.split_whitespace().collect::<Vec<_>>().join(" ");
    format!(
        "This is a simulated answer: no model was called. You asked `{model}`:\n\n\
         > {echo}\n\n\
         While an answer is being written, you can\n\n\
         1. **reload** the page, and it goes on,\n\
         2. open a **second tab**, which shows the same,\n\
         3. press **Stop**, which keeps what has come.\n\n\
         Ask for *sources* to see what those look like. To hear from the model itself, start again with a key:\n\n\
         ```sh\nAI_GATEWAY_API_KEY=… cargo xtask dev\n```"
    )
}

/// Returns the text of the last user message.
fn last_question(prompt: &Value) -> String {
    let messages = prompt.as_array().map_or(&[][..], Vec::as_slice);
    let Some(message) = messages.iter().rfind(|message| message["role"] == "user") else {
        return String::new();
    };
    let parts = message["content"].as_array().map_or(&[][..], Vec::as_slice);
    parts
        .iter()
        .filter_map(|part| part["text"].as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deltas(parts: &[Value]) -> String {
        parts
            .iter()
            .filter_map(|part| part["delta"].as_str())
            .collect()
    }

    #[test]
    fn the_answer_says_that_it_is_simulated_and_what_was_asked() {
        let prompt = json!([
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": [{ "type": "text", "text": "first" }] },
            { "role": "assistant", "content": [{ "type": "text", "text": "answer" }] },
            { "role": "user", "content": [{ "type": "text", "text": "Grüße" }, { "type": "file" }] },
        ]);
        let parts = parts("openai/gpt-4o", &prompt);
        let text = deltas(&parts);
        assert!(
            text.contains("simulated") && text.contains("`openai/gpt-4o`:\n\n> Grüße\n"),
            "{text}"
        );

        let kinds: Vec<_> = parts
            .iter()
            .filter_map(|part| part["type"].as_str())
            .collect();
        assert_eq!(
            kinds[..3],
            ["stream-start", "response-metadata", "text-start"]
        );
        assert_eq!(kinds[kinds.len() - 2..], ["text-end", "finish"]);
        let usage = &parts[parts.len() - 1]["usage"];
        assert_eq!(
            usage["outputTokens"]["total"],
            kinds.iter().filter(|kind| **kind == "text-delta").count()
        );
    }

    #[test]
    fn who_asks_for_sources_gets_reasoning_and_sources() {
        for (question, expected) in [("Which sources?", SOURCES.len()), ("Who?", 0)] {
            let prompt =
                json!([{ "role": "user", "content": [{ "type": "text", "text": question }] }]);
            let parts = parts("m", &prompt);
            let count = |kind: &str| parts.iter().filter(|part| part["type"] == kind).count();
            assert_eq!(count("source"), expected, "{question}");
            assert_eq!(
                (count("reasoning-start"), count("reasoning-end")),
                (expected / 2, expected / 2)
            );
        }
    }

    #[test]
    fn a_long_question_is_echoed_in_part() {
        let prompt =
            json!([{ "role": "user", "content": [{ "type": "text", "text": "é".repeat(5000) }] }]);
        let text = deltas(&parts("m", &prompt));
        assert!(
            text.contains(&"é".repeat(ECHO_LIMIT)) && text.contains('…'),
            "{text}"
        );
        assert!(!text.contains(&"é".repeat(ECHO_LIMIT + 1)), "{text}");
    }

    #[test]
    fn a_prompt_without_a_question_is_answered_too() {
        for (case, prompt) in [
            ("nothing", Value::Null),
            ("empty content", json!([{ "role": "user", "content": [] }])),
        ] {
            assert!(deltas(&parts("m", &prompt)).contains("simulated"), "{case}");
        }
    }
}

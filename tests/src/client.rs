//! The real client: the `ai` package's own chat and transport, in a Node process of its own. `tests/client` is its side.

use std::collections::BTreeMap;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::function::Function;
use crate::session::SignedIn;
use crate::tools;
use crate::wait::within;

/// A message to send, and where.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Say<'a> {
    /// The URL that `useChat` is given as `api`.
    pub url: String,
    /// Sent with the request.
    pub headers: BTreeMap<&'static str, String>,
    /// The conversation; what was said in it before is sent again, as the client holds it.
    pub thread: &'a str,
    /// The user's words; absent: the last answer is asked for once more.
    pub text: Option<&'a str>,
    /// Leaves after so many chunks.
    pub leave_after: Option<usize>,
}

impl<'a> Say<'a> {
    /// Words said to a function, signed by bearer.
    pub fn new(function: &Function, who: &SignedIn, thread: &'a str, text: &'a str) -> Self {
        let headers = BTreeMap::from([("authorization", who.bearer())]);
        Self { url: function.chat_url(), headers, thread, text: Some(text), leave_after: None }
    }
}

/// What the client made of the answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heard {
    /// The chat's status: `ready` after a good end, `error` after any other.
    pub status: String,
    /// The error that the page would show.
    pub error: Option<String>,
    /// The error's class; `AI_TypeValidationError` means that a chunk did not fit the schema.
    pub error_name: Option<String>,
    /// The chunks that passed the schema.
    pub chunks: Vec<Value>,
    /// The conversation as the page would hold it.
    pub messages: Vec<Value>,
}

impl Heard {
    /// The text of the last message.
    pub fn text(&self) -> String {
        let parts = self.messages.last().and_then(|message| message["parts"].as_array());
        let texts = parts.into_iter().flatten().filter(|part| part["type"] == "text");
        texts.filter_map(|part| part["text"].as_str()).collect()
    }

    /// Whether the end was a legal one: good, or an error that the server named.
    pub fn ensure_legal(&self) -> Result<()> {
        match self.status.as_str() {
            "ready" => Ok(()),
            _ => {
                let named = self.chunks.iter().any(|chunk| {
                    chunk["type"] == "error" && chunk["errorText"].as_str() == self.error.as_deref()
                });
                ensure!(named, "not ended by an error chunk: {self:?}");
                Ok(())
            }
        }
    }
}

/// A running client. It is killed when dropped.
#[derive(Debug)]
pub struct Client {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Client {
    /// Starts the client; nothing when it is not installed.
    pub fn start() -> Result<Option<Self>> {
        let folder = tools::workspace().join("tests/client");
        if !folder.join("node_modules/ai").exists() {
            tools::skipped("whatever the real client would do", "the AI SDK");
            return Ok(None);
        }
        let mut process = Command::new(tools::node())
            .arg(folder.join("chat.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node does not start")?;
        let input = process.stdin.take().context("stdin is piped")?;
        let output = BufReader::new(process.stdout.take().context("stdout is piped")?).lines();
        Ok(Some(Self { _process: process, input, output }))
    }

    /// Says something and hears the answer out.
    pub async fn say(&mut self, say: &Say<'_>) -> Result<Heard> {
        let line = serde_json::to_string(say)? + "\n";
        self.input.write_all(line.as_bytes()).await?;
        self.input.flush().await?;
        let answer = within("the client", self.output.next_line()).await??.context("the client has ended")?;
        serde_json::from_str(&answer).with_context(|| format!("not from the client: {answer}"))
    }
}

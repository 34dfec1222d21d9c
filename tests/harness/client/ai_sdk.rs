//! The real client: the `ai` package's own chat and transport in a Node process (`tests/client`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::aws::Function;
use crate::process::node::Node;
use crate::session::SignedIn;
use crate::tools;

/// A message to send, and its conversation.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatRequest<'a> {
    /// The URL that `useChat` is given as `api`.
    pub url: String,
    /// The headers of the request.
    pub headers: BTreeMap<&'static str, String>,
    /// The conversation; its earlier messages are sent again, as the client holds them.
    pub thread: &'a str,
    /// The user's text; `None` regenerates the last answer.
    pub text: Option<&'a str>,
    /// The number of chunks after which the client disconnects.
    pub leave_after: Option<usize>,
}

impl<'a> ChatRequest<'a> {
    /// Returns a request to a function with this text, authenticated by bearer token.
    pub fn new(function: &Function, who: &SignedIn, thread: &'a str, text: &'a str) -> Self {
        let headers = BTreeMap::from([("authorization", who.bearer())]);
        Self {
            url: function.chat_url(),
            headers,
            thread,
            text: Some(text),
            leave_after: None,
        }
    }
}

/// The state of the client's chat after an answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatState {
    /// The chat's status: `ready` after success, `error` otherwise.
    pub status: String,
    /// The error that the page would show.
    pub error: Option<String>,
    /// The error's class; `AI_TypeValidationError` means that a chunk did not match the schema.
    pub error_name: Option<String>,
    /// The chunks that passed the schema.
    pub chunks: Vec<Value>,
    /// The conversation as the page would hold it.
    pub messages: Vec<Value>,
}

impl ChatState {
    /// Returns the text of the last message.
    pub fn text(&self) -> String {
        let parts = self
            .messages
            .last()
            .and_then(|message| message["parts"].as_array());
        let texts = parts
            .into_iter()
            .flatten()
            .filter(|part| part["type"] == "text");
        texts.filter_map(|part| part["text"].as_str()).collect()
    }

    /// Fails unless the chat ended with success or with an error chunk of the server.
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

/// An action in a conversation beyond a plain text message.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatAction<'a> {
    /// The text and its conversation.
    #[serde(flatten)]
    pub request: ChatRequest<'a>,
    /// The further arguments of `sendMessage`: `files`, `messageId`, or `regenerate`.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub more: Value,
    /// The approval request to deny instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deny: Option<&'a str>,
    /// The text at whose appearance on the page the client disconnects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leave_at: Option<&'a str>,
}

impl<'a> From<ChatRequest<'a>> for ChatAction<'a> {
    fn from(request: ChatRequest<'a>) -> Self {
        Self {
            request,
            more: Value::Null,
            deny: None,
            leave_at: None,
        }
    }
}

/// A major version of the `ai` package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// `ai` 5.
    Five,
    /// `ai` 6.
    Six,
    /// `ai` 7, which the function follows.
    Seven,
}

impl Version {
    /// All versions, in the order in which `schema.mjs` answers.
    pub const NEWEST_FIRST: [Self; 3] = [Self::Seven, Self::Six, Self::Five];

    /// Returns the package's name in `tests/client/package.json`.
    pub fn package(self) -> &'static str {
        match self {
            Self::Five => "ai5",
            Self::Six => "ai6",
            Self::Seven => "ai",
        }
    }

    /// Returns the version that `tests/client/package.json` pins, for example `7.0.173`.
    pub fn pinned(self) -> Result<String> {
        let packages = std::fs::read(folder().join("package.json"))?;
        let packages: Value = serde_json::from_slice(&packages)?;
        let pin = packages["dependencies"][self.package()]
            .as_str()
            .context("the version is pinned")?;
        Ok(pin.trim_start_matches("npm:ai@").to_owned())
    }
}

/// A running client. It is killed when dropped.
#[derive(Debug)]
pub struct Client(Node);

impl Client {
    /// Starts the client of the newest version; returns `None` if it is not installed.
    pub fn start() -> Result<Option<Self>> {
        Self::start_version(Version::Seven)
    }

    /// Starts the client of a version; returns `None` if it is not installed.
    pub fn start_version(version: Version) -> Result<Option<Self>> {
        Ok(script("chat.mjs", &[version])?.map(Self))
    }

    /// Sends a message and reads the answer to its end.
    pub async fn send(&mut self, request: &ChatRequest<'_>) -> Result<ChatState> {
        self.0.ask(request).await
    }

    /// Performs an action and reads the answer to its end.
    pub async fn act(&mut self, action: &ChatAction<'_>) -> Result<ChatState> {
        self.0.ask(action).await
    }
}

/// The result of reading a stream with one version.
#[derive(Debug, Clone, Deserialize)]
pub struct Read {
    /// The chunks that its schema refused.
    pub refused: Vec<Refused>,
    /// The errors that it threw while it built the message.
    pub failures: Vec<String>,
    /// The parts of the message that it built, if they differ from the expected ones.
    pub differs: Option<Value>,
}

/// A chunk that a schema refused.
#[derive(Debug, Clone, Deserialize)]
pub struct Refused {
    /// Its type, if it was JSON.
    pub r#type: Option<String>,
    /// The chunk.
    pub chunk: Value,
}

/// The readers of all versions: parser, schema and message builder, without a chat. They are killed
/// when dropped.
#[derive(Debug)]
pub struct Readers(Node);

impl Readers {
    /// Starts the readers; returns `None` if they are not installed.
    pub fn start() -> Result<Option<Self>> {
        Ok(script("schema.mjs", &Version::NEWEST_FIRST)?.map(Self))
    }

    /// Reads the bytes of a stream with each version. `parts`, if given, are the expected parts of
    /// the resulting message.
    pub async fn read(
        &mut self,
        stream: &[u8],
        parts: Option<&RawValue>,
    ) -> Result<[(Version, Read); 3]> {
        #[derive(Serialize)]
        struct Stream<'a> {
            stream: &'a str,
            parts: Option<&'a RawValue>,
        }

        let stream = std::str::from_utf8(stream).context("the stream is UTF-8")?;
        let [seven, six, five]: [Read; 3] = self.0.ask(&Stream { stream, parts }).await?;
        Ok([
            (Version::Seven, seven),
            (Version::Six, six),
            (Version::Five, five),
        ])
    }
}

/// Starts a script of `tests/client` that answers each line with a line; returns `None` if the SDK
/// is not installed.
fn script(name: &str, versions: &[Version]) -> Result<Option<Node>> {
    let installed = |version: &Version| {
        folder()
            .join("node_modules")
            .join(version.package())
            .exists()
    };
    if !versions.iter().all(installed) {
        tools::report_skipped("tests with the AI SDK client", "the AI SDK");
        return Ok(None);
    }
    let mut command = Node::command(folder().join(name));
    command.args(versions.iter().map(|version| version.package()));
    Node::start(&mut command).map(Some)
}

fn folder() -> PathBuf {
    tools::workspace().join("tests/client")
}

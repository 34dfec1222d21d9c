//! A page that is reloaded: the real client, starting with the messages that the `threads` function
//! would return. `tests/client/reloaded-page.mjs` is its counterpart.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use message::Role;
use serde::Serialize;
use serde_json::{Value, json};
use store::StoredMessage;

use crate::aws::Function;
use crate::client::ai_sdk::ChatState;
use crate::process::node::Node;
use crate::session::SignedIn;
use crate::tools;

/// The action of a page after it is loaded.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PageAction {
    /// Resuming the answer, as `useChat({ resume: true })` does.
    Resume,
    /// Sending `message`.
    Send,
    /// Requesting another answer in place of `message_id`.
    Regenerate,
}

/// A page to load, and its action.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageLoad<'a> {
    /// The URL that `useChat` is given as `api`.
    pub url: String,
    /// The headers of each request.
    pub headers: BTreeMap<&'static str, String>,
    /// The conversation.
    pub thread: &'a str,
    /// The initial messages.
    pub messages: Vec<Value>,
    /// The action.
    pub act: PageAction,
    /// The message to send.
    pub message: Option<Value>,
    /// The message to regenerate.
    pub message_id: Option<String>,
    /// The number of chunks after which the page reports to [`Page::wait_for_chunks`].
    pub report_after: Option<usize>,
    /// The number of chunks after which the page disconnects.
    pub leave_after: Option<usize>,
    /// A flag that keeps the open page, with the messages that it shows.
    pub stay: bool,
}

impl<'a> PageLoad<'a> {
    /// Returns a page that shows `messages`, authenticated by bearer token.
    pub fn new(
        function: &Function,
        who: &SignedIn,
        thread: &'a str,
        messages: Vec<Value>,
        act: PageAction,
    ) -> Self {
        Self {
            url: function.chat_url(),
            headers: BTreeMap::from([("authorization", who.bearer())]),
            thread,
            messages,
            act,
            message: None,
            message_id: None,
            report_after: None,
            leave_after: None,
            stay: false,
        }
    }

    /// Returns a page that shows `messages` and sends another.
    pub fn send(
        function: &Function,
        who: &SignedIn,
        thread: &'a str,
        messages: Vec<Value>,
        message: Value,
    ) -> Self {
        Self {
            message: Some(message),
            ..Self::new(function, who, thread, messages, PageAction::Send)
        }
    }
}

/// A process in which pages are loaded. It is killed when dropped.
#[derive(Debug)]
pub struct Page(Node);

impl Page {
    /// Starts a process with a version of the SDK, by the name of its package: `ai`, or `ai6`.
    /// Returns `None` if it is not installed.
    pub fn start(package: &str) -> Result<Option<Self>> {
        let folder = tools::workspace().join("tests/client");
        if !folder.join("node_modules").join(package).exists() {
            tools::report_skipped(&format!("tests with the client of {package}"), "the AI SDK");
            return Ok(None);
        }
        Ok(Some(Self(Node::start(
            Node::command(folder.join("reloaded-page.mjs")).arg(package),
        )?)))
    }

    /// Loads a page and waits until its action is complete.
    pub async fn load(&mut self, load: &PageLoad<'_>) -> Result<ChatState> {
        self.begin(load).await?;
        self.wait_for_state().await
    }

    /// Loads a page without waiting for its action.
    pub async fn begin(&mut self, load: &PageLoad<'_>) -> Result<()> {
        self.0.send(load).await
    }

    /// Waits until the loaded page has received [`PageLoad::report_after`] chunks.
    pub async fn wait_for_chunks(&mut self) -> Result<()> {
        let line = self.0.receive().await?;
        ensure!(
            line.starts_with("{\"received\":"),
            "the page has ended without that: {line}"
        );
        Ok(())
    }

    /// Waits until the action of the loaded page is complete.
    pub async fn wait_for_state(&mut self) -> Result<ChatState> {
        let line = self.0.receive().await?;
        serde_json::from_str(&line).with_context(|| format!("not from the page: {line}"))
    }
}

/// The tested versions, by the names of their packages.
pub const VERSIONS: [&str; 2] = ["ai", "ai6"];

/// Converts stored messages to the form in which the `threads` function returns them.
pub fn to_page_messages(stored: &[StoredMessage]) -> Result<Vec<Value>> {
    let message = |stored: &StoredMessage| {
        let parts: Value = serde_json::from_str(&stored.parts)?;
        let role = if stored.role == Role::User {
            "user"
        } else {
            "assistant"
        };
        let mut message = json!({"id": stored.id.as_str(), "role": role, "parts": parts});
        if let Some(metadata) = &stored.metadata {
            message["metadata"] = serde_json::to_value(metadata)?;
        }
        Ok(message)
    };
    stored.iter().map(message).collect()
}

/// Fails unless a page shows exactly these texts, one per message.
pub fn ensure_shows(state: &ChatState, texts: &[&str]) -> Result<()> {
    let shown: Vec<String> = state.messages.iter().map(text_of_parts).collect();
    ensure!(
        shown == texts,
        "the page shows {shown:?}, not {texts:?}: {state:?}"
    );
    Ok(())
}

/// Returns the text of a message as a page holds it.
pub fn text_of_parts(message: &Value) -> String {
    let parts = message["parts"].as_array().into_iter().flatten();
    parts
        .filter(|part| part["type"] == "text")
        .filter_map(|part| part["text"].as_str())
        .collect()
}

//! A third-party model server: aimock, which implements the OpenAI-compatible protocol and
//! OpenRouter's dialect of it.
//!
//! `tests/openai` pins its version and holds its answers. Knows nothing
//! of how the function uses them.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, header};
use serde_json::Value;

use crate::http_client::fetch;
use crate::process::{Process, Variables};
use crate::tools;
use crate::world::API_KEY;

/// A dialect of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's own protocol.
    OpenAi,
    /// OpenRouter's dialect: more fields in each chunk, comments between chunks, and usage in
    /// detail.
    OpenRouter,
}

impl Dialect {
    /// Both dialects.
    pub const ALL: [Self; 2] = [Self::OpenAi, Self::OpenRouter];

    /// Returns the path that clients put before `/chat/completions`.
    fn base(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1",
            Self::OpenRouter => "/api/v1",
        }
    }
}

/// A running server, which accepts only requests with [`API_KEY`]. It is killed when dropped.
#[derive(Debug)]
pub struct OpenAiServer {
    url: String,
    _process: Process,
}

impl OpenAiServer {
    /// Starts the server on a free port; returns `None` if it is not installed.
    pub async fn start() -> Result<Option<Self>> {
        let Some(script) = script() else {
            tools::report_skipped("an OpenAI-compatible server", "aimock");
            return Ok(None);
        };
        let answers = tools::workspace().join("tests/openai/answers.json");
        let mut arguments = vec![script.into_os_string(), "--fixtures".into(), answers.into()];
        arguments.extend(["--port", "0", "--strict", "--validate-on-load"].map(Into::into));
        let path = env::var("PATH").unwrap_or_default();
        let variables = Variables::from([
            ("PATH".to_owned(), path),
            ("AIMOCK_API_KEYS".to_owned(), API_KEY.to_owned()),
        ]);
        let process = Process::start(&tools::node(), &arguments, &variables)?;
        let url = |line: &str| {
            line.split_once("listening on ")
                .map(|(_, url)| url.trim().to_owned())
        };
        let url = process.logs.find("aimock's address", url).await?;
        Ok(Some(Self {
            url,
            _process: process,
        }))
    }

    /// Returns the value for `AI_GATEWAY_BASE_URL`.
    pub fn base_url(&self, dialect: Dialect) -> String {
        self.url.clone() + dialect.base()
    }

    /// Returns the received requests whose last message contains these words, as the server parsed
    /// them.
    pub async fn requests(&self, words: &str) -> Result<Vec<Value>> {
        let request = Request::get(format!("{}/__aimock/journal", self.url))
            .header(header::AUTHORIZATION, format!("Bearer {API_KEY}"))
            .body(Bytes::new())?;
        let journal = fetch(request).await?.bytes().await?;
        let journal: Vec<Value> =
            serde_json::from_slice(&journal).context("the journal is a list")?;
        let bodies = journal.into_iter().map(|mut entry| entry["body"].take());
        Ok(bodies
            .filter(|body| last_message_text(body).contains(words))
            .collect())
    }
}

/// Returns the server's script: `SIDEKIQ_OPENAI_SERVER`, or the one that npm has installed in
/// `tests/openai`.
fn script() -> Option<PathBuf> {
    let named = env::var_os("SIDEKIQ_OPENAI_SERVER").filter(|value| !value.is_empty());
    let fetched =
        tools::workspace().join("tests/openai/node_modules/@copilotkit/aimock/dist/cli.js");
    named
        .map(PathBuf::from)
        .or_else(|| fetched.exists().then_some(fetched))
}

fn last_message_text(body: &Value) -> String {
    let last = body["messages"]
        .as_array()
        .and_then(|messages| messages.last());
    last.map(|message| message["content"].to_string())
        .unwrap_or_default()
}

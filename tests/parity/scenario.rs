//! The scenarios of the comparison, as data files. Those that other crates keep as fixtures are
//! read by `fixtures`.

mod fixtures;

use std::collections::BTreeMap;
use std::path::Path;

use acceptance::tools::workspace;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// A request, and the gateway's answers to the calls for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Scenario {
    /// The unique name, `group/title`.
    pub(crate) name: String,
    /// The set-up of function and original.
    #[serde(default)]
    pub(crate) setup: Setup,
    /// The request of the page.
    #[serde(default)]
    pub(crate) request: Request,
    /// The gateway's answers to the calls in order; the last one repeats.
    #[serde(default)]
    pub(crate) answers: Vec<Answer>,
    /// A flag for an original whose answer has no end: the connection is closed once ours has
    /// ended.
    #[serde(default)]
    pub(crate) endless: bool,
}

/// A set-up of function and original.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Setup {
    /// The AI Gateway's own protocol.
    #[default]
    Native,
    /// The AI Gateway's own protocol, with the function on Lambda and a Function URL in front.
    Lambda,
    /// The AI Gateway's own protocol with a system prompt, over plain HTTP.
    Instructed,
    /// The AI Gateway's own protocol with `sendSources`, over plain HTTP and without a system
    /// prompt.
    Sources,
    /// A gateway address that refuses connections.
    Unreachable,
    /// A function that waits at most a few seconds for any part.
    Impatient,
    /// OpenAI's Chat Completions.
    Openai,
    /// OpenAI's Chat Completions with a system prompt.
    OpenaiInstructed,
}

/// The system prompt of the set-ups that have one.
pub(crate) const SYSTEM_PROMPT: &str = "Be brief.";

/// The request of the page. Without messages it sends "hello".
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Request {
    /// The conversation; its last message is sent if it is the user's.
    pub(crate) messages: Option<Vec<Box<RawValue>>>,
    /// The length of the one text message, used instead of `messages`.
    letters: Option<usize>,
    /// A flag that regenerates the last answer, or the one that `message_id` names.
    pub(crate) regenerate: bool,
    /// The message that is edited or regenerated.
    pub(crate) message_id: Option<String>,
}

/// An answer of the gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Answer {
    /// The status; with 0 no head is sent.
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    /// The complete body, used instead of `steps`.
    pub(crate) body: Option<String>,
    /// The steps of the gateway in order, see `script`.
    pub(crate) steps: Vec<Box<RawValue>>,
    /// The length in bytes of the writes into which events are cut.
    pub(crate) pieces: Option<usize>,
}

impl Default for Answer {
    fn default() -> Self {
        let headers = [("content-type", "text/event-stream")];
        Self {
            status: 200,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            body: None,
            steps: Vec::new(),
            pieces: None,
        }
    }
}

/// A documented fact about the original, and the scenarios that show it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// The source and the text of the fact.
    pub(crate) row: String,
    /// The minimum number of scenarios.
    pub(crate) needs: usize,
    /// The names of the scenarios.
    pub(crate) scenarios: Vec<String>,
}

impl Request {
    /// Returns the conversation as JSON.
    pub(crate) fn messages(&self) -> Vec<Box<RawValue>> {
        let hello = || {
            let text = self
                .letters
                .map_or_else(|| "hello".to_owned(), |count| "marble ".repeat(count / 7));
            raw(&format!(
                r#"{{"id":"u1","role":"user","parts":[{{"type":"text","text":"{text}"}}]}}"#
            ))
        };
        self.messages.clone().unwrap_or_else(|| vec![hello()])
    }
}

impl Scenario {
    /// Returns the part of the name before the slash.
    pub(crate) fn group(&self) -> &str {
        self.name.split_once('/').map_or("", |(group, _)| group)
    }

    /// Returns `true` if page or gateway send this id. Otherwise a side generated it.
    pub(crate) fn mentions(&self, id: &str) -> bool {
        let quoted = [format!("\"{id}\""), format!("\\\"{id}\\\"")];
        let steps = self.answers.iter().flat_map(|answer| &answer.steps);
        let mut texts = steps.chain(self.request.messages.iter().flatten());
        texts.any(|text| quoted.iter().any(|id| text.get().contains(id)))
    }

    /// Returns `true` if the scenario waits for seconds.
    pub(crate) fn is_slow(&self) -> bool {
        self.endless || self.group() == "retries"
    }
}

/// Reads every scenario.
pub(crate) fn all() -> Result<Vec<Scenario>> {
    let mut all = fixtures::all()?;
    for file in std::fs::read_dir(folder().join("scenarios"))? {
        let file = file?.path();
        let group = file
            .file_stem()
            .and_then(|stem| stem.to_str())
            .context("a name")?;
        for mut scenario in read::<Vec<Scenario>>(&file)? {
            scenario.name = format!("{group}/{}", scenario.name);
            all.push(scenario);
        }
    }
    let mut names: Vec<&str> = all.iter().map(|scenario| scenario.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        bail!("two scenarios are called {}", pair[0]);
    }
    Ok(all)
}

/// Reads the documented facts.
pub(crate) fn rows() -> Result<Vec<Row>> {
    read(&folder().join("rows.json"))
}

/// Returns the folder with the data files.
pub(crate) fn folder() -> std::path::PathBuf {
    workspace().join("tests/parity")
}

/// Reads a JSON file.
pub(crate) fn read<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    serde_json::from_str(&text).with_context(|| file.display().to_string())
}

/// Wraps text that is known to be JSON.
pub(crate) fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).expect("JSON")
}

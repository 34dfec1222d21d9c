//! What is tried: scenarios as data files. Those that other crates keep as fixtures are read by `fixtures`.

mod fixtures;

use std::collections::BTreeMap;
use std::path::Path;

use acceptance::tools::workspace;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// One request, and what the gateway does when it is called for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Scenario {
    /// Unique, `group/what is tried`.
    pub(crate) name: String,
    /// How function and original are set up.
    #[serde(default)]
    pub(crate) setup: Setup,
    /// What the page sends.
    #[serde(default)]
    pub(crate) request: Request,
    /// The gateway's answers to the calls in order; the last one again and again.
    #[serde(default)]
    pub(crate) answers: Vec<Answer>,
    /// The original's answer has no end: the connection is dropped once ours has ended.
    #[serde(default)]
    pub(crate) endless: bool,
}

/// How function and original are set up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Setup {
    /// The AI Gateway's own protocol.
    #[default]
    Native,
    /// The same, with the function on Lambda and a Function URL in front.
    Lambda,
    /// The same with a system prompt, over plain HTTP again.
    Instructed,
    /// The same with what an answer rests on (`sendSources`), again without a system prompt.
    Sources,
    /// Nobody listens where the gateway should be.
    Unreachable,
    /// The function waits for no part longer than a second or two.
    Impatient,
    /// OpenAI's Chat Completions.
    Openai,
    /// The same with a system prompt.
    OpenaiInstructed,
}

/// The system prompt of those set-ups that have one.
pub(crate) const SYSTEM_PROMPT: &str = "Be brief.";

/// What the page does. Without messages it says hello.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Request {
    /// The conversation; the last one is sent if it is the user's.
    pub(crate) messages: Option<Vec<Box<RawValue>>>,
    /// Instead of `messages`: one text of so many letters.
    letters: Option<usize>,
    /// Asks again for the last answer, or for the one that `message_id` names.
    pub(crate) regenerate: bool,
    /// The message that is edited or regenerated.
    pub(crate) message_id: Option<String>,
}

/// An answer of the gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Answer {
    /// 0: no head at all.
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    /// The whole body, instead of `steps`.
    pub(crate) body: Option<String>,
    /// What the gateway does one after the other, see `script`.
    pub(crate) steps: Vec<Box<RawValue>>,
    /// Events are written in pieces of so many bytes.
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

/// What the facts say about the original, and which scenarios show it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// Where the row stands, and what it says.
    pub(crate) row: String,
    /// How many scenarios there must be.
    pub(crate) needs: usize,
    /// Their names.
    pub(crate) scenarios: Vec<String>,
}

impl Request {
    /// The conversation as JSON.
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
    /// The part of the name before the slash.
    pub(crate) fn group(&self) -> &str {
        self.name.split_once('/').map_or("", |(group, _)| group)
    }

    /// Whether an id stands in what page or gateway send. Otherwise it was made up.
    pub(crate) fn mentions(&self, id: &str) -> bool {
        let quoted = [format!("\"{id}\""), format!("\\\"{id}\\\"")];
        let steps = self.answers.iter().flat_map(|answer| &answer.steps);
        let mut texts = steps.chain(self.request.messages.iter().flatten());
        texts.any(|text| quoted.iter().any(|id| text.get().contains(id)))
    }

    /// Whether it waits for something that takes seconds.
    pub(crate) fn is_slow(&self) -> bool {
        self.endless || self.group() == "retries"
    }
}

/// Every scenario there is.
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

/// The rows of the facts.
pub(crate) fn rows() -> Result<Vec<Row>> {
    read(&folder().join("rows.json"))
}

/// The folder with the data files.
pub(crate) fn folder() -> std::path::PathBuf {
    workspace().join("tests/parity")
}

/// Reads a JSON file.
pub(crate) fn read<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    serde_json::from_str(&text).with_context(|| file.display().to_string())
}

/// Text that is known to be JSON.
pub(crate) fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).expect("JSON")
}

use std::collections::BTreeMap;

use message::UiMessage;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Prompt;
use crate::protocol::Protocol;

mod properties;

/// The outcome of the real package for these messages. `differs` gives the reason for ours: `ours`,
/// or `refusal`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    system: Option<String>,
    messages: Vec<Box<RawValue>>,
    prompt: Option<Box<RawValue>>,
    error: Option<String>,
    #[serde(default)]
    denied: Vec<String>,
    refusal: Option<String>,
    ours: Option<Box<RawValue>>,
    differs: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    #[serde(rename = "source")]
    _source: String,
    cases: Vec<Case>,
}

#[test]
fn a_prompt_is_what_the_ai_package_sends() {
    let cases = cases();
    assert!(cases.len() > 150, "{} cases", cases.len());
    for case in &cases {
        let real = case.prompt.as_deref().map(json);
        assert_ne!(
            real.is_some(),
            case.error.is_some(),
            "{}: either a prompt or an error",
            case.name
        );
        let built = build(Protocol::Native, case.system.as_deref(), &case.messages);
        let denied = built
            .as_ref()
            .map_or(&[][..], |prompt| prompt.denied_tool_calls());
        assert_eq!(denied, case.denied, "{}", case.name);

        let built = built.map(|prompt| json(prompt.json().as_raw()));
        let same = real.as_ref() == built.as_ref().ok();
        assert_eq!(
            same,
            case.differs.is_none(),
            "{}: {:?}, but got {built:?}",
            case.name,
            case.differs
        );
        assert_eq!(built, case.expected(), "{}", case.name);
    }
}

/// The outcome of the openai-compatible package for the messages of the same name; without one,
/// both fail alike.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenAiCase {
    name: String,
    messages: Option<Box<RawValue>>,
    error: Option<String>,
    refusal: Option<String>,
    ours: Option<Box<RawValue>>,
    differs: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenAiFixture {
    #[serde(rename = "source")]
    _source: String,
    cases: Vec<OpenAiCase>,
}

#[test]
fn messages_are_what_the_openai_compatible_package_sends() {
    let fixture: OpenAiFixture =
        serde_json::from_str(include_str!("../../fixtures/openai/prompts.json")).unwrap();
    let mut recorded: BTreeMap<_, _> = fixture
        .cases
        .into_iter()
        .map(|case| (case.name.clone(), case))
        .collect();
    assert!(recorded.len() > 150, "{} cases", recorded.len());
    for case in &cases() {
        let name = &case.name;
        let built = build(Protocol::OpenAi, case.system.as_deref(), &case.messages);
        let built = built.map(|prompt| json(prompt.json().as_raw()));
        let Some(recorded) = recorded.remove(name) else {
            assert_eq!(built, Err(case.expected().unwrap_err()), "{name}");
            continue;
        };
        let real = recorded.messages.as_deref().map(json);
        assert_ne!(
            real.is_some(),
            recorded.error.is_some(),
            "{name}: either messages or an error"
        );
        let same = real.as_ref() == built.as_ref().ok();
        assert_eq!(
            same,
            recorded.differs.is_none(),
            "{name}: {:?}, but got {built:?}",
            recorded.differs
        );
        let ours = recorded.ours.as_deref().map(json);
        let expected = match recorded.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(ours.or(real).unwrap_or_else(|| panic!("{name}"))),
        };
        assert_eq!(built, expected, "{name}");
    }
    assert!(recorded.is_empty(), "{:?}", recorded.keys());
}

fn cases() -> Vec<Case> {
    let fixture: Fixture =
        serde_json::from_str(include_str!("../../fixtures/prompts.json")).unwrap();
    fixture.cases
}

impl Case {
    fn expected(&self) -> Result<Value, String> {
        let prompt = self.ours.as_deref().or(self.prompt.as_deref()).map(json);
        match &self.refusal {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(prompt.unwrap_or_else(|| panic!("{}", self.name))),
        }
    }
}

fn build(
    protocol: Protocol,
    system: Option<&str>,
    messages: &[Box<RawValue>],
) -> Result<Prompt, String> {
    let mut read = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let message = UiMessage::parse(message, &format!("messages[{index}]"));
        read.push(message.map_err(|invalid| invalid.to_string())?);
    }
    Prompt::build(protocol.adapter(), system, &read).map_err(|error| error.to_string())
}

/// Parses JSON, so that the order of keys does not count; `Value` has no half surrogate pairs, so
/// their escapes stay.
fn json(raw: &RawValue) -> Value {
    let without_escaped_backslashes = raw.get().replace(r"\\", r"\u005c");
    serde_json::from_str(&without_escaped_backslashes.replace(r"\ud", r"\\ud")).unwrap()
}

fn prompt(messages: &str) -> Prompt {
    let messages: Vec<Box<RawValue>> = serde_json::from_str(messages).unwrap();
    build(Protocol::Native, None, &messages).unwrap()
}

#[test]
fn escapes_are_passed_on_as_they_came() {
    let prompt = prompt(
        r#"[{"id":"m","role":"user","parts":[{"type":"text","text":"\ud83d \u00e4 \/ 😀"}]}]"#,
    );
    assert_eq!(
        prompt.json().get(),
        r#"[{"role":"user","content":[{"type":"text","text":"\ud83d \u00e4 \/ 😀"}]}]"#
    );
}

#[test]
fn numbers_of_a_tool_are_passed_on_to_the_last_digit() {
    let prompt = prompt(
        r#"[{"id":"m","role":"assistant","parts":[{"type":"tool-x","toolCallId":"c","state":"output-available","input":{"id":12345678901234567890},"output":0.10000000000000000001}]}]"#,
    );
    assert!(
        prompt
            .json()
            .get()
            .contains(r#""input":{"id":12345678901234567890}"#)
    );
    assert!(
        prompt
            .json()
            .get()
            .contains(r#""value":0.10000000000000000001"#)
    );
}

#[test]
fn the_debug_form_of_a_prompt_shows_no_text() {
    let prompt =
        prompt(r#"[{"id":"m","role":"user","parts":[{"type":"text","text":"a secret"}]}]"#);
    assert_eq!(
        format!("{prompt:?}"),
        "Prompt { bytes: 63, denied_tool_calls: 0 }"
    );
}

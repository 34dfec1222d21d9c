use message::UiMessage;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Prompt;

/// What the real package made of these messages. `differs` says why we do otherwise: `ours`, or `refusal`.
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
    let fixture: Fixture = serde_json::from_str(include_str!("../../fixtures/prompts.json")).unwrap();
    assert!(fixture.cases.len() > 150, "{} cases", fixture.cases.len());
    for case in &fixture.cases {
        let real = case.prompt.as_deref().map(json);
        assert_ne!(real.is_some(), case.error.is_some(), "{}: either a prompt or an error", case.name);
        let built = build(case.system.as_deref(), &case.messages);
        let denied = built.as_ref().map_or(&[][..], |prompt| prompt.denied_tool_calls());
        assert_eq!(denied, case.denied, "{}", case.name);

        let built = built.map(|prompt| json(prompt.json().as_raw()));
        let same = real.as_ref() == built.as_ref().ok();
        assert_eq!(same, case.differs.is_none(), "{}: {:?}, but got {built:?}", case.name, case.differs);
        let expected = match &case.refusal {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(case.ours.as_deref().map(json).or(real).unwrap_or_else(|| panic!("{}", case.name))),
        };
        assert_eq!(built, expected, "{}", case.name);
    }
}

fn build(system: Option<&str>, messages: &[Box<RawValue>]) -> Result<Prompt, String> {
    let mut read = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let message = UiMessage::parse(message, &format!("messages[{index}]"));
        read.push(message.map_err(|invalid| invalid.to_string())?);
    }
    Prompt::build(system, &read).map_err(|error| error.to_string())
}

/// Parsed, so that the order of keys does not count; `Value` has no half surrogate pairs, so their escapes stay.
fn json(raw: &RawValue) -> Value {
    serde_json::from_str(&raw.get().replace("\\ud", "\\\\ud")).unwrap()
}

fn prompt(messages: &str) -> Prompt {
    let messages: Vec<Box<RawValue>> = serde_json::from_str(messages).unwrap();
    build(None, &messages).unwrap()
}

#[test]
fn escapes_are_passed_on_as_they_came() {
    let prompt =
        prompt(r#"[{"id":"m","role":"user","parts":[{"type":"text","text":"\ud83d \u00e4 \/ 😀"}]}]"#);
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
    assert!(prompt.json().get().contains(r#""input":{"id":12345678901234567890}"#));
    assert!(prompt.json().get().contains(r#""value":0.10000000000000000001"#));
}

#[test]
fn a_prompt_does_not_show_what_was_said() {
    let prompt = prompt(r#"[{"id":"m","role":"user","parts":[{"type":"text","text":"a secret"}]}]"#);
    assert_eq!(format!("{prompt:?}"), "Prompt { bytes: 63, denied_tool_calls: 0 }");
}

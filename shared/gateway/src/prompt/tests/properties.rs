//! Whatever conversation a client sends: building its prompt does not panic, and says the same each
//! time.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::*;

/// Generates a part with few ids and names, so that they meet.
fn part() -> impl Strategy<Value = Value> {
    let text = select(vec!["", " ", "Hi", "grün 😀 \u{2028}\0", "\"quoted\" \\ "]);
    let url = select(vec![
        "data:image/png;base64,iVBORw0KGgo=",
        "data:text/plain,unencoded",
        "data:;base64,",
        "data:image/png;base64,!!",
        "https://example.com/a b.png?x=ä#f",
        "http://[::1",
        "not a url",
        "",
    ]);
    let media_type = select(vec![
        "image/png",
        "image/*",
        "application/pdf",
        "text/plain; charset=utf-8",
        "",
        "odd",
    ]);
    let metadata = || select(vec![json!(null), json!({}), json!({"a": {"b": [1, null]}})]);
    let metadata_or_none = || prop::option::of(metadata());
    prop_oneof![
        3 => (select(vec!["text", "reasoning"]), text.clone(), metadata_or_none())
            .prop_map(|(kind, text, metadata)| with(json!({"type": kind, "text": text}), "providerMetadata", metadata)),
        2 => (select(vec!["file", "reasoning-file"]), url, prop::option::of(media_type), metadata_or_none()).prop_map(
            |(kind, url, media_type, metadata)| {
                let part = json!({"type": kind, "url": url, "mediaType": "image/png"});
                with(with(part, "mediaType", media_type), "providerMetadata", metadata)
            }
        ),
        1 => Just(json!({"type": "step-start"})),
        1 => Just(json!({"type": "custom", "kind": "anthropic.compaction"})),
        1 => select(vec![json!({"type": "data-x", "data": 1}), json!({"type": "source-url", "sourceId": "s"})]),
        1 => text.prop_map(|text| json!({"type": "steering-message", "parts": [{"type": "text", "text": text}]})),
        5 => tool(),
    ]
}

fn tool() -> impl Strategy<Value = Value> {
    let states = vec![
        "input-streaming",
        "input-available",
        "approval-requested",
        "approval-responded",
        "output-available",
        "output-error",
        "output-denied",
    ];
    let value = || {
        select(vec![
            json!(null),
            json!("x"),
            json!({"city": "Paris"}),
            json!([1.5, [], {}]),
        ])
    };
    let kind = select(vec!["tool-search", "tool-", "dynamic-tool"]);
    let approval = select(vec![
        json!({"id": "a1"}),
        json!({"id": "a1", "approved": true}),
        json!({"id": "a2", "approved": false, "reason": "No."}),
    ]);
    let call = (
        kind,
        select(vec!["c1", "c2", ""]),
        select(states),
        prop::option::of(value()),
        prop::option::of(value()),
    );
    let more = (
        prop::option::of(approval),
        prop::option::of(any::<bool>()),
        prop::option::of(any::<bool>()),
    );
    (call, more, prop::option::of(value())).prop_map(
        |((kind, id, state, input, output), more, raw_input)| {
            let (approval, provider_executed, dynamic) = more;
            let mut part =
                json!({"type": kind, "toolCallId": id, "state": state, "errorText": "It failed."});
            if kind == "dynamic-tool" {
                part["toolName"] = json!("search");
            }
            for (name, value) in [
                ("input", input),
                ("output", output),
                ("rawInput", raw_input),
                ("approval", approval),
            ] {
                part = with(part, name, value);
            }
            with(
                with(part, "providerExecuted", provider_executed),
                "dynamic",
                dynamic,
            )
        },
    )
}

/// Returns `object` with `field` set, if there is a value.
fn with(mut object: Value, field: &str, value: Option<impl Into<Value>>) -> Value {
    if let Some(value) = value {
        object[field] = value.into();
    }
    object
}

fn conversation() -> impl Strategy<Value = Vec<Value>> {
    let message = (
        select(vec!["user", "assistant"]),
        prop::collection::vec(part(), 0..6),
    );
    prop::collection::vec(message, 0..6).prop_map(|messages| {
        let numbered = messages.into_iter().enumerate();
        numbered
            .map(|(number, (role, parts))| json!({"id": format!("m{number}"), "role": role, "parts": parts}))
            .collect()
    })
}

/// Returns the messages as they are stored and read again.
fn stored(messages: &[Box<RawValue>]) -> Vec<Box<RawValue>> {
    let read = messages
        .iter()
        .map(|message| UiMessage::parse(message, "message").unwrap());
    read.map(|message| serde_json::value::to_raw_value(&message).unwrap())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_conversation_gives_one_prompt_or_is_refused_by_one_of_its_parts(messages in conversation()) {
        let raw: Vec<_> = messages.iter().map(|message| serde_json::value::to_raw_value(message).unwrap()).collect();
        for protocol in [Protocol::Native, Protocol::OpenAi] {
            let built = build(protocol, Some("Be brief."), &raw);
            prop_assert_eq!(&build(protocol, Some("Be brief."), &raw), &built, "once more");
            prop_assert_eq!(&build(protocol, Some("Be brief."), &stored(&raw)), &built, "from the store");
            match built {
                Err(error) => prop_assert!(names_a_part(&error, &messages), "{error}"),
                Ok(prompt) if protocol == Protocol::Native => check(&json(prompt.json().as_raw()), &messages)?,
                Ok(_) => {}
            }
        }
    }
}

fn names_a_part(error: &str, messages: &[Value]) -> bool {
    if error.starts_with("messages: ") {
        return true;
    }
    let number = |name: &str| {
        error
            .split_once(name)?
            .1
            .split(']')
            .next()?
            .parse::<usize>()
            .ok()
    };
    let place = number("messages[").zip(number("parts["));
    place.is_some_and(|(message, part)| messages[message]["parts"].get(part).is_some())
}

/// Checks the invariants of every prompt: the operator speaks first, no word of the user's is lost,
/// and every call of a tool has its result.
fn check(prompt: &Value, messages: &[Value]) -> Result<(), TestCaseError> {
    let prompt = prompt.as_array().unwrap();
    prop_assert_eq!(
        &prompt[0],
        &json!({"role": "system", "content": "Be brief."})
    );
    let of = |role: &'static str| prompt.iter().filter(move |message| message["role"] == role);
    let asked = of("user").flat_map(|message| texts(&message["content"]));
    let asked: Vec<_> = asked.collect();
    let sent: Vec<_> = messages.iter().flat_map(user_contents).collect();
    prop_assert_eq!(&asked, &sent);

    let parts: Vec<&Value> = prompt[1..]
        .iter()
        .flat_map(|message| message["content"].as_array().unwrap())
        .collect();
    let called = parts
        .iter()
        .filter(|part| part["type"] == "tool-call" && part["providerExecuted"] != true);
    for call in called {
        let answers = |part: &&&Value| {
            part["type"] == "tool-result" && part["toolCallId"] == call["toolCallId"]
        };
        prop_assert!(
            parts.iter().any(|part| answers(&part)),
            "{call} has no result in {parts:?}"
        );
    }
    for part in parts.iter().filter_map(|part| part.as_object()) {
        prop_assert!(!has_null_option(part), "{part:?}");
    }
    Ok(())
}

/// Returns the user's contents: of his own messages, and those that steer an answer.
fn user_contents(message: &Value) -> Vec<&str> {
    if message["role"] == "user" {
        return texts(&message["parts"]).collect();
    }
    let steering = message["parts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|part| part["type"] == "steering-message");
    steering.flat_map(|part| texts(&part["parts"])).collect()
}

/// Texts that are not empty.
fn texts(parts: &Value) -> impl Iterator<Item = &str> {
    let texts = parts
        .as_array()
        .unwrap()
        .iter()
        .filter(|part| part["type"] == "text");
    texts
        .filter_map(|part| part["text"].as_str())
        .filter(|text| !text.is_empty())
}

fn has_null_option(part: &Map<String, Value>) -> bool {
    ["providerOptions", "providerExecuted", "filename", "reason"]
        .iter()
        .any(|name| part.get(*name) == Some(&Value::Null))
}

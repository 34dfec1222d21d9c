//! Properties of any body.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;

const REAL: &str = include_str!("../../../fixtures/second-turn-with-files.json");

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop_oneof![
            "user",
            "assistant",
            "text",
            "file",
            "tool-x",
            "done",
            "https://example.com/"
        ]
        .prop_map(Value::from),
    ];
    let key = prop_oneof![
        Just("messages"),
        Just("threadId"),
        Just("id"),
        Just("role"),
        Just("parts"),
        Just("type"),
        Just("text"),
        Just("url"),
        Just("state"),
        Just("input"),
        Just("approval"),
        Just("toolCallId"),
        Just("metadata"),
    ];
    leaf.prop_recursive(8, 128, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            btree_map(key.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|fields| Value::from(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Checks that an accepted body can be answered, serialized and parsed again.
fn check(body: &[u8]) {
    if let Ok(request) = parse(body) {
        assert_eq!(request.user_message().role, Role::User);
        let messages = serde_json::to_string(&request.messages).unwrap();
        let again = format!(
            r#"{{"threadId":"{}","messages":{messages}}}"#,
            request.thread_id
        );
        assert_eq!(parse(again).unwrap().messages, request.messages);
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(body in vec(any::<u8>(), 0..256)) {
        check(&body);
    }

    #[test]
    fn arbitrary_json_does_not_panic(value in json(), message in json(), part in json()) {
        check(value.to_string().as_bytes());
        check(with_messages(&message.to_string()).as_bytes());
        check(with_parts(&part.to_string()).as_bytes());
    }

    #[test]
    fn a_damaged_real_body_does_not_panic(
        at in 0..REAL.len(), length in 0..8_usize, put in prop_oneof![vec(any::<u8>(), 0..4), Just(b"\\ud800".to_vec())],
    ) {
        let mut body = REAL.as_bytes().to_vec();
        body.splice(at..(at + length).min(REAL.len()), put);
        check(&body);
    }

    #[test]
    fn a_cut_body_is_refused(at in 0..REAL.trim_end().len()) {
        prop_assert!(parse(&REAL[..at]).is_err());
    }

    #[test]
    fn the_depth_equals_that_of_the_parsed_value(value in json(), max_depth in 0..8_usize) {
        let limits = Limits { max_depth, ..Limits::default() };
        let too_deep = scan::read_text(value.to_string().as_bytes(), &limits) == Err(RequestError::TooDeep { limit: max_depth });
        prop_assert_eq!(too_deep, depth(&value) > max_depth);
    }
}

use std::fmt::Write as _;

use super::*;

mod bodies;
mod clients;
mod conversations;
mod properties;

fn parse(body: impl AsRef<[u8]>) -> Result<ChatRequest, RequestError> {
    ChatRequest::parse(body.as_ref(), &Limits::default())
}

/// Returns a body with these messages.
fn with_messages(messages: &str) -> String {
    format!(r#"{{"threadId":"t1","messages":[{messages}]}}"#)
}

/// Returns a body with one message of the user that has these parts.
fn with_parts(parts: &str) -> String {
    with_messages(&format!(r#"{{"id":"m1","role":"user","parts":[{parts}]}}"#))
}

/// Returns a body with additional fields at the top level.
fn with_fields(fields: &str) -> String {
    format!(r#"{{{fields}"messages":[{{"id":"m1","role":"user","parts":[]}}]}}"#)
}

fn numbered(count: usize, item: impl Fn(usize) -> String) -> String {
    let mut list = String::new();
    for number in 0..count {
        write!(
            list,
            "{}{}",
            if number == 0 { "" } else { "," },
            item(number)
        )
        .unwrap();
    }
    list
}

/// Asserts that each case is refused. A case is a name, a body, the expected code, and the
/// beginning of the expected sentence.
fn assert_refused(cases: &[(&str, String, &str, &str)]) {
    for (name, body, code, sentence) in cases {
        let Err(error) = parse(body) else {
            panic!("{name}: accepted")
        };
        assert_eq!(error.code(), *code, "{name}: {error}");
        assert!(error.to_string().starts_with(sentence), "{name}: {error}");
    }
}

use std::fmt::Write as _;

use super::*;

mod bodies;
mod clients;
mod conversations;
mod properties;

fn parse(body: impl AsRef<[u8]>) -> Result<ChatRequest, RequestError> {
    ChatRequest::parse(body.as_ref(), &Limits::default())
}

/// A body with these messages.
fn with_messages(messages: &str) -> String {
    format!(r#"{{"threadId":"t1","messages":[{messages}]}}"#)
}

/// A body with one message of the user that has these parts.
fn with_parts(parts: &str) -> String {
    with_messages(&format!(r#"{{"id":"m1","role":"user","parts":[{parts}]}}"#))
}

/// A body with more fields at the top.
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

/// Each case is a name, a body, the code it is refused with, and how the sentence begins.
fn assert_refused(cases: &[(&str, String, &str, &str)]) {
    for (name, body, code, sentence) in cases {
        let Err(error) = parse(body) else {
            panic!("{name}: accepted")
        };
        assert_eq!(error.code(), *code, "{name}: {error}");
        assert!(error.to_string().starts_with(sentence), "{name}: {error}");
    }
}

//! Tests of the messages and parts that must be refused, and of the limits on their number.

use super::*;

const TEXT: &str = r#"{"type":"text","text":"hi"}"#;
const USER: &str = r#"{"id":"m1","role":"user","parts":[]}"#;

#[test]
fn messages_that_cannot_be_answered_are_named() {
    let refused = |name, messages: &str, sentence| {
        (name, with_messages(messages), "invalid_request", sentence)
    };
    let assistant = r#"{"id":"a1","role":"assistant","parts":[]}"#;
    assert_refused(&[
        (
            "none given",
            r#"{"threadId":"t"}"#.into(),
            "invalid_request",
            "messages: is required",
        ),
        (
            "null",
            r#"{"threadId":"t","messages":null}"#.into(),
            "invalid_request",
            "messages: is required",
        ),
        (
            "an object",
            r#"{"threadId":"t","messages":{}}"#.into(),
            "invalid_request",
            "messages: must be an array",
        ),
        (
            "message of the assistant",
            format!(r#"{{"threadId":"t","message":{assistant}}}"#),
            "invalid_request",
            "message.role: must be user",
        ),
        (
            "message, a list",
            r#"{"threadId":"t","message":[]}"#.into(),
            "invalid_request",
            "message: must be",
        ),
        refused(
            "0 messages",
            "",
            "messages: must have at least one message of role user",
        ),
        refused(
            "no user",
            assistant,
            "messages: must have at least one message of role user",
        ),
        refused(
            "201 messages",
            &numbered(201, |_| USER.into()),
            "messages: must have at most 200 items",
        ),
        refused(
            "a million messages",
            &numbered(1_000_000, |_| "{}".into()),
            "messages: must have at most 200",
        ),
        refused(
            "system",
            r#"{"id":"s","role":"system","parts":[]}"#,
            "messages[0].role: must be user or assistant",
        ),
        refused(
            "developer",
            r#"{"id":"s","role":"developer","parts":[]}"#,
            "messages[0].role: must be user",
        ),
        refused(
            "tool",
            r#"{"id":"s","role":"tool","parts":[]}"#,
            "messages[0].role: must be user",
        ),
        refused(
            "a number as role",
            &format!("{USER},{}", r#"{"id":"s","role":1,"parts":[]}"#),
            "messages[1].role: ",
        ),
        refused(
            "half a pair in an id",
            r#"{"id":"\ud800","role":"user","parts":[]}"#,
            "messages[0].id: ",
        ),
        refused(
            "id as a number",
            r#"{"id":1,"role":"user","parts":[]}"#,
            "messages[0].id: must be a string",
        ),
        refused(
            "65 characters",
            &USER.replace("m1", &"a".repeat(65)),
            "messages[0].id: must be 1 to 64",
        ),
        refused(
            "old content",
            r#"{"id":"m","role":"user","content":"x"}"#,
            "messages[0].parts: must be an array",
        ),
        refused("null message", "null", "messages[0]: must be an object"),
        refused(
            "sequence",
            r#"["m1","user",[]]"#,
            "messages[0]: must be an object",
        ),
        refused(
            "id of an answer",
            &format!("{assistant},{}", USER.replace("m1", "a1")),
            "messages[1].id: must differ",
        ),
        refused(
            "question twice",
            &format!("{USER},{assistant},{USER}"),
            "messages[2].id: must differ",
        ),
        refused(
            "answer named as the question",
            &format!("{USER},{}", assistant.replace("a1", "m1")),
            "messages[0].id",
        ),
    ]);
}

#[test]
fn parts_that_cannot_be_read_are_named() {
    let refused =
        |name, parts: &str, sentence| (name, with_parts(parts), "invalid_request", sentence);
    let file = |url: &str| format!(r#"{{"type":"file","mediaType":"image/png","url":"{url}"}}"#);
    let url = "messages[0].parts[1].url: must ";
    assert_refused(&[
        refused(
            "65 parts",
            &numbered(65, |_| TEXT.into()),
            "messages[0].parts: must have at most 64 items",
        ),
        refused(
            "many parts",
            &numbered(2_000_000, |_| "0".into()),
            "messages[0].parts: must have at most 64",
        ),
        refused("no type", "{}", "messages[0].parts[0].type: "),
        refused(
            "text as a number",
            r#"{"type":"text","text":1}"#,
            "messages[0].parts[0].text: must be a string",
        ),
        refused(
            "http",
            &format!("{TEXT},{}", file("http://example.com/")),
            url,
        ),
        refused(
            "javascript",
            &format!("{TEXT},{}", file("javascript:alert(1)")),
            url,
        ),
        refused(
            "own network",
            &format!("{TEXT},{}", file("https://169.254.169.254/")),
            url,
        ),
        refused(
            "a page",
            &format!("{TEXT},{}", file("data:text/html;base64,PHA+")),
            url,
        ),
        refused(
            "bad base64",
            &format!("{TEXT},{}", file("data:image/png;base64,A")),
            url,
        ),
        refused(
            "line end",
            &format!("{TEXT},{}", file("https://example.com/\\r\\n")),
            url,
        ),
        refused(
            "half a pair",
            &format!("{TEXT},{}", file("https://example.com/\\ud800")),
            url,
        ),
        refused(
            "no URL",
            r#"{"type":"file","mediaType":"image/png","url":""}"#,
            "messages[0].parts[0].url: must",
        ),
        refused(
            "reasoning file",
            r#"{"type":"reasoning-file","mediaType":"image/png","url":"ftp://example.com/"}"#,
            "messages[0].parts[0].url: must",
        ),
    ]);
}

#[test]
fn parts_are_limited_for_each_answer_and_for_the_body() {
    let step = r#"{"type":"step-start"}"#;
    let answer = |id: usize, parts| {
        format!(
            r#"{{"id":"a{id}","role":"assistant","parts":[{}]}}"#,
            numbered(parts, |_| step.into())
        )
    };
    let body = |answers: usize, parts| {
        with_messages(&format!(
            "{USER},{}",
            numbered(answers, |id| answer(id, parts))
        ))
    };

    assert!(parse(body(10, 1000)).is_ok());
    for (name, refused, sentence) in [
        (
            "one answer",
            body(1, 1001),
            "messages[1].parts: must have at most 1000 items",
        ),
        (
            "all answers",
            body(11, 1000),
            "messages: must have at most 10000 parts in all",
        ),
    ] {
        let error = parse(refused).unwrap_err();
        assert_eq!(error.to_string(), sentence, "{name}");
    }
}

/// Returns a message of the assistant with `steering` steering messages of `each` parts.
fn with_steering(id: usize, steering: usize, each: usize) -> String {
    let inner = numbered(each, |_| TEXT.into());
    let parts = numbered(steering, |_| {
        format!(r#"{{"type":"steering-message","parts":[{inner}]}}"#)
    });
    format!(r#"{{"id":"a{id}","role":"assistant","parts":[{parts}]}}"#)
}

#[test]
fn parts_of_steering_messages_are_counted() {
    let body = |answers: usize, steering, each| {
        with_messages(&format!(
            "{USER},{}",
            numbered(answers, |id| with_steering(id, steering, each))
        ))
    };
    for (name, accepted) in [
        ("one answer", body(1, 200, 4)),
        ("one answer, up to its limit", body(1, 62, 15)),
        ("all answers, up to their limit", body(10, 200, 4)),
    ] {
        assert!(parse(accepted).is_ok(), "{name}");
    }
    for (name, refused, sentence) in [
        (
            "one answer",
            body(1, 200, 5),
            "messages[1].parts: must have at most 1000 parts, those of steering-messages included",
        ),
        (
            "all answers",
            body(11, 200, 4),
            "messages: must have at most 10000 parts in all",
        ),
        (
            "one steering-message",
            body(1, 1, 17),
            "messages[1].parts[0].parts: must have at most 16 items",
        ),
        (
            "one steering-message of millions",
            with_messages(&format!(
                r#"{USER},{{"id":"a","role":"assistant","parts":[{{"type":"steering-message","parts":[{}]}}]}}"#,
                numbered(2_000_000, |_| "0".into())
            )),
            "messages[1].parts[0].parts: must have at most 16 items",
        ),
    ] {
        assert_eq!(parse(refused).unwrap_err().to_string(), sentence, "{name}");
    }
}

#[test]
fn a_steering_message_is_accepted_only_in_an_answer_and_never_nested() {
    let nested = |depth: usize| {
        (0..depth).fold(TEXT.to_owned(), |inner, _| {
            format!(r#"{{"type":"steering-message","parts":[{inner}]}}"#)
        })
    };
    let answer = |part: &str| format!(r#"{{"id":"a","role":"assistant","parts":[{part}]}}"#);
    assert!(parse(with_messages(&format!("{USER},{}", answer(&nested(1))))).is_ok());
    let user = "messages[0].parts[0].type: must not be steering-message in a message of the user";
    let inside = "messages[1].parts[0].parts[0].type: must not be steering-message inside a steering-message";
    let of_user = "messages[0].parts[0].parts[0].type: must not be steering-message inside a steering-message";
    assert_refused(&[
        ("user", with_parts(&nested(1)), "invalid_request", user),
        (
            "user, twice",
            with_parts(&nested(2)),
            "invalid_request",
            of_user,
        ),
        (
            "answer, twice",
            with_messages(&format!("{USER},{}", answer(&nested(2)))),
            "invalid_request",
            inside,
        ),
        (
            "answer, deep",
            with_messages(&format!("{USER},{}", answer(&nested(12)))),
            "invalid_request",
            inside,
        ),
        (
            "message alone",
            format!(
                r#"{{"threadId":"t","message":{{"id":"m","role":"user","parts":[{}]}}}}"#,
                nested(1)
            ),
            "invalid_request",
            "message.parts[0].type: must not be steering-message in a message of the user",
        ),
    ]);
}

#[test]
fn exactly_the_limit_is_accepted() {
    let questions = |count| numbered(count, |number| USER.replace("m1", &format!("m{number}")));
    assert_eq!(
        parse(with_messages(&questions(200)))
            .unwrap()
            .messages
            .len(),
        200
    );
    assert_eq!(
        parse(with_parts(&numbered(64, |_| TEXT.into())))
            .unwrap()
            .messages[0]
            .parts
            .len(),
        64
    );

    let body = with_parts(TEXT);
    let limits = |max_body_bytes| Limits {
        max_body_bytes,
        ..Limits::default()
    };
    assert!(ChatRequest::parse(body.as_bytes(), &limits(body.len())).is_ok());
    let error = ChatRequest::parse(body.as_bytes(), &limits(body.len() - 1)).unwrap_err();
    assert_eq!(
        (error.code(), error),
        (
            "payload_too_large",
            RequestError::TooLarge {
                limit: body.len() - 1
            }
        )
    );
}

#[test]
fn a_single_message_selects_the_stored_conversation() {
    let alone = parse(format!(r#"{{"threadId":"t","message":{USER}}}"#)).unwrap();
    assert!(alone.history_is_stored);
    assert_eq!(alone.user_message().id.as_str(), "m1");
    let both = parse(format!(
        r#"{{"threadId":"t","message":{USER},"messages":[{USER},{USER}]}}"#
    ));
    assert!(both.is_err(), "messages count where both are sent");
    let complete = parse(with_messages(USER)).unwrap();
    assert!(!complete.history_is_stored);
}

//! Requests of real clients. The fixtures were written by `ai` 7.0.173: its chat class, its
//! transport, a scripted server.

use message::{Role, UiPart, extract_text_content};

use super::*;

macro_rules! fixture {
    ($name:literal) => {
        parse(include_str!(concat!("../../../fixtures/", $name, ".json"))).expect($name)
    };
}

#[test]
fn a_plain_send_is_parsed_completely() {
    let request = fixture!("send");
    assert_eq!(request.thread_id.as_str(), "t2");
    assert_eq!(request.model.as_deref(), Some("openai/gpt-4o"));
    assert_eq!(request.trigger, Trigger::SubmitMessage);
    assert_eq!(request.message_id, None);
    assert_eq!(
        extract_text_content(request.user_message()).to_text(),
        "hello"
    );
    assert_eq!(request.continued_message(), None);
    assert!(!request.is_edit());
}

#[test]
fn an_answer_in_the_history_keeps_all_its_parts() {
    let request = fixture!("second-turn-with-files");
    assert_eq!(request.messages.len(), 3);
    let parts = serde_json::to_string(&request.messages[1].parts).unwrap();
    for kept in [
        r#""text":"Think \ud83d""#,
        r#""providerMetadata":{"anthropic":{"signature":"c2ln"}}"#,
        r#""state":"output-error","input":{"city":"Paris"}"#,
        r#""output":[{"t":1500,"u":null}]"#,
        r#"{"type":"source-url","sourceId":"s1","url":"http://example.com/"}"#,
        r#"{"type":"data-chart","id":"d1","data":{"x":[1,2]}}"#,
    ] {
        assert!(parts.contains(kept), "{kept}");
    }
    assert_eq!(request.user_message().parts.len(), 3);
    assert_eq!(
        request.user_message().metadata.as_ref().unwrap().get(),
        r#"{"createdAt":1}"#
    );
}

#[test]
fn regenerating_sends_the_history_up_to_the_question() {
    let last = fixture!("regenerate");
    assert_eq!(
        (last.trigger, &last.message_id),
        (Trigger::RegenerateMessage, &None)
    );
    let named = fixture!("regenerate-by-id");
    assert_eq!(named.message_id.as_ref().unwrap().as_str(), "a3");
    for request in [last, named] {
        assert_eq!(request.user_message(), &request.messages[2]);
        assert_eq!(request.continued_message(), None);
        assert!(!request.is_edit());
    }
}

#[test]
fn an_edited_question_keeps_its_id() {
    let request = fixture!("edit");
    assert!(request.is_edit());
    assert_eq!(
        request.user_message().id,
        fixture!("send").user_message().id
    );
}

#[test]
fn a_message_id_alone_is_not_an_edit() {
    let question = r#"{"id":"m1","role":"user","parts":[]}"#;
    let answer = r#"{"id":"a1","role":"assistant","parts":[]}"#;
    for (name, trigger, messages, is_edit) in [
        (
            "the question changed",
            "submit-message",
            question.to_owned(),
            true,
        ),
        (
            "regenerated from the question",
            "regenerate-message",
            question.to_owned(),
            false,
        ),
        (
            "an answer follows",
            "submit-message",
            format!("{question},{answer}"),
            false,
        ),
    ] {
        let body = format!(
            r#"{{"id":"t","trigger":"{trigger}","messageId":"m1","messages":[{messages}]}}"#
        );
        assert_eq!(parse(body).unwrap().is_edit(), is_edit, "{name}");
    }
}

#[test]
fn an_answer_without_parts_is_accepted() {
    let request = fixture!("after-an-error");
    assert_eq!(request.messages[3].parts, []);
    assert_eq!(
        extract_text_content(request.user_message()).to_text(),
        "once more"
    );
}

#[test]
fn a_request_that_ends_with_an_answer_continues_it() {
    for (name, request, id, question) in [
        ("a tool's output", fixture!("tool-output"), "a1", "do it"),
        ("an approval", fixture!("approval"), "a1", "pay"),
        (
            "no new message",
            fixture!("send-without-message"),
            "a6",
            "once more",
        ),
    ] {
        let continued = request.continued_message().expect(name);
        assert_eq!(
            (continued.role, continued.id.as_str()),
            (Role::Assistant, id),
            "{name}"
        );
        assert_eq!(request.message_id.as_ref(), Some(&continued.id), "{name}");
        assert_eq!(
            extract_text_content(request.user_message()).to_text(),
            question,
            "{name}"
        );
        assert!(!request.is_edit(), "{name}");
    }
}

#[test]
fn the_id_of_the_chat_replaces_a_missing_thread_id() {
    let thread = |fields: &str| parse(with_fields(fields)).unwrap().thread_id.to_string();
    assert_eq!(thread(r#""id":"chat","#), "chat");
    assert_eq!(thread(r#""id":"chat","threadId":null,"#), "chat");
    assert_eq!(thread(r#""id":"chat","threadId":"thread","#), "thread");
    assert_eq!(
        thread(r#""id":{"not":"read"},"threadId":"thread","#),
        "thread"
    );
}

#[test]
fn optional_fields_may_be_null() {
    let request = parse(with_fields(
        r#""threadId":"t","model":null,"trigger":null,"messageId":null,"#,
    ))
    .unwrap();
    assert_eq!(
        (request.model, request.trigger, request.message_id),
        (None, Trigger::SubmitMessage, None)
    );
}

#[test]
fn ids_of_old_messages_may_repeat() {
    let old = r#"{"id":"a1","role":"assistant","parts":[]}"#;
    assert!(
        parse(with_messages(&format!(
            r#"{old},{old},{{"id":"m1","role":"user","parts":[]}},{old}"#
        )))
        .is_ok()
    );
}

#[test]
fn text_is_kept_unchanged() {
    for escaped in [
        r"a\r\n\r\ndata: x",
        r"event: x\nid: 1",
        "\u{2028}\u{2029}",
        r"\u001b[31m\u0000",
        r"half \ud83d",
    ] {
        let request = parse(with_parts(&format!(
            r#"{{"type":"text","text":"{escaped}"}}"#
        )))
        .unwrap();
        assert_eq!(
            extract_text_content(request.user_message()).escaped(),
            escaped
        );
    }
}

#[test]
fn a_file_that_the_provider_holds_needs_no_url() {
    let file = |url: &str, rest: &str| {
        parse(with_parts(&format!(
            r#"{{"type":"file","mediaType":"image/png","url":"{url}"{rest}}}"#
        )))
    };
    let reference = r#","providerReference":{"openai":"file-1"}"#;
    let request = file("", reference).unwrap();
    assert!(matches!(
        request.messages[0].parts[..],
        [UiPart::File { .. }]
    ));
    assert!(file("", "").is_err());
    assert!(file("http://example.com/", reference).is_err());
}

#[test]
fn a_text_and_a_file_may_each_fill_the_body() {
    let text = "long text ".repeat(350_000);
    let request = parse(with_parts(&format!(r#"{{"type":"text","text":"{text}"}}"#))).unwrap();
    assert_eq!(extract_text_content(request.user_message()).escaped(), text);

    let url = format!("data:image/png;base64,{}", "AAAA".repeat(875_000));
    assert!(
        parse(with_parts(&format!(
            r#"{{"type":"file","mediaType":"image/png","url":"{url}"}}"#
        )))
        .is_ok()
    );
}

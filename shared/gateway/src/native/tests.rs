use std::fmt::Write;

use super::*;
use crate::sse::SseDecoder;

const FIXTURES: [(&str, &str); 4] = [
    ("text", include_str!("../../fixtures/text.sse")),
    ("tools", include_str!("../../fixtures/tools.sse")),
    ("error", include_str!("../../fixtures/error.sse")),
    ("odd", include_str!("../../fixtures/odd.sse")),
];

/// The parts of a recorded stream, one a line, and how many were skipped.
fn parts(wire: &str) -> String {
    let (mut sse, mut native, mut lines) = (SseDecoder::default(), NativeDecoder::default(), String::new());
    let mut bytes = wire.as_bytes();
    while let Some(event) = sse.next_event(&mut bytes).unwrap() {
        if let Some(part) = native.push(event).unwrap() {
            writeln!(lines, "{part:?}").unwrap();
        }
    }
    writeln!(lines, "skipped: {}", native.skipped()).unwrap();
    lines
}

#[test]
fn recorded_streams_give_these_parts() {
    for (name, wire) in FIXTURES {
        insta::assert_snapshot!(name, parts(wire));
    }
}

fn push(json: &str) -> Result<Option<StreamPart>, String> {
    NativeDecoder::default().push(json.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn a_part_without_a_field_that_it_must_have_is_broken() {
    for (json, error) in [
        (r#"{"type":"text-start"}"#, "text-start part without a proper id"),
        (r#"{"type":"text-start","id":null}"#, "text-start part without a proper id"),
        (r#"{"type":"text-delta","id":0,"delta":"x"}"#, "text-delta part without a proper id"),
        (r#"{"type":"text-delta","id":"0"}"#, "text-delta part without a proper delta"),
        (r#"{"type":"text-delta","id":"0","textDelta":"x"}"#, "text-delta part without a proper delta"),
        (r#"{"type":"reasoning-delta","id":"0","delta":{}}"#, "reasoning-delta part without a proper delta"),
        (r#"{"type":"text-delta","id":"\ud800","delta":"x"}"#, "text-delta part without a proper id"),
        (r#"{"type":"tool-input-start","id":"c"}"#, "tool-input-start part without a proper toolName"),
        (r#"{"type":"tool-call","toolCallId":"c","toolName":"t"}"#, "tool-call part without a proper input"),
        (r#"{"type":"tool-call","toolName":"t","input":""}"#, "tool-call part without a proper toolCallId"),
        (
            r#"{"type":"tool-approval-request","toolCallId":"c"}"#,
            "tool-approval-request part without a proper approvalId",
        ),
        (r#"{"type":"custom"}"#, "custom part without a proper kind"),
        (r#"{"type":"file","data":"AA=="}"#, "file part without a proper mediaType"),
        (
            r#"{"type":"file","mediaType":"a/b","data":{"type":"path","path":"x"}}"#,
            "file part without a proper data",
        ),
        (r#"{"type":"file","mediaType":"a/b","data":{"type":"url"}}"#, "file part without a proper data"),
    ] {
        assert_eq!(push(json), Err(error.to_owned()), "{json}");
    }
}

#[test]
fn what_is_not_json_is_broken_and_not_repeated_in_the_error() {
    for json in [
        "",
        "{\"type\":\"text-delta\",\"id\":\"0\",\"delta\":\"secret",
        "{\"type\":\"ping\"} secret",
        "{type:secret}",
        "secret",
        "[DONE] secret",
        "{\"type\":\"text-delta\",\"id\":\"0\",\"delta\":\"raw \u{1} secret\"}",
        "{\"type\":\"text-delta\",\"id\":\"0\",\"delta\":\"\\x secret\"}",
        "{\"type\":\"ping\",\"type\":\"secret\"}",
    ] {
        let error = NativeDecoder::default().push(json.as_bytes()).unwrap_err();
        assert!(matches!(error, PartError::Json(_)), "{json}: {error:?}");
        assert!(!format!("{error:?}").contains("secret"), "{json}: {error:?}");
    }
}

#[test]
fn keys_that_the_original_refuses_are_broken_also_where_nobody_looks() {
    for json in [
        r#"{"type":"ping","x":{"__proto__":1}}"#,
        r#"{"type":"hologram","__proto__":1}"#,
        r#"[{"constructor":{"prototype":1}}]"#,
        r#"{"type":"text-start","id":"0","providerMetadata":{"a":{"constructor":{"prototype":{}}}}}"#,
    ] {
        let error = NativeDecoder::default().push(json.as_bytes()).unwrap_err();
        assert!(matches!(error, PartError::ForbiddenKey), "{json}: {error:?}");
    }
    assert!(
        push(r#"{"type":"text-delta","id":"0","delta":"\"__proto__\": see the prototype"}"#)
            .unwrap()
            .is_some()
    );
}

#[test]
fn bytes_that_are_no_utf_8_become_the_replacement_character() {
    let part =
        NativeDecoder::default().push(b"{\"type\":\"text-delta\",\"id\":\"0\",\"delta\":\"a\xff\xe2\x82\"}");
    let Ok(Some(StreamPart::TextDelta { delta, .. })) = part else { panic!("{part:?}") };
    assert_eq!(delta.to_text(), "a\u{fffd}\u{fffd}");
}

#[test]
fn depth_is_no_danger() {
    let deep = 200_000;
    let json = format!(r#"{{"type":"ping","x":{}{}}}"#, "[".repeat(deep), "]".repeat(deep));
    assert_eq!(push(&json), Ok(Some(StreamPart::Ping)));
    let keys =
        format!(r#"{{"type":"ping","x":{}"proto"{}}}"#, r#"{"constructor":"#.repeat(deep), "}".repeat(deep));
    assert_eq!(push(&keys), Ok(Some(StreamPart::Ping)));
}

//! Depth of upstream JSON: no reader follows nested values down the stack, in any field.

use message::StreamPart;

use crate::adapter::EventDecoder;
use crate::protocol::Protocol;

const DEPTH: usize = 5_000;
/// Bytes of stack that a decoder gets here: far less than [`DEPTH`] calls take.
const STACK: usize = 128 * 1024;

/// The name, opening, innermost value and closing of a value that nests itself.
const NESTS: [(&str, &str, &str, &str); 6] = [
    ("arrays", "[", "", "]"),
    ("objects", r#"{"a":"#, "0", "}"),
    ("thoughts", r#"[{"type":"thinking","thinking":"#, "[]", "}]"),
    ("texts", r#"[{"type":"text","text":"#, r#""x""#, "}]"),
    (
        "contents",
        r#"{"content":[{"type":"content","text":"#,
        "0",
        "}]}",
    ),
    ("gateways", r#"{"gateway":{"cost":"#, "0", "}}"),
];

fn decoder(protocol: Protocol) -> Box<dyn EventDecoder> {
    protocol.adapter().decoder()
}

fn nested((_, open, inside, close): &(&str, &str, &str, &str)) -> String {
    [
        open.repeat(DEPTH),
        (*inside).to_owned(),
        close.repeat(DEPTH),
    ]
    .concat()
}

/// Runs `decode` on a small stack. One that overflows it ends the test process.
fn on_a_small_stack(decode: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(decode)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn no_field_of_a_chat_completion_is_followed_down_the_stack() {
    const FIELDS: [&str; 16] = [
        r#"{"choices":%}"#,
        r#"{"choices":[{"index":%,"delta":{"content":"a"}}]}"#,
        r#"{"choices":[{"delta":%}]}"#,
        r#"{"choices":[{"finish_reason":%,"delta":{}}]}"#,
        r#"{"choices":[{"delta":{"content":%}}]}"#,
        r#"{"choices":[{"delta":{"refusal":%}}]}"#,
        r#"{"choices":[{"delta":{"reasoning":%}}]}"#,
        r#"{"choices":[{"delta":{"reasoning_content":%}}]}"#,
        r#"{"choices":[{"delta":{"reasoning_details":%}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":%}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":%}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":%}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","extra_content":%}]}}]}"#,
        r#"{"choices":[],"usage":%}"#,
        r#"{"error":%}"#,
        r#"{"id":%,"model":%,"created":%,"choices":[],"other":%}"#,
    ];
    on_a_small_stack(|| {
        for field in FIELDS {
            for nest in NESTS {
                let (mut decoder, mut parts) = (decoder(Protocol::OpenAi), Vec::new());
                decoder
                    .push(field.replace('%', &nested(&nest)).as_bytes(), &mut parts)
                    .unwrap();
                decoder
                    .push(
                        br#"{"choices":[{"delta":{"content":"still here"}}]}"#,
                        &mut parts,
                    )
                    .unwrap();
                let text = parts.iter().any(|part| matches!(part, StreamPart::TextDelta { delta, .. } if delta.to_text() == "still here"));
                assert!(
                    text,
                    "{field} with {}: {:.300}",
                    nest.0,
                    format!("{parts:?}")
                );
            }
        }
    });
}

#[test]
fn no_field_of_a_native_part_is_followed_down_the_stack() {
    const TYPES: [&str; 16] = [
        "stream-start",
        "response-metadata",
        "text-start",
        "text-delta",
        "text-end",
        "reasoning-delta",
        "source",
        "file",
        "reasoning-file",
        "custom",
        "tool-input-start",
        "tool-call",
        "tool-result",
        "tool-approval-request",
        "error",
        "finish",
    ];
    const FIELDS: [&str; 22] = [
        "id",
        "delta",
        "providerMetadata",
        "citations",
        "warnings",
        "modelId",
        "timestamp",
        "mediaType",
        "data",
        "kind",
        "title",
        "toolCallId",
        "toolName",
        "input",
        "result",
        "isError",
        "dynamic",
        "approvalId",
        "error",
        "finishReason",
        "usage",
        "url",
    ];
    on_a_small_stack(|| {
        let nests = NESTS.map(|nest| nested(&nest));
        for kind in TYPES {
            for (at, field) in FIELDS.iter().enumerate() {
                let json = format!(
                    r#"{{"type":"{kind}","{field}":{}}}"#,
                    nests[at % nests.len()]
                );
                let (mut decoder, mut parts) = (decoder(Protocol::Native), Vec::new());
                // The event may be refused; the decoder must return.
                let _ = decoder.push(json.as_bytes(), &mut parts);
                parts.clear();
                decoder
                    .push(br#"{"type":"text-start","id":"t"}"#, &mut parts)
                    .unwrap();
                assert!(
                    matches!(parts[..], [StreamPart::TextStart { .. }]),
                    "{kind}.{field}"
                );
            }
        }
    });
}

#[test]
fn one_level_of_thinking_is_read_and_deeper_is_skipped() {
    let thought = |items: &str| {
        let json = format!(
            r#"{{"choices":[{{"delta":{{"content":[{{"type":"thinking","thinking":[{items}]}}]}}}}]}}"#
        );
        let (mut decoder, mut parts) = (decoder(Protocol::OpenAi), Vec::new());
        decoder.push(json.as_bytes(), &mut parts).unwrap();
        let texts = parts.iter().filter_map(|part| match part {
            StreamPart::ReasoningDelta { delta, .. } => Some(delta.to_text().into_owned()),
            _ => None,
        });
        texts.collect::<Vec<_>>()
    };
    let inner = r#"{"type":"thinking","thinking":[{"type":"text","text":"deeper"}]}"#;
    assert_eq!(
        thought(r#"{"type":"text","text":"a"},{"type":"text","text":"b"}"#),
        ["ab"]
    );
    assert_eq!(
        thought(&format!(
            r#"{{"type":"text","text":"a"}},{inner},{{"type":"text","text":"b"}}"#
        )),
        ["ab"]
    );
    assert!(thought(inner).is_empty());
}

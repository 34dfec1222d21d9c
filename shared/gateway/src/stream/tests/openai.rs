//! The other protocol, whose end is marked by a reason for stopping and whose last parts only the
//! end makes known.

use super::*;

const ODD: &str = include_str!("../../../fixtures/openai/odd.sse");
const TOOLS: &str = include_str!("../../../fixtures/openai/openai-tools.sse");
const REASONING: &str = include_str!("../../../fixtures/openai/openrouter.sse");
const THOUGHTS: &str = include_str!("../../../fixtures/openai/mistral.sse");
const ALL: [&str; 4] = [ODD, TOOLS, REASONING, THOUGHTS];

const ROLE: &str =
    "data: {\"id\":\"r\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n";
const TEXT: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n";
const STOP: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n";
const ERROR: &str = "data: {\"error\":{\"message\":\"no\"}}\n\n";
static MEGABYTE: &str = match str::from_utf8(&[b' '; 1024 * 1024]) {
    Ok(spaces) => spaces,
    Err(_) => "",
};
const DONE: &str = "data: [DONE]\n\n";

#[tokio::test(start_paused = true)]
async fn an_answer_is_complete_only_with_its_reason_for_stopping() {
    use Then::{Cut, End, IdleTimer};
    let cases: [(&str, &[&'static str], Then, Course<'_>); 20] = [
        (
            "good",
            &[ROLE, TEXT, STOP, USAGE, DONE],
            End,
            (&[1, 2, 2], "complete", 0),
        ),
        ("no [DONE]", &[TEXT, STOP], End, (&[2, 2], "complete", 0)),
        ("no text", &[STOP, DONE], End, (&[1], "complete", 0)),
        ("ends at once", &[], End, (&[], "truncated", 0)),
        (
            "ends without a reason",
            &[ROLE, TEXT],
            End,
            (&[1, 2], "truncated", 0),
        ),
        (
            "[DONE] without a reason",
            &[ROLE, TEXT, DONE],
            End,
            (&[1, 2], "truncated", 0),
        ),
        (
            "a JSON body",
            &["{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}"],
            End,
            (&[], "truncated", 0),
        ),
        (
            "a reason without its blank line",
            &[TEXT, "data: {\"choices\":[]}\n"],
            End,
            (&[2], "truncated", 0),
        ),
        ("cut", &[TEXT], Cut, (&[2], "cut", 0)),
        (
            "a reason, then cut",
            &[TEXT, STOP],
            Cut,
            (&[2, 2], "complete", 0),
        ),
        (
            "a reason, then cut within the tokens",
            &[TEXT, STOP, "data: {\"us"],
            Cut,
            (&[2, 2], "complete", 0),
        ),
        (
            "silent at once",
            &[],
            IdleTimer,
            (&[], "first part timeout", 120),
        ),
        (
            "silent once announced",
            &[ROLE],
            IdleTimer,
            (&[1], "first part timeout", 120),
        ),
        (
            "silent in the middle",
            &[ROLE, TEXT],
            IdleTimer,
            (&[1, 2], "idle timeout", 60),
        ),
        (
            "a reason, then silence",
            &[TEXT, STOP],
            IdleTimer,
            (&[2, 2], "complete", 5),
        ),
        (
            "text and tokens after the reason",
            &[STOP, TEXT, USAGE],
            End,
            (&[2, 2], "complete", 0),
        ),
        (
            "an error ends in good order",
            &[TEXT, ERROR, DONE],
            End,
            (&[2, 1, 2], "complete", 0),
        ),
        (
            "an error, then cut",
            &[TEXT, ERROR],
            Cut,
            (&[2, 1], "cut", 0),
        ),
        (
            "an error, then silence",
            &[TEXT, ERROR],
            IdleTimer,
            (&[2, 1], "idle timeout", 60),
        ),
        (
            "no JSON",
            &[TEXT, "data: oops\n\n", TEXT, STOP],
            End,
            (&[2, 1, 1, 2], "complete", 0),
        ),
    ];
    for (case, sent, then, expected) in cases {
        check(Protocol::OpenAi, case, sent, then, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_complete_answer_stays_complete_though_an_endless_event_follows() {
    let (mut sender, mut stream) = stream_in(Protocol::OpenAi, None);
    send(&mut sender, STOP).await;
    send(&mut sender, "data: ").await;
    for _ in 0..=MAX_EVENT_BYTES / MEGABYTE.len() {
        send(&mut sender, MEGABYTE).await;
    }
    assert_eq!(outcome(&mut stream).await, (vec![1], "complete", 0));
    assert!(stream.response.is_none());
}

fn parts(pieces: &[&[u8]]) -> Vec<StreamPart> {
    let mut decoder = PartDecoder::new(Protocol::OpenAi.adapter());
    let mut parts = Vec::new();
    for piece in pieces {
        decoder.push(piece, &mut parts).unwrap();
    }
    assert!(decoder.events.is_complete());
    parts.extend(decoder.finish());
    parts
}

#[test]
fn parts_do_not_depend_on_where_the_network_cut_the_bytes() {
    for wire in ALL {
        let expected = parts(&[wire.as_bytes()]);
        for cut in 0..=wire.len() {
            let (before, after) = wire.as_bytes().split_at(cut);
            assert_eq!(parts(&[before, after]), expected, "cut at byte {cut}");
        }
        for ending in ["\r\n", "\r"] {
            assert_eq!(
                parts(&[wire.replace('\n', ending).as_bytes()]),
                expected,
                "{ending:?}"
            );
        }
    }
}

/// Values in place of others, in an event that is JSON.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("0".to_owned()),
        Just("true".to_owned()),
        Just(r#""""#.to_owned()),
        Just(r#""x""#.to_owned()),
        Just(r#""\ud83d""#.to_owned()),
        Just(r#""{\"a\":""#.to_owned()),
        Just(r#""stop""#.to_owned()),
    ];
    let key = prop::sample::select(vec![
        "id",
        "choices",
        "delta",
        "index",
        "content",
        "type",
        "text",
        "thinking",
        "reasoning",
        "refusal",
        "reasoning_details",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "finish_reason",
        "usage",
        "error",
        "extra_content",
        "google",
        "thought_signature",
        "prompt_tokens",
    ]);
    leaf.prop_recursive(6, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::btree_map(key.clone(), inner, 0..5).prop_map(|fields| {
                let fields: Vec<_> = fields
                    .iter()
                    .map(|(key, value)| format!("\"{key}\":{value}"))
                    .collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

/// Generates a piece of a call as some server might send it.
fn call_piece() -> impl Strategy<Value = String> {
    let field = |values: &'static [&'static str]| prop::sample::select(values);
    (
        field(&["", r#""index":0,"#, r#""index":1,"#, r#""index":null,"#]),
        field(&["", r#""id":"c","#, r#""id":"d","#, r#""id":"","#]),
        field(&["", r#""name":"f","#, r#""name":"g","#, r#""name":"","#]),
        field(&[r#""arguments":"""#, r#""arguments":"{\"a\":""#, r#""arguments":"1}""#, r#""arguments":"{}""#]),
    )
        .prop_map(|(index, id, name, arguments)| {
            format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{{{index}{id}"function":{{{name}{arguments}}}}}]}}}}]}}"#)
        })
}

/// Checks that blocks and inputs begin before they go on and end, that they end once, and that the
/// stream ends with `finish`.
fn is_in_order(parts: &[StreamPart]) -> bool {
    let mut open: Vec<&str> = Vec::new();
    let mut inputs: Vec<(&str, String)> = Vec::new();
    parts.iter().all(|part| match part {
        StreamPart::TextStart { id, .. } | StreamPart::ReasoningStart { id, .. } => {
            open.push(id);
            open.len() == 1
        }
        StreamPart::TextDelta { id, delta, .. } | StreamPart::ReasoningDelta { id, delta, .. } => {
            open == [id] && !delta.is_empty()
        }
        StreamPart::TextEnd { id, .. } | StreamPart::ReasoningEnd { id, .. } => {
            open.pop() == Some(id)
        }
        StreamPart::ToolInputStart { id, .. } => {
            let is_new = inputs.iter().all(|(known, _)| known != id);
            inputs.push((id, String::new()));
            is_new
        }
        StreamPart::ToolInputDelta { id, delta } => inputs
            .iter_mut()
            .find(|(known, _)| known == id)
            .map(|(_, input)| input.push_str(delta.escaped()))
            .is_some(),
        StreamPart::ToolInputEnd { id } => inputs.iter().any(|(known, _)| known == id),
        StreamPart::ToolCall {
            tool_call_id,
            input,
            ..
        } => inputs
            .iter()
            .any(|(known, written)| known == tool_call_id && written == input.escaped()),
        StreamPart::Finish { .. } => open.is_empty(),
        _ => true,
    }) && matches!(parts.last(), Some(StreamPart::Finish { .. }))
}

proptest! {
    #[test]
    fn parts_survive_any_number_of_cuts(mut cuts in prop::collection::vec(0..=TOOLS.len(), 0..40)) {
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts.into_iter().chain([TOOLS.len()]) {
            pieces.push(&TOOLS.as_bytes()[from..cut]);
            from = cut;
        }
        prop_assert_eq!(parts(&pieces), parts(&[TOOLS.as_bytes()]));
    }

    #[test]
    fn parts_are_in_order_whatever_the_events_are(
        events in prop::collection::vec(prop_oneof![call_piece(), value()], 0..12),
        deltas in prop::collection::vec(value(), 0..6),
    ) {
        let deltas = deltas.iter().map(|delta| format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#));
        let events: Vec<String> = events.into_iter().chain(deltas).collect();
        let wire: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        let all = parts(&[wire.as_bytes(), STOP.as_bytes()]);
        prop_assert!(is_in_order(&all), "{wire}\n{all:?}");
    }
}

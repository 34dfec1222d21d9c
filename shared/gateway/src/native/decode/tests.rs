use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::sse::SseDecoder;

macro_rules! fixtures {
    ($($name:literal),*) => { [$(($name, include_str!(concat!("../../../fixtures/", $name, ".sse")))),*] };
}

const FIXTURES: [(&str, &str); 11] = fixtures![
    "text",
    "tools",
    "error",
    "odd",
    "anthropic-length",
    "anthropic-overloaded",
    "anthropic-reasoning",
    "anthropic-search",
    "google-filtered",
    "google-image",
    "openai-reasoning"
];

/// Returns the parts of a stream that came in these pieces, one a line, and the number of skipped
/// ones.
fn parts(pieces: &[&[u8]]) -> String {
    let (mut sse, mut native, mut lines) = (
        SseDecoder::default(),
        NativeDecoder::default(),
        String::new(),
    );
    for piece in pieces {
        let mut bytes = *piece;
        while let Some(event) = sse.next_event(&mut bytes).unwrap() {
            if let Some(part) = native.decode(event).unwrap() {
                writeln!(lines, "{part:?}").unwrap();
            }
        }
    }
    writeln!(lines, "skipped: {}", native.skipped()).unwrap();
    lines
}

#[test]
fn recorded_streams_give_these_parts() {
    for (name, wire) in FIXTURES {
        insta::assert_snapshot!(name, parts(&[wire.as_bytes()]), "parts(wire)");
    }
}

#[test]
fn no_cut_of_a_recorded_stream_changes_its_parts() {
    for (name, wire) in FIXTURES {
        let expected = parts(&[wire.as_bytes()]);
        for cut in 0..=wire.len() {
            let (before, after) = wire.as_bytes().split_at(cut);
            assert_eq!(
                parts(&[before, after]),
                expected,
                "{name} cut at byte {cut}"
            );
        }
        let single: Vec<&[u8]> = wire.as_bytes().chunks(1).collect();
        assert_eq!(parts(&single), expected, "{name} byte by byte");
    }
}

fn push(json: &str) -> Result<Option<StreamPart>, String> {
    NativeDecoder::default()
        .decode(json.as_bytes())
        .map_err(|error| error.to_string())
}

#[test]
fn a_part_without_a_field_that_it_must_have_is_broken() {
    for (json, error) in [
        (
            r#"{"type":"text-start"}"#,
            "text-start part without a proper id",
        ),
        (
            r#"{"type":"text-start","id":null}"#,
            "text-start part without a proper id",
        ),
        (
            r#"{"type":"text-delta","id":0,"delta":"x"}"#,
            "text-delta part without a proper id",
        ),
        (
            r#"{"type":"text-delta","id":"0"}"#,
            "text-delta part without a proper delta",
        ),
        (
            r#"{"type":"text-delta","id":"0","textDelta":"x"}"#,
            "text-delta part without a proper delta",
        ),
        (
            r#"{"type":"reasoning-delta","id":"0","delta":{}}"#,
            "reasoning-delta part without a proper delta",
        ),
        (
            r#"{"type":"text-delta","id":"\ud800","delta":"x"}"#,
            "text-delta part without a proper id",
        ),
        (
            r#"{"type":"tool-input-start","id":"c"}"#,
            "tool-input-start part without a proper toolName",
        ),
        (
            r#"{"type":"tool-call","toolCallId":"c","toolName":"t"}"#,
            "tool-call part without a proper input",
        ),
        (
            r#"{"type":"tool-call","toolName":"t","input":""}"#,
            "tool-call part without a proper toolCallId",
        ),
        (
            r#"{"type":"tool-approval-request","toolCallId":"c"}"#,
            "tool-approval-request part without a proper approvalId",
        ),
        (r#"{"type":"custom"}"#, "custom part without a proper kind"),
        (
            r#"{"type":"file","data":"AA=="}"#,
            "file part without a proper mediaType",
        ),
        (
            r#"{"type":"file","mediaType":"a/b","data":{"type":"path","path":"x"}}"#,
            "file part without a proper data",
        ),
        (
            r#"{"type":"file","mediaType":"a/b","data":{"type":"url"}}"#,
            "file part without a proper data",
        ),
    ] {
        assert_eq!(push(json), Err(error.to_owned()), "{json}");
    }
}

#[test]
fn an_event_that_is_not_json_is_refused_and_not_repeated_in_the_error() {
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
        let error = NativeDecoder::default()
            .decode(json.as_bytes())
            .unwrap_err();
        assert!(matches!(error, PartError::Json(_)), "{json}: {error:?}");
        assert!(
            !format!("{error:?}").contains("secret"),
            "{json}: {error:?}"
        );
    }
}

#[test]
fn keys_that_the_original_refuses_are_broken_in_ignored_fields_too() {
    for json in [
        r#"{"type":"ping","x":{"__proto__":1}}"#,
        r#"{"type":"hologram","__proto__":1}"#,
        r#"[{"constructor":{"prototype":1}}]"#,
        r#"{"type":"text-start","id":"0","providerMetadata":{"a":{"constructor":{"prototype":{}}}}}"#,
    ] {
        let error = NativeDecoder::default()
            .decode(json.as_bytes())
            .unwrap_err();
        assert!(
            matches!(error, PartError::ForbiddenKey),
            "{json}: {error:?}"
        );
    }
    assert!(
        push(r#"{"type":"text-delta","id":"0","delta":"\"__proto__\": see the prototype"}"#)
            .unwrap()
            .is_some()
    );
}

#[test]
fn metadata_that_a_client_refuses_counts_as_absent() {
    let metadata = |json: &str| {
        let part = push(&format!(
            r#"{{"type":"text-start","id":"0","providerMetadata":{json}}}"#
        ));
        let Ok(Some(StreamPart::TextStart {
            provider_metadata, ..
        })) = part
        else {
            panic!("{part:?}")
        };
        provider_metadata
    };
    for json in [
        r#"{"a":1}"#,
        r#"{"a":{"x":1e999}}"#,
        r#"{"a":{},"b":{"x":["\ud83d",{"y":-1E+400}]}}"#,
    ] {
        assert_eq!(metadata(json), None, "{json}");
    }
    let providers = |count| {
        let named: Vec<_> = (0..count)
            .map(|number| format!(r#""p{number}":{{}}"#))
            .collect();
        format!("{{{}}}", named.join(","))
    };
    assert!(metadata(&providers(1_000)).is_some());
    assert_eq!(metadata(&providers(1_001)), None, "more than can be held");
    for json in [
        r#"{"a":{"x":1.7e308,"1e999":"1e999"}}"#,
        r#"{"a":{"x":"\ud83d","y":[-0.0,null]}}"#,
    ] {
        assert_eq!(metadata(json).as_ref().map(RawJson::get), Some(json));
    }
}

#[test]
fn bytes_that_are_no_utf_8_become_the_replacement_character() {
    let part = NativeDecoder::default()
        .decode(b"{\"type\":\"text-delta\",\"id\":\"0\",\"delta\":\"a\xff\xe2\x82\"}");
    let Ok(Some(StreamPart::TextDelta { delta, .. })) = part else {
        panic!("{part:?}")
    };
    assert_eq!(delta.to_text(), "a\u{fffd}\u{fffd}");
}

#[test]
fn depth_is_no_danger() {
    let deep = 200_000;
    let json = format!(
        r#"{{"type":"ping","x":{}{}}}"#,
        "[".repeat(deep),
        "]".repeat(deep)
    );
    assert_eq!(push(&json), Ok(Some(StreamPart::Ping)));
    let keys = format!(
        r#"{{"type":"ping","x":{}"proto"{}}}"#,
        r#"{"constructor":"#.repeat(deep),
        "}".repeat(deep)
    );
    assert_eq!(push(&keys), Ok(Some(StreamPart::Ping)));
}

/// Bytes that make and break JSON, so that a change often hits something.
fn structural_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        proptest::sample::select(b"\"\\{}[]:,u0dn \n\xff".to_vec()),
        any::<u8>()
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    /// Checks that a broken event never ends the process, and that each part has all that its
    /// type must have.
    #[test]
    fn no_damage_to_an_event_makes_the_decoder_panic(
        fixture in 0..FIXTURES.len(),
        event in any::<proptest::sample::Index>(),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), structural_byte(), 0..3_u8), 0..4),
    ) {
        let events: Vec<&str> = FIXTURES[fixture].1.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        let mut event = event.get(&events).as_bytes().to_vec();
        for (place, byte, how) in damage {
            if event.is_empty() {
                break;
            }
            let at = place.index(event.len());
            match how {
                0 => event[at] = byte,
                1 => event.insert(at, byte),
                _ => drop(event.remove(at)),
            }
        }
        let mut decoder = NativeDecoder::default();
        let first = format!("{:?}", decoder.decode(&event));
        prop_assert_eq!(format!("{:?}", decoder.decode(&event)), first, "the decoder remembers");
    }
}

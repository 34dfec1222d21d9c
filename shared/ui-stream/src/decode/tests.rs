use proptest::prelude::*;

use crate::generated::{CHUNK_KINDS, chunk};
use crate::{DONE, PING, UiMessageChunk};

fn encode(chunks: &[UiMessageChunk]) -> Vec<u8> {
    let mut stream = Vec::new();
    chunks.iter().for_each(|chunk| chunk.encode(&mut stream));
    stream
}

fn decode(stream: &[u8]) -> Vec<UiMessageChunk> {
    UiMessageChunk::decode_all(stream)
        .collect::<Result<_, _>>()
        .unwrap()
}

#[test]
fn every_kind_of_chunk_decodes_to_itself() {
    for kind in 0..CHUNK_KINDS {
        for bits in 0..=u8::MAX {
            let chunks = [chunk(kind, bits % 4, bits)];
            assert_eq!(decode(&encode(&chunks)), chunks);
        }
    }
}

#[test]
fn line_ends_in_carried_json_decode_as_spaces() {
    let pretty = |json: &str| {
        let provider_metadata = Some(serde_json::from_str(json).unwrap());
        UiMessageChunk::Custom {
            kind: "a.b".to_owned(),
            provider_metadata,
        }
    };
    let stream = encode(&[pretty("{\n\"a\":\r\n\"x\\n\"}")]);
    assert_eq!(decode(&stream), [pretty("{ \"a\":  \"x\\n\"}")]);
}

#[test]
fn comments_and_the_done_event_are_skipped() {
    let step = [UiMessageChunk::StartStep];
    let stream = [PING, &encode(&step), PING, DONE].concat();
    assert_eq!(decode(&stream), step);
}

#[test]
fn a_malformed_chunk_is_an_error_between_good_chunks() {
    let step = String::from_utf8(encode(&[UiMessageChunk::StartStep])).unwrap();
    for (name, data) in [
        ("no JSON", &b"{\"type\":"[..]),
        ("no UTF-8", b"{\"type\":\"error\",\"errorText\":\"\xff\"}"),
        ("no object", b"[]"),
        ("no type", b"{}"),
        ("an unknown type", b"{\"type\":\"hologram\"}"),
        (
            "an unknown type of tool chunk",
            b"{\"type\":\"tool-x\",\"toolCallId\":\"c\"}",
        ),
        ("a missing field", b"{\"type\":\"text-delta\",\"id\":\"0\"}"),
        (
            "another's metadata",
            b"{\"type\":\"message-metadata\",\"messageMetadata\":{\"a\":1}}",
        ),
    ] {
        let stream = [step.as_bytes(), b"data: ", data, b"\n\n", step.as_bytes()].concat();
        let read: Vec<bool> = UiMessageChunk::decode_all(&stream)
            .map(|chunk| chunk.is_ok())
            .collect();
        assert_eq!(read, [true, false, true], "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn a_cut_stream_decodes_except_for_the_incomplete_event(
        numbers in prop::collection::vec((0..CHUNK_KINDS, 0..4_u8, any::<u8>()), 1..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let chunks: Vec<_> = numbers.into_iter().map(|(kind, id, bits)| chunk(kind, id, bits)).collect();
        let stream = encode(&chunks);
        prop_assert_eq!(decode(&stream), &*chunks);

        let cut = cut.index(stream.len() + 1);
        let complete_events = stream[..cut].windows(2).filter(|two| two == b"\n\n").count();
        prop_assert_eq!(decode(&stream[..cut]), &chunks[..complete_events]);
    }
}

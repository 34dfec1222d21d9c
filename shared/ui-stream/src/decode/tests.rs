use proptest::prelude::*;

use crate::generated::{CHUNK_KINDS, chunk};
use crate::{DONE, PING, UiMessageChunk};

fn encoded(chunks: &[UiMessageChunk]) -> Vec<u8> {
    let mut stream = Vec::new();
    chunks.iter().for_each(|chunk| chunk.encode(&mut stream));
    stream
}

fn decoded(stream: &[u8]) -> Vec<UiMessageChunk> {
    UiMessageChunk::decode_all(stream)
        .collect::<Result<_, _>>()
        .unwrap()
}

#[test]
fn every_kind_of_chunk_reads_back() {
    for kind in 0..CHUNK_KINDS {
        for bits in 0..=u8::MAX {
            let chunks = [chunk(kind, bits % 4, bits)];
            assert_eq!(decoded(&encoded(&chunks)), chunks);
        }
    }
}

#[test]
fn line_ends_in_carried_json_are_white_space_and_read_back_as_such() {
    let pretty = |json: &str| {
        let provider_metadata = Some(serde_json::from_str(json).unwrap());
        UiMessageChunk::Custom {
            kind: "a.b".to_owned(),
            provider_metadata,
        }
    };
    let stream = encoded(&[pretty("{\n\"a\":\r\n\"x\\n\"}")]);
    assert_eq!(decoded(&stream), [pretty("{ \"a\":  \"x\\n\"}")]);
}

#[test]
fn comments_and_the_end_are_no_chunks() {
    let step = [UiMessageChunk::StartStep];
    let stream = [PING, &encoded(&step), PING, DONE].concat();
    assert_eq!(decoded(&stream), step);
}

#[test]
fn what_cannot_be_read_is_one_error_among_the_others() {
    let step = String::from_utf8(encoded(&[UiMessageChunk::StartStep])).unwrap();
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
    fn a_stream_cut_anywhere_reads_back_but_for_the_torn_event(
        numbers in prop::collection::vec((0..CHUNK_KINDS, 0..4_u8, any::<u8>()), 1..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let chunks: Vec<_> = numbers.into_iter().map(|(kind, id, bits)| chunk(kind, id, bits)).collect();
        let stream = encoded(&chunks);
        prop_assert_eq!(decoded(&stream), &*chunks);

        let cut = cut.index(stream.len() + 1);
        let whole = stream[..cut].windows(2).filter(|two| two == b"\n\n").count();
        prop_assert_eq!(decoded(&stream[..cut]), &chunks[..whole]);
    }
}

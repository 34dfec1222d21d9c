use std::collections::BTreeMap;

use json::JsonText;
use proptest::prelude::*;

use super::compact;
use crate::generated::{CHUNK_KINDS, chunk};
use crate::{DONE, MessageAssembler, PING, UiMessageChunk};

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

fn text_delta(id: &str, delta: &str) -> UiMessageChunk {
    let delta = serde_json::from_str(&format!("\"{delta}\"")).unwrap();
    UiMessageChunk::TextDelta {
        id: id.to_owned(),
        delta,
        provider_metadata: None,
    }
}

/// Returns the complete text of every block.
fn block_texts(chunks: &[UiMessageChunk]) -> BTreeMap<(&'static str, &str), JsonText> {
    let mut block_texts: BTreeMap<_, JsonText> = BTreeMap::new();
    for chunk in chunks {
        let (block, delta) = match chunk {
            UiMessageChunk::TextDelta { id, delta, .. } => (("text", &**id), delta),
            UiMessageChunk::ReasoningDelta { id, delta, .. } => (("reasoning", &**id), delta),
            UiMessageChunk::ToolInputDelta {
                tool_call_id,
                input_text_delta,
            } => (("input", &**tool_call_id), input_text_delta),
            _ => continue,
        };
        block_texts.entry(block).or_default().push(delta);
    }
    block_texts
}

#[test]
fn adjacent_deltas_of_one_block_become_one() {
    let input = |id: &str, delta: &str| {
        let input_text_delta = delta.into();
        UiMessageChunk::ToolInputDelta {
            tool_call_id: id.to_owned(),
            input_text_delta,
        }
    };
    let reasoning = |delta: &str| {
        let (id, delta) = ("0".to_owned(), delta.into());
        UiMessageChunk::ReasoningDelta {
            id,
            delta,
            provider_metadata: None,
        }
    };
    let metadata = |delta: &str| UiMessageChunk::TextDelta {
        id: "0".to_owned(),
        delta: delta.into(),
        provider_metadata: Some(serde_json::from_str("{\"a\":{}}").unwrap()),
    };
    for (name, chunks, expected) in [
        (
            "one block",
            vec![
                text_delta("0", "a"),
                text_delta("0", ""),
                text_delta("0", "b\\n"),
            ],
            vec![text_delta("0", "ab\\n")],
        ),
        (
            "halves of a surrogate pair",
            vec![text_delta("0", "\\ud83d"), text_delta("0", "\\ude00")],
            vec![text_delta("0", "\\ud83d\\ude00")],
        ),
        (
            "two blocks",
            vec![
                text_delta("0", "a"),
                text_delta("1", "b"),
                text_delta("1", "c"),
                text_delta("0", "d"),
            ],
            vec![
                text_delta("0", "a"),
                text_delta("1", "bc"),
                text_delta("0", "d"),
            ],
        ),
        (
            "an id of two kinds",
            vec![text_delta("0", "a"), reasoning("b"), reasoning("c")],
            vec![text_delta("0", "a"), reasoning("bc")],
        ),
        (
            "an id with quotes",
            vec![
                input("a\",\"inputTextDelta\":\"", "{"),
                input("a\",\"inputTextDelta\":\"", "\"}"),
            ],
            vec![input("a\",\"inputTextDelta\":\"", "{\"}")],
        ),
        (
            "metadata between",
            vec![text_delta("0", "a"), metadata("b"), text_delta("0", "c")],
            vec![text_delta("0", "a"), metadata("b"), text_delta("0", "c")],
        ),
        (
            "a step between",
            vec![
                text_delta("0", "a"),
                UiMessageChunk::StartStep,
                text_delta("0", "c"),
            ],
            vec![
                text_delta("0", "a"),
                UiMessageChunk::StartStep,
                text_delta("0", "c"),
            ],
        ),
    ] {
        assert_eq!(decode(&compact(&encode(&chunks))), expected, "{name}");
    }
}

#[test]
fn pings_are_dropped_and_do_not_separate_deltas() {
    let (one, two) = (
        encode(&[text_delta("0", "a")]),
        encode(&[text_delta("0", "b")]),
    );
    let stream = [PING, &one, PING, PING, &two, DONE].concat();
    assert_eq!(
        compact(&stream),
        [&encode(&[text_delta("0", "ab")]), DONE].concat()
    );
}

#[test]
fn unknown_events_are_kept_unchanged() {
    let tail = "data: {\"type\":\"text-delta\",\"id\":\"0\",\"delta\":\"a\"}\n\n";
    for foreign in [
        "data: {\"type\":\"text-delta\", \"id\":\"0\",\"delta\":\"a\"}\n\n",
        "data: {\"type\":\"text-delta\",\"id\":\"0\",\"delta\":\"a\"} \n\n",
        "data: {\"type\":\"text-delta\",\"id\":\"0\",\"delta\":\"a\\\"}\n\n",
        "data: {\"type\":\"text-delta\",\"id\":\"0\",\"delta\":\"a\\\n\n",
        "data: {\"type\":\"text-delta\",\"id\":\"0\\\n\n",
        "data: {\"type\":\"text-delta\",\"id\":\"0\n\n",
        ": another comment\n\n",
        "\n\n",
    ] {
        let stream = [foreign, tail, foreign].concat();
        assert_eq!(compact(stream.as_bytes()), stream.as_bytes(), "{foreign:?}");
    }
    let incomplete = [tail, &tail[..20]].concat();
    assert_eq!(compact(incomplete.as_bytes()), incomplete.as_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn a_compacted_stream_makes_the_same_message(
        numbers in prop::collection::vec((0..CHUNK_KINDS, 0..2_u8, any::<u8>()), 0..60),
    ) {
        let chunks: Vec<_> = numbers.into_iter().map(|(kind, id, bits)| chunk(kind, id, bits)).collect();
        let stream = encode(&chunks);
        let compacted = compact(&stream);
        let fewer = decode(&compacted);
        prop_assert!(compacted.len() <= stream.len());
        prop_assert_eq!(compact(&compacted), &*compacted, "nothing is left to compact");
        prop_assert_eq!(block_texts(&fewer), block_texts(&chunks));
        prop_assert_eq!(assembled(&fewer), assembled(&chunks));
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(prop::sample::select(&b"data: {\"\\\n,:}"[..]), 0..80)) {
        compact(&bytes);
        UiMessageChunk::decode_all(&bytes).for_each(drop);
    }
}

fn assembled(chunks: &[UiMessageChunk]) -> Vec<message::UiPart> {
    let mut assembler = MessageAssembler::default();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    assembler.close_open_inputs();
    assembler.parts().to_vec()
}

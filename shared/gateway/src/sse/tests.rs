use proptest::prelude::*;

use super::*;

/// Everything that a server may send, in one stream.
const ODD: &[u8] = "\u{feff}: comment\r\ndata: crlf\r\n\r\ndata:lf\n\ndata: cr\r\rdata: a\ndata:  b\n\nevent: x\nid: 1\nretry: 5\n\
data: named\n\n: only a comment\n\ndata\ndata: after an empty line\n\ndatax: no\ndat: no\n data: no\n\ndata\n\ndata:\n\n\n\n\
data: line\u{2028}end ä😀\n\n:\n\ndata: mixed\r\ndata: ends\rdata: here\n\r\ndata: dropped\n"
    .as_bytes();

const ODD_EVENTS: [&str; 8] = [
    "crlf",
    "lf",
    "cr",
    "a\n b",
    "named",
    "\nafter an empty line",
    "line\u{2028}end ä😀",
    "mixed\nends\nhere",
];

fn events(pieces: &[&[u8]]) -> Vec<String> {
    let mut decoder = SseDecoder::default();
    let mut events = Vec::new();
    for piece in pieces {
        let mut bytes = *piece;
        while let Some(event) = decoder.next_event(&mut bytes).unwrap() {
            events.push(String::from_utf8(event.to_vec()).unwrap());
        }
        assert!(bytes.is_empty());
    }
    events
}

#[test]
fn every_line_end_comment_and_field_is_understood() {
    assert_eq!(events(&[ODD]), ODD_EVENTS);
}

#[test]
fn events_do_not_depend_on_where_the_network_cut_the_bytes() {
    for cut in 0..=ODD.len() {
        let (before, after) = ODD.split_at(cut);
        assert_eq!(events(&[before, after]), ODD_EVENTS, "cut at byte {cut}");
    }
    let single: Vec<&[u8]> = ODD.chunks(1).collect();
    assert_eq!(events(&single), ODD_EVENTS);
}

#[test]
fn an_event_is_given_at_once_though_its_line_feed_may_still_come() {
    assert_eq!(events(&[b"data: a\r\n\r"]), ["a"]);
    assert_eq!(
        events(&[b"data: a\r\n\r", b"\ndata: b\r\n\r\n"]),
        ["a", "b"]
    );
}

#[test]
fn one_byte_order_mark_is_dropped_and_only_at_the_start() {
    for (case, wire, expected) in [
        ("one", "\u{feff}data: a\n\n", vec!["a"]),
        ("two", "\u{feff}\u{feff}data: a\n\n", vec![]),
        ("later", "data: a\n\n\u{feff}data: b\n\n", vec!["a"]),
        ("in data", "data: \u{feff}a\n\n", vec!["\u{feff}a"]),
    ] {
        assert_eq!(events(&[wire.as_bytes()]), expected, "{case}");
    }
    assert_eq!(
        events(&[b"\xef\xbbdata: a\n\ndata: b\n\n"]),
        ["b"],
        "half a mark spoils its own line only"
    );
}

#[test]
fn an_event_of_ten_megabytes_passes_in_small_pieces_and_its_memory_is_given_back() {
    let mut decoder = SseDecoder::default();
    let piece = [b'x'; 1024];
    let mut start: &[u8] = b"data: ";
    assert_eq!(decoder.next_event(&mut start), Ok(None));
    for _ in 0..10 * 1024 {
        assert_eq!(decoder.next_event(&mut &piece[..]), Ok(None));
    }
    let mut end: &[u8] = b"\n\n";
    assert_eq!(
        decoder.next_event(&mut end).unwrap().unwrap().len(),
        10 * 1024 * 1024
    );
    assert_eq!(decoder.next_event(&mut end), Ok(None));
    assert!(decoder.data.capacity() <= MAX_KEPT_CAPACITY_BYTES);
}

#[test]
fn an_event_over_the_limit_is_refused_before_it_is_complete() {
    let decode = |mut wire: &[u8]| {
        SseDecoder::with_limit(5)
            .next_event(&mut wire)
            .map(|event| event.is_some())
    };
    assert_eq!(decode(b"data: 12345\n\n"), Ok(true));
    assert_eq!(decode(b"data: 123456"), Err(EventTooLarge));
    assert_eq!(decode(b"data: 12\ndata: 123"), Err(EventTooLarge));
    assert_eq!(
        decode(b"data\ndata:\ndata\ndata\ndata\ndata\ndata\n"),
        Err(EventTooLarge),
        "empty lines count"
    );
    assert_eq!(
        decode(b": a comment may be long\nevent: so may a name\ndata: 1\n\n"),
        Ok(true)
    );
}

proptest! {
    #[test]
    fn events_survive_any_number_of_cuts(mut cuts in proptest::collection::vec(0..=ODD.len(), 0..12)) {
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts.into_iter().chain([ODD.len()]) {
            pieces.push(&ODD[from..cut]);
            from = cut;
        }
        prop_assert_eq!(events(&pieces), ODD_EVENTS);
    }

    #[test]
    fn no_bytes_make_it_panic_or_differ(wire in proptest::collection::vec(
        prop_oneof![Just(b'\r'), Just(b'\n'), Just(b':'), Just(b' '), Just(b'd'), Just(b'a'), Just(b't'), any::<u8>()], 0..200), cut in 0usize..200) {
        let collect = |pieces: &[&[u8]]| {
            let mut decoder = SseDecoder::default();
            let mut events = Vec::new();
            for piece in pieces {
                let mut bytes = *piece;
                while let Some(event) = decoder.next_event(&mut bytes).expect("below the limit") {
                    events.push(event.to_vec());
                }
            }
            events
        };
        let (before, after) = wire.split_at(cut.min(wire.len()));
        prop_assert_eq!(collect(&[before, after]), collect(&[&wire]));
    }
}

mod openai;

use http_body_util::channel::{Channel, Sender};
use proptest::prelude::*;
use tokio::time::timeout;

use super::*;
use crate::protocol::Protocol;

const TEXT: &str = include_str!("../../fixtures/text.sse");
const TOOLS: &str = include_str!("../../fixtures/tools.sse");

const START: &str = "data: {\"type\":\"stream-start\",\"warnings\":[]}\n\n";
const META: &str = "data: {\"type\":\"response-metadata\",\"id\":\"r\"}\n\n";
const PING: &str = "data: {\"type\":\"ping\"}\n\n";
const DELTA: &str = "data: {\"type\":\"text-delta\",\"id\":\"0\",\"delta\":\"x\"}\n\n";
const FINISH: &str = "data: {\"type\":\"finish\",\"finishReason\":\"stop\"}\n\n";
const UNKNOWN: &str = "data: {\"type\":\"hologram\"}\n\n";
const BROKEN: &str = "data: {\"type\":\n\n";
const ALL_AT_ONCE: &str = "data: {\"type\":\"text-start\",\"id\":\"0\"}\n\n\
    data: {\"type\":\"text-end\",\"id\":\"0\"}\n\n\
    data: {\"type\":\"finish\"}\n\n";
const BROKEN_IN_THE_MIDDLE: &str = "data: {\"type\":\"ping\"}\n\n\
    data: {\"type\":\"ping\"}\n\n\
    data: oops\n\n\
    data: {\"type\":\"finish\"}\n\n";

const SECOND: Duration = Duration::from_secs(1);
const TIMEOUTS: Timeouts = Timeouts {
    first_part: Duration::from_secs(120),
    idle: Duration::from_secs(60),
};

/// Creates a stream whose connection is a channel: without a socket, paused time is exact.
fn stream(deadline: Option<Instant>) -> (Sender<Bytes, std::io::Error>, PartStream) {
    stream_in(Protocol::Native, deadline)
}

fn stream_in(
    protocol: Protocol,
    deadline: Option<Instant>,
) -> (Sender<Bytes, std::io::Error>, PartStream) {
    let (sender, body) = Channel::new(64);
    let response = Response::from(http::Response::new(reqwest::Body::wrap(body)));
    (
        sender,
        PartStream::new(
            protocol.adapter(),
            response,
            Instant::now(),
            TIMEOUTS,
            deadline,
        ),
    )
}

async fn send(sender: &mut Sender<Bytes, std::io::Error>, wire: &'static str) {
    sender
        .send_data(Bytes::from_static(wire.as_bytes()))
        .await
        .unwrap();
}

/// Returns the outcome of a stream: the number of parts in each read, its end, and the seconds that
/// it took.
async fn outcome(stream: &mut PartStream) -> (Vec<usize>, &'static str, u64) {
    let start = Instant::now();
    let mut counts = Vec::new();
    let end = loop {
        match stream.next().await {
            Ok(Some(parts)) => counts.push(parts.len()),
            Ok(None) => break "complete",
            Err(GatewayError::Truncated) => break "truncated",
            Err(GatewayError::ConnectionLost(_)) => break "cut",
            Err(GatewayError::BrokenPart(_)) => break "broken",
            Err(GatewayError::FirstPartTimeout) => break "first part timeout",
            Err(GatewayError::IdleTimeout) => break "idle timeout",
            Err(GatewayError::DeadlinePassed) => break "deadline passed",
            Err(error) => panic!("{error:?}"),
        }
    };
    (counts, end, start.elapsed().as_secs())
}

/// An expected outcome.
type Course<'a> = (&'a [usize], &'static str, u64);

/// The behaviour of the gateway after the last piece.
#[derive(Clone, Copy)]
enum Then {
    End,
    Cut,
    IdleTimer,
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_complete_only_after_its_finish_part() {
    use Then::{Cut, End, IdleTimer};
    let cases: [(&str, &[&'static str], Then, Course<'_>); 20] = [
        (
            "good",
            &[START, DELTA, FINISH],
            End,
            (&[1, 1, 1], "complete", 0),
        ),
        ("all at once", &[ALL_AT_ONCE], End, (&[3], "complete", 0)),
        ("ends at once", &[], End, (&[], "truncated", 0)),
        ("a JSON body", &["{\"id\":1}"], End, (&[], "truncated", 0)),
        (
            "ends without finish",
            &[START, DELTA],
            End,
            (&[1, 1], "truncated", 0),
        ),
        (
            "finish without its blank line",
            &[DELTA, "data: {\"type\":\"finish\"}\n"],
            End,
            (&[1], "truncated", 0),
        ),
        ("cut at once", &[], Cut, (&[], "cut", 0)),
        ("cut", &[DELTA], Cut, (&[1], "cut", 0)),
        (
            "cut within a part",
            &[DELTA, "data: {\"ty"],
            Cut,
            (&[1], "cut", 0),
        ),
        (
            "broken",
            &[DELTA, BROKEN, DELTA, FINISH],
            End,
            (&[1], "broken", 0),
        ),
        (
            "broken in one read",
            &[BROKEN_IN_THE_MIDDLE],
            End,
            (&[2], "broken", 0),
        ),
        (
            "unknown",
            &[UNKNOWN, DELTA, UNKNOWN, FINISH],
            End,
            (&[1, 1], "complete", 0),
        ),
        (
            "silent at once",
            &[],
            IdleTimer,
            (&[], "first part timeout", 120),
        ),
        (
            "silent once announced",
            &[START, META, PING, UNKNOWN],
            IdleTimer,
            (&[1, 1, 1], "first part timeout", 120),
        ),
        (
            "silent in the middle",
            &[START, DELTA],
            IdleTimer,
            (&[1, 1], "idle timeout", 60),
        ),
        (
            "finish, then cut",
            &[DELTA, FINISH],
            Cut,
            (&[1, 1], "complete", 0),
        ),
        (
            "finish, then broken",
            &[FINISH, BROKEN],
            End,
            (&[1], "complete", 0),
        ),
        (
            "finish, then silence",
            &[FINISH],
            IdleTimer,
            (&[1], "complete", 5),
        ),
        (
            "text and a second finish",
            &[FINISH, DELTA, FINISH],
            End,
            (&[1, 1, 1], "complete", 0),
        ),
        (
            "an error part is a part",
            &["data: {\"type\":\"error\",\"error\":1}\n\n"],
            End,
            (&[1], "truncated", 0),
        ),
    ];
    for (case, sent, then, (counts, end, seconds)) in cases {
        check(Protocol::Native, case, sent, then, (counts, end, seconds)).await;
    }
}

async fn check(
    protocol: Protocol,
    case: &str,
    sent: &[&'static str],
    then: Then,
    expected: Course<'_>,
) {
    let (mut sender, mut stream) = stream_in(protocol, None);
    for wire in sent {
        send(&mut sender, wire).await;
    }
    let _open = match then {
        Then::End => {
            drop(sender);
            None
        }
        Then::IdleTimer => Some(sender),
        Then::Cut => {
            sender.abort(std::io::ErrorKind::ConnectionReset.into());
            None
        }
    };
    let (counts, end, seconds) = expected;
    assert_eq!(
        outcome(&mut stream).await,
        (counts.to_vec(), end, seconds),
        "{case}"
    );
    assert_eq!(
        outcome(&mut stream).await,
        (vec![], "complete", 0),
        "{case}: an end is reported once"
    );
    assert!(stream.response.is_none(), "{case}: the connection is kept");
}

#[tokio::test(start_paused = true)]
async fn every_byte_is_a_sign_of_life_though_no_part_comes_of_it() {
    let (mut sender, mut stream) = stream(None);
    for (limit, sign) in [
        (119, START),
        (119, ": comment\n"),
        (119, "data: {"),
        (119, "}\n\n"),
        (119, DELTA),
        (59, ":"),
    ] {
        assert!(
            timeout(limit * SECOND, stream.next()).await.is_err(),
            "{sign:?}"
        );
        send(&mut sender, sign).await;
        if sign.contains("type") {
            assert_eq!(stream.next().await.unwrap().unwrap().len(), 1);
        }
    }
    assert_eq!(outcome(&mut stream).await, (vec![], "idle timeout", 60));
    assert_eq!(stream.skipped(), 1);
}

#[tokio::test(start_paused = true)]
async fn connecting_counts_as_silence_too() {
    let (_sender, body) = Channel::<Bytes, std::io::Error>::new(1);
    let response = Response::from(http::Response::new(reqwest::Body::wrap(body)));
    let call_start = Instant::now();
    tokio::time::advance(50 * SECOND).await;
    let mut stream = PartStream::new(
        Protocol::Native.adapter(),
        response,
        call_start,
        TIMEOUTS,
        None,
    );
    assert_eq!(
        outcome(&mut stream).await,
        (vec![], "first part timeout", 70)
    );
}

#[tokio::test(start_paused = true)]
async fn no_sign_of_life_moves_the_deadline() {
    let (mut sender, mut stream) = stream(Some(Instant::now() + 30 * SECOND));
    send(&mut sender, DELTA).await;
    assert!(
        timeout(20 * SECOND, async { while stream.next().await.is_ok() {} })
            .await
            .is_err()
    );
    send(&mut sender, DELTA).await;
    assert_eq!(outcome(&mut stream).await, (vec![1], "deadline passed", 10));
}

#[tokio::test(start_paused = true)]
async fn parts_that_arrived_in_time_are_returned_to_a_late_caller() {
    let (mut sender, mut stream) = stream(Some(Instant::now() + 30 * SECOND));
    send(&mut sender, DELTA).await;
    send(&mut sender, FINISH).await;
    drop(sender);
    tokio::time::advance(1000 * SECOND).await;
    assert_eq!(outcome(&mut stream).await, (vec![1, 1], "complete", 0));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_next_loses_nothing() {
    let (mut sender, mut stream) = stream(None);
    let mut count = 0;
    for byte in 0..TEXT.len() {
        sender
            .send_data(Bytes::from_static(&TEXT.as_bytes()[byte..=byte]))
            .await
            .unwrap();
        while let Ok(parts) = timeout(Duration::from_millis(1), stream.next()).await {
            count += parts.unwrap().unwrap().len();
        }
    }
    drop(sender);
    assert_eq!(count, all_parts(TEXT).len());
    assert_eq!(outcome(&mut stream).await, (vec![], "complete", 0));
}

fn parts(pieces: &[&[u8]]) -> Vec<StreamPart> {
    let mut decoder = PartDecoder::new(Protocol::Native.adapter());
    let mut parts = Vec::new();
    for piece in pieces {
        decoder.push(piece, &mut parts).unwrap();
    }
    parts
}

fn all_parts(wire: &str) -> Vec<StreamPart> {
    parts(&[wire.as_bytes()])
}

#[test]
fn parts_do_not_depend_on_where_the_network_cut_the_bytes() {
    for wire in [TEXT, TOOLS] {
        let expected = all_parts(wire);
        for cut in 0..=wire.len() {
            let (before, after) = wire.as_bytes().split_at(cut);
            assert_eq!(parts(&[before, after]), expected, "cut at byte {cut}");
        }
    }
}

#[test]
fn line_ends_make_no_difference() {
    for ending in ["\r\n", "\r"] {
        assert_eq!(
            all_parts(&TOOLS.replace('\n', ending)),
            all_parts(TOOLS),
            "{ending:?}"
        );
    }
}

#[test]
fn an_event_without_end_is_refused() {
    let mut decoder = PartDecoder::new(Protocol::Native.adapter());
    let mut parts = Vec::new();
    let piece = vec![b' '; 1024 * 1024];
    decoder
        .push(b"data: {\"type\":\"ping\"}\n\ndata:", &mut parts)
        .unwrap();
    let refused = (0..20).find_map(|_| decoder.push(&piece, &mut parts).err());
    assert!(
        matches!(
            refused,
            Some(PartError::TooLarge {
                limit_bytes: MAX_EVENT_BYTES
            })
        ),
        "{refused:?}"
    );
    assert_eq!(parts, [StreamPart::Ping]);
}

proptest! {
    #[test]
    fn parts_survive_any_number_of_cuts(mut cuts in proptest::collection::vec(0..=TOOLS.len(), 0..40)) {
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts.into_iter().chain([TOOLS.len()]) {
            pieces.push(&TOOLS.as_bytes()[from..cut]);
            from = cut;
        }
        prop_assert_eq!(parts(&pieces), all_parts(TOOLS));
    }
}

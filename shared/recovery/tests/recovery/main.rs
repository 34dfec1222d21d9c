//! Recovering turns on a real engine, inside this process, over the real protocol.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod running;
mod turn;

use message::{AnswerMetadata, MessageId, UiPart, UnifiedFinishReason};
use serde_json::{Value, json};
use store::{Begin, Finished, Question, Status, TurnOutcome, TurnUsage};
use tokio::task::JoinSet;
use ui_stream::{ReplayEnd, UiMessageChunk, compact, replay};

use self::turn::{Case, LEASE, NOON, engine};

/// A time at which a turn that began at noon is dead.
const LATER: u64 = NOON + LEASE + 1;

fn start() -> UiMessageChunk {
    let metadata = AnswerMetadata::at_start("acme/large", NOON + 7);
    UiMessageChunk::Start {
        message_id: "answer-s1".to_owned(),
        message_metadata: Some(Box::new(metadata)),
    }
}

fn text_start() -> UiMessageChunk {
    UiMessageChunk::TextStart {
        id: "0".to_owned(),
        provider_metadata: None,
    }
}

fn text_delta(delta: &str) -> UiMessageChunk {
    let delta = serde_json::from_str(&format!("\"{delta}\"")).unwrap();
    UiMessageChunk::TextDelta {
        id: "0".to_owned(),
        delta,
        provider_metadata: None,
    }
}

fn encoded(chunks: &[UiMessageChunk]) -> Vec<u8> {
    let mut stream = Vec::new();
    chunks.iter().for_each(|chunk| chunk.encode(&mut stream));
    stream
}

/// Returns the parts of a complete text.
fn text_parts(text: &str) -> Value {
    json!([{ "type": "step-start" }, { "type": "text", "text": text, "state": "done" }])
}

fn parsed(parts: &str) -> Value {
    serde_json::from_str(parts).unwrap()
}

#[tokio::test]
async fn what_a_dead_turn_has_journaled_is_its_answer() {
    let half_call = [
        UiMessageChunk::ToolInputStart {
            tool_call_id: "c".to_owned(),
            tool_name: "search".to_owned(),
            provider_executed: None,
            provider_metadata: None,
            dynamic: false,
        },
        UiMessageChunk::ToolInputDelta {
            tool_call_id: "c".to_owned(),
            input_text_delta: r#"{"q":"rus"#.into(),
        },
    ];
    let step = || vec![start(), UiMessageChunk::StartStep];
    let reasoning = UiMessageChunk::ReasoningStart {
        id: "0".to_owned(),
        provider_metadata: None,
    };
    for (name, chunks, expected, outcome) in [
        (
            "complete blocks",
            [
                step(),
                vec![text_start(), text_delta("Hel"), text_delta("lo")],
            ]
            .concat(),
            text_parts("Hello"),
            TurnOutcome::Done,
        ),
        (
            "half-a-call",
            [step(), half_call.to_vec()].concat(),
            json!([
                { "type": "step-start" },
                {
                    "type": "tool-search", "toolCallId": "c", "state": "input-streaming",
                    "input": { "q": "rus" }, "rawInput": "{\"q\":\"rus",
                },
            ]),
            TurnOutcome::Done,
        ),
        (
            "an open block without text among others",
            [
                step(),
                vec![reasoning.clone(), text_start(), text_delta("a")],
            ]
            .concat(),
            json!([
                { "type": "step-start" },
                { "type": "reasoning", "id": "0", "text": "", "state": "done" },
                { "type": "text", "text": "a", "state": "done" },
            ]),
            TurnOutcome::Done,
        ),
        (
            "a block without text",
            [step(), vec![reasoning]].concat(),
            json!([]),
            TurnOutcome::Failed,
        ),
        ("no content", step(), json!([]), TurnOutcome::Failed),
        (
            "only-the-start",
            vec![start()],
            json!([]),
            TurnOutcome::Failed,
        ),
    ] {
        let engine = engine().await;
        let case = Case::new("s1", NOON);
        case.begin(&engine).await;
        case.journal(&engine, &[&compact(&encoded(&chunks))]).await;
        assert_eq!(case.recover(&engine, LATER).await, outcome, "{name}");

        let answer = case.answer(&engine).await.unwrap();
        assert_eq!(parsed(&answer.parts), expected, "{name}");
        assert_eq!(
            (answer.status, &answer.id),
            (Some(Status::Interrupted), &case.answer),
            "{name}"
        );
        let expected = AnswerMetadata {
            aborted: Some(false),
            error: Some("interrupted".to_owned()),
            ..AnswerMetadata::at_start("acme/large", NOON + 7)
        };
        assert_eq!(answer.metadata, Some(expected), "{name}");
        assert_eq!(
            case.questions(&engine).await,
            [json!([{ "type": "text", "text": "Hi" }])],
            "{name}"
        );
        assert!(case.current(&engine).await.ended(), "{name}");
    }
}

#[tokio::test]
async fn a_turn_without_a_journal_fails_with_what_the_thread_knows_of_it() {
    let engine = engine().await;
    let case = Case::new("s1", NOON);
    case.begin(&engine).await;
    assert_eq!(case.recover(&engine, LATER).await, TurnOutcome::Failed);
    let answer = case.answer(&engine).await.unwrap();
    assert_eq!(&*answer.parts, "[]");
    let metadata = answer.metadata.unwrap();
    assert_eq!(
        (&*metadata.model, metadata.created_at),
        ("acme/small", NOON)
    );
    assert_eq!(
        (metadata.usage, metadata.error.as_deref()),
        (None, Some("interrupted"))
    );
    let again = Case {
        now_ms: LATER,
        ..Case::new("s2", LATER)
    };
    assert!(
        matches!(again.try_begin(&engine).await, Begin::Begun(_)),
        "the message may be sent again"
    );
}

#[tokio::test]
async fn the_text_of_a_journal_that_breaks_off_anywhere_is_kept_up_to_there() {
    let engine = engine().await;
    let deltas = ["Hä", "\\ud83d", "\\ude00 ", "\\n\\\"end"];
    let chunks: Vec<_> = [start(), UiMessageChunk::StartStep, text_start()]
        .into_iter()
        .chain(deltas.map(text_delta))
        .collect();
    let (before, complete) = (encoded(&chunks[..3]), encoded(&chunks));
    for cut in (before.len()..complete.len())
        .step_by(3)
        .chain([complete.len()])
    {
        let case = Case::in_thread(&format!("cut-{cut}"));
        case.begin(&engine).await;
        let (one, two) = complete[..cut].split_at(cut / 2);
        case.journal(&engine, &[one, two]).await;
        case.recover(&engine, LATER).await;

        let complete_deltas = (0..=deltas.len())
            .rev()
            .find(|count| encoded(&chunks[..3 + count]).len() <= cut);
        let text: String = deltas[..complete_deltas.unwrap()].concat();
        let expected = match &*text {
            "" => "[]".to_owned(),
            text => format!(
                r#"[{{"type":"step-start"}},{{"type":"text","text":"{text}","state":"done"}}]"#
            ),
        };
        assert_eq!(
            &*case.answer(&engine).await.unwrap().parts,
            expected,
            "cut at byte {cut}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_read_spoils_nothing_round_it() {
    let engine = engine().await;
    let case = Case::new("s1", NOON);
    case.begin(&engine).await;
    let before = encoded(&[
        start(),
        UiMessageChunk::StartStep,
        text_start(),
        text_delta("a"),
    ]);
    let strange = b": ping\n\ndata: {\"type\":\"hologram\"}\n\ndata: \xff\n\n";
    case.journal(&engine, &[&before, strange, &encoded(&[text_delta("b")])])
        .await;
    assert_eq!(case.recover(&engine, LATER).await, TurnOutcome::Done);
    assert_eq!(
        parsed(&case.answer(&engine).await.unwrap().parts),
        text_parts("ab")
    );
}

#[tokio::test]
async fn a_damaged_journal_does_not_hold_up_the_thread() {
    let engine = engine().await;
    let case = Case::new("s1", NOON);
    case.begin(&engine).await;
    case.journal(
        &engine,
        &[&encoded(&[start(), UiMessageChunk::StartStep, text_start()]).repeat(40)],
    )
    .await;
    engine.damage_journal(&case).await;
    assert_eq!(case.recover(&engine, LATER).await, TurnOutcome::Failed);
    assert!(case.current(&engine).await.ended());
}

#[tokio::test]
async fn an_answer_that_went_on_keeps_what_it_went_on_from() {
    let given = r#"[{"type":"step-start"},{"type":"text","text":"One, ","state":"done"},{"type":"dynamic-tool","toolName":"s","toolCallId":"c","state":"input-available","input":{},"providerExecuted":true}]"#;
    let result = UiMessageChunk::ToolOutputAvailable {
        tool_call_id: "c".to_owned(),
        output: serde_json::from_str("2").unwrap(),
        provider_executed: Some(true),
        provider_metadata: None,
        dynamic: Some(true),
    };
    let more = [
        start(),
        UiMessageChunk::StartStep,
        result,
        text_start(),
        text_delta("two"),
    ];
    for (name, journal, new, status) in [
        (
            "more",
            encoded(&more),
            text_parts("two"),
            Status::Interrupted,
        ),
        (
            "a-result",
            encoded(&more[..3]),
            json!([{ "type": "step-start" }]),
            Status::Interrupted,
        ),
        (
            "nothing-more",
            encoded(&more[..2]),
            json!([]),
            Status::Completed,
        ),
    ] {
        let is_nothing = status == Status::Completed;
        let outcome = if is_nothing {
            TurnOutcome::Failed
        } else {
            TurnOutcome::Done
        };
        let engine = engine().await;
        let first = Case::new("s1", NOON);
        first.answered(&engine, given).await;
        let case = Case {
            answer: first.answer.clone(),
            continued: Some(given.to_owned()),
            question: Question::Continued,
            ..Case::new("s2", NOON + 1)
        };
        case.begin(&engine).await;
        case.journal(&engine, &[&journal]).await;
        assert_eq!(case.recover(&engine, LATER + 1).await, outcome, "{name}");

        let mut expected = parsed(given);
        if !is_nothing {
            expected[2]["state"] = json!("output-available");
            expected[2]["output"] = json!(2);
        }
        expected
            .as_array_mut()
            .unwrap()
            .extend(new.as_array().unwrap().clone());
        let path = case.path(&engine).await;
        assert_eq!(
            path.len(),
            2,
            "{name}: one of the two answers is off the path"
        );
        assert_eq!(parsed(&path[1].parts), expected, "{name}");
        assert_eq!(path[1].status, Some(status), "{name}");
    }
}

#[tokio::test]
async fn a_turn_that_was_to_end_early_is_stopped_even_if_it_died() {
    let words = [
        start(),
        UiMessageChunk::StartStep,
        text_start(),
        text_delta("a"),
    ];
    for (name, is_superseded, is_stopped, status) in [
        ("died", false, false, Status::Interrupted),
        ("stopped", false, true, Status::Stopped),
        ("superseded", true, false, Status::Stopped),
        ("stopped, then superseded", true, true, Status::Stopped),
    ] {
        let engine = engine().await;
        let case = Case::new("s1", NOON);
        case.begin(&engine).await;
        case.journal(&engine, &[&encoded(&words)]).await;
        if is_stopped {
            engine
                .store
                .stop_turn(&case.user, &case.thread, None)
                .await
                .unwrap();
        }
        if is_superseded {
            let newer = Case {
                message: MessageId::parse("m2").unwrap(),
                ..Case::new("s2", LATER)
            };
            newer.begin(&engine).await;
        }
        let current = case.current(&engine).await;
        let open = if is_superseded {
            current.unfinished_previous
        } else {
            current.open
        }
        .unwrap();
        recovery::recover(&engine.store, &open, LATER + 1)
            .await
            .unwrap();
        let answer = case.path(&engine).await.swap_remove(1);
        assert_eq!(
            (parsed(&answer.parts), answer.status),
            (text_parts("a"), Some(status)),
            "{name}"
        );
        let metadata = answer.metadata.unwrap();
        let is_stopped = status == Status::Stopped;
        assert_eq!(
            (metadata.aborted, metadata.error.is_none()),
            (Some(is_stopped), is_stopped),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_turn_that_was_superseded_is_stopped() {
    let engine = engine().await;
    let first = Case::new("s1", NOON);
    first.begin(&engine).await;
    first
        .journal(
            &engine,
            &[&encoded(&[
                start(),
                UiMessageChunk::StartStep,
                text_start(),
                text_delta("a"),
            ])],
        )
        .await;
    let newer = Case {
        message: MessageId::parse("m2").unwrap(),
        ..Case::new("s2", NOON + 1)
    };
    let older = newer.begin(&engine).await.took_over.unwrap();
    assert_eq!(
        recovery::recover(&engine.store, &older, NOON + 2)
            .await
            .unwrap(),
        TurnOutcome::Done
    );

    let path = newer.path(&engine).await;
    assert_eq!(parsed(&path[1].parts), text_parts("a"));
    assert_eq!(path[1].status, Some(Status::Stopped));
    let metadata = path[1].metadata.clone().unwrap();
    assert_eq!((metadata.aborted, metadata.error), (Some(true), None));
    let current = newer.current(&engine).await;
    assert_eq!(
        (current.ended(), current.unfinished_previous),
        (false, None),
        "the newer turn goes on"
    );
}

#[tokio::test]
async fn a_stream_that_ended_unsaved_keeps_its_metadata() {
    let metadata = AnswerMetadata {
        finish_reason: Some(UnifiedFinishReason::Stop),
        latency_ms: Some(5),
        aborted: Some(false),
        ..AnswerMetadata::at_start("acme/large", NOON + 7)
    };
    let parts: Vec<UiPart> = UiPart::parse_stored(&text_parts("All.").to_string()).unwrap();
    for (name, aborted, end, status, error) in [
        (
            "failed",
            false,
            ReplayEnd::Failed("Not saved."),
            Status::Interrupted,
            Some("interrupted"),
        ),
        ("aborted", true, ReplayEnd::Aborted, Status::Stopped, None),
    ] {
        let engine = engine().await;
        let case = Case::new("s1", NOON);
        case.begin(&engine).await;
        let metadata = AnswerMetadata {
            aborted: Some(aborted),
            ..metadata.clone()
        };
        let mut stream = Vec::new();
        replay(&[], &case.answer, &parts, &metadata, end, |chunk| {
            chunk.encode(&mut stream);
        });
        stream.extend_from_slice(ui_stream::DONE);
        case.end_journal(&engine, &stream).await;
        case.recover(&engine, LATER).await;

        let answer = case.answer(&engine).await.unwrap();
        assert_eq!(
            (parsed(&answer.parts), answer.status),
            (text_parts("All."), Some(status)),
            "{name}"
        );
        let expected = AnswerMetadata {
            error: error.map(str::to_owned),
            ..metadata
        };
        assert_eq!(answer.metadata, Some(expected), "{name}");
    }
}

#[tokio::test]
async fn ten_at_once_leave_one_answer_and_say_the_same() {
    let engine = engine().await;
    let step = vec![start(), UiMessageChunk::StartStep];
    for (thread, chunks, expected) in [
        (
            "text",
            [step.clone(), vec![text_start(), text_delta("a")]].concat(),
            TurnOutcome::Done,
        ),
        ("a-step", step, TurnOutcome::Failed),
        ("nothing", vec![], TurnOutcome::Failed),
    ] {
        let case = Case::in_thread(thread);
        case.begin(&engine).await;
        case.journal(&engine, &[&encoded(&chunks)]).await;
        let open = case.current(&engine).await.open.unwrap();
        let mut recoveries = JoinSet::new();
        for _ in 0..10 {
            let (store, open) = (engine.store.clone(), open.clone());
            recoveries.spawn(async move { recovery::recover(&store, &open, LATER).await.unwrap() });
        }
        let outcomes = recoveries.join_all().await;
        assert_eq!(outcomes, [expected; 10], "{thread}");
        let path = case.path(&engine).await;
        assert_eq!(path.len(), 2, "{thread}");
        let current = case.current(&engine).await;
        assert_eq!(
            (current.ended(), current.answered.is_some()),
            (true, expected == TurnOutcome::Done),
            "{thread}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_there_stays() {
    let engine = engine().await;
    let case = Case::new("s1", NOON);
    let begun = case.begin(&engine).await;
    let open = case.current(&engine).await.open.unwrap();
    let parts = text_parts("complete").to_string();
    case.put_answer(&engine, &begun, &parts).await;
    case.journal(
        &engine,
        &[&encoded(&[
            start(),
            UiMessageChunk::StartStep,
            text_start(),
        ])],
    )
    .await;
    assert_eq!(
        recovery::recover(&engine.store, &open, LATER)
            .await
            .unwrap(),
        TurnOutcome::Done
    );
    let answer = case.answer(&engine).await.unwrap();
    assert_eq!(
        (&*answer.parts, answer.status),
        (&*parts, Some(Status::Completed))
    );
    let finished = engine
        .store
        .finish_turn(&begun.keys, TurnOutcome::Done, &TurnUsage::default())
        .await
        .unwrap();
    assert_eq!(
        finished,
        Finished::Recorded {
            unfinished_previous: None
        },
        "the turn itself may still come"
    );
}

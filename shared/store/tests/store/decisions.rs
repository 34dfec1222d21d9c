//! The decisions of a begin, on real items in every state.

use aws_sdk_dynamodb::types::AttributeValue;
use message::{MessageId, ThreadId};
use store::{Begin, BeginError, BegunTurn, Question, TurnOutcome};

use crate::asking::{
    ALL, Ask, LEASE, NOON, NOTHING_USED, answered, ask, end, put_question, recover, text_parts,
    texts,
};
use crate::engine::Engine;

const STATES: [&str; 5] = ["none", "done", "failed", "running", "dead"];
const LATER: u64 = NOON + LEASE + 1_000;

/// Creates a thread whose current turn, if it has had one, answers `last` and is in `state` at
/// [`LATER`].
async fn thread_in(engine: &Engine, state: &str, name: &str) -> ThreadId {
    let thread = ThreadId::parse(name).unwrap();
    let before = Ask {
        thread: thread.clone(),
        ..ask("before", &format!("{name}-0"), NOON - 10)
    };
    answered(&engine.store, &before, "an older answer").await;
    let began_at = if state == "dead" { NOON } else { LATER - 1 };
    let last = Ask {
        thread: thread.clone(),
        ..ask("last", &format!("{name}-1"), began_at)
    };
    match state {
        "done" => _ = answered(&engine.store, &last, "answer").await,
        "failed" => _ = answered(&engine.store, &last, "").await,
        "running" | "dead" => {
            let turn = last.begun(&engine.store).await;
            put_question(&engine.store, &last, &turn).await;
        }
        _ => {}
    }
    thread
}

fn outcome_of(begin: &Result<Begin, BeginError>) -> &'static str {
    match begin {
        Ok(Begin::Begun(BegunTurn {
            took_over: None, ..
        })) => "begins",
        Ok(Begin::Begun(_)) => "takes over",
        Ok(Begin::Running(_)) => "running",
        Ok(Begin::Answered(_)) => "answered",
        Ok(Begin::Recover(_)) => "recover",
        Err(BeginError::Busy { .. }) => "busy",
        Err(BeginError::DifferentMessage) => "different",
        Err(_) => "an error",
    }
}

pub(crate) async fn every_question_in_every_state_does_what_the_table_says(engine: &Engine) {
    const AGAIN: [&str; 5] = ["begins", "answered", "begins", "running", "recover"];
    const FRESH: [&str; 5] = ["begins", "begins", "begins", "takes over", "takes over"];
    const REFUSED: [&str; 5] = ["begins", "different", "different", "different", "different"];
    use Question::{Continued, Edited, Regenerated, Sent};
    for (question, message, parts, expected) in [
        (Sent, "next", "next", FRESH),
        (Sent, "last", "last", AGAIN),
        (Sent, "last", "other", REFUSED),
        (Regenerated, "last", "last", FRESH),
        (Regenerated, "before", "before", FRESH),
        (Edited, "last", "last", AGAIN),
        (Edited, "last", "other", FRESH),
        (Edited, "before", "other", FRESH),
        (Continued, "last", "last", FRESH),
        (Continued, "before", "before", FRESH),
    ] {
        for (state, expected) in STATES.into_iter().zip(expected) {
            // Whether one may take over makes a difference only where there is something to take over from.
            let supersedes = if state == "running" {
                [true, false].as_slice()
            } else {
                &[true]
            };
            for &supersede in supersedes {
                let name = format!("{question:?}-{message}-{parts}-{state}-{supersede}");
                let thread = thread_in(engine, state, &name).await;
                let continued =
                    (question == Continued).then(|| text_parts("what the client added"));
                let asked = Ask {
                    thread,
                    question,
                    supersede,
                    continued,
                    ..ask(message, &format!("{name}-2"), LATER)
                };
                let asked = Ask {
                    parts: text_parts(parts),
                    ..asked
                };
                let before = engine.store.usage(&asked.user, LATER).await.unwrap();
                let begin = asked.begin(&engine.store).await;
                let expected = match expected {
                    "takes over" if state == "running" && !supersede => "busy",
                    expected => expected,
                };
                assert_eq!(outcome_of(&begin), expected, "{name}: {begin:?}");
                let after = engine.store.usage(&asked.user, LATER).await.unwrap();
                let counted = (after.turns - before.turns, after.running - before.running);
                let begins = matches!(expected, "begins" | "takes over");
                assert_eq!(counted, if begins { (1, 1) } else { (0, 0) }, "{name}");
                if let Ok(Begin::Begun(turn)) = begin {
                    end(&engine.store, &turn, "b").await;
                    assert!(
                        asked.current(&engine.store).await.answered.is_some(),
                        "{name}"
                    );
                }
            }
        }
    }
}

pub(crate) async fn what_is_answered_is_named(engine: &Engine) {
    let first = ask("m1", "s1", NOON);
    answered(&engine.store, &first, "said").await;
    let Ok(Begin::Answered(turn)) = ask("m1", "s2", NOON + 1).begin(&engine.store).await else {
        panic!("it is answered");
    };
    assert_eq!(turn.stream(), &first.stream);
    let answer = engine.store.answer_of(&turn).await.unwrap().unwrap();
    assert_eq!(
        (answer.id.as_str(), &*answer.parts),
        ("answer-s1", text_parts("said").as_str())
    );
    assert_eq!(first.current(&engine.store).await.answered, Some(turn));
}

pub(crate) async fn a_take_over_recovers_an_unfinished_turn_first(engine: &Engine) {
    let first = ask("m1", "s1", NOON);
    put_question(&engine.store, &first, &first.begun(&engine.store).await).await;
    let second = ask("m2", "s2", NOON + 1).begun(&engine.store).await;
    let third = ask("m3", "s3", NOON + 2);
    let Ok(Begin::Recover(open)) = third.begin(&engine.store).await else {
        panic!("the first turn is left behind");
    };
    assert_eq!(open.stream(), &first.stream);
    let day = engine.store.usage(&first.user, NOON).await.unwrap();
    assert_eq!(
        (day.turns, day.running),
        (2, 2),
        "the third is not counted yet"
    );

    assert_eq!(
        recover(&engine.store, &open, "part", NOON + 2).await,
        TurnOutcome::Done
    );
    let begun = third.begun(&engine.store).await;
    assert_eq!(begun.took_over.unwrap().stream(), second.keys.stream());
    assert_eq!(first.path_texts(&engine.store).await, ["m1", "part"]);
}

pub(crate) async fn an_ordinary_begin_returns_an_unfinished_turn(engine: &Engine) {
    let first = ask("m1", "s1", NOON);
    first.begun(&engine.store).await;
    let second = ask("m2", "s2", NOON + 1).begun(&engine.store).await;
    let store::Finished::Recorded {
        unfinished_previous: Some(left),
    } = end(&engine.store, &second, "b").await
    else {
        panic!("the first turn is left behind");
    };
    assert_eq!(left.stream(), &first.stream);
    let third = ask("m3", "s3", NOON + 2).begun(&engine.store).await;
    assert_eq!(third.unfinished_previous, Some(left.clone()));
    assert_eq!(third.took_over, None);
    recover(&engine.store, &left, "", NOON + 2).await;
    assert_eq!(
        end(&engine.store, &third, "c").await,
        crate::asking::recorded()
    );
}

pub(crate) async fn the_history_of_a_turn_ends_before_its_question(engine: &Engine) {
    let store = &engine.store;
    answered(store, &ask("m1", "s1", NOON), "a1").await;
    answered(store, &ask("m2", "s2", NOON + 1), "a2").await;
    let on = Ask {
        question: Question::Continued,
        continued: Some(text_parts("a2 and more")),
        answer: MessageId::parse("answer-s2").unwrap(),
        ..ask("m2", "s6", NOON + 5)
    };
    for (name, ask, expected) in [
        (
            "sent",
            ask("m3", "s3", NOON + 2),
            vec!["a2", "m2", "a1", "m1"],
        ),
        (
            "regenerated",
            Ask {
                question: Question::Regenerated,
                ..ask("m2", "s4", NOON + 3)
            },
            vec!["a1", "m1"],
        ),
        (
            "edited",
            Ask {
                question: Question::Edited,
                parts: text_parts("M2"),
                ..ask("m2", "s5", NOON + 4)
            },
            vec!["a1", "m1"],
        ),
        ("gone on", on, vec!["a1", "m1"]),
        (
            "the first, regenerated",
            Ask {
                question: Question::Regenerated,
                ..ask("m1", "s7", NOON + 6)
            },
            vec![],
        ),
    ] {
        let turn = ask.begun(store).await;
        let history = store::History {
            before: Some(&turn.history),
            ..ALL
        };
        let read = store
            .messages(&ask.user, &ask.thread, &history)
            .await
            .unwrap();
        assert_eq!(texts(&read), expected, "{name}");
        store
            .finish_turn(&turn.keys, TurnOutcome::Failed, &NOTHING_USED)
            .await
            .unwrap();
    }
}

pub(crate) async fn an_older_message_sent_again_is_known(engine: &Engine) {
    let store = &engine.store;
    for turn in 0..12 {
        answered(
            store,
            &ask(&format!("m{turn}"), &format!("s{turn}"), NOON + turn),
            "text",
        )
        .await;
    }
    for (message, known) in [("m10", true), ("m8", true), ("m0", false)] {
        let again = ask(message, &format!("again-{message}"), NOON + 100);
        match again.begin(store).await.unwrap() {
            Begin::Answered(answered) => {
                assert!(known, "{message}");
                let answer = store.answer_of(&answered).await.unwrap().unwrap();
                assert_eq!(
                    answer.id.as_str(),
                    format!("answer-s{}", &message[1..]),
                    "{message}"
                );
            }
            other => assert!(!known, "{message}: {other:?}"),
        }
    }
    let other = Ask {
        parts: text_parts("something else"),
        ..ask("m11", "other", NOON + 200)
    };
    assert!(matches!(
        other.begin(store).await,
        Err(BeginError::DifferentMessage)
    ));
    let thread = engine.client.get_item().table_name(&engine.table);
    let thread = thread
        .key("pk", text("U#u"))
        .key("sk", text("T#t"))
        .send()
        .await
        .unwrap()
        .item
        .unwrap();
    assert!(
        thread["recent"].as_l().unwrap().len() <= 8,
        "{:?}",
        thread["recent"]
    );
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

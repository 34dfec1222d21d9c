//! Turns that are ended by others than those who ran them.

use std::collections::BTreeSet;

use message::Role;
use store::{Begin, Finished, OpenTurn, Question, Status, TurnOutcome, TurnUsage, UserMessage};
use tokio::task::JoinSet;

use crate::asking::{
    Ask, LEASE, NOON, NOTHING_USED, answered, ask, end, end_using, put_question, recorded, recover,
    text_parts,
};
use crate::engine::Engine;
use crate::messages::{answer, metadata};

const LATER: u64 = NOON + LEASE + 1;

async fn died(engine: &Engine) -> OpenTurn {
    let ask = ask("m1", "s1", NOON);
    ask.begun(&engine.store).await;
    ask.current(&engine.store).await.open.unwrap()
}

pub(crate) async fn a_dead_turn_is_ended_with_what_there_is_of_it(engine: &Engine) {
    for (name, text, outcome) in [
        ("text", "part", TurnOutcome::Done),
        ("nothing", "", TurnOutcome::Failed),
    ] {
        let thread = message::ThreadId::parse(name).unwrap();
        let first = Ask {
            thread: thread.clone(),
            ..ask("m1", "s1", NOON)
        };
        first.begun(&engine.store).await;
        let open = first.current(&engine.store).await.open.unwrap();
        assert_eq!(
            recover(&engine.store, &open, text, LATER).await,
            outcome,
            "{name}"
        );

        let path = first.path(&engine.store).await;
        let [question, recovered] = path.as_slice() else {
            panic!("{name}: {path:?}")
        };
        assert_eq!(
            (question.role, &*question.parts),
            (Role::User, first.parts.as_str()),
            "{name}"
        );
        assert_eq!(
            (&recovered.id, recovered.status),
            (&first.answer, Some(Status::Interrupted)),
            "{name}"
        );
        assert_eq!(recovered.model.as_deref(), Some("acme/small"), "{name}");
        let current = first.current(&engine.store).await;
        assert!(current.ended(), "{name}");
        assert_eq!(
            current.answered.is_some(),
            outcome == TurnOutcome::Done,
            "{name}"
        );
        let again = Ask {
            thread,
            ..ask("m1", "s2", LATER)
        }
        .begin(&engine.store)
        .await
        .unwrap();
        match outcome {
            TurnOutcome::Done => assert!(matches!(again, Begin::Answered(_)), "{name}"),
            TurnOutcome::Failed => assert!(matches!(again, Begin::Begun(_)), "{name}"),
        }
    }
}

pub(crate) async fn ten_recoveries_at_once_leave_one_answer(engine: &Engine) {
    let open = died(engine).await;
    let mut recoveries = JoinSet::new();
    for text in (0..10).map(|index| {
        if index % 2 == 0 {
            format!("part {index}")
        } else {
            String::new()
        }
    }) {
        let (store, open) = (engine.store.clone(), open.clone());
        recoveries.spawn(async move { recover(&store, &open, &text, LATER).await });
    }
    let mut outcomes = BTreeSet::new();
    while let Some(outcome) = recoveries.join_next().await {
        outcomes.insert(format!("{:?}", outcome.unwrap()));
    }
    assert_eq!(outcomes.len(), 1, "all say the same: {outcomes:?}");
    let texts = ask("m1", "s1", NOON).path_texts(&engine.store).await;
    assert_eq!(texts.len(), 2);
    assert_eq!(
        outcomes.contains("Done"),
        texts[1].starts_with("part"),
        "{outcomes:?} {texts:?}"
    );
}

pub(crate) async fn the_question_that_was_kept_is_stored_once(engine: &Engine) {
    for (name, parts, kept) in [
        ("short", text_parts("short"), true),
        (
            "deflated",
            text_parts(&"plain words again and again ".repeat(100)),
            true,
        ),
        ("long", text_parts(&"0123456789".repeat(1_000)), false),
    ] {
        for stored in [false, true] {
            let thread = message::ThreadId::parse(&format!("{name}-{stored}")).unwrap();
            let ask = Ask {
                thread,
                parts: parts.clone(),
                ..ask("m1", "s1", NOON)
            };
            let turn = ask.begun(&engine.store).await;
            assert_eq!(turn.question_inlined, kept, "{name}");
            if stored {
                put_question(&engine.store, &ask, &turn).await;
            }
            let open = ask.current(&engine.store).await.open.unwrap();
            recover(&engine.store, &open, "part", LATER).await;
            let path = ask.path(&engine.store).await;
            let questions: Vec<_> = path
                .iter()
                .filter(|message| message.role == Role::User)
                .map(|message| &*message.parts)
                .collect();
            let expected = if kept || stored {
                vec![parts.as_str()]
            } else {
                vec![]
            };
            assert_eq!(questions, expected, "{name}, stored {stored}");
        }
    }
}

pub(crate) async fn no_answer_is_stored_without_its_question(engine: &Engine) {
    let ask = Ask {
        parts: text_parts(&"0123456789".repeat(1_000)),
        ..ask("m1", "s1", NOON)
    };
    ask.begun(&engine.store).await;
    let open = ask.current(&engine.store).await.open.unwrap();
    assert_eq!(
        recover(&engine.store, &open, "", LATER).await,
        TurnOutcome::Failed
    );
    assert!(
        ask.path(&engine.store).await.is_empty(),
        "the question was never put"
    );
    assert!(ask.current(&engine.store).await.open.is_none());
}

pub(crate) async fn a_late_answer_replaces_a_recovered_one_and_no_other(engine: &Engine) {
    let turn = ask("m1", "s1", NOON).begun(&engine.store).await;
    let open = ask("m1", "s1", NOON)
        .current(&engine.store)
        .await
        .open
        .unwrap();
    recover(&engine.store, &open, "part", LATER).await;
    let metadata = metadata();
    for (put, expected) in [("whole", "whole"), ("whole again", "whole")] {
        engine
            .store
            .put_answer(&turn.keys, &answer(&text_parts(put), &metadata))
            .await
            .unwrap();
        assert_eq!(
            ask("m1", "s1", NOON).path_texts(&engine.store).await,
            ["m1", expected],
            "{put}"
        );
        recover(&engine.store, &open, "part again", LATER).await;
        assert_eq!(
            ask("m1", "s1", NOON).path_texts(&engine.store).await,
            ["m1", expected],
            "{put}"
        );
    }
    assert_eq!(
        ask("m1", "s1", NOON).path(&engine.store).await[1].status,
        Some(Status::Completed)
    );
}

pub(crate) async fn a_late_answer_makes_a_failed_turn_a_done_one(engine: &Engine) {
    let turn = ask("m1", "s1", NOON).begun(&engine.store).await;
    let open = ask("m1", "s1", NOON)
        .current(&engine.store)
        .await
        .open
        .unwrap();
    assert_eq!(
        recover(&engine.store, &open, "", LATER).await,
        TurnOutcome::Failed
    );
    assert_eq!(end(&engine.store, &turn, "whole").await, recorded());
    assert!(matches!(
        ask("m1", "s2", LATER).begin(&engine.store).await,
        Ok(Begin::Answered(_))
    ));

    let failed = engine
        .store
        .finish_turn(&turn.keys, TurnOutcome::Failed, &NOTHING_USED)
        .await
        .unwrap();
    assert_eq!(failed, recorded());
    let again = ask("m1", "s3", LATER).begin(&engine.store).await;
    assert!(
        matches!(again, Ok(Begin::Answered(_))),
        "but not the other way round"
    );
}

pub(crate) async fn an_unfinished_turn_is_recovered_without_touching_the_newer(engine: &Engine) {
    let first = ask("m1", "s1", NOON);
    let late = first.begun(&engine.store).await;
    let newer = ask("m2", "s2", NOON + 1);
    let turn = newer.begun(&engine.store).await;
    put_question(&engine.store, &newer, &turn).await;
    let left = turn.took_over.clone().unwrap();

    assert_eq!(
        recover(&engine.store, &left, "part", NOON + 1).await,
        TurnOutcome::Done
    );
    let current = newer.current(&engine.store).await;
    assert_eq!(
        (current.stream, current.unfinished_previous),
        (Some(newer.stream.clone()), None)
    );
    assert!(current.open.is_some(), "the newer turn is still open");
    assert_eq!(newer.path_texts(&engine.store).await, ["m1", "part", "m2"]);
    assert_eq!(
        newer.path(&engine.store).await[1].status,
        Some(Status::Stopped)
    );

    assert_eq!(
        end(&engine.store, &late, "whole").await,
        Finished::Superseded
    );
    end(&engine.store, &turn, "newer").await;
    assert_eq!(
        newer.path_texts(&engine.store).await,
        ["m1", "whole", "m2", "newer"]
    );
}

pub(crate) async fn a_turn_superseded_while_it_is_recovered_is_recovered(engine: &Engine) {
    let open = died(engine).await;
    let newer = ask("m2", "s2", LATER).begun(&engine.store).await;
    assert!(newer.took_over.is_some());
    assert_eq!(
        recover(&engine.store, &open, "part", LATER).await,
        TurnOutcome::Done,
        "known as the current one"
    );
    assert_eq!(
        ask("m2", "s2", LATER)
            .current(&engine.store)
            .await
            .unfinished_previous,
        None
    );
}

pub(crate) async fn a_recovered_turn_keeps_its_place_on_the_path(engine: &Engine) {
    let store = &engine.store;
    answered(store, &ask("m1", "s1", NOON), "a").await;
    for (name, dying, expected) in [
        (
            "regenerated",
            Ask {
                question: Question::Regenerated,
                ..ask("m1", "s2", NOON + 1)
            },
            vec!["m1", "part"],
        ),
        (
            "edited",
            Ask {
                question: Question::Edited,
                parts: text_parts("M1"),
                ..ask("m1", "s3", LATER + 10)
            },
            vec!["M1", "part"],
        ),
    ] {
        dying.begun(store).await;
        let open = dying.current(store).await.open.unwrap();
        recover(store, &open, "part", dying.now_ms + LATER).await;
        assert_eq!(dying.path_texts(store).await, expected, "{name}");
    }
}

pub(crate) async fn a_recovered_continuation_knows_what_it_goes_on_from(engine: &Engine) {
    let store = &engine.store;
    let first = ask("m1", "s1", NOON);
    answered(store, &first, "a").await;
    let on = Ask {
        question: Question::Continued,
        continued: Some(text_parts("a, approved")),
        answer: first.answer.clone(),
        ..ask("m1", "s2", NOON + 1)
    };
    on.begun(store).await;
    let open = on.current(store).await.open.unwrap();
    let before = store
        .answer_of(&open.continued().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&*before.parts, text_parts("a"));
    recover(store, &open, "a, and part of more", LATER).await;
    assert_eq!(on.path_texts(store).await, ["m1", "a, and part of more"]);
}

pub(crate) async fn a_message_kept_and_put_late_is_one(engine: &Engine) {
    let ask = ask("m1", "s1", NOON);
    let turn = ask.begun(&engine.store).await;
    let open = ask.current(&engine.store).await.open.unwrap();
    recover(&engine.store, &open, "part", LATER).await;
    let late = UserMessage {
        parts: &ask.parts,
        created_at_ms: NOON,
    };
    engine
        .store
        .put_user_message(&turn.keys, &late)
        .await
        .unwrap();
    assert_eq!(ask.path_texts(&engine.store).await, ["m1", "part"]);
}

pub(crate) async fn a_turn_knows_whether_it_was_to_end_early(engine: &Engine) {
    let store = &engine.store;
    let first = ask("m1", "s1", NOON);
    first.begun(store).await;
    let open = first.current(store).await.open.unwrap();
    assert!(!open.is_stopped(), "it runs");

    let taking = ask("m2", "s2", NOON + 1).begun(store).await;
    let superseded = taking.took_over.unwrap();
    assert!(superseded.is_stopped(), "it is taken over from");
    let Ok(Begin::Recover(before)) = ask("m3", "s3", NOON + 2).begin(store).await else {
        panic!("the first turn is left behind");
    };
    for left in [first.current(store).await.unfinished_previous, Some(before)] {
        assert_eq!(left.as_ref(), Some(&superseded), "however it is heard of");
    }

    assert!(
        !first.current(store).await.open.unwrap().is_stopped(),
        "the newer runs"
    );
    let stopped = store
        .stop_turn(&first.user, &first.thread, None)
        .await
        .unwrap()
        .unwrap();
    assert!(stopped.is_stopped());
    assert_eq!(first.current(store).await.open, Some(stopped));
    recover(store, &superseded, "part", LATER + 10).await;
    assert_eq!(
        first.path(store).await[1].status,
        Some(Status::Stopped),
        "though its lease has passed"
    );
    assert!(
        !owes(engine).await,
        "nobody comes any more who would add to the totals"
    );
}

pub(crate) async fn a_superseded_turn_that_is_recovered_at_work_still_adds_what_it_used(
    engine: &Engine,
) {
    let store = &engine.store;
    let used = TurnUsage {
        input: Some(10),
        output: Some(3),
        ..NOTHING_USED
    };
    let first = ask("m1", "s1", NOON);
    let mut older = first.begun(store).await;
    // Three messages in a row: each but the first has to end the last but one, which is at work.
    for (index, message) in ["m2", "m3", "m4"].into_iter().enumerate() {
        let ask = ask(message, &format!("s-{message}"), NOON + 1 + index as u64);
        let Begin::Begun(newer) = ask.insist(store).await.unwrap() else {
            panic!("{message} begins")
        };
        assert_eq!(
            newer.took_over.as_ref().unwrap().stream(),
            older.keys.stream()
        );
        recover(store, newer.took_over.as_ref().unwrap(), "part", ask.now_ms).await;
        for attempt in 0..3 {
            let finished = end_using(store, &older, "whole", &used).await;
            assert_eq!(finished, Finished::Superseded, "{message}, {attempt}");
        }
        recover(store, newer.took_over.as_ref().unwrap(), "part", ask.now_ms).await;
        let total = first.thread(store).await.usage;
        let times = 1 + index as u64;
        assert_eq!(
            (total.input, total.output),
            (Some(10 * times), Some(3 * times)),
            "{message}"
        );
        older = newer;
    }
    end_using(store, &older, "whole", &used).await;
    assert_eq!(first.thread(store).await.usage.input, Some(40));
    assert!(!owes(engine).await, "nothing is left of it");
}

/// Returns true if a thread waits for the usage of a superseded turn.
async fn owes(engine: &Engine) -> bool {
    let items = engine
        .client
        .scan()
        .table_name(&engine.table)
        .send()
        .await
        .unwrap()
        .items
        .unwrap();
    items.iter().any(|item| item.contains_key("pendingUsage"))
}

pub(crate) async fn a_continuation_of_nothing_goes_on_from_what_that_went_on_from(engine: &Engine) {
    let store = &engine.store;
    let first = ask("m1", "s1", NOON);
    answered(store, &first, "a").await;
    let on = |run: u64, added: &str| Ask {
        question: Question::Continued,
        continued: Some(text_parts(added)),
        answer: first.answer.clone(),
        ..ask("m1", &format!("s{run}"), NOON + run)
    };
    answered(store, &on(2, "a, approved"), "").await;
    let base = async |on: &Ask| {
        on.begun(store).await;
        let open = on.current(store).await.open.unwrap();
        let base = store
            .answer_of(&open.continued().unwrap())
            .await
            .unwrap()
            .unwrap();
        recover(store, &open, "", LATER + on.now_ms).await;
        base.parts
    };
    for (name, on) in [
        ("the same", on(3, "a, approved")),
        ("another", on(4, "a, denied")),
    ] {
        assert_eq!(&*base(&on).await, text_parts("a"), "{name}");
        assert_eq!(on.path_texts(store).await, ["m1", "a"], "{name}");
    }
    answered(store, &ask("m2", "s5", NOON + 5), "b").await;
    let older = on(6, "a, approved at last");
    assert_eq!(
        &*base(&older).await,
        text_parts("a"),
        "after another message"
    );
    assert_eq!(older.path_texts(store).await, ["m1", "a", "m2", "b"]);
}

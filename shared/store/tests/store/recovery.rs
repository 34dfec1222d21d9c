//! Turns that are ended by others than those who ran them.

use std::collections::BTreeSet;

use message::Role;
use store::{Begin, Finished, OpenTurn, Question, Status, TurnOutcome, UserMessage};
use tokio::task::JoinSet;

use crate::asking::{
    Ask, LEASE, NOON, NOTHING_USED, answered, ask, end, put_question, recorded, recover, said,
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
    for (name, text, outcome) in [("text", "part", TurnOutcome::Done), ("nothing", "", TurnOutcome::Failed)] {
        let thread = message::ThreadId::parse(name).unwrap();
        let first = Ask { thread: thread.clone(), ..ask("m1", "s1", NOON) };
        first.begun(&engine.store).await;
        let open = first.current(&engine.store).await.open.unwrap();
        assert_eq!(recover(&engine.store, &open, text, LATER).await, outcome, "{name}");

        let path = first.path(&engine.store).await;
        let [question, recovered] = path.as_slice() else { panic!("{name}: {path:?}") };
        assert_eq!((question.role, &*question.parts), (Role::User, first.parts.as_str()), "{name}");
        assert_eq!((&recovered.id, recovered.status), (&first.answer, Some(Status::Interrupted)), "{name}");
        assert_eq!(recovered.model.as_deref(), Some("acme/small"), "{name}");
        let current = first.current(&engine.store).await;
        assert!(current.ended(), "{name}");
        assert_eq!(current.answered.is_some(), outcome == TurnOutcome::Done, "{name}");
        let again = Ask { thread, ..ask("m1", "s2", LATER) }.begin(&engine.store).await.unwrap();
        match outcome {
            TurnOutcome::Done => assert!(matches!(again, Begin::Answered(_)), "{name}"),
            TurnOutcome::Failed => assert!(matches!(again, Begin::Begun(_)), "{name}"),
        }
    }
}

pub(crate) async fn ten_recoveries_at_once_leave_one_answer(engine: &Engine) {
    let open = died(engine).await;
    let mut recoveries = JoinSet::new();
    for text in (0..10).map(|index| if index % 2 == 0 { format!("part {index}") } else { String::new() }) {
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
    assert_eq!(outcomes.contains("Done"), texts[1].starts_with("part"), "{outcomes:?} {texts:?}");
}

pub(crate) async fn the_question_that_was_kept_is_stored_once(engine: &Engine) {
    for (name, parts, kept) in [
        ("short", said("short"), true),
        ("deflated", said(&"plain words again and again ".repeat(100)), true),
        ("long", said(&"0123456789".repeat(1_000)), false),
    ] {
        for stored in [false, true] {
            let thread = message::ThreadId::parse(&format!("{name}-{stored}")).unwrap();
            let ask = Ask { thread, parts: parts.clone(), ..ask("m1", "s1", NOON) };
            let turn = ask.begun(&engine.store).await;
            assert_eq!(turn.question_kept, kept, "{name}");
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
            let expected = if kept || stored { vec![parts.as_str()] } else { vec![] };
            assert_eq!(questions, expected, "{name}, stored {stored}");
        }
    }
}

pub(crate) async fn a_late_answer_replaces_a_recovered_one_and_no_other(engine: &Engine) {
    let turn = ask("m1", "s1", NOON).begun(&engine.store).await;
    let open = ask("m1", "s1", NOON).current(&engine.store).await.open.unwrap();
    recover(&engine.store, &open, "part", LATER).await;
    let metadata = metadata();
    for (put, expected) in [("whole", "whole"), ("whole again", "whole")] {
        engine.store.put_answer(&turn.keys, &answer(&said(put), &metadata)).await.unwrap();
        assert_eq!(ask("m1", "s1", NOON).path_texts(&engine.store).await, ["m1", expected], "{put}");
        recover(&engine.store, &open, "part again", LATER).await;
        assert_eq!(ask("m1", "s1", NOON).path_texts(&engine.store).await, ["m1", expected], "{put}");
    }
    assert_eq!(ask("m1", "s1", NOON).path(&engine.store).await[1].status, Some(Status::Completed));
}

pub(crate) async fn a_late_answer_makes_a_failed_turn_a_done_one(engine: &Engine) {
    let turn = ask("m1", "s1", NOON).begun(&engine.store).await;
    let open = ask("m1", "s1", NOON).current(&engine.store).await.open.unwrap();
    assert_eq!(recover(&engine.store, &open, "", LATER).await, TurnOutcome::Failed);
    assert_eq!(end(&engine.store, &turn, "whole").await, recorded());
    assert!(matches!(ask("m1", "s2", LATER).begin(&engine.store).await, Ok(Begin::Answered(_))));

    let failed = engine.store.finish_turn(&turn.keys, TurnOutcome::Failed, &NOTHING_USED).await.unwrap();
    assert_eq!(failed, recorded());
    let again = ask("m1", "s3", LATER).begin(&engine.store).await;
    assert!(matches!(again, Ok(Begin::Answered(_))), "but not the other way round");
}

pub(crate) async fn a_turn_left_behind_is_recovered_without_touching_the_newer(engine: &Engine) {
    let first = ask("m1", "s1", NOON);
    let late = first.begun(&engine.store).await;
    let newer = ask("m2", "s2", NOON + 1);
    let turn = newer.begun(&engine.store).await;
    put_question(&engine.store, &newer, &turn).await;
    let left = turn.took_over.clone().unwrap();

    assert_eq!(recover(&engine.store, &left, "part", NOON + 1).await, TurnOutcome::Done);
    let current = newer.current(&engine.store).await;
    assert_eq!((current.stream, current.left_behind), (Some(newer.stream.clone()), None));
    assert!(current.open.is_some(), "the newer turn is still open");
    assert_eq!(newer.path_texts(&engine.store).await, ["m1", "part", "m2"]);
    assert_eq!(newer.path(&engine.store).await[1].status, Some(Status::Stopped));

    assert_eq!(end(&engine.store, &late, "whole").await, Finished::Superseded);
    end(&engine.store, &turn, "newer").await;
    assert_eq!(newer.path_texts(&engine.store).await, ["m1", "whole", "m2", "newer"]);
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
    assert_eq!(ask("m2", "s2", LATER).current(&engine.store).await.left_behind, None);
}

pub(crate) async fn a_recovered_turn_keeps_its_place_on_the_path(engine: &Engine) {
    let store = &engine.store;
    answered(store, &ask("m1", "s1", NOON), "a").await;
    for (name, dying, expected) in [
        (
            "regenerated",
            Ask { question: Question::Regenerated, ..ask("m1", "s2", NOON + 1) },
            vec!["m1", "part"],
        ),
        (
            "edited",
            Ask { question: Question::Edited, parts: said("M1"), ..ask("m1", "s3", LATER + 10) },
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
        continued: Some(said("a, approved")),
        answer: first.answer.clone(),
        ..ask("m1", "s2", NOON + 1)
    };
    on.begun(store).await;
    let open = on.current(store).await.open.unwrap();
    let before = store.answer_of(&open.continued().unwrap()).await.unwrap().unwrap();
    assert_eq!(&*before.parts, said("a"));
    recover(store, &open, "a, and part of more", LATER).await;
    assert_eq!(on.path_texts(store).await, ["m1", "a, and part of more"]);
}

pub(crate) async fn a_message_kept_and_put_late_is_one(engine: &Engine) {
    let ask = ask("m1", "s1", NOON);
    let turn = ask.begun(&engine.store).await;
    let open = ask.current(&engine.store).await.open.unwrap();
    recover(&engine.store, &open, "part", LATER).await;
    let late = UserMessage { parts: &ask.parts, created_at_ms: NOON };
    engine.store.put_user_message(&turn.keys, &late).await.unwrap();
    assert_eq!(ask.path_texts(&engine.store).await, ["m1", "part"]);
}

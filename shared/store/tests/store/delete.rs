//! Deleting threads, also in the middle of things.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use store::{Begin, Finished, JournalPiece, Pages, TurnOutcome, TurnSignal, UserMessage};
use tokio::task::JoinSet;

use crate::asking::{Ask, LEASE, NOON, NOTHING_USED, ask, end, put_question, recover, text_parts};
use crate::engine::Engine;
use crate::messages::{answer, metadata};
use crate::wire::{Step, Wire};

const LATER: u64 = NOON + LEASE + 1;

/// Returns the keys of everything that is stored of the user, but the day's figures.
async fn left(engine: &Engine) -> Vec<String> {
    let mut pages = engine
        .client
        .scan()
        .table_name(&engine.table)
        .into_paginator()
        .items()
        .send();
    let mut keys = Vec::new();
    while let Some(item) = pages.next().await {
        let item = item.unwrap();
        let text = |name: &str| item[name].as_s().unwrap().clone();
        if !text("sk").starts_with("Q#") {
            keys.push(format!("{} {}", text("pk"), text("sk")));
        }
    }
    keys.sort();
    keys
}

async fn delete(engine: &Engine, ask: &Ask, now_ms: u64) -> bool {
    engine
        .store
        .delete_thread(&ask.user, &ask.thread, now_ms)
        .await
        .unwrap()
}

async fn complete_turn(engine: &Engine, ask: &Ask) -> store::BegunTurn {
    let begun = ask.begun(&engine.store).await;
    put_question(&engine.store, ask, &begun).await;
    end(&engine.store, &begun, "an answer").await;
    begun
}

async fn journaled(engine: &Engine, turn: &store::BegunTurn, bytes: &[u8]) {
    let piece = JournalPiece {
        journal: &turn.keys.journal(),
        index: 0,
        bytes,
        now_ms: NOON,
    };
    engine.store.append_journal(&piece).await.unwrap();
}

/// Begins a turn and stores its question.
async fn running(engine: &Engine, ask: &Ask) -> store::BegunTurn {
    let begun = ask.begun(&engine.store).await;
    put_question(&engine.store, ask, &begun).await;
    begun
}

async fn is_listed(engine: &Engine, ask: &Ask) -> bool {
    !engine
        .store
        .threads(&ask.user, 10, None)
        .await
        .unwrap()
        .threads
        .is_empty()
}

pub(crate) async fn a_thread_is_deleted_with_everything_in_it(engine: &Engine) {
    let first = ask("m0", "s0", NOON);
    for run in 0..30 {
        let turn = complete_turn(
            engine,
            &ask(&format!("m{run}"), &format!("s{run}"), NOON + run),
        )
        .await;
        journaled(engine, &turn, b"an answer").await;
    }
    let long = ask("long", "long", NOON + 100);
    let begun = running(engine, &long).await;
    let mut state = 7_u32;
    let noise: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + (state >> 24) as u8 % 26)
    })
    .take(900_000)
    .collect();
    journaled(engine, &begun, noise.as_bytes()).await;
    end(&engine.store, &begun, &noise).await;
    let other = Ask {
        thread: message::ThreadId::parse("t2").unwrap(),
        ..ask("m", "other", NOON)
    };
    let other_turn = complete_turn(engine, &other).await;
    journaled(engine, &other_turn, b"an answer").await;
    assert!(
        left(engine).await.iter().any(|key| key.contains("#~000#")),
        "it has continuations"
    );

    assert!(delete(engine, &first, NOON + 200).await);
    let left = left(engine).await;
    assert!(left.iter().all(|key| key.contains("t2")), "{left:?}");
    assert_eq!(
        left.len(),
        4,
        "the thread, two messages, a journal: {left:?}"
    );
    assert_eq!(
        engine
            .store
            .thread(&first.user, &first.thread)
            .await
            .unwrap(),
        None
    );
    assert!(
        !delete(engine, &first, NOON + 201).await,
        "there is nothing left to delete"
    );
    assert_eq!(other.path(&engine.store).await.len(), 2);
}

pub(crate) async fn a_delete_that_died_is_finished_by_the_next(engine: &Engine) {
    let first = ask("m", "s", NOON);
    for run in 0..40 {
        complete_turn(
            engine,
            &ask(&format!("m{run}"), &format!("s{run}"), NOON + run),
        )
        .await;
    }
    // Read, taken out, keys read, one batch deleted; then the process is gone.
    let steps = [
        Step::Forward,
        Step::Forward,
        Step::Forward,
        Step::Forward,
        Step::error(400, "AccessDenied"),
    ];
    let wire = Wire::before(&engine.endpoint, steps).await;
    let dying = engine.store_through(&wire.endpoint).await;
    assert!(
        dying
            .delete_thread(&first.user, &first.thread, NOON + 100)
            .await
            .is_err()
    );
    assert_eq!(left(engine).await.len(), 1 + 80 - 25);
    assert_eq!(
        engine
            .store
            .thread(&first.user, &first.thread)
            .await
            .unwrap(),
        None,
        "nobody sees it any more"
    );
    assert!(!is_listed(engine, &first).await);
    let renamed = engine
        .store
        .rename_thread(&first.user, &first.thread, "title")
        .await
        .unwrap();
    assert_eq!(renamed, None);

    assert!(delete(engine, &first, NOON + 101).await);
    assert_eq!(left(engine).await, Vec::<String>::new());
}

pub(crate) async fn a_running_turn_takes_away_what_it_put_too_late(engine: &Engine) {
    for (name, outcome) in [("done", TurnOutcome::Done), ("failed", TurnOutcome::Failed)] {
        let ask = Ask {
            thread: message::ThreadId::parse(name).unwrap(),
            ..ask("m", name, NOON)
        };
        let begun = running(engine, &ask).await;
        assert!(delete(engine, &ask, NOON + 1).await, "{name}");
        assert!(!is_listed(engine, &ask).await, "{name}");
        assert_eq!(
            engine.store.watch_turn(&begun.keys).await.unwrap(),
            TurnSignal::StopRequested,
            "{name}"
        );

        put_question(&engine.store, &ask, &begun).await;
        engine
            .store
            .put_answer(&begun.keys, &answer(&text_parts("late"), &metadata()))
            .await
            .unwrap();
        let finished = engine
            .store
            .finish_turn(&begun.keys, outcome, &NOTHING_USED)
            .await
            .unwrap();
        assert_eq!(finished, Finished::Superseded, "{name}");
        let left = left(engine).await;
        assert_eq!(
            left,
            [format!("U#u T#{name}")],
            "only what `ttl` removes, of {name}"
        );
        assert_eq!(
            engine.store.thread(&ask.user, &ask.thread).await.unwrap(),
            None,
            "{name}"
        );
        assert!(
            delete(engine, &ask, LATER).await,
            "{name}: a delete may be repeated"
        );
        assert_eq!(self::left(engine).await, Vec::<String>::new(), "{name}");
    }
}

pub(crate) async fn a_late_turn_of_a_thread_that_remembers_much_takes_away_what_it_put(
    engine: &Engine,
) {
    let late = ask("late", "late", NOON + 20);
    for run in 0..8 {
        complete_turn(
            engine,
            &ask(&format!("m{run}"), &format!("s{run}"), NOON + run),
        )
        .await;
    }
    let begun = running(engine, &late).await;
    assert!(delete(engine, &late, NOON + 21).await);
    engine
        .store
        .put_answer(&begun.keys, &answer(&text_parts("late"), &metadata()))
        .await
        .unwrap();
    let finished = engine
        .store
        .finish_turn(&begun.keys, TurnOutcome::Done, &NOTHING_USED)
        .await
        .unwrap();
    assert_eq!(finished, Finished::Superseded);
    assert_eq!(left(engine).await, ["U#u T#t"], "only what `ttl` removes");
}

pub(crate) async fn a_turn_that_others_have_ended_does_not_reach_into_a_new_thread_of_the_same_name(
    engine: &Engine,
) {
    let old = ask("m1", "s1", NOON);
    let late = running(engine, &old).await;
    let open = old.current(&engine.store).await.open.unwrap();
    recover(&engine.store, &open, "part", LATER).await;
    assert!(delete(engine, &old, LATER + 1).await);
    assert_eq!(
        left(engine).await,
        Vec::<String>::new(),
        "nobody is known to be at work"
    );

    let new = ask("m2", "s2", LATER + 2);
    complete_turn(engine, &new).await;
    let before = left(engine).await;
    engine
        .store
        .put_answer(&late.keys, &answer(&text_parts("late"), &metadata()))
        .await
        .unwrap();
    let finished = engine
        .store
        .finish_turn(&late.keys, TurnOutcome::Done, &NOTHING_USED)
        .await
        .unwrap();
    assert_eq!(finished, Finished::Superseded);
    assert_eq!(
        left(engine).await,
        before,
        "the late one has taken its own away, and nothing else"
    );
}

pub(crate) async fn an_unfinished_turn_removes_its_late_items(engine: &Engine) {
    let old = ask("m1", "s1", NOON);
    let superseded = running(engine, &old).await;
    let new = ask("m2", "s2", NOON + 1);
    let begun = running(engine, &new).await;
    end(&engine.store, &begun, "an answer").await;
    assert!(delete(engine, &new, NOON + 2).await);
    assert_eq!(
        engine.store.watch_turn(&superseded.keys).await.unwrap(),
        TurnSignal::Superseded
    );
    engine
        .store
        .put_answer(&superseded.keys, &answer(&text_parts("late"), &metadata()))
        .await
        .unwrap();
    engine
        .store
        .finish_turn(&superseded.keys, TurnOutcome::Done, &NOTHING_USED)
        .await
        .unwrap();
    assert_eq!(left(engine).await, ["U#u T#t"], "only what `ttl` removes");
}

pub(crate) async fn a_recovery_does_not_bring_a_deleted_thread_back(engine: &Engine) {
    let ask = ask("m", "s", NOON);
    ask.begun(&engine.store).await;
    let open = ask.current(&engine.store).await.open.unwrap();
    assert!(delete(engine, &ask, LATER).await);
    recover(&engine.store, &open, "what there was of it", LATER).await;
    assert_eq!(left(engine).await, Vec::<String>::new());
}

pub(crate) async fn a_new_thread_of_the_same_name_knows_nothing_of_the_old_one(engine: &Engine) {
    let old = ask("m1", "s1", NOON);
    let late = running(engine, &old).await;
    assert!(delete(engine, &old, NOON + 1).await);
    // The process of the old turn dies after its last put, so that the item stays.
    engine
        .store
        .put_answer(&late.keys, &answer(&text_parts("orphan"), &metadata()))
        .await
        .unwrap();

    // Its clock lags that of the process that deleted the old one.
    let new = Ask {
        title: "new".into(),
        ..ask("m2", "s2", NOON)
    };
    let Ok(Begin::Begun(begun)) = new.begin(&engine.store).await else {
        panic!("it is free")
    };
    assert!(begun.new_thread && begun.at_ms > NOON + 1 && begun.took_over.is_none());
    put_question(&engine.store, &new, &begun).await;
    end(&engine.store, &begun, "new answer").await;
    assert_eq!(new.path_texts(&engine.store).await, ["m2", "new answer"]);
    let thread = new.thread(&engine.store).await;
    assert_eq!((thread.title.as_deref(), thread.turns), (Some("new"), 1));
    let edited = Ask {
        question: store::Question::Edited,
        parts: text_parts("edited"),
        ..ask("m2", "s3", NOON + 9)
    };
    complete_turn(engine, &edited).await;
    assert_eq!(new.path_texts(&engine.store).await, ["edited", "an answer"]);
    let pages = Pages {
        limit: 10,
        max_bytes: 10_000,
        before: None,
        branch: None,
    };
    let page = engine
        .store
        .message_page(&new.user, &new.thread, &pages)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((page.messages.len(), page.older), (2, None));
}

pub(crate) async fn a_late_turn_does_not_reach_into_a_new_thread_of_the_same_name(engine: &Engine) {
    let old = ask("m1", "s1", NOON);
    let late = running(engine, &old).await;
    assert!(delete(engine, &old, NOON + 1).await);
    let new = ask("m2", "s2", NOON + 2);
    complete_turn(engine, &new).await;
    let before = left(engine).await;
    assert_eq!(
        engine.store.watch_turn(&late.keys).await.unwrap(),
        TurnSignal::Superseded
    );
    engine
        .store
        .put_answer(&late.keys, &answer(&text_parts("late"), &metadata()))
        .await
        .unwrap();
    engine
        .store
        .finish_turn(&late.keys, TurnOutcome::Done, &NOTHING_USED)
        .await
        .unwrap();
    assert_eq!(
        left(engine).await,
        before,
        "the late one has taken its own away, and nothing else"
    );
    assert!(new.current(&engine.store).await.ended());
}

pub(crate) async fn a_delete_spares_a_thread_that_began_meanwhile(engine: &Engine) {
    let old = ask("m1", "s1", NOON);
    complete_turn(engine, &old).await;
    // It dies after it has taken the thread out.
    let steps = [
        Step::Forward,
        Step::Forward,
        Step::error(400, "AccessDenied"),
    ];
    let wire = Wire::before(&engine.endpoint, steps).await;
    let dying = engine.store_through(&wire.endpoint).await;
    assert!(
        dying
            .delete_thread(&old.user, &old.thread, NOON + 1)
            .await
            .is_err()
    );

    let new = ask("m2", "s2", NOON + 2);
    complete_turn(engine, &new).await;
    assert_eq!(new.path_texts(&engine.store).await, ["m2", "an answer"]);
    assert!(
        delete(engine, &new, NOON + 3).await,
        "the new one, and with it what was left of the old"
    );
    assert_eq!(left(engine).await, Vec::<String>::new());
}

pub(crate) async fn items_that_are_left_over_are_deleted_all_the_same(engine: &Engine) {
    let ask = ask("m", "s", NOON);
    complete_turn(engine, &ask).await;
    let question = ask.path(&engine.store).await[0].clone();
    let key = HashMap::from([("S", format!("M#{NOON:013}#0#{}", question.id))]);
    let unprocessed = format!(
        r#"{{"UnprocessedItems":{{"{}":[{{"DeleteRequest":{{"Key":{{"pk":{{"S":"T#u#t"}},"sk":{{"S":"{}"}}}}}}}}]}}}}"#,
        engine.table, key["S"]
    );
    // The engine is not asked; the question is named as left over, then deleted, and the answer found by the next try.
    let steps = [
        Step::Forward,
        Step::Forward,
        Step::Forward,
        Step::ok(&unprocessed),
        Step::Forward,
    ];
    let wire = Wire::before(&engine.endpoint, steps).await;
    let store = engine.store_through(&wire.endpoint).await;
    assert!(
        store
            .delete_thread(&ask.user, &ask.thread, NOON + 1)
            .await
            .unwrap()
    );
    let bodies = wire.bodies();
    assert!(
        bodies[4].contains(&key["S"]) && bodies[4].contains("DeleteRequest"),
        "{}",
        bodies[4]
    );
    let left = left(engine).await;
    assert!(left.iter().all(|key| key.contains("#1#")), "{left:?}");
}

pub(crate) async fn deletes_and_begins_at_once_leave_one_story(engine: &Engine) {
    for round in 0..6 {
        let at = NOON + round * 1_000;
        complete_turn(
            engine,
            &ask(&format!("first{round}"), &format!("first{round}"), at),
        )
        .await;
        let mut tasks = JoinSet::new();
        for index in 0..4 {
            let store = engine.store.clone();
            let turn = ask(
                &format!("m{round}-{index}"),
                &format!("s{round}-{index}"),
                at + 10 + index,
            );
            tasks.spawn(async move {
                let Ok(Begin::Begun(begun)) = turn.insist(&store).await else {
                    return;
                };
                let question = UserMessage {
                    parts: &turn.parts,
                    created_at_ms: begun.at_ms,
                };
                store
                    .put_user_message(&begun.keys, &question)
                    .await
                    .unwrap();
                end(&store, &begun, "an answer").await;
            });
            let store = engine.store.clone();
            let thread = ask("m", "s", at);
            tasks.spawn(async move {
                store
                    .delete_thread(&thread.user, &thread.thread, at + 10 + index)
                    .await
                    .unwrap();
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        let thread = ask("m", "s", at);
        let found = engine
            .store
            .thread(&thread.user, &thread.thread)
            .await
            .unwrap();
        let path = thread.path(&engine.store).await;
        assert_eq!(
            found.is_none(),
            path.is_empty(),
            "round {round}: a path without a thread, or the reverse"
        );
        delete(engine, &thread, at + 500).await;
        let turn_of_another_time = left(engine).await;
        assert!(
            turn_of_another_time.iter().all(|key| key == "U#u T#t"),
            "round {round}: {turn_of_another_time:?}"
        );
        let key = |text: &str| AttributeValue::S(text.to_owned());
        let removed = engine.client.delete_item().table_name(&engine.table);
        removed
            .key("pk", key("U#u"))
            .key("sk", key("T#t"))
            .send()
            .await
            .unwrap();
    }
}

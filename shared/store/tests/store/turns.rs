//! Beginning and ending turns.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use message::{ThreadId, UserId};
use store::{Begin, BeginError, Finished, Question, TurnOutcome};
use tokio::task::JoinSet;

use crate::asking::{Ask, LEASE, NOON, NOTHING_USED, answered, ask, end, put_question, recorded};
use crate::engine::Engine;
use crate::wire::{Step, Wire};

fn running_stream(result: Result<Begin, BeginError>) -> String {
    match result {
        Ok(Begin::Running(open)) => open.stream().to_string(),
        other => panic!("not told who runs: {other:?}"),
    }
}

/// Returns every question that is stored, on whatever path.
async fn questions(engine: &Engine) -> Vec<String> {
    let items = engine
        .client
        .scan()
        .table_name(&engine.table)
        .send()
        .await
        .unwrap()
        .items
        .unwrap();
    let role = |item: &std::collections::HashMap<String, AttributeValue>| {
        item.get("role").and_then(|role| role.as_s().ok()).cloned()
    };
    let mut keys: Vec<_> = items
        .iter()
        .filter(|item| role(item).as_deref() == Some("user"))
        .map(|item| {
            (
                item["sk"].as_s().unwrap().clone(),
                item["id"].as_s().unwrap().clone(),
            )
        })
        .collect();
    keys.sort();
    keys.into_iter().rev().map(|(_, id)| id).collect()
}

pub(crate) async fn a_first_message_creates_its_thread(engine: &Engine) {
    let ask = ask("m1", "s1", NOON);
    assert_eq!(
        engine.store.thread(&ask.user, &ask.thread).await.unwrap(),
        None
    );
    assert_eq!(
        engine
            .store
            .current_turn(&ask.user, &ask.thread)
            .await
            .unwrap(),
        None
    );

    let turn = ask.begun(&engine.store).await;
    assert!(turn.new_thread && turn.question_inlined);
    assert_eq!((turn.took_over, turn.unfinished_previous), (None, None));
    assert_eq!(turn.at_ms, NOON);
    assert_eq!(turn.keys.stream(), &ask.stream);

    let thread = ask.thread(&engine.store).await;
    assert_eq!(thread.title.as_deref(), Some("a title"));
    assert_eq!(
        (
            thread.created_at_ms,
            thread.last_activity_at_ms,
            thread.turns
        ),
        (NOON, NOON, 1)
    );
    assert_eq!(thread.running(NOON + LEASE), Some(&ask.stream));
    assert_eq!(
        thread.running(NOON + LEASE + 1),
        None,
        "the lease has passed"
    );

    let current = ask.current(&engine.store).await;
    assert!(!current.ended());
    let open = current.open.unwrap();
    assert_eq!(
        (open.user(), open.thread(), open.stream()),
        (&ask.user, &ask.thread, &ask.stream)
    );
    assert_eq!(
        (open.message(), open.answer(), open.model()),
        (&ask.message, &ask.answer, "acme/small")
    );
    assert_eq!((open.began_at_ms(), open.lease_ms()), (NOON, NOON + LEASE));
    assert!(!open.is_dead(NOON + LEASE) && open.is_dead(NOON + LEASE + 1));
}

pub(crate) async fn a_later_message_touches_the_thread_and_keeps_its_title(engine: &Engine) {
    let first = ask("m1", "s1", NOON).begun(&engine.store).await;
    assert_eq!(end(&engine.store, &first, "a").await, recorded());

    let ask = Ask {
        title: "another title".into(),
        ..ask("m2", "s2", NOON + 5_000)
    };
    assert_eq!(
        ask.thread(&engine.store).await.running(NOON),
        None,
        "the first turn is done"
    );
    assert!(!ask.begun(&engine.store).await.new_thread);

    let thread = ask.thread(&engine.store).await;
    assert_eq!(thread.title.as_deref(), Some("a title"));
    assert_eq!(
        (
            thread.created_at_ms,
            thread.last_activity_at_ms,
            thread.turns
        ),
        (NOON, NOON + 5_000, 2)
    );
    assert_eq!(thread.running(NOON), Some(&ask.stream));
}

pub(crate) async fn a_thread_without_a_title_gets_the_first_there_is(engine: &Engine) {
    let picture = Ask {
        title: String::new(),
        ..ask("m1", "s1", NOON)
    };
    picture.begun(&engine.store).await;
    assert_eq!(picture.thread(&engine.store).await.title, None);

    ask("m2", "s2", NOON + 1).begun(&engine.store).await;
    assert_eq!(
        picture.thread(&engine.store).await.title.as_deref(),
        Some("a title")
    );
}

pub(crate) async fn a_long_title_is_cut_by_characters(engine: &Engine) {
    let long = Ask {
        title: "ä".repeat(200),
        ..ask("m1", "s1", NOON)
    };
    long.begun(&engine.store).await;
    assert_eq!(long.thread(&engine.store).await.title, Some("ä".repeat(80)));
}

pub(crate) async fn activity_moves_on_though_the_clock_goes_back(engine: &Engine) {
    let mut times = Vec::new();
    for (run, now_ms) in [
        ("s1", NOON),
        ("s2", NOON),
        ("s3", NOON - 60_000),
        ("s4", NOON + 1),
        ("s5", NOON + 100),
    ] {
        let turn = answered(&engine.store, &ask(&format!("m-{run}"), run, now_ms), "a").await;
        times.push(turn.at_ms - NOON);
    }
    assert_eq!(times, [0, 1, 2, 3, 100]);
    assert_eq!(
        questions(engine).await,
        ["m-s5", "m-s4", "m-s3", "m-s2", "m-s1"]
    );
}

pub(crate) async fn a_turn_that_was_given_up_does_not_block_its_message(engine: &Engine) {
    let lost = ask("m1", "s1", NOON);
    assert_eq!(
        lost.abandon(&engine.store).await,
        Finished::Superseded,
        "it had not begun"
    );
    assert_eq!(
        engine.store.thread(&lost.user, &lost.thread).await.unwrap(),
        None
    );
    assert_eq!(engine.store.usage(&lost.user, NOON).await.unwrap().turns, 0);

    lost.begun(&engine.store).await;
    assert_eq!(
        engine.store.usage(&lost.user, NOON).await.unwrap().running,
        1
    );
    assert_eq!(lost.abandon(&engine.store).await, recorded());
    let day = engine.store.usage(&lost.user, NOON).await.unwrap();
    assert_eq!((day.turns, day.running), (0, 0), "it is not counted");
    ask("m1", "s2", NOON + 1).begun(&engine.store).await;
    assert_eq!(
        lost.abandon(&engine.store).await,
        Finished::Superseded,
        "another run is not touched"
    );
}

pub(crate) async fn a_message_that_failed_again_and_again_is_stored_once(engine: &Engine) {
    for (index, run) in ["s1", "s2", "s3"].into_iter().enumerate() {
        let ask = ask("m1", run, NOON + index as u64);
        answered(&engine.store, &ask, "").await;
        assert_eq!(
            ask.path_texts(&engine.store).await,
            ["m1", "-"],
            "{run}: earlier failures are gone"
        );
    }
    assert_eq!(questions(engine).await, ["m1"]);
    let last = ask("m1", "s4", NOON + 9);
    answered(&engine.store, &last, "at last").await;
    assert_eq!(last.path_texts(&engine.store).await, ["m1", "at last"]);
    assert!(matches!(
        ask("m1", "s5", NOON + 10).begin(&engine.store).await,
        Ok(Begin::Answered(_))
    ));
}

pub(crate) async fn one_of_twenty_equal_begins_wins(engine: &Engine) {
    let mut begins = JoinSet::new();
    for run in 0..20 {
        let store = engine.store.clone();
        begins.spawn(async move { ask("m1", &format!("s{run}"), NOON).begin(&store).await });
    }
    let mut begun = Vec::new();
    let mut named = BTreeSet::new();
    while let Some(result) = begins.join_next().await {
        match result.unwrap() {
            Ok(Begin::Begun(turn)) => begun.push(turn.keys.stream().to_string()),
            other => _ = named.insert(running_stream(other)),
        }
    }
    assert_eq!(begun.len(), 1);
    assert_eq!(
        named.into_iter().collect::<Vec<_>>(),
        begun,
        "the others are told who runs"
    );
    let day = engine
        .store
        .usage(&ask("m1", "s", NOON).user, NOON)
        .await
        .unwrap();
    assert_eq!(
        (day.turns, day.running),
        (1, 1),
        "only the one that began is counted"
    );
}

pub(crate) async fn different_messages_at_one_instant_all_begin_in_some_order(engine: &Engine) {
    let mut begins = JoinSet::new();
    for run in 0..5 {
        let store = engine.store.clone();
        let ask = ask(&format!("m{run}"), &format!("s{run}"), NOON);
        begins.spawn(async move { ask.insist(&store).await });
    }
    let mut times = BTreeSet::new();
    while let Some(result) = begins.join_next().await {
        match result.unwrap().unwrap() {
            Begin::Begun(turn) => times.insert(turn.at_ms - NOON),
            other => panic!("{other:?}"),
        };
    }
    assert_eq!(times.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
}

pub(crate) async fn another_message_takes_over_a_running_turn(engine: &Engine) {
    let asked = ask("m1", "s1", NOON);
    let first = asked.begun(&engine.store).await;
    let second = ask("m2", "s2", NOON + 10).begun(&engine.store).await;
    let took_over = second.took_over.clone().unwrap();
    assert_eq!(took_over.stream(), first.keys.stream());
    assert_eq!(
        asked.current(&engine.store).await.unfinished_previous,
        Some(took_over)
    );

    assert_eq!(end(&engine.store, &first, "a").await, Finished::Superseded);
    assert_eq!(
        asked.current(&engine.store).await.unfinished_previous,
        None,
        "it is over"
    );
    let running = ask("m2", "s3", NOON + 20).begin(&engine.store).await;
    assert_eq!(
        running_stream(running),
        "s2",
        "the first turn's end does not end the second"
    );
    assert_eq!(end(&engine.store, &second, "b").await, recorded());
}

pub(crate) async fn regenerating_an_older_message_does_not_store_it_again(engine: &Engine) {
    for (message, run, now_ms) in [
        ("m1", "s1", NOON),
        ("m2", "s2", NOON + 1),
        ("m3", "s3", NOON + 2),
    ] {
        answered(&engine.store, &ask(message, run, now_ms), "a").await;
    }
    let again = Ask {
        question: Question::Regenerated,
        ..ask("m1", "s4", NOON + 3)
    };
    let turn = answered(&engine.store, &again, "b").await;
    assert_eq!(questions(engine).await, ["m3", "m2", "m1"]);
    assert_eq!(
        turn.at_ms,
        NOON + 3,
        "the new answer comes last all the same"
    );

    let unknown = Ask {
        question: Question::Regenerated,
        ..ask("m9", "s5", NOON + 4)
    };
    answered(&engine.store, &unknown, "c").await;
    assert_eq!(
        questions(engine).await,
        ["m9", "m3", "m2", "m1"],
        "a message we never saw is stored"
    );
}

pub(crate) async fn the_same_thread_id_of_two_users_is_two_threads(engine: &Engine) {
    let mine = Ask {
        title: "mine".into(),
        ..ask("m1", "s1", NOON)
    };
    let theirs = Ask {
        title: "theirs".into(),
        user: UserId::parse("v").unwrap(),
        ..ask("m1", "s2", NOON)
    };
    put_question(&engine.store, &mine, &mine.begun(&engine.store).await).await;
    assert!(theirs.begun(&engine.store).await.new_thread);

    assert_eq!(
        mine.thread(&engine.store).await.title.as_deref(),
        Some("mine")
    );
    assert_eq!(
        theirs.thread(&engine.store).await.title.as_deref(),
        Some("theirs")
    );
    assert_eq!(theirs.path(&engine.store).await, []);
    assert_eq!(mine.path(&engine.store).await.len(), 1);
}

pub(crate) async fn a_begin_whose_answer_got_lost_is_not_refused(engine: &Engine) {
    let ask = ask("m1", "s1", NOON);
    // Thread and quota are written at the same time; whichever is first loses its answer.
    let wire = Wire::before(&engine.endpoint, [Step::ForwardAndHangUp, Step::Forward]).await;
    let turn = ask.begun(&engine.store_through(&wire.endpoint).await).await;
    assert!(turn.new_thread);
    assert_eq!(
        wire.bodies().len(),
        3,
        "the client tried one of the two twice"
    );
    assert_eq!(
        ask.thread(&engine.store).await.turns,
        1,
        "and the table counted once"
    );
    let day = engine.store.usage(&ask.user, NOON).await.unwrap();
    assert_eq!((day.turns, day.running), (1, 1));
    assert_eq!(end(&engine.store, &turn, "a").await, recorded());
}

pub(crate) async fn a_begin_whose_answer_got_lost_may_be_superseded_already(engine: &Engine) {
    let lost = ask("m1", "s1", NOON);
    lost.begun(&engine.store).await;
    ask("m2", "s2", NOON + 1).begun(&engine.store).await;

    let turn = lost.begun(&engine.store).await;
    assert_eq!(turn.at_ms, NOON);
    assert_eq!(end(&engine.store, &turn, "a").await, Finished::Superseded);
    assert_eq!(lost.current(&engine.store).await.unfinished_previous, None);
}

pub(crate) async fn a_takeover_whose_answer_got_lost_names_the_older_turn(engine: &Engine) {
    let older = ask("m1", "s1", NOON);
    older.begun(&engine.store).await;
    // Thread and quota are tried at the same time, and then the thread is taken over.
    let script = [
        Step::Forward,
        Step::Forward,
        Step::ForwardAndHangUp,
        Step::Forward,
    ];
    let wire = Wire::before(&engine.endpoint, script).await;
    let newer = ask("m2", "s2", NOON + 1)
        .begun(&engine.store_through(&wire.endpoint).await)
        .await;
    assert_eq!(
        wire.bodies().len(),
        4,
        "the client tried to take over twice"
    );
    assert_eq!(newer.unfinished_previous, None, "it may be at work");
    assert_eq!(
        newer.took_over,
        older.current(&engine.store).await.unfinished_previous
    );
    assert_eq!(newer.took_over.unwrap().stream(), &older.stream);
}

pub(crate) async fn what_a_turn_used_is_added_to_its_thread_once(engine: &Engine) {
    let used = store::TurnUsage {
        input: Some(10),
        output: Some(3),
        cached: None,
        reasoning: Some(0),
        cost: store::Cost::parse("0.0015"),
    };
    let ask1 = ask("m1", "s1", NOON);
    let turn = ask1.begun(&engine.store).await;
    for _ in 0..3 {
        let finished = engine
            .store
            .finish_turn(&turn.keys, TurnOutcome::Done, &used)
            .await
            .unwrap();
        assert_eq!(finished, recorded());
        engine.store.record_usage(&turn.keys, &used).await.unwrap();
    }
    assert_eq!(ask1.thread(&engine.store).await.usage, used);
    assert_eq!(
        engine.store.usage(&ask1.user, NOON).await.unwrap().usage,
        used
    );

    let superseded = ask("m2", "s2", NOON + 1).begun(&engine.store).await;
    let newer = ask("m3", "s3", NOON + 2).begun(&engine.store).await;
    for _ in 0..3 {
        let finished = engine
            .store
            .finish_turn(&superseded.keys, TurnOutcome::Done, &used)
            .await
            .unwrap();
        assert_eq!(finished, Finished::Superseded);
        engine
            .store
            .record_usage(&superseded.keys, &used)
            .await
            .unwrap();
    }
    engine
        .store
        .finish_turn(&newer.keys, TurnOutcome::Failed, &NOTHING_USED)
        .await
        .unwrap();
    let total = ask1.thread(&engine.store).await.usage;
    assert_eq!(
        (total.input, total.output, total.cached),
        (Some(20), Some(6), None)
    );
    assert_eq!(
        total.cost.map(|cost| cost.to_string()).as_deref(),
        Some("0.003")
    );
    assert_eq!(
        engine.store.usage(&ask1.user, NOON).await.unwrap().usage,
        total
    );
}

pub(crate) async fn the_index_lists_threads_only_and_newest_first(engine: &Engine) {
    for (thread, now_ms) in [("old", NOON), ("new", NOON + 2), ("middle", NOON + 1)] {
        let ask = Ask {
            thread: ThreadId::parse(thread).unwrap(),
            ..ask("m1", thread, now_ms)
        };
        put_question(&engine.store, &ask, &ask.begun(&engine.store).await).await;
    }
    let answer = engine
        .client
        .query()
        .table_name(&engine.table)
        .index_name("byActivity")
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S("U#u".into()))
        .scan_index_forward(false)
        .send()
        .await
        .unwrap();
    let listed: Vec<_> = answer
        .items()
        .iter()
        .map(|item| item["sk"].as_s().unwrap().as_str())
        .collect();
    assert_eq!(listed, ["T#new", "T#middle", "T#old"]);
    assert!(
        answer
            .items()
            .iter()
            .all(|item| item["title"].as_s().unwrap() == "a title")
    );
}

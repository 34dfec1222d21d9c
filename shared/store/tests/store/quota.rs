//! Limits on what a user may do in a day and at once.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use message::{MessageId, ThreadId, UserId};
use store::{Begin, BeginError, Question, TurnLimits, TurnOutcome, TurnSignal, TurnUsage};
use tokio::task::JoinSet;

use crate::asking::{
    Ask, LEASE, NOON, NOTHING_USED, answered, ask, end, end_using, put_question, recover,
    text_parts,
};
use crate::engine::Engine;

const HOUR: u64 = 60 * 60 * 1000;

/// Creates a message of its own in a thread of its own.
fn alone(run: &str, now_ms: u64, limits: TurnLimits) -> Ask {
    Ask {
        thread: ThreadId::parse(run).unwrap(),
        limits,
        ..ask("m", run, now_ms)
    }
}

fn per_day(per_day: u64) -> TurnLimits {
    TurnLimits {
        per_day,
        parallel: 0,
    }
}

fn parallel(parallel: u64) -> TurnLimits {
    TurnLimits {
        per_day: 0,
        parallel,
    }
}

async fn day(engine: &Engine) -> (u64, usize) {
    let day = engine
        .store
        .usage(&UserId::parse("u").unwrap(), NOON)
        .await
        .unwrap();
    (day.turns, day.running)
}

fn is_refused(begin: &Result<Begin, BeginError>) -> bool {
    matches!(
        begin,
        Err(BeginError::TurnsPerDay { .. } | BeginError::ParallelTurns { .. })
    )
}

pub(crate) async fn of_twenty_begins_at_once_at_the_limit_less_one_one_passes(engine: &Engine) {
    for (name, limits) in [("per day", per_day(3)), ("parallel", parallel(3))] {
        let user = UserId::parse(&name.replace(' ', "-")).unwrap();
        for run in ["a", "b"] {
            Ask {
                user: user.clone(),
                ..alone(run, NOON, limits)
            }
            .begun(&engine.store)
            .await;
        }
        let mut begins = JoinSet::new();
        for run in 0..20 {
            let store = engine.store.clone();
            let ask = Ask {
                user: user.clone(),
                ..alone(&format!("s{run}"), NOON, limits)
            };
            begins.spawn(async move { (ask.begin(&store).await, ask) });
        }
        let mut passed = 0;
        while let Some(result) = begins.join_next().await {
            let (begin, ask) = result.unwrap();
            if is_refused(&begin) {
                let thread = engine
                    .store
                    .current_turn(&ask.user, &ask.thread)
                    .await
                    .unwrap();
                assert_eq!(thread, None, "{name}: a refused thread is not there");
            } else {
                assert!(matches!(begin, Ok(Begin::Begun(_))), "{name}: {begin:?}");
                passed += 1;
            }
        }
        assert_eq!(passed, 1, "{name}");
        let day = engine.store.usage(&user, NOON).await.unwrap();
        assert_eq!((day.turns, day.running), (3, 3), "{name}");
    }
}

pub(crate) async fn a_day_that_is_used_up_starts_again_at_midnight(engine: &Engine) {
    let limits = per_day(1);
    let evening = NOON + 23 * HOUR;
    answered(&engine.store, &alone("s1", evening, limits), "a").await;
    match alone("s2", evening, limits).begin(&engine.store).await {
        Err(BeginError::TurnsPerDay { retry_after }) => {
            assert_eq!(retry_after, Duration::from_secs(3600));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(day(engine).await, (1, 0), "a refused turn is not counted");
    alone("s2", NOON + 24 * HOUR, limits)
        .begun(&engine.store)
        .await;
}

pub(crate) async fn a_turn_that_ended_makes_room(engine: &Engine) {
    let limits = parallel(1);
    let turn = alone("s1", NOON, limits).begun(&engine.store).await;
    match alone("s2", NOON, limits).begin(&engine.store).await {
        Err(BeginError::ParallelTurns { retry_after }) => {
            assert!(retry_after <= Duration::from_secs(5));
        }
        other => panic!("{other:?}"),
    }
    end(&engine.store, &turn, "a").await;
    alone("s2", NOON, limits).begun(&engine.store).await;
    assert_eq!(day(engine).await, (2, 1));
}

pub(crate) async fn a_dead_turn_gives_its_place_up_when_its_lease_has_passed(engine: &Engine) {
    let limits = parallel(2);
    alone("s1", NOON, limits).begun(&engine.store).await;
    alone("s2", NOON + 10, limits).begun(&engine.store).await;
    assert!(
        is_refused(&alone("s3", NOON + LEASE, limits).begin(&engine.store).await),
        "both live"
    );
    alone("s4", NOON + LEASE + 1, limits)
        .begun(&engine.store)
        .await;
    assert_eq!(
        day(engine).await,
        (3, 2),
        "the first has made room, the second not"
    );
    assert!(is_refused(
        &alone("s5", NOON + LEASE + 1, limits)
            .begin(&engine.store)
            .await
    ));
}

pub(crate) async fn a_new_message_may_take_over_though_no_place_is_left(engine: &Engine) {
    let limits = parallel(1);
    let first = Ask {
        limits,
        ..ask("m1", "s1", NOON)
    }
    .begun(&engine.store)
    .await;
    assert!(
        is_refused(&alone("s9", NOON, limits).begin(&engine.store).await),
        "elsewhere there is no room"
    );
    let second = Ask {
        limits,
        ..ask("m2", "s2", NOON + 1)
    }
    .begun(&engine.store)
    .await;
    assert_eq!(
        day(engine).await,
        (2, 2),
        "the one taken over from is still at work"
    );
    end(&engine.store, &first, "a").await;
    end(&engine.store, &second, "b").await;
    assert_eq!(day(engine).await, (2, 0));
}

pub(crate) async fn who_repeats_what_runs_or_is_answered_is_never_refused(engine: &Engine) {
    let limits = TurnLimits {
        per_day: 1,
        parallel: 1,
    };
    let turn = Ask {
        limits,
        ..ask("m1", "s1", NOON)
    }
    .begun(&engine.store)
    .await;
    let again = Ask {
        limits,
        ..ask("m1", "s2", NOON)
    };
    assert!(matches!(
        again.begin(&engine.store).await,
        Ok(Begin::Running(_))
    ));
    assert_eq!(day(engine).await, (1, 1));
    end(&engine.store, &turn, "a").await;
    assert!(matches!(
        again.begin(&engine.store).await,
        Ok(Begin::Answered(_))
    ));
    assert_eq!(day(engine).await, (1, 0));
}

pub(crate) async fn equal_begins_at_the_limit_begin_once(engine: &Engine) {
    let limits = TurnLimits {
        per_day: 1,
        parallel: 1,
    };
    let mut begins = JoinSet::new();
    for run in 0..20 {
        let store = engine.store.clone();
        begins.spawn(async move {
            Ask {
                limits,
                ..ask("m1", &format!("s{run}"), NOON)
            }
            .begin(&store)
            .await
        });
    }
    let (mut begun, mut running) = (0, 0);
    while let Some(result) = begins.join_next().await {
        match result.unwrap() {
            Ok(Begin::Begun(_)) => begun += 1,
            Ok(Begin::Running(_)) => running += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((begun, running), (1, 19));
    assert_eq!(day(engine).await, (1, 1));
}

pub(crate) async fn a_refused_message_begins_when_there_is_room(engine: &Engine) {
    let limits = parallel(1);
    let turn = alone("s1", NOON, limits).begun(&engine.store).await;
    let refused = Ask {
        limits,
        ..ask("m1", "s2", NOON)
    };
    assert!(is_refused(&refused.begin(&engine.store).await));
    assert!(is_refused(
        &Ask {
            limits,
            ..ask("m1", "s3", NOON + 1)
        }
        .begin(&engine.store)
        .await
    ));
    engine
        .store
        .record_usage(&turn.keys, &NOTHING_USED)
        .await
        .unwrap();
    let again = Ask {
        limits,
        ..ask("m1", "s4", NOON + 2)
    };
    answered(&engine.store, &again, "a").await;
    assert_eq!(again.path_texts(&engine.store).await, ["m1", "a"]);
    assert_eq!(day(engine).await, (2, 0));
}

pub(crate) async fn a_turn_begun_before_midnight_takes_no_place_of_the_day_after(engine: &Engine) {
    let limits = parallel(1);
    let midnight = NOON + 24 * HOUR;
    let late = alone("s1", midnight - 1, limits).begun(&engine.store).await;
    let early = alone("s2", midnight, limits).begun(&engine.store).await;
    for turn in [late, early] {
        engine
            .store
            .finish_turn(&turn.keys, TurnOutcome::Done, &NOTHING_USED)
            .await
            .unwrap();
        engine
            .store
            .record_usage(&turn.keys, &NOTHING_USED)
            .await
            .unwrap();
    }
    let next = engine
        .store
        .usage(&UserId::parse("u").unwrap(), midnight)
        .await
        .unwrap();
    assert_eq!(day(engine).await, (1, 0));
    assert_eq!((next.turns, next.running), (1, 0));
}

pub(crate) async fn a_recovered_turn_does_not_count_and_may_still_record_its_usage(
    engine: &Engine,
) {
    let (limits, store) = (parallel(1), &engine.store);
    let used = TurnUsage {
        input: Some(7),
        ..NOTHING_USED
    };
    let first = Ask {
        limits,
        ..ask("m1", "s1", NOON)
    }
    .begun(store)
    .await;
    let second = Ask {
        limits,
        ..ask("m2", "s2", NOON + 1)
    }
    .begun(store)
    .await;
    end(store, &second, "b").await;
    assert!(
        is_refused(&alone("s3", NOON + 2, limits).begin(store).await),
        "the first has not been ended"
    );

    let left = second.took_over.unwrap();
    for attempt in 0..2 {
        recover(store, &left, "part", NOON + 3).await;
        assert_eq!(day(engine).await, (2, 0), "{attempt}");
    }
    let third = Ask {
        limits,
        ..ask("m3", "s3", NOON + 4)
    }
    .begun(store)
    .await;
    assert!(
        is_refused(&alone("s4", NOON + 5, limits).begin(store).await),
        "places are still counted"
    );

    for attempt in 0..2 {
        end_using(store, &first, "a", &used).await;
        let day = store
            .usage(&UserId::parse("u").unwrap(), NOON)
            .await
            .unwrap();
        assert_eq!(
            (day.turns, day.running, day.usage.input),
            (3, 1, Some(7)),
            "{attempt}"
        );
    }
    end(store, &third, "c").await;
    recover(store, &left, "part", NOON + 6).await;
    assert_eq!(day(engine).await, (3, 0), "usage is recorded once");
    let items = engine
        .client
        .scan()
        .table_name(&engine.table)
        .send()
        .await
        .unwrap()
        .items
        .unwrap();
    assert!(
        items
            .iter()
            .all(|item| !item.contains_key("recovered") && !item.contains_key("slots"))
    );
}

pub(crate) async fn a_recovered_turn_that_is_given_up_is_not_counted(engine: &Engine) {
    let lost = ask("m1", "s1", NOON);
    lost.begun(&engine.store).await;
    let newer = ask("m2", "s2", NOON + 1).begun(&engine.store).await;
    recover(&engine.store, &newer.took_over.unwrap(), "", NOON + 2).await;
    lost.abandon(&engine.store).await;
    assert_eq!(day(engine).await, (1, 1));
}

/// Returns the thread item `t`, as it is stored.
async fn stored_thread(engine: &Engine) -> Option<HashMap<String, AttributeValue>> {
    let items = engine
        .client
        .scan()
        .table_name(&engine.table)
        .send()
        .await
        .unwrap()
        .items
        .unwrap();
    items
        .into_iter()
        .find(|item| item["sk"].as_s().unwrap() == "T#t")
}

pub(crate) async fn a_title_given_while_a_begin_is_refused_stays(engine: &Engine) {
    for (index, (name, title)) in [("titled", "Hello"), ("untitled", "")]
        .into_iter()
        .enumerate()
    {
        let engine = engine.another_table(index).await;
        let store = &engine.store;
        answered(
            store,
            &Ask {
                title: title.to_owned(),
                ..ask("m1", "s1", NOON)
            },
            "a",
        )
        .await;
        let limits = parallel(1);
        let other = Ask {
            limits,
            ..alone("elsewhere", NOON + 1, limits)
        };
        other.begun(store).await;
        let refused = Ask {
            limits,
            ..ask("m2", "s2", NOON + 2)
        };
        // The begin waits a while for a place, with its message in the thread already.
        let renamed = async {
            loop {
                let current = refused.current(store).await;
                if current
                    .open
                    .is_some_and(|open| open.stream() == &refused.stream)
                {
                    return store
                        .rename_thread(&refused.user, &refused.thread, "the user's own")
                        .await;
                }
            }
        };
        let (begun, renamed) = tokio::join!(refused.begin(store), renamed);
        assert!(is_refused(&begun), "{name}");
        assert!(renamed.unwrap().is_some(), "{name}");
        let thread = refused.thread(store).await;
        assert_eq!(thread.title.as_deref(), Some("the user's own"), "{name}");
        assert!(
            refused.current(store).await.open.is_none(),
            "{name}: the begin is taken back"
        );
    }
}

pub(crate) async fn a_refused_begin_over_a_deleted_thread_leaves_it_deleted(engine: &Engine) {
    let store = &engine.store;
    let running = ask("m1", "s1", NOON);
    let late = running.begun(store).await;
    assert!(
        store
            .delete_thread(&running.user, &running.thread, NOON + 1)
            .await
            .unwrap()
    );
    let before = stored_thread(engine).await.unwrap();
    let refused = Ask {
        limits: per_day(1),
        ..ask("m2", "s2", NOON + 2)
    };
    assert!(is_refused(&refused.begin(store).await));
    let mut after = stored_thread(engine).await.unwrap();
    after.remove("turns");
    assert_eq!(after, before);
    assert_eq!(
        store.watch_turn(&late.keys).await.unwrap(),
        TurnSignal::StopRequested
    );
    assert_eq!(
        store.thread(&running.user, &running.thread).await.unwrap(),
        None
    );
}

pub(crate) async fn what_the_quota_refuses_leaves_no_trace(engine: &Engine) {
    let refused = |run: &str| Ask {
        limits: per_day(1),
        ..ask("refused", run, NOON + 100)
    };
    answered(&engine.store, &alone("elsewhere", NOON, per_day(1)), "a").await;
    assert!(is_refused(&refused("s9").begin(&engine.store).await));
    assert_eq!(stored_thread(engine).await, None, "there is no new thread");

    let titleless = || Ask {
        title: String::new(),
        ..ask("m1", "s1", NOON)
    };
    let again = Ask {
        question: Question::Regenerated,
        ..ask("m1", "s2", NOON + 1)
    };
    let edited = Ask {
        question: Question::Edited,
        parts: text_parts("M1"),
        ..ask("m1", "s3", NOON + 2)
    };
    let on = Ask {
        question: Question::Continued,
        continued: Some(text_parts("added")),
        answer: MessageId::parse("answer-s1").unwrap(),
        ..ask("m1", "s2", NOON + 1)
    };
    for (index, (name, last, text)) in [
        ("no title", titleless(), "a"),
        ("regenerated", again.clone(), "a"),
        ("edited", edited, "a"),
        ("gone on", on, "a"),
        ("failed", again, ""),
    ]
    .into_iter()
    .enumerate()
    {
        let engine = engine.another_table(index).await;
        let store = &engine.store;
        answered(store, &titleless(), "a").await;
        if last.stream.as_str() != "s1" {
            answered(store, &last, text).await;
        }
        let before = stored_thread(&engine).await;
        assert!(is_refused(&refused("s9").begin(store).await), "{name}");
        assert_eq!(stored_thread(&engine).await, before, "{name}");
        assert_eq!(day(&engine).await.1, 0, "{name}");
        let again = Ask {
            parts: last.parts.clone(),
            ..ask("m1", "s8", NOON + 101)
        }
        .begin(store)
        .await;
        let is_answered = matches!(again, Ok(Begin::Answered(_)));
        assert_eq!(
            is_answered,
            !text.is_empty(),
            "{name}: nothing is paid for again"
        );
    }
}

pub(crate) async fn a_refusal_keeps_what_else_became_of_the_thread(engine: &Engine) {
    let (store, limits) = (&engine.store, per_day(2));
    let first = ask("m1", "s1", NOON).begun(store).await;
    let second = ask("m2", "s2", NOON + 1);
    let newer = second.begun(store).await;
    put_question(store, &second, &newer).await;
    store
        .stop_turn(&second.user, &second.thread, None)
        .await
        .unwrap();
    end(store, &newer, "b").await;
    let before = stored_thread(engine).await.unwrap();
    assert!(before.contains_key("prev") && before.contains_key("stopId"));
    assert!(is_refused(
        &Ask {
            limits,
            ..ask("m3", "s3", NOON + 2)
        }
        .begin(store)
        .await
    ));
    assert_eq!(
        stored_thread(engine).await,
        Some(before),
        "an older turn is still to be recovered"
    );
    end(store, &first, "a").await;
    assert_eq!(second.current(store).await.unfinished_previous, None);
}

//! Limits on what a user may do in a day and at once.

use std::time::Duration;

use message::{ThreadId, UserId};
use store::{Begin, BeginError, TurnLimits, TurnOutcome};
use tokio::task::JoinSet;

use crate::asking::{Ask, LEASE, NOON, NOTHING_USED, answered, ask, end};
use crate::engine::Engine;

const HOUR: u64 = 60 * 60 * 1000;

/// A message of its own in a thread of its own.
fn alone(run: &str, now_ms: u64, limits: TurnLimits) -> Ask {
    Ask { thread: ThreadId::parse(run).unwrap(), limits, ..ask("m", run, now_ms) }
}

fn per_day(per_day: u64) -> TurnLimits {
    TurnLimits { per_day, parallel: 0 }
}

fn parallel(parallel: u64) -> TurnLimits {
    TurnLimits { per_day: 0, parallel }
}

async fn day(engine: &Engine) -> (u64, usize) {
    let day = engine.store.usage(&UserId::parse("u").unwrap(), NOON).await.unwrap();
    (day.turns, day.running)
}

fn is_refused(begin: &Result<Begin, BeginError>) -> bool {
    matches!(begin, Err(BeginError::TurnsPerDay { .. } | BeginError::ParallelTurns { .. }))
}

pub(crate) async fn of_twenty_begins_at_once_at_the_limit_less_one_one_passes(engine: &Engine) {
    for (name, limits) in [("per day", per_day(3)), ("parallel", parallel(3))] {
        let user = UserId::parse(&name.replace(' ', "-")).unwrap();
        for run in ["a", "b"] {
            Ask { user: user.clone(), ..alone(run, NOON, limits) }.begun(&engine.store).await;
        }
        let mut begins = JoinSet::new();
        for run in 0..20 {
            let store = engine.store.clone();
            let ask = Ask { user: user.clone(), ..alone(&format!("s{run}"), NOON, limits) };
            begins.spawn(async move { (ask.begin(&store).await, ask) });
        }
        let mut passed = 0;
        while let Some(result) = begins.join_next().await {
            let (begin, ask) = result.unwrap();
            if is_refused(&begin) {
                let current = ask.current(&engine.store).await;
                assert!(current.ended() && current.answered.is_none(), "{name}: a refused thread is free");
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

pub(crate) async fn a_day_that_is_used_up_begins_anew_at_midnight(engine: &Engine) {
    let limits = per_day(1);
    let evening = NOON + 23 * HOUR;
    answered(&engine.store, &alone("s1", evening, limits), "a").await;
    match alone("s2", evening, limits).begin(&engine.store).await {
        Err(BeginError::TurnsPerDay { retry_after }) => assert_eq!(retry_after, Duration::from_secs(3600)),
        other => panic!("{other:?}"),
    }
    assert_eq!(day(engine).await, (1, 0), "a refused turn is not counted");
    alone("s2", NOON + 24 * HOUR, limits).begun(&engine.store).await;
}

pub(crate) async fn a_turn_that_ended_makes_room(engine: &Engine) {
    let limits = parallel(1);
    let turn = alone("s1", NOON, limits).begun(&engine.store).await;
    match alone("s2", NOON, limits).begin(&engine.store).await {
        Err(BeginError::ParallelTurns { retry_after }) => assert!(retry_after <= Duration::from_secs(5)),
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
    assert!(is_refused(&alone("s3", NOON + LEASE, limits).begin(&engine.store).await), "both live");
    alone("s4", NOON + LEASE + 1, limits).begun(&engine.store).await;
    assert_eq!(day(engine).await, (3, 2), "the first has made room, the second not");
    assert!(is_refused(&alone("s5", NOON + LEASE + 1, limits).begin(&engine.store).await));
}

pub(crate) async fn a_new_message_may_take_over_though_no_place_is_left(engine: &Engine) {
    let limits = parallel(1);
    let first = Ask { limits, ..ask("m1", "s1", NOON) }.begun(&engine.store).await;
    assert!(is_refused(&alone("s9", NOON, limits).begin(&engine.store).await), "elsewhere there is no room");
    let second = Ask { limits, ..ask("m2", "s2", NOON + 1) }.begun(&engine.store).await;
    assert_eq!(day(engine).await, (2, 2), "the one taken over from is still at work");
    end(&engine.store, &first, "a").await;
    end(&engine.store, &second, "b").await;
    assert_eq!(day(engine).await, (2, 0));
}

pub(crate) async fn who_repeats_what_runs_or_is_answered_is_never_refused(engine: &Engine) {
    let limits = TurnLimits { per_day: 1, parallel: 1 };
    let turn = Ask { limits, ..ask("m1", "s1", NOON) }.begun(&engine.store).await;
    let again = Ask { limits, ..ask("m1", "s2", NOON) };
    assert!(matches!(again.begin(&engine.store).await, Ok(Begin::Running(_))));
    assert_eq!(day(engine).await, (1, 1));
    end(&engine.store, &turn, "a").await;
    assert!(matches!(again.begin(&engine.store).await, Ok(Begin::Answered(_))));
    assert_eq!(day(engine).await, (1, 0));
}

pub(crate) async fn equal_begins_at_the_limit_begin_once(engine: &Engine) {
    let limits = TurnLimits { per_day: 1, parallel: 1 };
    let mut begins = JoinSet::new();
    for run in 0..20 {
        let store = engine.store.clone();
        begins
            .spawn(async move { Ask { limits, ..ask("m1", &format!("s{run}"), NOON) }.begin(&store).await });
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
    let refused = Ask { limits, ..ask("m1", "s2", NOON) };
    assert!(is_refused(&refused.begin(&engine.store).await));
    assert!(is_refused(&Ask { limits, ..ask("m1", "s3", NOON + 1) }.begin(&engine.store).await));
    engine.store.settle_turn(&turn.keys, &NOTHING_USED).await.unwrap();
    let again = Ask { limits, ..ask("m1", "s4", NOON + 2) };
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
        engine.store.finish_turn(&turn.keys, TurnOutcome::Done, &NOTHING_USED).await.unwrap();
        engine.store.settle_turn(&turn.keys, &NOTHING_USED).await.unwrap();
    }
    let next = engine.store.usage(&UserId::parse("u").unwrap(), midnight).await.unwrap();
    assert_eq!(day(engine).await, (1, 0));
    assert_eq!((next.turns, next.running), (1, 0));
}

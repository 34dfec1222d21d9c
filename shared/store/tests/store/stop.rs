//! Stopping turns, and noticing it.

use store::TurnSignal;

use crate::asking::{LEASE, NOON, ask, end};
use crate::engine::Engine;

pub(crate) async fn a_running_turn_notices_that_a_stop_was_asked(engine: &Engine) {
    let ask = ask("m1", "s1", NOON);
    let store = &engine.store;
    assert_eq!(
        store.stop_turn(&ask.user, &ask.thread, None).await.unwrap(),
        None,
        "no thread"
    );
    let turn = ask.begun(store).await;
    assert_eq!(
        store.watch_turn(&turn.keys).await.unwrap(),
        TurnSignal::Continue
    );
    for stream in [None, Some(&ask.stream), Some(&ask.stream)] {
        let stopped = store
            .stop_turn(&ask.user, &ask.thread, stream)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(stopped.stream(), &ask.stream);
        assert_eq!(
            store.watch_turn(&turn.keys).await.unwrap(),
            TurnSignal::StopRequested
        );
    }
    end(store, &turn, "part").await;
    assert_eq!(
        store.stop_turn(&ask.user, &ask.thread, None).await.unwrap(),
        None,
        "it has ended"
    );
}

pub(crate) async fn a_stop_never_hits_a_newer_turn(engine: &Engine) {
    let store = &engine.store;
    let older = ask("m1", "s1", NOON);
    let first = older.begun(store).await;
    store
        .stop_turn(&older.user, &older.thread, None)
        .await
        .unwrap();
    let newer = ask("m2", "s2", NOON + 1);
    let second = newer.begun(store).await;
    assert_eq!(
        store.watch_turn(&second.keys).await.unwrap(),
        TurnSignal::Continue,
        "asked before it began"
    );
    assert_eq!(
        store.watch_turn(&first.keys).await.unwrap(),
        TurnSignal::Superseded
    );

    let late = store
        .stop_turn(&older.user, &older.thread, Some(&older.stream))
        .await
        .unwrap();
    assert_eq!(late, None, "asked for the older by its name");
    assert_eq!(
        store.watch_turn(&second.keys).await.unwrap(),
        TurnSignal::Continue
    );
}

pub(crate) async fn a_turn_that_failed_or_was_never_there_cannot_be_stopped(engine: &Engine) {
    let store = &engine.store;
    let failed = ask("m1", "s1", NOON);
    let turn = failed.begun(store).await;
    end(store, &turn, "").await;
    let other = ask("m1", "s9", NOON);
    for stream in [None, Some(&failed.stream), Some(&other.stream)] {
        assert_eq!(
            store
                .stop_turn(&failed.user, &failed.thread, stream)
                .await
                .unwrap(),
            None
        );
    }
}

pub(crate) async fn a_dead_turn_that_is_stopped_is_to_be_recovered(engine: &Engine) {
    let ask = ask("m1", "s1", NOON);
    ask.begun(&engine.store).await;
    let open = engine
        .store
        .stop_turn(&ask.user, &ask.thread, None)
        .await
        .unwrap()
        .unwrap();
    assert!(open.is_dead(NOON + LEASE + 1));
}

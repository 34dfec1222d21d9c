//! Titles that are made after a thread's first answer.

use message::UserId;
use store::{BegunTurn, Cost, TurnUsage};

use crate::asking::{Ask, NOON, ask, end_using, put_question};
use crate::engine::Engine;

const FIRST: Option<&str> = Some("a title");

fn used(input: u64) -> TurnUsage {
    TurnUsage {
        input: Some(input),
        output: Some(1),
        cost: Cost::parse("0.25"),
        ..TurnUsage::default()
    }
}

/// Creates a thread with one answer, which used 10 tokens of prompt.
async fn answered(engine: &Engine, ask: &Ask) -> BegunTurn {
    let turn = ask.begun(&engine.store).await;
    put_question(&engine.store, ask, &turn).await;
    end_using(&engine.store, &turn, "an answer", &used(10)).await;
    turn
}

/// Returns the title of the thread, and the prompt tokens that thread and day have added up.
async fn now(engine: &Engine, ask: &Ask) -> (Option<String>, Option<u64>, Option<u64>) {
    let thread = ask.thread(&engine.store).await;
    let day = engine.store.usage(&ask.user, ask.now_ms).await.unwrap();
    (thread.title, thread.usage.input, day.usage.input)
}

fn is(title: &str, thread: u64, day: u64) -> (Option<String>, Option<u64>, Option<u64>) {
    (Some(title.to_owned()), Some(thread), Some(day))
}

/// Returns true if a mark is left in any item.
async fn has_marks(engine: &Engine) -> bool {
    let items = engine
        .client
        .scan()
        .table_name(&engine.table)
        .send()
        .await
        .unwrap()
        .items
        .unwrap();
    items.iter().any(|item| item.contains_key("titling"))
}

pub(crate) async fn a_made_title_takes_the_place_of_the_first_and_is_counted_once(engine: &Engine) {
    let (ask, store) = (ask("m1", "s1", NOON), &engine.store);
    let turn = answered(engine, &ask).await;
    for try_ in 0..2 {
        assert!(
            store.begin_title(&turn.keys, FIRST).await.unwrap(),
            "{try_}"
        );
    }
    assert_eq!(now(engine, &ask).await, is("a title", 10, 10));
    assert!(
        store
            .end_title(&turn.keys, FIRST, Some("made"), &used(5))
            .await
            .unwrap()
    );
    assert!(
        !store
            .end_title(&turn.keys, FIRST, Some("made"), &used(5))
            .await
            .unwrap(),
        "repeated"
    );
    assert_eq!(now(engine, &ask).await, is("made", 15, 15));
    let thread = ask.thread(store).await;
    assert_eq!((thread.usage.cost, thread.turns), (Cost::parse("0.5"), 1));
    let listed = store.threads(&ask.user, 5, None).await.unwrap().threads;
    assert_eq!(
        (listed[0].title.as_deref(), listed[0].last_activity_at_ms),
        (Some("made"), NOON)
    );
    assert!(!has_marks(engine).await);
    assert!(
        !store.begin_title(&turn.keys, FIRST).await.unwrap(),
        "there is a title now"
    );
}

pub(crate) async fn a_rename_in_the_meantime_wins(engine: &Engine) {
    let (ask, store) = (ask("m1", "s1", NOON), &engine.store);
    let turn = answered(engine, &ask).await;
    assert!(store.begin_title(&turn.keys, FIRST).await.unwrap());
    store
        .rename_thread(&ask.user, &ask.thread, "mine")
        .await
        .unwrap();
    assert!(
        !store
            .end_title(&turn.keys, FIRST, Some("made"), &used(5))
            .await
            .unwrap()
    );
    assert_eq!(
        now(engine, &ask).await,
        is("mine", 15, 15),
        "it was paid for all the same"
    );
    assert!(
        !store.begin_title(&turn.keys, FIRST).await.unwrap(),
        "no other is made"
    );
    assert!(!has_marks(engine).await);
}

pub(crate) async fn a_title_that_was_not_made_leaves_only_its_price(engine: &Engine) {
    let (ask, store) = (ask("m1", "s1", NOON), &engine.store);
    let turn = answered(engine, &ask).await;
    assert!(store.begin_title(&turn.keys, FIRST).await.unwrap());
    assert!(
        !store
            .end_title(&turn.keys, FIRST, None, &used(5))
            .await
            .unwrap()
    );
    assert_eq!(now(engine, &ask).await, is("a title", 15, 15));
    assert!(!has_marks(engine).await);
}

pub(crate) async fn a_thread_without_a_title_gets_the_made_one(engine: &Engine) {
    let (ask, store) = (
        Ask {
            title: String::new(),
            ..ask("m1", "s1", NOON)
        },
        &engine.store,
    );
    let turn = answered(engine, &ask).await;
    assert!(
        !store.begin_title(&turn.keys, FIRST).await.unwrap(),
        "it never had that one"
    );
    assert!(store.begin_title(&turn.keys, None).await.unwrap());
    assert!(
        store
            .end_title(&turn.keys, None, Some("made"), &TurnUsage::default())
            .await
            .unwrap()
    );
    assert_eq!(now(engine, &ask).await, is("made", 10, 10));
}

pub(crate) async fn a_title_that_is_made_while_another_turn_runs_is_kept(engine: &Engine) {
    let (first, store) = (ask("m1", "s1", NOON), &engine.store);
    let turn = answered(engine, &first).await;
    assert!(store.begin_title(&turn.keys, FIRST).await.unwrap());
    let next = answered(engine, &ask("m2", "s2", NOON + 1)).await;
    assert!(
        store
            .end_title(&turn.keys, FIRST, Some("made"), &used(5))
            .await
            .unwrap()
    );
    assert_eq!(now(engine, &first).await, is("made", 25, 25));
    assert!(!store.begin_title(&next.keys, Some("m2")).await.unwrap());
}

pub(crate) async fn a_deleted_thread_gets_no_title_and_does_not_come_back(engine: &Engine) {
    let (ask, store) = (ask("m1", "s1", NOON), &engine.store);
    let turn = answered(engine, &ask).await;
    assert!(store.begin_title(&turn.keys, FIRST).await.unwrap());
    assert!(
        store
            .delete_thread(&ask.user, &ask.thread, NOON + 1)
            .await
            .unwrap()
    );
    assert!(
        !store
            .end_title(&turn.keys, FIRST, Some("made"), &used(5))
            .await
            .unwrap()
    );
    assert_eq!(store.thread(&ask.user, &ask.thread).await.unwrap(), None);
    assert_eq!(
        store.usage(&ask.user, NOON).await.unwrap().usage.input,
        Some(15),
        "it was paid for"
    );
    assert!(!store.begin_title(&turn.keys, FIRST).await.unwrap());

    // A new thread of the same name, over what a late turn of the old one would have left.
    let again = answered(engine, &self::ask("m9", "s9", NOON + 2)).await;
    assert!(
        !store
            .end_title(&turn.keys, FIRST, Some("made"), &used(5))
            .await
            .unwrap()
    );
    assert_eq!(now(engine, &ask).await, is("a title", 10, 25));
    assert!(store.begin_title(&again.keys, FIRST).await.unwrap());
    let other = UserId::parse("other").unwrap();
    assert_eq!(store.thread(&other, &ask.thread).await.unwrap(), None);
}

pub(crate) async fn an_old_turn_gives_no_title_to_a_new_thread_of_the_same_name(engine: &Engine) {
    let (old, store) = (ask("m1", "s1", NOON), &engine.store);
    let running = old.begun(store).await;
    assert!(
        store
            .delete_thread(&old.user, &old.thread, NOON + 1)
            .await
            .unwrap()
    );
    answered(engine, &ask("m9", "s9", NOON + 2)).await;
    assert!(!store.begin_title(&running.keys, FIRST).await.unwrap());
    assert_eq!(now(engine, &old).await, is("a title", 10, 10));
}

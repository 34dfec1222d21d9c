//! The running turn of a thread, and the turns that are recovered on the way to it.

use message::StreamId;
use store::{Status, Store};
use ui_stream::UiMessageChunk;

use crate::turn::{Case, Engine, NOON, engine};
use crate::{LATER, encoded, start, text_delta, text_start};

async fn running(engine: &Engine, case: &Case, now_ms: u64) -> Option<StreamId> {
    let current = case.current(engine).await;
    let running = recovery::running_turn(&engine.store, current, now_ms).await;
    running.unwrap().map(|turn| turn.stream().clone())
}

async fn begin_with_text(engine: &Engine, case: &Case) {
    case.begin(engine).await;
    let chunks = [
        start(),
        UiMessageChunk::StartStep,
        text_start(),
        text_delta("a"),
    ];
    case.journal(engine, &[&encoded(&chunks)]).await;
}

#[tokio::test]
async fn a_turn_with_a_lease_runs_and_is_left_alone() {
    let engine = engine().await;
    let case = Case::new("s1", NOON);
    begin_with_text(&engine, &case).await;
    let found = running(&engine, &case, NOON + 1).await;
    assert_eq!(found, Some(case.stream.clone()));
    assert!(case.answer(&engine).await.is_none());
    assert!(!case.current(&engine).await.ended());
}

#[tokio::test]
async fn a_turn_whose_lease_has_expired_is_recovered_and_does_not_run() {
    let engine = engine().await;
    let case = Case::new("s1", NOON);
    begin_with_text(&engine, &case).await;
    assert_eq!(running(&engine, &case, LATER).await, None);
    let answer = case.answer(&engine).await.unwrap();
    assert_eq!(answer.status, Some(Status::Interrupted));
    assert!(case.current(&engine).await.ended());
    assert_eq!(running(&engine, &case, LATER).await, None, "once more");
}

#[tokio::test]
async fn a_turn_that_was_superseded_is_recovered_although_its_lease_goes_on() {
    let engine = engine().await;
    let older = Case::new("s1", NOON);
    begin_with_text(&engine, &older).await;
    let newer = Case {
        message: message::MessageId::parse("m2").unwrap(),
        ..Case::new("s2", NOON + 1)
    };
    newer.begin(&engine).await;
    let current = newer.current(&engine).await;
    assert!(current.unfinished_previous.is_some());

    let found = running(&engine, &newer, NOON + 2).await;
    assert_eq!(found, Some(newer.stream.clone()));
    let path = newer.path(&engine).await;
    let answer = path.iter().find(|message| message.id == older.answer);
    assert_eq!(answer.unwrap().status, Some(Status::Stopped));
    let current = newer.current(&engine).await;
    assert!(current.unfinished_previous.is_none() && current.open.is_some());
}

#[tokio::test]
async fn a_turn_that_cannot_be_recovered_does_not_hold_up_its_thread() {
    let engine = engine().await;
    let case = Case::new("s1", NOON);
    case.begin(&engine).await;
    let current = case.current(&engine).await;
    let store: Store = engine.store_without_table();
    let running = recovery::running_turn(&store, current, LATER).await;
    assert!(running.unwrap().is_none());
}

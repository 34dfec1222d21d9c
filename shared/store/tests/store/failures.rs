//! DynamoDB throttling, failing, absent and silent.

use std::error::Error;
use std::time::Duration;

use message::ThreadId;
use store::{BeginError, ClientOptions, Store, StoreError, Thread, TurnLimits, TurnOutcome};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::asking::{Ask, LEASE, NOON, answered, ask, recover};
use crate::engine::{client, dynoxide};
use crate::wire::{Step, Wire};

/// Sends one request, the simplest there is.
async fn read(endpoint: &str) -> Result<Option<Thread>, StoreError> {
    let store = Store::new(client(endpoint).await, "chat");
    let ask = ask("m1", "s1", NOON);
    store.thread(&ask.user, &ask.thread).await
}

fn chain(error: &dyn Error) -> String {
    let sources = std::iter::successors(Some(error), |&error| error.source());
    sources
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[tokio::test]
async fn what_passes_is_tried_again_until_it_passes() {
    for (status, code) in [
        (400, "ThrottlingException"),
        (400, "ProvisionedThroughputExceededException"),
        (400, "RequestLimitExceeded"),
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
    ] {
        let failure = Step::error(status, code);
        let wire = Wire::alone([failure.clone(), failure.clone(), failure, Step::ok("{}")]).await;
        assert_eq!(read(&wire.endpoint).await.unwrap(), None, "{code}");
        assert_eq!(wire.bodies().len(), 4, "{code}");
    }
}

#[tokio::test]
async fn a_lasting_failure_is_reported_by_its_kind() {
    type Expected = fn(&StoreError) -> bool;
    let throttled: Expected =
        |error| matches!(error, StoreError::Throttled { .. }) && error.is_retryable();
    let unavailable: Expected =
        |error| matches!(error, StoreError::Unavailable { .. }) && error.is_retryable();
    let refused: Expected =
        |error| matches!(error, StoreError::Refused { .. }) && !error.is_retryable();
    for (status, code, attempts, expected) in [
        (400, "ThrottlingException", 4, throttled),
        (400, "ProvisionedThroughputExceededException", 4, throttled),
        (500, "InternalServerError", 4, unavailable),
        (400, "ValidationException", 1, refused),
        (400, "ResourceNotFoundException", 1, refused),
        (400, "AccessDeniedException", 1, refused),
    ] {
        let wire = Wire::alone([Step::error(status, code)]).await;
        let error = read(&wire.endpoint).await.unwrap_err();
        assert!(expected(&error), "{code}: {error:?}");
        assert!(
            chain(&error).contains(code),
            "{code} is lost: {}",
            chain(&error)
        );
        assert_eq!(wire.bodies().len(), attempts, "{code}");
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_unavailable() {
    let wire = Wire::alone([Step::ok("<html>")]).await;
    let error = read(&wire.endpoint).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
}

/// Checks both orders: thread and quota are written at the same time, and either may fail.
#[tokio::test]
async fn a_begin_that_failed_half_way_is_undone_completely() {
    for script in [
        vec![Step::Forward, Step::error(400, "AccessDeniedException")],
        vec![
            Step::error(400, "AccessDeniedException"),
            Step::Forward,
            Step::Forward,
        ],
    ] {
        let engine = dynoxide().await;
        let wire = Wire::before(&engine.endpoint, script).await;
        let store = engine.store_through(&wire.endpoint).await;
        let asked = ask("m1", "s1", NOON);
        let error = asked.begin(&store).await.unwrap_err();
        assert!(
            matches!(error, BeginError::Store(StoreError::Refused { .. })),
            "{error:?}"
        );

        asked.abandon(&engine.store).await;
        let day = engine.store.usage(&asked.user, NOON).await.unwrap();
        assert_eq!((day.turns, day.running), (0, 0));
        ask("m1", "s2", NOON + 1).begun(&engine.store).await;
    }
}

/// Checks that a begin that the quota refuses is undone; where the table prevents that, it has
/// failed.
#[tokio::test]
async fn a_refused_begin_that_cannot_be_taken_back_has_failed() {
    let engine = dynoxide().await;
    let limits = TurnLimits {
        per_day: 1,
        parallel: 0,
    };
    answered(&engine.store, &ask("m0", "s0", NOON), "a").await;
    let refused = Ask {
        thread: ThreadId::parse("new").unwrap(),
        limits,
        ..ask("m1", "s1", NOON)
    };
    // Thread and quota at once, then five looks for a place, and then the begin is taken back.
    let script = [
        vec![Step::Forward; 7],
        vec![Step::error(400, "AccessDeniedException"), Step::Forward],
    ];
    let wire = Wire::before(&engine.endpoint, script.concat()).await;
    let error = refused
        .begin(&engine.store_through(&wire.endpoint).await)
        .await
        .unwrap_err();
    assert!(matches!(error, BeginError::TurnsPerDay { .. }), "{error:?}");
    assert_eq!(wire.bodies().len(), 9);
    let current = refused.current(&engine.store).await;
    assert!(
        current.ended() && current.answered.is_none(),
        "the thread is free"
    );
}

#[tokio::test]
async fn a_place_that_cannot_be_given_up_does_not_hold_up_a_recovery() {
    let engine = dynoxide().await;
    let asked = ask("m1", "s1", NOON);
    asked.begun(&engine.store).await;
    let open = asked.current(&engine.store).await.open.unwrap();
    // The question and the answer are put, the thread is marked, and then comes the quota.
    let script = [
        vec![Step::Forward; 3],
        vec![Step::error(400, "AccessDeniedException")],
    ]
    .concat();
    let wire = Wire::before(&engine.endpoint, script).await;
    let store = engine.store_through(&wire.endpoint).await;
    assert_eq!(
        recover(&store, &open, "part", NOON + LEASE + 1).await,
        TurnOutcome::Done
    );
    assert_eq!(wire.bodies().len(), 4);
    assert!(asked.current(&engine.store).await.ended());
    assert_eq!(
        engine.store.usage(&asked.user, NOON).await.unwrap().running,
        1,
        "until its lease has passed"
    );
}

#[tokio::test]
async fn a_refused_connection_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);

    let error = read(&endpoint).await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Unavailable {
                operation: "GetItem",
                ..
            }
        ),
        "{error:?}"
    );
    assert!(
        chain(&error).to_lowercase().contains("refused"),
        "{}",
        chain(&error)
    );
}

#[tokio::test(start_paused = true)]
async fn silence_is_unavailable_when_the_time_for_the_operation_is_over() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let options = ClientOptions::local(&endpoint);
    let store = Store::new(store::connect(&options).await.unwrap(), "chat");

    let started = Instant::now();
    let error = store.session_value("token", NOON).await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Unavailable {
                operation: "GetItem",
                ..
            }
        ),
        "{error:?}"
    );
    let waited = started.elapsed();
    assert!(
        waited >= options.attempt_timeout,
        "gave up after {waited:?}"
    );
    assert!(
        waited <= options.operation_timeout + Duration::from_millis(10),
        "waited {waited:?}"
    );
}

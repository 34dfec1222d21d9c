//! DynamoDB throttling, failing, absent and silent.

use std::error::Error;
use std::time::Duration;

use store::{BeginError, ClientOptions, Store, StoreError};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::engine::client;
use crate::turns::{NOON, ask};
use crate::wire::{Step, Wire};

async fn begin(endpoint: &str) -> Result<bool, StoreError> {
    let store = Store::new(client(endpoint).await, "chat");
    match ask("m1", "s1", NOON).begin(&store).await {
        Ok(turn) => Ok(turn.new_thread),
        Err(BeginError::Store(error)) => Err(error),
        Err(running @ BeginError::Running { .. }) => panic!("{running}"),
    }
}

fn chain(error: &dyn Error) -> String {
    let sources = std::iter::successors(Some(error), |&error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
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
        assert!(begin(&wire.endpoint).await.unwrap(), "{code}");
        assert_eq!(wire.bodies().len(), 4, "{code}");
    }
}

#[tokio::test]
async fn a_failure_that_stays_is_told_by_its_kind() {
    type Expected = fn(&StoreError) -> bool;
    let throttled: Expected = |error| matches!(error, StoreError::Throttled { .. }) && error.is_retryable();
    let unavailable: Expected =
        |error| matches!(error, StoreError::Unavailable { .. }) && error.is_retryable();
    let refused: Expected = |error| matches!(error, StoreError::Refused { .. }) && !error.is_retryable();
    for (status, code, attempts, expected) in [
        (400, "ThrottlingException", 4, throttled),
        (400, "ProvisionedThroughputExceededException", 4, throttled),
        (500, "InternalServerError", 4, unavailable),
        (400, "ValidationException", 1, refused),
        (400, "ResourceNotFoundException", 1, refused),
        (400, "AccessDeniedException", 1, refused),
    ] {
        let wire = Wire::alone([Step::error(status, code)]).await;
        let error = begin(&wire.endpoint).await.unwrap_err();
        assert!(expected(&error), "{code}: {error:?}");
        assert!(chain(&error).contains(code), "{code} is lost: {}", chain(&error));
        assert_eq!(wire.bodies().len(), attempts, "{code}");
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_unavailable() {
    let wire = Wire::alone([Step::ok("<html>")]).await;
    let error = begin(&wire.endpoint).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn nobody_listening_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);

    let error = begin(&endpoint).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { operation: "UpdateItem", .. }), "{error:?}");
    assert!(chain(&error).to_lowercase().contains("refused"), "{}", chain(&error));
}

#[tokio::test(start_paused = true)]
async fn silence_is_unavailable_when_the_time_for_the_operation_is_over() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let options = ClientOptions::local(&endpoint);
    let store = Store::new(store::connect(&options).await.unwrap(), "chat");

    let started = Instant::now();
    let error = store.session_value("token", NOON).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { operation: "GetItem", .. }), "{error:?}");
    let waited = started.elapsed();
    assert!(waited >= options.attempt_timeout, "gave up after {waited:?}");
    assert!(waited <= options.operation_timeout + Duration::from_millis(10), "waited {waited:?}");
}

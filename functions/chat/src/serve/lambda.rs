//! Lambda invocations, one at a time or, on Managed Instances, concurrently.
//!
//! Lambda freezes the environment as soon as the runtime asks for the next event, which it does
//! when the response is sent or has failed. So a layer around the invocation waits for the
//! invocation's tasks first.

use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use front::{BoxError, error_chain, request_span};
use futures_util::future::BoxFuture;
use lambda_runtime::LambdaInvocation;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt, service_fn};
use tracing::Instrument;

use super::nodelay;
use crate::invocation::{Invocation, Process};

tokio::task_local! {
    static INVOCATION: Invocation;
}

/// The longest time to end the process, including slow readers.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(20);
/// The longest time for a complete response to be read.
const UNREAD_RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);
/// The time for bytes that the runtime has taken but not written yet.
const FLUSH_GRACE: Duration = Duration::from_millis(100);

/// Serves invocations until the process gets SIGTERM or SIGINT.
pub(super) async fn serve(router: Router, process: Process) -> Result<(), BoxError> {
    let mut running = pin!(poll(router, process.clone()));
    tokio::select! {
        result = &mut running => return result,
        () = front::shutdown_signal() => process.shutdown.cancel(),
    }

    // The turns save their partial answers. Until then, and [`FLUSH_GRACE`] longer, their streams
    // continue.
    process.tasks.close();
    let all_sent = async {
        process.tasks.wait().await;
        tokio::time::sleep(FLUSH_GRACE).await;
    };
    tokio::select! {
        result = running => result,
        _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, all_sent) => Ok(()),
    }
}

/// Polls for events while there is a runtime API.
async fn poll(router: Router, process: Process) -> Result<(), BoxError> {
    let handler = service_fn(move |request: lambda_http::Request| {
        let router = router.clone();
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(INVOCATION.get());
            router.oneshot(request).await.map_err(BoxError::from)
        }
    });
    front::run_with_reconnect(|| {
        let runtime = lambda_http::streaming_runtime_concurrent(handler.clone());
        runtime
            .layer(WaitForTasksLayer {
                process: process.clone(),
            })
            .run_concurrent()
    })
    .await
}

/// Completes when no task has run for [`UNREAD_RESPONSE_TIMEOUT`], so that only the transfer of the
/// response is left. Lambda would kill the process in the end, but other implementations of its API
/// may lose a response without an error.
async fn idle_timeout(invocation: &Invocation) {
    while invocation.idle_for() < UNREAD_RESPONSE_TIMEOUT {
        tokio::time::sleep(UNREAD_RESPONSE_TIMEOUT / 12).await;
    }
}

/// The layer that wraps the runtime's own service in [`WaitForTasks`].
struct WaitForTasksLayer {
    process: Process,
}

/// The service that keeps an invocation open until its tasks are done. It never fails: an error
/// would end the process with all of them.
#[derive(Clone)]
struct WaitForTasks<S> {
    inner: S,
    process: Process,
}

impl<S> Layer<S> for WaitForTasksLayer {
    type Service = WaitForTasks<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WaitForTasks {
            inner,
            process: self.process.clone(),
        }
    }
}

impl<S> Service<LambdaInvocation> for WaitForTasks<S>
where
    S: Service<LambdaInvocation, Response = (), Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<(), BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, event: LambdaInvocation) -> Self::Future {
        nodelay::set_on_new_sockets();
        let invocation = Invocation::with_deadline(
            &event.context.request_id,
            event.context.deadline,
            &self.process,
        );
        let scope = invocation.clone();
        let span = request_span(&invocation.request_id);
        let response = span.in_scope(|| self.inner.call(event));
        let waiting = async move {
            let result = tokio::select! {
                result = response => result,
                () = idle_timeout(&invocation) => Err("the response was not read within a minute".into()),
            };
            if let Err(error) = result {
                tracing::warn!(
                    error = error_chain(error.as_ref()),
                    "the Runtime API did not accept a response"
                );
            }
            let left = invocation
                .deadline
                .saturating_duration_since(Instant::now());
            invocation.tasks.close();
            if tokio::time::timeout(left + Duration::from_secs(1), invocation.tasks.wait())
                .await
                .is_err()
            {
                tracing::error!("a turn did not end before the deadline of its invocation");
            }
            Ok(())
        };
        Box::pin(INVOCATION.scope(scope, waiting.instrument(span)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_unread_response_is_given_up_a_minute_after_the_turn() {
        let invocation =
            Invocation::without_deadline("id", &Process::new(Duration::from_secs(900)));
        invocation.spawn(tokio::time::sleep(Duration::from_secs(300)));
        let begin = Instant::now();
        idle_timeout(&invocation).await;
        assert!(
            (360..=365).contains(&begin.elapsed().as_secs()),
            "{:?}",
            begin.elapsed()
        );
    }
}

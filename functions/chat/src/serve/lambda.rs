//! Lambda invocations, one at a time or, on Managed Instances, many at once.
//!
//! The environment is frozen as soon as the runtime asks for the next event, which it does when the response is
//! out or has failed. So a layer round the whole invocation waits for the invocation's tasks first.

use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use front::{BoxError, failure, request_span};
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

/// How long the process may take to end, be it that a reader does not read.
const LAST_WORDS: Duration = Duration::from_secs(20);
/// How long a response that is complete may take to be read.
const UNREAD: Duration = Duration::from_secs(60);
/// For bytes that are handed over but not written yet.
const AFTERGLOW: Duration = Duration::from_millis(100);

/// Serves invocations until the process is asked to go.
pub(super) async fn serve(router: Router, process: Process) -> Result<(), BoxError> {
    let mut running = pin!(poll(router, process.clone()));
    tokio::select! {
        result = &mut running => return result,
        () = front::shutdown_signal() => process.shutdown.cancel(),
    }

    // The turns save what they have. Meanwhile, and a moment longer, their streams go on.
    process.tasks.close();
    let all_sent = async {
        process.tasks.wait().await;
        tokio::time::sleep(AFTERGLOW).await;
    };
    tokio::select! {
        result = running => result,
        _ = tokio::time::timeout(LAST_WORDS, all_sent) => Ok(()),
    }
}

/// Polls for events for as long as there is a runtime API.
async fn poll(router: Router, process: Process) -> Result<(), BoxError> {
    let handler = service_fn(move |request: lambda_http::Request| {
        let router = router.clone();
        async move {
            let mut request = request.map(into_axum);
            request.extensions_mut().insert(INVOCATION.get());
            router.oneshot(request).await.map_err(BoxError::from)
        }
    });
    front::run_with_reconnect(|| {
        let runtime = lambda_http::streaming_runtime_concurrent(handler.clone());
        runtime
            .layer(HoldLayer {
                process: process.clone(),
            })
            .run_concurrent()
    })
    .await
}

/// Returns when there has been nothing to wait for but the response's own way out, and that for too long. Lambda would
/// kill the process in the end, but others that speak its API may lose a response and never say so.
async fn long_quiet(invocation: &Invocation) {
    while invocation.quiet_for() < UNREAD {
        tokio::time::sleep(UNREAD / 12).await;
    }
}

fn into_axum(body: lambda_http::Body) -> Body {
    match body {
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        _ => Body::empty(),
    }
}

/// Wraps the runtime's own service in [`Hold`].
struct HoldLayer {
    process: Process,
}

/// Holds an invocation open until its tasks are done, and never fails: an error would end the process with them.
#[derive(Clone)]
struct Hold<S> {
    inner: S,
    process: Process,
}

impl<S> Layer<S> for HoldLayer {
    type Service = Hold<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Hold {
            inner,
            process: self.process.clone(),
        }
    }
}

impl<S> Service<LambdaInvocation> for Hold<S>
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
        let invocation = Invocation::until(
            &event.context.request_id,
            event.context.deadline,
            &self.process,
        );
        let scope = invocation.clone();
        let span = request_span(&invocation.request_id);
        let response = span.in_scope(|| self.inner.call(event));
        let held = async move {
            let result = tokio::select! {
                result = response => result,
                () = long_quiet(&invocation) => Err("nobody has read it for a minute".into()),
            };
            if let Err(error) = result {
                tracing::warn!(
                    error = failure::chain(error.as_ref()),
                    "the Runtime API did not take a response"
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
                tracing::error!(
                    request_id = &*invocation.request_id,
                    "a turn did not end before the deadline of its invocation"
                );
            }
            Ok(())
        };
        Box::pin(INVOCATION.scope(scope, held.instrument(span)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_response_that_nobody_reads_is_given_up_a_minute_after_the_turn() {
        let invocation = Invocation::unlimited("id", &Process::new(Duration::from_secs(900)));
        invocation.spawn(tokio::time::sleep(Duration::from_secs(300)));
        let begin = Instant::now();
        long_quiet(&invocation).await;
        assert!(
            (360..=365).contains(&begin.elapsed().as_secs()),
            "{:?}",
            begin.elapsed()
        );
    }
}

//! Lambda invocations, one at a time or, on Managed Instances, many at once.
//!
//! The environment is frozen as soon as the runtime asks for the next event, which it does when the response is
//! out or has failed. So a layer round the whole invocation waits for the invocation's tasks first.

use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_sdk_ssm::error::BoxError;
use axum::Router;
use axum::body::Body;
use futures_util::future::BoxFuture;
use lambda_runtime::LambdaInvocation;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt, service_fn};

use super::nodelay;
use crate::failure;
use crate::invocation::{Invocation, Process};

tokio::task_local! {
    static INVOCATION: Invocation;
}

/// Serves invocations until the process is asked to go.
pub(super) async fn serve(router: Router, process: Process) -> Result<(), BoxError> {
    let handler = service_fn(move |request: lambda_http::Request| {
        let router = router.clone();
        async move {
            let mut request = request.map(into_axum);
            request.extensions_mut().insert(INVOCATION.get());
            router.oneshot(request).await.map_err(BoxError::from)
        }
    });
    let runtime =
        lambda_http::streaming_runtime_concurrent(handler).layer(HoldLayer { process: process.clone() });
    let mut running = pin!(runtime.run_concurrent());
    tokio::select! {
        result = &mut running => return result,
        () = super::asked_to_go() => process.shutdown.cancel(),
    }

    // What the turns have is being saved. Their streams go on meanwhile.
    process.tasks.close();
    tokio::select! {
        result = running => result,
        () = process.tasks.wait() => Ok(()),
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
        Hold { inner, process: self.process.clone() }
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
        let invocation = Invocation::until(&event.context.request_id, event.context.deadline, &self.process);
        let response = self.inner.call(event);
        Box::pin(INVOCATION.scope(invocation.clone(), async move {
            if let Err(error) = response.await {
                tracing::warn!(error = failure::chain(error.as_ref()), "a response was not taken");
            }
            let left = invocation.deadline.saturating_duration_since(Instant::now());
            invocation.tasks.close();
            if tokio::time::timeout(left + Duration::from_secs(1), invocation.tasks.wait()).await.is_err() {
                tracing::error!(
                    request_id = &*invocation.request_id,
                    "a turn did not end before its deadline"
                );
            }
            Ok(())
        }))
    }
}

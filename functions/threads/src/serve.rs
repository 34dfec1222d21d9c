//! The two ways of serving: Lambda invocations with buffered responses, or plain HTTP.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use front::{BoxError, PlainHttp, Serve};
use http::{Method, Response};
use lambda_http::RequestExt;
use nanoid::nanoid;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::{ServiceExt, service_fn};
use tracing::Instrument;
use url::Url;

use crate::config::Config;

/// A server of the function's router.
pub(crate) struct Server {
    serve: Serve,
    origins: Vec<Url>,
    grace: Duration,
}

impl Server {
    /// Creates the server that `config` describes.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            serve: config.front.serve,
            origins: config.front.allowed_origins.clone(),
            grace: config.front.shutdown_grace,
        }
    }

    /// Serves until the process gets SIGTERM or SIGINT.
    pub(crate) async fn run(self, router: Router) -> Result<(), BoxError> {
        let address = match self.serve {
            Serve::Lambda { .. } => return lambda(router).await,
            Serve::Http(address) => address,
        };
        let http = PlainHttp {
            address,
            origins: self.origins,
            methods: vec![Method::GET, Method::PATCH, Method::DELETE],
            // No task outlives its response.
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            grace: self.grace,
        };
        http.serve(router.layer(from_fn(in_request_span))).await
    }
}

/// Runs a request of plain HTTP in a span with a new id. Lambda has request ids of its own.
async fn in_request_span(request: Request, next: Next) -> axum::response::Response {
    next.run(request)
        .instrument(front::request_span(&nanoid!()))
        .await
}

async fn lambda(router: Router) -> Result<(), BoxError> {
    let handler = service_fn(move |request: lambda_http::Request| {
        let router = router.clone();
        let span = front::request_span(&request.lambda_context().request_id);
        let answer = async move {
            let (head, body) = router.oneshot(request.map(Body::new)).await?.into_parts();
            Ok::<_, BoxError>(Response::from_parts(head, to_lambda_body(body).await?))
        };
        answer.instrument(span)
    });
    tokio::select! {
        result = front::run_with_reconnect(|| lambda_http::run_concurrent(handler.clone())) => result,
        () = front::shutdown_signal() => Ok(()),
    }
}

/// Collects a response body. All responses are text.
async fn to_lambda_body(body: Body) -> Result<lambda_http::Body, BoxError> {
    let bytes = axum::body::to_bytes(body, usize::MAX).await?;
    if bytes.is_empty() {
        return Ok(lambda_http::Body::Empty);
    }
    Ok(lambda_http::Body::Text(String::from_utf8(bytes.into())?))
}

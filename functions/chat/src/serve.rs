//! The two ways of serving: Lambda invocations or plain HTTP. The router is the same.

mod lambda;
mod nodelay;

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use front::{BoxError, PlainHttp, Serve, request_span};
use http::Method;
use nanoid::nanoid;
use tracing::Instrument;
use url::Url;

use crate::config::Config;
use crate::invocation::{Invocation, Process};

/// A server of the function's router.
pub(crate) struct Server {
    serve: Serve,
    process: Process,
    origins: Vec<Url>,
    grace: Duration,
}

impl Server {
    /// Creates the server that `config` describes.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            serve: config.front.serve,
            process: Process::new(config.max_turn),
            origins: config.front.allowed_origins.clone(),
            grace: config.front.shutdown_grace,
        }
    }

    /// Serves until the process gets SIGTERM or SIGINT.
    pub(crate) async fn run(self, router: Router) -> Result<(), BoxError> {
        let address = match self.serve {
            Serve::Lambda { .. } => return lambda::serve(router, self.process).await,
            Serve::Http(address) => address,
        };
        let http = PlainHttp {
            address,
            origins: self.origins,
            methods: vec![Method::GET, Method::POST],
            tasks: self.process.tasks.clone(),
            shutdown: self.process.shutdown.clone(),
            grace: self.grace,
        };
        http.serve(with_invocation(router, self.process)).await
    }
}

fn with_invocation(router: Router, process: Process) -> Router {
    router.layer(from_fn(move |mut request: Request, next: Next| {
        let id = nanoid!();
        request
            .extensions_mut()
            .insert(Invocation::without_deadline(&id, &process));
        next.run(request).instrument(request_span(&id))
    }))
}

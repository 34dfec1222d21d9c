//! The two ways of serving: Lambda invocations or plain HTTP. The router is the same.

mod lambda;
mod nodelay;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use front::{BoxError, PlainHttp, Serve, request_span};
use http::Method;
use nanoid::nanoid;
use tracing::Instrument;

use crate::config::Config;
use crate::invocation::{Invocation, Process};
use crate::routes;
use crate::state::AppState;

/// Serves until the process gets SIGTERM or SIGINT.
pub(crate) fn run(config: Config) -> Result<(), BoxError> {
    let serve = config.front.serve;
    front::runtime(serve)?.block_on(async {
        let process = Process::new(config.max_turn);
        let (origins, grace) = (
            config.front.allowed_origins.clone(),
            config.front.shutdown_grace,
        );
        let router = routes::router(Arc::new(AppState::build(config).await?));
        match serve {
            Serve::Lambda { .. } => lambda::serve(router, process).await,
            Serve::Http(address) => {
                let http = PlainHttp {
                    address,
                    origins,
                    methods: vec![Method::GET, Method::POST],
                    tasks: process.tasks.clone(),
                    shutdown: process.shutdown.clone(),
                    grace,
                };
                http.serve(with_invocation(router, process)).await
            }
        }
    })
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

//! How requests come in: as Lambda invocations or as plain HTTP. The router is the same.

mod http;
mod lambda;
mod nodelay;

use std::sync::Arc;

use aws_sdk_ssm::error::BoxError;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::clients::Clients;
use crate::config::{Config, Serve};
use crate::invocation::Process;
use crate::routes;

/// Serves until the process is asked to go.
pub(crate) fn run(config: Config) -> Result<(), BoxError> {
    runtime(config.serve)?.block_on(async {
        let (serve, grace) = (config.serve, config.shutdown_grace);
        let process = Process::new(config.max_turn);
        let origins = config.allowed_origins.clone();
        let router = routes::router(Arc::new(Clients::build(config).await?));
        match serve {
            Serve::Lambda { .. } => lambda::serve(router, process).await,
            Serve::Http(address) => http::serve(router, address, &origins, process, grace).await,
        }
    })
}

/// One thread where there is one request at a time: it starts faster, and Lambda gives less than one core.
fn runtime(serve: Serve) -> std::io::Result<Runtime> {
    let mut builder = match serve {
        Serve::Lambda { concurrency: 0..=1 } => Builder::new_current_thread(),
        Serve::Lambda { .. } | Serve::Http(_) => Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}

/// Returns when the process is asked to go.
async fn asked_to_go() {
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    match (terminate, interrupt) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}

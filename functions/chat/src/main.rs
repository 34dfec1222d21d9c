//! `POST /api/chat`: takes one user message, streams the answer and stores both. A running answer
//! can be followed and stopped at `/api/chat/{threadId}/stream` and `/stop`.
//!
//! On Lambda (where `AWS_LAMBDA_RUNTIME_API` is set) it serves invocations, elsewhere plain HTTP.

mod config;
mod error;
mod handlers;
mod invocation;
#[cfg(test)]
mod openapi;
mod path;
mod routes;
mod serve;
mod state;
mod stream;
mod turn;

use std::process::ExitCode;
use std::sync::Arc;

use config::Config;
use front::{BoxError, Variables};
use serve::Server;
use state::AppState;

fn main() -> ExitCode {
    let config = match Config::read(Variables::from_process()) {
        Ok(config) => config,
        Err(error) => return front::report_invalid_config(&error),
    };
    front::init_logging(config.front.log_level);
    front::exit_code(run(config))
}

fn run(config: Config) -> Result<(), BoxError> {
    front::runtime(config.front.serve)?.block_on(async {
        let server = Server::new(&config);
        let state = AppState::build(config).await?;
        let router = routes::router(Arc::new(state));
        server.run(router).await
    })
}

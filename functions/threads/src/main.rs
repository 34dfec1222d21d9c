//! The read side: a user's threads, their messages, the models, and the user's usage. It calls no
//! model.
//!
//! On Lambda (where `AWS_LAMBDA_RUNTIME_API` is set) it serves invocations, elsewhere plain HTTP.

mod config;
mod conversation;
mod error;
mod handlers;
#[cfg(test)]
mod openapi;
mod query;
mod response;
mod routes;
mod serve;
mod state;

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

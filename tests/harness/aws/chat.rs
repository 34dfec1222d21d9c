//! The `chat` function in each of its four run modes.

use anyhow::Result;

use super::function::{Function, RunMode};
use super::runtime_api::RuntimeApi;
use super::{emulator, plain, simulated_lambda, watch};
use crate::process::Variables;
use crate::process::binary::chat_binary;

impl Function {
    /// Starts the function; returns `None` if the program that should run it is not installed.
    pub async fn start(mode: RunMode, variables: &Variables) -> Result<Option<Self>> {
        match mode {
            RunMode::Plain => Self::start_plain(variables).await.map(Some),
            RunMode::Watch => watch::start(variables).await,
            RunMode::Emulator => emulator::start(variables).await,
            RunMode::RuntimeApi => Self::start_under(RuntimeApi::start(1).await?, variables)
                .await
                .map(Some),
        }
    }

    /// Starts the function as a plain HTTP server.
    pub async fn start_plain(variables: &Variables) -> Result<Self> {
        plain::start(&chat_binary().await?, variables).await
    }

    /// Starts the function under this Runtime API.
    pub async fn start_under(api: RuntimeApi, variables: &Variables) -> Result<Self> {
        simulated_lambda::start(api, &chat_binary().await?, variables).await
    }
}

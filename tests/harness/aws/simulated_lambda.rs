//! A function under the harness's own Runtime API, reached through a Function URL.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use super::function::{Function, RunMode};
use super::function_url::FunctionUrl;
use super::runtime_api::RuntimeApi;
use crate::process::Variables;

pub(super) async fn start(
    api: RuntimeApi,
    binary: &Path,
    variables: &Variables,
) -> Result<Function> {
    let process = api.launch(binary, variables).await?;
    let api = Arc::new(api);
    let front = FunctionUrl::start_for_api(Arc::clone(&api)).await?;
    Ok(
        Function::new(RunMode::RuntimeApi, front.url(), process, variables)
            .with_front(Some(api), front),
    )
}

//! The function under AWS's Runtime Interface Emulator, which contains AWS's real code for when an
//! invocation counts as running.

use std::net::SocketAddr;

use anyhow::Result;

use super::function::{Function, RunMode};
use super::function_url::FunctionUrl;
use super::ports::{free_port, wait_until_listening};
use crate::process::binary::chat_binary;
use crate::process::{Process, Variables};
use crate::tools;

pub(super) async fn start(variables: &Variables) -> Result<Option<Function>> {
    let Some(program) = tools::runtime_interface_emulator() else {
        tools::report_skipped(
            "the function under the Runtime Interface Emulator",
            "aws-sam-cli",
        );
        return Ok(None);
    };
    let binary = chat_binary().await?;
    let (api, invoke) = (address().await?, address().await?);
    let (api_text, invoke_text) = (api.to_string(), invoke.to_string());
    let arguments = [
        "--runtime-api-address".as_ref(),
        api_text.as_ref(),
        "--runtime-interface-emulator-address".as_ref(),
        invoke_text.as_ref(),
        binary.as_os_str(),
    ];
    let mut limited = variables.clone();
    limited
        .entry("AWS_LAMBDA_FUNCTION_TIMEOUT".to_owned())
        .or_insert_with(|| "60".to_owned());
    let mut process = Process::start(&program, &arguments, &limited)?;
    wait_until_listening(&mut process, invoke).await?;
    let front = FunctionUrl::start_for_emulator(invoke).await?;
    Ok(Some(
        Function::new(RunMode::Emulator, front.url(), process, variables).with_front(None, front),
    ))
}

async fn address() -> Result<SocketAddr> {
    Ok(SocketAddr::from(([127, 0, 0, 1], free_port().await?)))
}

//! The function under `cargo lambda watch`, which builds and starts it at the first request.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::Request;

use super::function::{Function, RunMode};
use super::ports::{free_port, wait_until_listening};
use crate::http_client::send;
use crate::process::binary::chat_binary;
use crate::process::{Process, Variables, descendants};
use crate::tools;
use crate::wait::BUILD_TIMEOUT;

/// The maximum number of starts of the emulator: about one start in a hundred accepts the first
/// request and never starts the function.
const MAX_STARTS: usize = 3;
/// The time after which an emulator without a child process counts as stuck. It normally starts the
/// function within a second.
const STUCK_TIMEOUT: Duration = Duration::from_secs(15);

pub(super) async fn start(variables: &Variables) -> Result<Option<Function>> {
    let Some(program) = tools::cargo_lambda() else {
        tools::report_skipped("the function under cargo lambda watch", "cargo-lambda");
        return Ok(None);
    };
    // Built beforehand, so that the first request does not wait for a compiler.
    chat_binary().await?;
    for _ in 0..MAX_STARTS {
        if let Some(function) = try_start(&program, variables).await? {
            return Ok(Some(function));
        }
    }
    bail!("cargo lambda watch has not started the function in {MAX_STARTS} tries")
}

/// Starts the emulator; returns `None` if it does not start the function.
async fn try_start(program: &Path, variables: &Variables) -> Result<Option<Function>> {
    let port = free_port().await?.to_string();
    // Never its default address: that is open to the entire network.
    let arguments = [
        "lambda",
        "watch",
        "--invoke-address",
        "127.0.0.1",
        "--invoke-port",
        &port,
        "--package",
        "chat",
        "--bin",
        "chat",
        "--ignore-changes",
    ];
    let mut process = Process::start_tool(program, &arguments, variables)?;
    let address: SocketAddr = format!("127.0.0.1:{port}").parse()?;
    wait_until_listening(&mut process, address).await?;
    let function = Function::new(
        RunMode::Watch,
        format!("http://{address}"),
        process,
        variables,
    );
    // The first request starts the function, by a cargo that has to wait for any other cargo in
    // this workspace.
    let first = send(Request::get(function.chat_url()).body(Bytes::new())?).await?;
    let answer = tokio::select! {
        answer = first.head_within(BUILD_TIMEOUT) => answer,
        () = detect_stuck(&function) => return Ok(None),
    };
    answer
        .with_context(|| function.process.logs.lines().join("\n"))?
        .bytes()
        .await?;
    Ok(Some(function))
}

/// Completes when the emulator has no child process after [`STUCK_TIMEOUT`].
async fn detect_stuck(function: &Function) {
    tokio::time::sleep(STUCK_TIMEOUT).await;
    if !descendants(function.process.pid()).is_empty() {
        std::future::pending::<()>().await;
    }
}

//! The function under `cargo lambda watch`, which builds and starts it by itself at the first request.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::Request;

use super::{Function, RunMode, free_port, listening};
use crate::binary::chat_binary;
use crate::http_client::send;
use crate::process::{Process, Variables, descendants};
use crate::tools;
use crate::wait::BUILD_TIMEOUT;

/// How often the emulator is started: one start in about a hundred takes the first request and never starts the
/// function.
const STARTS: usize = 3;
/// It starts the function within a second.
const STUCK: Duration = Duration::from_secs(15);

pub(super) async fn start(variables: &Variables) -> Result<Option<Function>> {
    let Some(program) = tools::cargo_lambda() else {
        tools::report_skipped("the function under cargo lambda watch", "cargo-lambda");
        return Ok(None);
    };
    // Built beforehand, so that the first request does not wait for a compiler.
    chat_binary().await?;
    for _ in 0..STARTS {
        if let Some(function) = try_start(&program, variables).await? {
            return Ok(Some(function));
        }
    }
    bail!("cargo lambda watch has not started the function in {STARTS} tries")
}

/// Starts the emulator; nothing when it does not start the function.
async fn try_start(program: &Path, variables: &Variables) -> Result<Option<Function>> {
    let port = free_port().await?.to_string();
    // Never its default address: that is open to the whole network.
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
    listening(&mut process, address).await?;
    let function = Function::new(
        RunMode::Watch,
        format!("http://{address}"),
        process,
        variables,
    );
    // The first request starts the function, by a cargo that has to wait for any other cargo in this workspace.
    let first = send(Request::get(function.chat_url()).body(Bytes::new())?).await?;
    let answer = tokio::select! {
        answer = first.head_within(BUILD_TIMEOUT) => answer,
        () = stuck(&function) => return Ok(None),
    };
    answer
        .with_context(|| function.process.logs.lines().join("\n"))?
        .bytes()
        .await?;
    Ok(Some(function))
}

/// Returns when the emulator has had its time and has no child.
async fn stuck(function: &Function) {
    tokio::time::sleep(STUCK).await;
    if !descendants(function.process.pid()).is_empty() {
        std::future::pending().await
    }
}

//! The function in each of its four run modes, always reached over plain HTTP.

mod emulator;
mod event;
pub mod function_pair;
mod function_url;
mod plain;
mod runtime_api;
mod threads;
mod watch;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use rustix::process::Signal;
use tokio::net::{TcpListener, TcpStream};

pub use runtime_api::{Invocation, Outcome, Reading, RuntimeApi};

use crate::process::binary::chat_binary;
use crate::process::{Process, Variables};
use crate::wait::poll_until_some;
use function_url::FunctionUrl;

/// A way of running the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunMode {
    /// A plain HTTP server.
    Plain,
    /// `cargo lambda watch`.
    Watch,
    /// AWS's Runtime Interface Emulator: one request at a time, and each answer arrives in one
    /// piece.
    Emulator,
    /// The harness's own Runtime API, which freezes the process whenever Lambda would.
    RuntimeApi,
}

/// A running function.
#[derive(Debug)]
pub struct Function {
    /// The base URL, without a trailing slash.
    pub url: String,
    /// The process that was started: the function itself, or the program that runs it.
    pub process: Process,
    api: Option<Arc<RuntimeApi>>,
    _front: Option<FunctionUrl>,
    way: RunMode,
    canaries: Vec<String>,
}

impl Function {
    /// Starts the function; returns `None` if the program that should run it is not installed.
    pub async fn start(way: RunMode, variables: &Variables) -> Result<Option<Self>> {
        match way {
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
        Self::start_binary_under(api, &chat_binary().await?, variables).await
    }

    async fn start_binary_under(
        api: RuntimeApi,
        binary: &Path,
        variables: &Variables,
    ) -> Result<Self> {
        let process = api.launch(binary, variables).await?;
        let api = Arc::new(api);
        let front = FunctionUrl::start_for_api(Arc::clone(&api)).await?;
        Ok(
            Self::new(RunMode::RuntimeApi, front.url(), process, variables)
                .with_front(Some(api), front),
        )
    }

    /// Returns the Runtime API of the function, if it is the harness's own.
    pub fn api(&self) -> Result<&RuntimeApi> {
        self.api
            .as_deref()
            .context("the function runs under our Runtime API")
    }

    /// Invokes the function with a request whose body is base64 in the event.
    pub fn invoke_base64(&self, request: Request<Bytes>) -> Result<Invocation> {
        let (parts, body) = request.into_parts();
        Ok(self.api()?.invoke(&event::base64_event(&parts, &body)))
    }

    /// Returns the URL of `POST /api/chat`.
    pub fn chat_url(&self) -> String {
        format!("{}/api/chat", self.url)
    }

    /// Ends the function as its run mode does, and checks its logs.
    pub async fn stop(mut self) -> Result<()> {
        match self.way {
            RunMode::Plain => {
                self.process.signal(Signal::TERM)?;
                let status = self.process.exit().await?;
                ensure!(
                    status.success(),
                    "ended by SIGTERM with {status}: {:?}",
                    self.process.logs.lines()
                );
            }
            RunMode::Watch => {
                // `cargo lambda`'s emulator prints into the same log, and its own timers may panic
                // while it ends.
                self.process.logs.ensure_no_panic()?;
                self.process.signal(Signal::INT)?;
                self.process.exit().await?;
                self.process.logs.complete().await?;
                return self.process.logs.ensure_without(&self.canaries);
            }
            RunMode::Emulator | RunMode::RuntimeApi => {
                ensure!(
                    self.process.is_running(),
                    "the process ended by itself: {:?}",
                    self.process.logs.lines()
                );
                self.process.kill().await?;
            }
        }
        self.process.logs.complete().await?;
        self.process.logs.ensure_clean(&self.canaries)
    }

    /// Kills the function as a crash would, and checks its logs.
    pub async fn kill(mut self) -> Result<()> {
        self.process.kill().await?;
        self.process.logs.complete().await?;
        self.process.logs.ensure_clean(&self.canaries)
    }

    fn new(way: RunMode, url: String, process: Process, variables: &Variables) -> Self {
        let secret = |name: &str| variables.get(name).cloned();
        let mut canaries: Vec<_> = ["AI_GATEWAY_API_KEY", "BETTER_AUTH_SECRET"]
            .iter()
            .filter_map(|name| secret(name))
            .collect();
        canaries.push(crate::gateway::responses::TEXT_CANARY.to_owned());
        Self {
            url,
            process,
            api: None,
            _front: None,
            way,
            canaries,
        }
    }

    fn with_front(self, api: Option<Arc<RuntimeApi>>, front: FunctionUrl) -> Self {
        Self {
            api,
            _front: Some(front),
            ..self
        }
    }
}

/// Returns a port that was free a moment ago.
async fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}

/// Waits until `address` accepts connections.
async fn wait_until_listening(process: &mut Process, address: SocketAddr) -> Result<()> {
    let refused = |process: &mut Process| {
        ensure!(
            process.is_running(),
            "ended before it listened: {:?}",
            process.logs.lines()
        );
        Ok(std::net::TcpStream::connect(address).is_err())
    };
    poll_until_some("a listener on the address", || match refused(process) {
        Ok(true) => None,
        other => Some(other),
    })
    .await??;
    TcpStream::connect(address).await?;
    Ok(())
}

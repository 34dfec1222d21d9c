//! A running function, however it runs, as a test reaches it: over plain HTTP.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use rustix::process::Signal;

use super::event;
use super::function_url::FunctionUrl;
use super::runtime_api::{Invocation, RuntimeApi};
use crate::process::{Process, Variables};

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
    mode: RunMode,
    canaries: Vec<String>,
}

impl Function {
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
        match self.mode {
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

    pub(super) fn new(mode: RunMode, url: String, process: Process, variables: &Variables) -> Self {
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
            mode,
            canaries,
        }
    }

    pub(super) fn with_front(self, api: Option<Arc<RuntimeApi>>, front: FunctionUrl) -> Self {
        Self {
            api,
            _front: Some(front),
            ..self
        }
    }
}

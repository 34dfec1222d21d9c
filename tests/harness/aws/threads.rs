//! The `threads` function, in the same run modes, and requests to it.

use anyhow::Result;
use bytes::Bytes;
use http::{Method, Request};

use super::function::{Function, RunMode};
use super::runtime_api::RuntimeApi;
use super::{plain, simulated_lambda};
use crate::process::Variables;
use crate::process::binary::threads_binary;
use crate::session::{ORIGIN, SignedIn};

impl Function {
    /// Starts the `threads` function over plain HTTP, without the gateway's variables.
    pub async fn start_threads(variables: &Variables) -> Result<Self> {
        plain::start(&threads_binary().await?, &without_gateway(variables)).await
    }

    /// Starts the `threads` function over plain HTTP or under the harness's Runtime API.
    pub async fn start_threads_in(mode: RunMode, variables: &Variables) -> Result<Self> {
        match mode {
            RunMode::RuntimeApi => {
                Self::start_threads_under(RuntimeApi::start(1).await?, variables).await
            }
            RunMode::Plain | RunMode::Watch | RunMode::Emulator => {
                Self::start_threads(variables).await
            }
        }
    }

    /// Starts the `threads` function under this Runtime API.
    pub async fn start_threads_under(api: RuntimeApi, variables: &Variables) -> Result<Self> {
        simulated_lambda::start(api, &threads_binary().await?, &without_gateway(variables)).await
    }

    /// Returns a request to the `threads` function, authenticated by cookie as a page sends it.
    pub fn request(
        &self,
        method: Method,
        path: &str,
        who: &SignedIn,
        body: impl Into<Bytes>,
    ) -> Result<Request<Bytes>> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        let request = request
            .header("cookie", who.cookie())
            .header("origin", ORIGIN);
        Ok(request
            .header("content-type", "application/json")
            .body(body.into())?)
    }

    /// Returns a GET request, authenticated by cookie.
    pub fn get(&self, path: &str, who: &SignedIn) -> Result<Request<Bytes>> {
        self.request(Method::GET, path, who, "")
    }
}

fn without_gateway(variables: &Variables) -> Variables {
    let kept = variables
        .iter()
        .filter(|(name, _)| !name.starts_with("AI_GATEWAY_"));
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

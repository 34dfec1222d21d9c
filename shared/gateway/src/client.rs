//! The client: configuration, connections, calls and their retries.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use json::RawJson;
use message::UiMessage;
use registry::ModelConfig;
use reqwest::Response;
use reqwest::header::HeaderMap;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use crate::adapter::{Adapter, Request};
use crate::error::GatewayError;
use crate::idle_timer::due;
use crate::prompt::{Prompt, PromptError};
use crate::protocol::Protocol;
use crate::stream::{PartStream, Timeouts};
use crate::{request, retry};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than the minute after which load balancers commonly drop an idle connection.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// The maximum of any timeout. It keeps sums of instants in range.
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_ERROR_BODY_BYTES: usize = 64 * 1024;
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ERROR_KIND_BYTES: usize = 64;

/// The configuration of a gateway.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// The protocol of the gateway.
    pub protocol: Protocol,
    /// The address below which the gateway is called, such as [`Protocol::default_base_url`].
    /// `http` or `https`; a slash at the end makes no difference.
    pub base_url: Url,
    /// The key, sent as bearer token.
    pub api_key: SecretString,
    /// The maximum silence before the first part of the answer, connecting included. Any byte ends
    /// a silence, but parts that only announce an answer (`stream-start`, `response-metadata`,
    /// `ping`) are not its first part.
    pub first_part_timeout: Duration,
    /// The maximum silence between two parts.
    pub idle_timeout: Duration,
    /// The maximum number of tokens of one answer, at least 1. `None` leaves it to the gateway.
    pub max_output_tokens: Option<u32>,
}

/// A client of a gateway. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Gateway(Arc<Client>);

#[derive(Debug)]
struct Client {
    adapter: &'static dyn Adapter,
    http: reqwest::Client,
    url: Url,
    headers: HeaderMap,
    max_output_tokens: Option<u32>,
    timeouts: Timeouts,
}

impl Gateway {
    /// Creates a client. Opens no connection and takes well under a millisecond.
    ///
    /// # Errors
    /// [`GatewayError::Misconfigured`] names the setting.
    pub fn new(config: GatewayConfig) -> Result<Self, GatewayError> {
        if config.max_output_tokens == Some(0) {
            return Err(GatewayError::Misconfigured(
                "limit on output tokens must be at least 1",
            ));
        }
        let adapter = config.protocol.adapter();
        Ok(Self(Arc::new(Client {
            adapter,
            http: http_client()?,
            url: request::url(adapter, config.base_url)?,
            headers: request::headers(adapter, &config.api_key)?,
            max_output_tokens: config.max_output_tokens,
            timeouts: Timeouts {
                first_part: config.first_part_timeout.min(MAX_TIMEOUT),
                idle: config.idle_timeout.min(MAX_TIMEOUT),
            },
        })))
    }

    /// Builds the prompt for a model of this gateway; `system` is the operator's own prompt.
    ///
    /// # Errors
    /// Names the part that cannot be sent, counted in `messages`.
    pub fn prompt(
        &self,
        system: Option<&str>,
        messages: &[UiMessage],
    ) -> Result<Prompt, PromptError> {
        Prompt::build(self.0.adapter, system, messages)
    }

    /// Returns the model that `config` names (the original's `getModel`).
    pub fn model(&self, config: &ModelConfig) -> Model {
        let max_output_tokens = self.0.max_output_tokens;
        Model {
            client: Arc::clone(&self.0),
            id: config.id.clone(),
            max_output_tokens,
        }
    }
}

/// A model that can be called.
#[derive(Debug, Clone)]
pub struct Model {
    client: Arc<Client>,
    id: String,
    max_output_tokens: Option<u32>,
}

impl Model {
    /// Returns the model with answers of at most `tokens` (1 or more), or of the gateway's own
    /// limit if that is lower.
    pub fn with_max_output_tokens(self, tokens: u32) -> Self {
        let max_output_tokens = Some(
            self.max_output_tokens
                .map_or(tokens, |limit| limit.min(tokens)),
        );
        Self {
            max_output_tokens,
            ..self
        }
    }

    /// Calls the model with a prompt that its gateway has built. Retries up to twice if the gateway
    /// has not begun to answer and the cause may be temporary. Dropping the future or the stream
    /// closes the connection.
    ///
    /// # Errors
    /// The error of the last call. The call never waits longer than `deadline`.
    pub async fn stream(
        &self,
        prompt: &Prompt,
        deadline: Option<Instant>,
    ) -> Result<PartStream, GatewayError> {
        self.stream_json(prompt.json(), deadline).await
    }

    async fn stream_json(
        &self,
        prompt: &RawJson,
        deadline: Option<Instant>,
    ) -> Result<PartStream, GatewayError> {
        let adapter = self.client.adapter;
        let mut headers = self.client.headers.clone();
        headers.extend(adapter.model_header(&self.id)?);
        let request = Request {
            model: &self.id,
            prompt,
            max_output_tokens: self.max_output_tokens,
        };
        let body = adapter.body(&request);

        let mut made = 0;
        loop {
            let start = Instant::now();
            made += 1;
            let error = match self
                .client
                .call(&headers, body.clone(), start, deadline)
                .await
            {
                Ok(response) => {
                    return Ok(PartStream::new(
                        adapter,
                        response,
                        start,
                        self.client.timeouts,
                        deadline,
                    ));
                }
                Err(error) => error,
            };
            match retry::wait(&error, made)
                .filter(|wait| retry::fits(*wait, Instant::now(), deadline))
            {
                None => return Err(error),
                Some(wait) => {
                    self.log_retry(&error, made, wait);
                    sleep(wait).await;
                }
            }
        }
    }

    fn log_retry(&self, error: &GatewayError, calls: u32, wait: Duration) {
        let error: &(dyn Error + 'static) = error;
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(
            gen_ai.request.model = self.id,
            error,
            calls,
            wait_ms,
            "retrying the gateway call"
        );
    }
}

impl Client {
    /// Makes one call and waits for the head of a 2xx response.
    async fn call(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        start: Instant,
        deadline: Option<Instant>,
    ) -> Result<Response, GatewayError> {
        if deadline.is_some_and(|deadline| deadline <= start) {
            return Err(GatewayError::DeadlinePassed);
        }
        let request = self
            .http
            .post(self.url.clone())
            .headers(headers.clone())
            .body(body);
        let end = due(start, self.timeouts.first_part, deadline);
        let response = match timeout_at(end, request.send()).await {
            Ok(response) => response.map_err(|error| GatewayError::Unreachable(error.into()))?,
            Err(_) if deadline == Some(end) => return Err(GatewayError::DeadlinePassed),
            Err(_) => return Err(GatewayError::FirstPartTimeout),
        };
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(refused(response, deadline).await)
        }
    }
}

/// Reads the loggable facts of a refusal: its status, its kind, and when to retry.
async fn refused(response: Response, deadline: Option<Instant>) -> GatewayError {
    let status = response.status().as_u16();
    let retry_after = retry::retry_after(response.headers(), SystemTime::now());
    let end = due(Instant::now(), ERROR_BODY_TIMEOUT, deadline);
    let kind = match timeout_at(end, error_body(response)).await {
        Ok(Some(body)) => error_kind(&body),
        Ok(None) | Err(_) => None,
    };
    GatewayError::Refused {
        status,
        kind,
        retry_after,
    }
}

/// Reads the body. `None` if it breaks off or exceeds the limit.
async fn error_body(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.ok()? {
        if body.len() + piece.len() > MAX_ERROR_BODY_BYTES {
            return None;
        }
        body.extend_from_slice(&piece);
    }
    Some(body)
}

/// Returns the `error.type` of an error body, or else its `error.code`, if it is a plain word: it
/// is logged.
fn error_kind(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        error: ErrorOf,
    }

    #[derive(Deserialize)]
    struct ErrorOf {
        r#type: Option<Value>,
        code: Option<Value>,
    }

    let error = serde_json::from_slice::<Body>(body).ok()?.error;
    let is_word = |kind: &str| {
        kind.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
    };
    let kinds = [error.r#type, error.code].into_iter().flatten();
    kinds
        .filter_map(|kind| kind.as_str().map(str::to_owned))
        .find(|kind| (1..=MAX_ERROR_KIND_BYTES).contains(&kind.len()) && is_word(kind))
}

fn http_client() -> Result<reqwest::Client, GatewayError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls())
        .http1_only()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .tcp_nodelay(true)
        // A redirect would carry the key and the prompt to an address that is not configured.
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .build()
        .map_err(|_| GatewayError::Misconfigured("HTTP client of the gateway cannot be built"))
}

/// Builds the TLS configuration. With ring, because aws-lc spends tens of milliseconds on the first
/// handshake; with embedded roots, because reading the system's costs several.
fn tls() -> rustls::ClientConfig {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the ciphers of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

#[cfg(test)]
mod tests;

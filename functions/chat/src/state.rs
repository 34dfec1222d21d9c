//! The state that all requests of a process share: clients, limits and the turns that run here.

use std::time::Duration;

use front::{Authenticator, BoxError, FrontError};
use gateway::{Gateway, GatewayConfig};
use http::HeaderMap;
use message::UserId;
use registry::{ModelConfig, Registry};
use store::{Store, TurnLimits};
use validation::Limits;

use crate::config::{Config, OnBusy};
use crate::stream::registry::LiveTurns;

/// The per-process shared state of the function.
pub(crate) struct AppState {
    authenticator: Authenticator,
    pub(crate) limits: Limits,
    pub(crate) registry: Registry,
    pub(crate) system_prompt: Option<String>,
    pub(crate) send_sources: bool,
    pub(crate) title_model: Option<ModelConfig>,
    pub(crate) gateway: Gateway,
    pub(crate) store: Store,
    /// The time between two writes of a journal. Zero disables journals.
    pub(crate) journal_interval: Duration,
    /// Set when a new message stops the running turn. Otherwise the new message is refused.
    pub(crate) supersede: bool,
    pub(crate) turn_limits: TurnLimits,
    pub(crate) live: LiveTurns,
}

impl AppState {
    /// Returns whether running answers are journaled, so that other processes can reach them.
    pub(crate) fn has_journals(&self) -> bool {
        !self.journal_interval.is_zero()
    }

    /// Builds the state. Opens no connection, except to fetch secrets from the Parameter Store.
    pub(crate) async fn build(config: Config) -> Result<Self, BoxError> {
        let Config { mut front, .. } = config;
        let secrets = [
            ("AI_GATEWAY_API_KEY_SSM", config.api_key),
            ("BETTER_AUTH_SECRET_SSM", front.take_secret()),
        ];
        let [api_key, auth_secret] = front::resolve_secrets(secrets).await?;
        let store = front.store().await?;
        Ok(Self {
            authenticator: Authenticator::new(&front, auth_secret, store.clone())?,
            limits: config.limits,
            registry: front.registry,
            system_prompt: config.system_prompt,
            send_sources: config.send_sources,
            title_model: config.title_model,
            gateway: Gateway::new(GatewayConfig {
                protocol: config.gateway_protocol,
                base_url: config.gateway_url,
                api_key,
                first_part_timeout: config.first_part_timeout,
                idle_timeout: config.idle_timeout,
                max_output_tokens: config.max_output_tokens,
            })?,
            store,
            journal_interval: config.journal_interval,
            supersede: config.on_busy == OnBusy::Supersede,
            turn_limits: front.turn_limits,
            live: LiveTurns::default(),
        })
    }

    /// Resolves the signed-in user of a request.
    pub(crate) async fn authenticate(&self, headers: &HeaderMap) -> Result<UserId, FrontError> {
        self.authenticator.authenticate(headers).await
    }
}

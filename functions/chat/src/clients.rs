//! What a process holds and every request shares: clients, rules, and which turns run in it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_ssm::error::BoxError;
use gateway::{Gateway, GatewayConfig};
use registry::Registry;
use session::{SessionConfig, SessionConfigError, Sessions};
use store::{ClientOptions, Store, TurnLimits};
use validation::Limits;

use crate::access::AllowedOrigins;
use crate::config::{Config, OnBusy};
use crate::live::LiveTurns;
use crate::secrets::Secrets;

/// Everything that answering needs.
pub(crate) struct Clients {
    pub(crate) sessions: Sessions,
    pub(crate) check_revocation: bool,
    pub(crate) origins: AllowedOrigins,
    pub(crate) limits: Limits,
    pub(crate) registry: Registry,
    pub(crate) system_prompt: Option<String>,
    pub(crate) gateway: Gateway,
    pub(crate) store: Store,
    /// The time between two writes of a journal; zero: there are none.
    pub(crate) journal_interval: Duration,
    /// Whether a new message ends the turn that runs, or is refused.
    pub(crate) supersede: bool,
    pub(crate) turn_limits: TurnLimits,
    pub(crate) live: LiveTurns,
}

impl Clients {
    /// Whether running answers are journaled, so that other processes can reach them.
    pub(crate) fn has_journals(&self) -> bool {
        !self.journal_interval.is_zero()
    }

    /// Builds the clients. Opens no connection, but for secrets that are kept elsewhere.
    pub(crate) async fn build(mut config: Config) -> Result<Self, BoxError> {
        let secrets = Secrets::fetch(&mut config).await?;
        let secure = config.auth_url.as_ref().is_some_and(|url| url.scheme() == "https");
        let mut session_config = SessionConfig::new(secrets.auth, secure);
        session_config.cookie_prefix = config.cookie_prefix;
        session_config.cookie_cache = config.cookie_cache;
        session_config.cookie_cache_version = config.cookie_cache_version;
        session_config.origin = config.auth_url.as_ref().map(|url| url.origin().ascii_serialization());
        session_config.jwks = config.jwks;
        let endpoint = config.dynamodb_endpoint.map(String::from);
        let client = store::connect(&ClientOptions { endpoint, ..ClientOptions::default() }).await?;
        Ok(Self {
            sessions: Sessions::new(session_config).map_err(named)?,
            check_revocation: config.check_revocation,
            origins: AllowedOrigins::new(config.allowed_origins.iter().chain(&config.auth_url)),
            limits: config.limits,
            registry: config.registry,
            system_prompt: config.system_prompt,
            gateway: Gateway::new(GatewayConfig {
                protocol: config.gateway_protocol,
                base_url: config.gateway_url,
                api_key: secrets.api_key,
                first_part_timeout: config.first_part_timeout,
                idle_timeout: config.idle_timeout,
                max_output_tokens: config.max_output_tokens,
            })?,
            store: Store::new(client, &config.table_name),
            journal_interval: config.journal_interval,
            supersede: config.on_busy == OnBusy::Supersede,
            turn_limits: config.turn_limits,
            live: LiveTurns::default(),
        })
    }
}

/// The session crate knows no variables.
fn named(error: SessionConfigError) -> String {
    let variable = match error {
        SessionConfigError::CookieName => "BETTER_AUTH_COOKIE_PREFIX",
        SessionConfigError::Jwks(_) => "BETTER_AUTH_JWKS",
        SessionConfigError::Origin => "BETTER_AUTH_URL",
        SessionConfigError::SecretMissing
        | SessionConfigError::SecretTooShort
        | SessionConfigError::SecretIsLibraryDefault => "BETTER_AUTH_SECRET",
    };
    format!("{variable}: {error}")
}

/// Milliseconds since 1970, by the server's clock.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

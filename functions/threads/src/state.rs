//! The state that all requests of a process share: clients and limits, nothing mutable.

use front::{Authenticator, BoxError, FrontError};
use http::HeaderMap;
use message::UserId;
use registry::Registry;
use store::{Store, TurnLimits};

use crate::config::Config;

/// The per-process shared state of the function.
pub(crate) struct AppState {
    authenticator: Authenticator,
    pub(crate) registry: Registry,
    pub(crate) store: Store,
    pub(crate) turn_limits: TurnLimits,
}

impl AppState {
    /// Builds the state. Opens no connection, except to fetch a secret from the Parameter Store.
    pub(crate) async fn build(config: Config) -> Result<Self, BoxError> {
        let mut front = config.front;
        let [auth_secret] =
            front::resolve_secrets([("BETTER_AUTH_SECRET_SSM", front.take_secret())]).await?;
        let store = front.store().await?;
        Ok(Self {
            authenticator: Authenticator::new(&front, auth_secret, store.clone())?,
            registry: front.registry,
            store,
            turn_limits: front.turn_limits,
        })
    }

    /// Resolves the signed-in user of a request.
    pub(crate) async fn authenticate(&self, headers: &HeaderMap) -> Result<UserId, FrontError> {
        self.authenticator.authenticate(headers).await
    }
}

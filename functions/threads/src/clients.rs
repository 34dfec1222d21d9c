//! What a process holds and every request shares: clients and rules, no state.

use front::{Authenticator, BoxError};
use http::HeaderMap;
use message::UserId;
use registry::Registry;
use store::{Store, TurnLimits};

use crate::config::Config;
use crate::error::ApiError;

/// Everything that answering needs.
pub(crate) struct Clients {
    authenticator: Authenticator,
    pub(crate) registry: Registry,
    pub(crate) store: Store,
    pub(crate) turn_limits: TurnLimits,
}

impl Clients {
    /// Builds the clients. Opens no connection, but for a secret that is kept elsewhere.
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

    /// The signed-in user who sends this request.
    pub(crate) async fn authenticate(&self, headers: &HeaderMap) -> Result<UserId, ApiError> {
        Ok(self.authenticator.authenticate(headers).await?)
    }
}

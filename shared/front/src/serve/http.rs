//! Plain HTTP, for containers and for trials.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use http::{HeaderValue, Method, header};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;

use super::shutdown_signal;
use crate::BoxError;

/// The time for tasks to save their results after the grace period, and for slow readers to read
/// them.
const SAVE_TIMEOUT: Duration = Duration::from_secs(10);

/// A server of plain HTTP.
#[derive(Debug)]
pub struct PlainHttp {
    /// The address to listen on.
    pub address: SocketAddr,
    /// The origins whose pages may send cross-origin requests. On AWS the Function URL's own
    /// configuration sets them.
    pub origins: Vec<Url>,
    /// The methods that cross-origin requests may use.
    pub methods: Vec<Method>,
    /// The tasks that outlive their responses and must be done before the process ends.
    pub tasks: TaskTracker,
    /// Cancelled when these tasks must save their results and end.
    pub shutdown: CancellationToken,
    /// The grace period: how long tasks may continue after SIGTERM or SIGINT.
    pub grace: Duration,
}

impl PlainHttp {
    /// Serves until the process gets SIGTERM or SIGINT and the running requests and tasks have
    /// ended or used up their grace period.
    pub async fn serve(self, router: Router) -> Result<(), BoxError> {
        let address = self.address;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| format!("cannot listen at {address}: {error}"))?;
        tracing::info!(address = %listener.local_addr()?, "listening");
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "failed to set TCP_NODELAY on a connection");
            }
        });

        let stop = CancellationToken::new();
        let server = axum::serve(listener, router.layer(self.cors()))
            .with_graceful_shutdown(stop.clone().cancelled_owned());
        let mut server = pin!(server.into_future());
        tokio::select! {
            result = &mut server => return Ok(result?),
            () = shutdown_signal() => stop.cancel(),
        }

        tracing::info!(running_tasks = self.tasks.len(), "shutting down");
        let all_done = async {
            let result = server.await;
            self.tasks.close();
            self.tasks.wait().await;
            result
        };
        let time_limit = async {
            tokio::time::sleep(self.grace).await;
            self.shutdown.cancel();
            tokio::time::sleep(SAVE_TIMEOUT).await;
        };
        tokio::select! {
            result = all_done => Ok(result?),
            () = time_limit => {
                tracing::warn!(running_tasks = self.tasks.len(), "shut down with tasks still running");
                Ok(())
            }
        }
    }

    fn cors(&self) -> CorsLayer {
        let origins = self
            .origins
            .iter()
            .map(|url| url.origin().ascii_serialization());
        let origins: Vec<HeaderValue> = origins.filter_map(|origin| origin.parse().ok()).collect();
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_credentials(true)
            .allow_methods(self.methods.clone())
            .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
            .max_age(Duration::from_secs(86_400))
    }
}

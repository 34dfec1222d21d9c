//! Plain HTTP, for containers and for trying things out.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use aws_sdk_ssm::error::BoxError;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::serve::ListenerExt;
use http::{HeaderValue, Method, header};
use nanoid::nanoid;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;

use crate::invocation::{Invocation, Process};

/// How long turns may take to save what they have once their grace is over, and slow readers to read it.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Serves at `address` until the process is asked to go. Turns that run then have `grace` to end by themselves.
pub(super) async fn serve(
    router: Router,
    address: SocketAddr,
    origins: &[Url],
    process: Process,
    grace: Duration,
) -> Result<(), BoxError> {
    let listener =
        TcpListener::bind(address).await.map_err(|error| format!("cannot listen at {address}: {error}"))?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });

    let stop = CancellationToken::new();
    let app = with_invocation(router, process.clone()).layer(cors(origins));
    let server = axum::serve(listener, app).with_graceful_shutdown(stop.clone().cancelled_owned());
    let mut server = pin!(server.into_future());
    tokio::select! {
        result = &mut server => return Ok(result?),
        () = super::asked_to_go() => stop.cancel(),
    }

    tracing::info!(running_turns = process.tasks.len(), "asked to go");
    let all_done = async {
        let result = server.await;
        process.tasks.close();
        process.tasks.wait().await;
        result
    };
    let patience = async {
        tokio::time::sleep(grace).await;
        process.shutdown.cancel();
        tokio::time::sleep(LAST_WORDS).await;
    };
    tokio::select! {
        result = all_done => Ok(result?),
        () = patience => {
            tracing::warn!(running_turns = process.tasks.len(), "ended with turns or readers left over");
            Ok(())
        }
    }
}

fn with_invocation(router: Router, process: Process) -> Router {
    router.layer(from_fn(move |mut request: Request, next: Next| {
        request.extensions_mut().insert(Invocation::unlimited(&nanoid!(), &process));
        next.run(request)
    }))
}

/// What the Function URL's own configuration does on AWS.
fn cors(origins: &[Url]) -> CorsLayer {
    let origins = origins.iter().map(|url| url.origin().ascii_serialization());
    let origins: Vec<HeaderValue> = origins.filter_map(|origin| origin.parse().ok()).collect();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .max_age(Duration::from_secs(86_400))
}

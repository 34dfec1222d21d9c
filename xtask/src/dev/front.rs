//! One origin in front of everything: `/api/chat*` goes to the function `chat`, what else begins
//! with `/api/` to `threads`, chunk by chunk in both directions; `/` is the page; `/dev` says how
//! to use it all, and `/dev/table` shows what was stored. Knows nothing about what passes through.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::serve::ListenerExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use testing::origin::Upstream;
use tokio::net::TcpListener;

use super::demo_user::DemoUser;
use super::engine::Engine;
use super::gateway::Gateway;
use super::problem::{nothing_here, problem};
use super::{page, report};
use crate::net::http_client;

const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The addresses of the functions.
#[derive(Debug, Clone)]
pub(crate) struct Upstreams {
    /// The base URL of `chat`.
    pub(crate) chat: String,
    /// The base URL of `threads`.
    pub(crate) threads: String,
}

impl Upstreams {
    fn of(&self, upstream: Upstream) -> &str {
        match upstream {
            Upstream::Chat => &self.chat,
            Upstream::Threads => &self.threads,
        }
    }
}

/// The front, ready to serve.
pub(crate) struct Front {
    client: Client<HttpConnector, Body>,
    upstreams: Upstreams,
    engine: Engine,
    guide: String,
    page: Option<PathBuf>,
    cookie: HeaderValue,
    hosts: [String; 2],
}

impl Front {
    /// Returns a front that is reached at `url`, before these functions.
    pub(crate) fn new(
        url: &str,
        upstreams: Upstreams,
        engine: Engine,
        gateway: &Gateway,
        user: &DemoUser,
    ) -> Self {
        let host = url.trim_start_matches("http://").to_owned();
        Self {
            client: http_client(),
            upstreams,
            engine,
            guide: report::guide(url, gateway, user),
            page: None,
            cookie: session_cookie(user),
            hosts: [host.replace("127.0.0.1", "localhost"), host],
        }
    }

    /// Adds the page, which was built into this folder.
    pub(crate) fn with_page(self, page: Option<PathBuf>) -> Self {
        Self { page, ..self }
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    /// The listener fails.
    pub(crate) async fn serve(self, listener: TcpListener) -> Result<()> {
        let listener = listener.tap_io(|connection| {
            // A chunk goes out when it comes in.
            let _ = connection.set_nodelay(true);
        });
        axum::serve(listener, router(Arc::new(self)))
            .await
            .context("the front cannot serve")
    }
}

fn router(front: Arc<Front>) -> Router {
    let routes = Router::new()
        .route("/dev", get(guide))
        .route("/dev/table", get(table))
        .route("/api/{*path}", any(forward));
    let routes = match &front.page {
        Some(folder) => routes.fallback_service(page::router(folder, front.cookie.clone())),
        None => routes
            .route("/", get(guide))
            .fallback(|| async { nothing_here() }),
    };
    routes
        .layer(middleware::from_fn_with_state(
            Arc::clone(&front),
            refuse_other_hosts,
        ))
        .with_state(front)
}

/// Checks the host: a web page elsewhere whose name points to this machine must not read the table
/// or use the session.
async fn refuse_other_hosts(
    State(front): State<Arc<Front>>,
    request: Request,
    next: Next,
) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    if front.hosts.iter().any(|known| known == host) {
        return next.run(request).await;
    }
    problem(
        StatusCode::MISDIRECTED_REQUEST,
        "unknown_host",
        "this server is for this machine only",
    )
}

async fn guide(State(front): State<Arc<Front>>) -> Response {
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    let headers = [
        (header::CONTENT_TYPE, plain),
        (header::SET_COOKIE, front.cookie.clone()),
    ];
    (headers, front.guide.clone()).into_response()
}

async fn table(State(front): State<Arc<Front>>) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    match front
        .engine
        .items()
        .and_then(|items| Ok(serde_json::to_string_pretty(&items)?))
    {
        Ok(items) => (json, items).into_response(),
        Err(error) => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "table",
            &format!("{error:#}"),
        ),
    }
}

async fn forward(State(front): State<Arc<Front>>, mut request: Request) -> Response {
    let Some(upstream) = Upstream::of_path(request.uri().path()) else {
        return nothing_here();
    };
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let Ok(uri) = format!("{}{path}", front.upstreams.of(upstream)).parse::<Uri>() else {
        return problem(
            StatusCode::BAD_REQUEST,
            "bad_path",
            "this path cannot be passed on",
        );
    };
    *request.uri_mut() = uri;
    drop_hop_by_hop(request.headers_mut());
    match front.client.request(request).await {
        Ok(mut response) => {
            drop_hop_by_hop(response.headers_mut());
            response.map(Body::new)
        }
        Err(error) => problem(
            StatusCode::BAD_GATEWAY,
            "function_unreachable",
            &format!("{:#}", anyhow::Error::from(error)),
        ),
    }
}

/// Removes the headers that belong to one connection, not to the message (RFC 9110, 7.6.1).
fn drop_hop_by_hop(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

/// Signs a browser in, out of reach of the page's scripts and of other sites.
fn session_cookie(user: &DemoUser) -> HeaderValue {
    let cookie = format!("{}; Path=/; HttpOnly; SameSite=Lax", user.cookie());
    HeaderValue::from_str(&cookie).expect("a percent-encoded value is plain ASCII")
}

#[cfg(test)]
mod tests;

//! One origin in front of everything: `/api/*` goes to the function, chunk by chunk in both directions; `/` says how to
//! use it; `/dev/table` shows what was stored. Knows nothing about what passes through.

use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::serve::ListenerExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::net::TcpListener;

use super::demo_user::DemoUser;
use super::engine::Engine;
use super::gateway::Gateway;
use super::report;

const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// A client for loopback HTTP that opens a connection for each request: when a request is dropped, the other side sees
/// its connection close.
pub(crate) fn http_client() -> Client<HttpConnector, Body> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector)
}

/// The front, ready to serve.
pub(crate) struct Front {
    client: Client<HttpConnector, Body>,
    function: String,
    engine: Engine,
    page: String,
    cookie: String,
    hosts: [String; 2],
}

impl Front {
    /// A front that is reached at `url` and sends `/api/*` to the function behind `function`.
    pub(crate) fn new(url: &str, function: &str, engine: Engine, gateway: &Gateway, user: &DemoUser) -> Self {
        let host = url.trim_start_matches("http://").to_owned();
        Self {
            client: http_client(),
            function: function.to_owned(),
            engine,
            page: report::page(url, gateway, user),
            cookie: format!("{}; Path=/; HttpOnly; SameSite=Lax", user.cookie()),
            hosts: [host.replace("127.0.0.1", "localhost"), host],
        }
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
        axum::serve(listener, router(Arc::new(self))).await.context("the front cannot serve")
    }
}

fn router(front: Arc<Front>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/dev/table", get(table))
        .route("/api/{*path}", any(forward))
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "not_found", "look at / for what is here") })
        .layer(middleware::from_fn_with_state(Arc::clone(&front), refuse_other_hosts))
        .with_state(front)
}

/// A web page elsewhere whose name is made to point to this machine must not read the table or use the session.
async fn refuse_other_hosts(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if front.hosts.iter().any(|known| known == host) {
        return next.run(request).await;
    }
    problem(StatusCode::MISDIRECTED_REQUEST, "unknown_host", "this server is for this machine only")
}

async fn page(State(front): State<Arc<Front>>) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::SET_COOKIE, &front.cookie)];
    (headers, front.page.clone()).into_response()
}

async fn table(State(front): State<Arc<Front>>) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    match front.engine.items().and_then(|items| Ok(serde_json::to_string_pretty(&items)?)) {
        Ok(items) => (json, items).into_response(),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, "table", &format!("{error:#}")),
    }
}

async fn forward(State(front): State<Arc<Front>>, mut request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let Ok(uri) = format!("{}{path}", front.function).parse::<Uri>() else {
        return problem(StatusCode::BAD_REQUEST, "bad_path", "this path cannot be passed on");
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

/// These belong to one connection, not to the message (RFC 9110, 7.6.1).
fn drop_hop_by_hop(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

fn problem(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": message } }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests;

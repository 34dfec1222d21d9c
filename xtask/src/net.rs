//! The loopback interface: a free port, and a client for HTTP.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};
use axum::body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Returns a port on the loopback interface that nothing listens on at this moment.
///
/// # Errors
/// The system has none left.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// Returns a client for loopback HTTP that opens a connection for each request: when a request is
/// dropped, the other side sees its connection close.
pub(crate) fn http_client() -> Client<HttpConnector, Body> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build(connector)
}

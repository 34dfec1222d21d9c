//! A plain HTTP client that can disconnect in the middle of a response. Uses one connection per
//! request, and knows nothing of the chat routes.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::sse::Transcript;
use crate::wait::{WAIT_TIMEOUT, within, within_limit};

/// A response whose body is read on demand. Dropping it closes the connection.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
    read: BytesMut,
    connection: Connection,
}

#[derive(Debug)]
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A request that was sent. Dropping it closes the connection before a response is read.
#[derive(Debug)]
pub struct PendingResponse {
    answer: JoinHandle<hyper::Result<http::Response<Incoming>>>,
    connection: Connection,
}

impl Drop for PendingResponse {
    fn drop(&mut self) {
        self.answer.abort();
    }
}

/// Sends a request without waiting for the response. The URI is absolute.
pub async fn send(request: Request<Bytes>) -> Result<PendingResponse> {
    let (mut parts, body) = request.into_parts();
    let authority = parts
        .uri
        .authority()
        .context("an absolute URI")?
        .to_string();
    let stream = within("a connection", TcpStream::connect(&authority)).await??;
    stream.set_nodelay(true)?;
    if !parts.headers.contains_key(header::HOST) {
        parts.headers.insert(header::HOST, authority.parse()?);
    }
    parts.uri = parts
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .parse::<Uri>()?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = Connection(tokio::spawn(async move { drop(connection.await) }));
    let request = Request::from_parts(parts, Full::new(body));
    let answer = tokio::spawn(async move { sender.send_request(request).await });
    Ok(PendingResponse { answer, connection })
}

/// Sends a request and waits for the head of the response.
pub async fn fetch(request: Request<Bytes>) -> Result<Response> {
    send(request).await?.head().await
}

impl PendingResponse {
    /// Waits for the head of the response.
    pub async fn head(self) -> Result<Response> {
        self.head_within(WAIT_TIMEOUT).await
    }

    /// Waits for the head of the response with a timeout of its own.
    pub async fn head_within(mut self, limit: Duration) -> Result<Response> {
        let answer = within_limit(limit, "the head of an answer", &mut self.answer).await???;
        let (parts, body) = answer.into_parts();
        // `PendingResponse` implements `Drop`, so its fields cannot be moved out.
        let connection =
            std::mem::replace(&mut self.connection, Connection(tokio::spawn(async {})));
        Ok(Response {
            status: parts.status,
            headers: parts.headers,
            body,
            read: BytesMut::new(),
            connection,
        })
    }
}

impl Response {
    /// Returns a header as text; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Waits for the next piece of the body; returns `None` at its end.
    pub async fn next_piece(&mut self) -> Result<Option<Bytes>> {
        loop {
            let Some(frame) = within("more of an answer", self.body.frame()).await? else {
                return Ok(None);
            };
            if let Ok(data) = frame?.into_data() {
                self.read.extend_from_slice(&data);
                return Ok(Some(data));
            }
        }
    }

    /// Reads until `count` complete chunks of the UI stream have arrived.
    pub async fn chunks(&mut self, count: usize) -> Result<()> {
        while self.complete_events() < count {
            self.next_piece().await?.context("the stream ended early")?;
        }
        Ok(())
    }

    /// Reads the body to its end.
    pub async fn bytes(mut self) -> Result<Bytes> {
        while self.next_piece().await?.is_some() {}
        // Kept until here: dropping the connection would cut the body.
        drop(self.connection);
        Ok(self.read.freeze())
    }

    /// Reads the body to its end, as JSON.
    pub async fn json(self) -> Result<serde_json::Value> {
        let body = self.bytes().await?;
        serde_json::from_slice(&body)
            .with_context(|| format!("not JSON: {:?}", String::from_utf8_lossy(&body)))
    }

    /// Reads the body to its end, as a UI message stream.
    pub async fn transcript(self) -> Result<Transcript> {
        Transcript::parse(&self.bytes().await?)
    }

    fn complete_events(&self) -> usize {
        let text = String::from_utf8_lossy(&self.read);
        let Some((complete, _)) = text.rsplit_once("\n\n") else {
            return 0;
        };
        complete
            .split("\n\n")
            .filter(|event| event.starts_with("data: "))
            .count()
    }
}

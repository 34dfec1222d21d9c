//! HTTP requests to servers on this machine, each over a connection of its own.

use std::error::Error;

use anyhow::Result;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Sends a request, whose URI is a path, and returns the response as it arrives. The connection
/// closes with the response, so that the server notices when nothing reads it any more.
///
/// # Errors
/// The server cannot be reached, or closes the connection before the head of its response.
pub async fn send<B>(authority: &str, request: Request<B>) -> Result<Response<Incoming>>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let stream = TcpStream::connect(authority).await?;
    // A reader that waits for a chunk must not wait for a timer of TCP.
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender.send_request(request).await?)
}

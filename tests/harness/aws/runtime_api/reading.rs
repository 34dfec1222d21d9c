//! The Runtime API's reading of a response: to its end, or with a planned misbehaviour.

use anyhow::Result;
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

use crate::aws::event::Prelude;
use crate::wire::{Connection, Head};

/// A plan for reading a streamed response. Events are SSE events of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// A complete reading.
    Complete,
    /// A close of the connection (FIN) after this number of events.
    Close(usize),
    /// A reset of the connection (RST) after this number of events.
    Reset(usize),
    /// An answer with this status after this number of events, followed by a complete reading.
    Answer(u16, usize),
    /// An answer with this status after this number of events, followed by a close of the
    /// connection.
    AnswerAndClose(u16, usize),
    /// A stop of the reading after this number of events, without an answer.
    Stop(usize),
}

/// The end of an invocation, as the API saw it.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A response that was read to its end.
    Complete,
    /// A reading that the API ended early, as planned.
    GivenUp,
    /// A response that the function aborted, with the error.
    Broken(String),
    /// An error that the function reported.
    Error(String),
}

/// The receivers of a response, and the plan for reading it.
#[derive(Debug)]
pub(super) struct PendingResponse {
    pub(super) reading: Reading,
    pub(super) prelude: Option<oneshot::Sender<Value>>,
    pub(super) body: mpsc::UnboundedSender<Bytes>,
    pub(super) outcome: watch::Sender<Option<Outcome>>,
}

/// The outcome, and the connection if it is still open.
type Read = (Outcome, Option<Connection>);

/// Reads an error report.
pub(super) async fn read_error(mut connection: Connection, head: &Head) -> Result<Read> {
    let body = connection.read_body(head).await?;
    respond(&mut connection, 202).await?;
    Ok((
        Outcome::Error(String::from_utf8_lossy(&body).into_owned()),
        Some(connection),
    ))
}

/// Reads a response that is not streamed.
pub(super) async fn read_buffered(
    mut connection: Connection,
    head: &Head,
    pending: PendingResponse,
) -> Result<Read> {
    let mut response: Value = serde_json::from_slice(&connection.read_body(head).await?)?;
    let body = response["body"].take();
    // The client may be gone.
    drop(pending.prelude.map(|sender| sender.send(response)));
    drop(
        pending
            .body
            .send(Bytes::from(body.as_str().unwrap_or_default().to_owned())),
    );
    respond(&mut connection, 202).await?;
    Ok((Outcome::Complete, Some(connection)))
}

/// Reads a streamed response.
pub(super) async fn read_streamed(
    mut connection: Connection,
    mut pending: PendingResponse,
) -> Result<Read> {
    let mut prelude = Prelude::default();
    let (mut events, mut answered) = (0, false);
    while let Some(chunk) = connection.next_chunk().await? {
        let (found, body) = prelude.push(&chunk)?;
        if let Some(found) = found {
            // The client may be gone.
            drop(pending.prelude.take().map(|sender| sender.send(found)));
        }
        if pending.reading != Reading::Complete {
            events += body.windows(2).filter(|window| window == b"\n\n").count();
        }
        if !body.is_empty() {
            drop(pending.body.send(body));
        }
        match pending.reading {
            Reading::Close(after) if events >= after => {
                connection.close().await?;
                return Ok((Outcome::GivenUp, None));
            }
            Reading::Reset(after) if events >= after => {
                connection.reset()?;
                return Ok((Outcome::GivenUp, None));
            }
            Reading::AnswerAndClose(status, after) if events >= after => {
                respond(&mut connection, status).await?;
                connection.close().await?;
                return Ok((Outcome::GivenUp, None));
            }
            Reading::Answer(status, after) if events >= after && !answered => {
                respond(&mut connection, status).await?;
                answered = true;
            }
            Reading::Stop(after) if events >= after => {
                pending.outcome.send_replace(Some(Outcome::GivenUp));
                std::future::pending::<()>().await;
            }
            _ => {}
        }
    }
    if !answered {
        respond(&mut connection, 202).await?;
    }
    Ok((Outcome::Complete, Some(connection)))
}

async fn respond(connection: &mut Connection, status: u16) -> Result<()> {
    let answer = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    connection.write(answer.as_bytes()).await
}

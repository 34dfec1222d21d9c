//! How the Runtime API reads an answer: to its end, or as badly as it was told to.

use anyhow::Result;
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

use crate::function::event::Prelude;
use crate::wire::{Connection, Head};

/// How the API reads a streamed answer. Events are those of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// To its end.
    Complete,
    /// Closes the connection (FIN) after so many events.
    Close(usize),
    /// Resets the connection (RST) after so many events.
    Reset(usize),
    /// Answers with this status after so many events and reads on.
    Answer(u16, usize),
    /// Answers with this status after so many events and closes.
    AnswerAndClose(u16, usize),
    /// Reads nothing more after so many events, without a word.
    Stop(usize),
}

/// How an invocation ended, as the API saw it.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The whole answer was read.
    Complete,
    /// The API itself gave up, as it was told to.
    GivenUp,
    /// The function broke the answer off.
    Broken(String),
    /// The function reported an error.
    Error(String),
}

/// Who waits for an answer, and how it is to be read.
#[derive(Debug)]
pub(super) struct Answering {
    pub(super) reading: Reading,
    pub(super) prelude: Option<oneshot::Sender<Value>>,
    pub(super) body: mpsc::UnboundedSender<Bytes>,
    pub(super) outcome: watch::Sender<Option<Outcome>>,
}

/// How it ended, and the connection if it is still open.
type Read = (Outcome, Option<Connection>);

/// Takes an error report.
pub(super) async fn error(mut connection: Connection, head: &Head) -> Result<Read> {
    let body = connection.read_body(head).await?;
    accept(&mut connection, 202).await?;
    Ok((
        Outcome::Error(String::from_utf8_lossy(&body).into_owned()),
        Some(connection),
    ))
}

/// Takes a response that is not streamed.
pub(super) async fn whole(
    mut connection: Connection,
    head: &Head,
    answering: Answering,
) -> Result<Read> {
    let mut response: Value = serde_json::from_slice(&connection.read_body(head).await?)?;
    let body = response["body"].take();
    // The client may be gone.
    drop(answering.prelude.map(|sender| sender.send(response)));
    drop(
        answering
            .body
            .send(Bytes::from(body.as_str().unwrap_or_default().to_owned())),
    );
    accept(&mut connection, 202).await?;
    Ok((Outcome::Complete, Some(connection)))
}

/// Takes a streamed response.
pub(super) async fn response(mut connection: Connection, mut answering: Answering) -> Result<Read> {
    let mut prelude = Prelude::default();
    let (mut events, mut answered) = (0, false);
    while let Some(chunk) = connection.next_chunk().await? {
        let (found, body) = prelude.push(&chunk)?;
        if let Some(found) = found {
            // The client may be gone.
            drop(answering.prelude.take().map(|sender| sender.send(found)));
        }
        if answering.reading != Reading::Complete {
            events += body.windows(2).filter(|window| window == b"\n\n").count();
        }
        if !body.is_empty() {
            drop(answering.body.send(body));
        }
        match answering.reading {
            Reading::Close(after) if events >= after => {
                connection.close().await?;
                return Ok((Outcome::GivenUp, None));
            }
            Reading::Reset(after) if events >= after => {
                connection.reset()?;
                return Ok((Outcome::GivenUp, None));
            }
            Reading::AnswerAndClose(status, after) if events >= after => {
                accept(&mut connection, status).await?;
                connection.close().await?;
                return Ok((Outcome::GivenUp, None));
            }
            Reading::Answer(status, after) if events >= after && !answered => {
                accept(&mut connection, status).await?;
                answered = true;
            }
            Reading::Stop(after) if events >= after => {
                answering.outcome.send_replace(Some(Outcome::GivenUp));
                std::future::pending::<()>().await;
            }
            _ => {}
        }
    }
    if !answered {
        accept(&mut connection, 202).await?;
    }
    Ok((Outcome::Complete, Some(connection)))
}

async fn accept(connection: &mut Connection, status: u16) -> Result<()> {
    let answer = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    connection.write(answer.as_bytes()).await
}

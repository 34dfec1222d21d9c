//! The steps of an answer, and how a connection plays them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use bytes::Bytes;
use serde_json::Value;
use tokio::time::Instant;

use super::call::SentChunk;
use crate::gate::Gate;
use crate::wire::{Connection, LAST_CHUNK, chunk};

/// A step of a scripted answer.
#[derive(Debug, Clone)]
pub enum Step {
    /// A single write of these bytes, unchanged.
    Raw(Bytes),
    /// One chunk of the body.
    Send(Bytes),
    /// The proper end of the body.
    End,
    /// A wait for the gate, or for the caller to disconnect.
    Wait(Gate),
    /// A wait of this duration, or for the caller to disconnect.
    Pause(Duration),
    /// A choice of the steps by the body of the call. Must be the first step.
    Choose(fn(&Value) -> Vec<Step>),
    /// A silent wait for the caller to disconnect.
    Hold,
    /// A chunk that is sent repeatedly, with this pause, until the caller disconnects.
    Forever(Bytes, Duration),
    /// The end of the connection, with FIN.
    Cut,
    /// The end of the connection, with RST.
    Reset,
}

/// Plays an answer; returns the connection if it is still open.
pub(super) async fn play(
    mut connection: Connection,
    steps: Vec<Step>,
    sent: &Mutex<Vec<SentChunk>>,
) -> Result<Option<Connection>> {
    for step in steps {
        match step {
            Step::Raw(bytes) => connection.write(&bytes).await?,
            Step::Send(bytes) => {
                connection.write(&chunk(&bytes)).await?;
                let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                sent.push(SentChunk {
                    at: Instant::now(),
                    bytes,
                });
            }
            Step::End => connection.write(LAST_CHUNK).await?,
            Step::Wait(gate) => {
                tokio::select! {
                    () = gate.pass() => {}
                    () = connection.closed() => bail!("the caller left"),
                }
            }
            Step::Pause(pause) => tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = connection.closed() => bail!("the caller left"),
            },
            Step::Choose(_) => bail!("a choice must be the first step of an answer"),
            Step::Hold => {
                connection.closed().await;
                bail!("the caller left");
            }
            Step::Forever(bytes, pause) => loop {
                connection.write(&chunk(&bytes)).await?;
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = connection.closed() => bail!("the caller left"),
                }
            },
            Step::Cut => return connection.close().await.map(|()| None),
            Step::Reset => return connection.reset().map(|()| None),
        }
    }
    Ok(Some(connection))
}

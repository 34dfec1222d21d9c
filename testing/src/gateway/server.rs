//! The server underneath: reads calls and plays the answers that a face gives. Knows HTTP, not the
//! parts that it sends.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::call::{Call, Ended};
use super::step::{Step, play};
use crate::surrogates;
use crate::wire::Connection;

/// A server on a loopback port. It stops when dropped.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a server that plays what `answer` gives for a call.
    pub(super) async fn start<A>(answer: A) -> Result<Self>
    where
        A: Fn(Call) -> Vec<Step> + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, Arc::new(answer)));
        Ok(Self { address, task })
    }

    /// Returns the value for `AI_GATEWAY_BASE_URL`.
    pub(super) fn base_url(&self) -> String {
        format!("http://{}/v4/ai", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept<A>(listener: TcpListener, answer: Arc<A>)
where
    A: Fn(Call) -> Vec<Step> + Send + Sync + 'static,
{
    let mut number = 0;
    while let Ok((stream, _)) = listener.accept().await {
        let answer = Arc::clone(&answer);
        tokio::spawn(async move {
            if let Ok(connection) = Connection::new(stream) {
                // A caller that disconnects ends the connection with an error: `Call::ended`
                // reports it to the test.
                drop(serve_connection(connection, number, &*answer).await);
            }
        });
        number += 1;
    }
}

async fn serve_connection(
    mut connection: Connection,
    number: usize,
    answer: &(impl Fn(Call) -> Vec<Step> + Sync),
) -> Result<()> {
    while let Some(head) = connection.read_head().await? {
        let raw_body = connection.read_body(&head).await?;
        let (ended, receiver) = watch::channel(None);
        let sent = Arc::default();
        let steps = answer(Call {
            connection: number,
            head,
            body: surrogates::parse(&raw_body).unwrap_or(Value::Null),
            raw_body,
            ended: receiver,
            sent: Arc::clone(&sent),
        });
        let played = play(connection, steps, &sent).await;
        ended.send_replace(Some(if played.is_ok() {
            Ended::Answered
        } else {
            Ended::Left
        }));
        match played? {
            Some(open) => connection = open,
            None => return Ok(()),
        }
    }
    Ok(())
}

//! The two Node processes, with lines of JSON in and out: the original, and the real client that
//! drives both sides.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use acceptance::process::node::{Node, Output};
use acceptance::surrogates;
use acceptance::tools;
use acceptance::wait::within;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Child;
use tokio::sync::{mpsc, watch};

/// Starts a script in the folder of the installed packages.
pub(crate) fn start(script: &str) -> Result<Node> {
    Node::start(&mut Node::command(
        tools::workspace().join("tests/client/parity").join(script),
    ))
}

/// The client's reports on one request so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    /// The number of events that the client has received.
    pub(crate) events: usize,
    /// The client's final report.
    pub(crate) outcome: Option<Arc<Value>>,
}

type Listeners = Arc<Mutex<HashMap<String, watch::Sender<Progress>>>>;

/// The client, which handles many requests concurrently.
#[derive(Debug)]
pub(crate) struct Driver {
    lines: mpsc::UnboundedSender<String>,
    listeners: Listeners,
}

impl Driver {
    /// Starts the client.
    pub(crate) fn start() -> Result<Self> {
        let (process, mut input, output) = start("drive.mjs")?.split();
        let (lines, mut pending_lines) = mpsc::unbounded_channel::<String>();
        let listeners = Listeners::default();
        tokio::spawn(async move {
            while let Some(line) = pending_lines.recv().await {
                if input.write_all(line.as_bytes()).await.is_err() {
                    break;
                }
            }
        });
        tokio::spawn(listen(process, output, Arc::clone(&listeners)));
        Ok(Self { lines, listeners })
    }

    /// Sends a request; `command` is a JSON object with this id.
    pub(crate) fn send(&self, id: &str, command: &str) -> Result<watch::Receiver<Progress>> {
        let (sender, receiver) = watch::channel(Progress::default());
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.to_owned(), sender);
        self.lines.send(format!("{command}\n"))?;
        Ok(receiver)
    }

    /// Closes the connection of a request.
    pub(crate) fn leave(&self, id: &str) -> Result<()> {
        Ok(self.lines.send(format!(
            "{}\n",
            serde_json::json!({"id": id, "leave": true})
        ))?)
    }
}

async fn listen(_process: Child, mut output: Output, listeners: Listeners) {
    while let Ok(Some(line)) = output.next_line().await {
        if let Err(error) = handle_line(&line, &listeners) {
            eprintln!("the client sent an unexpected line: {error:#}: {line:.200}");
        }
    }
    // Dropping the senders notifies the remaining listeners that no more reports will come.
    listeners
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clear();
}

fn handle_line(line: &str, listeners: &Listeners) -> Result<()> {
    let report: Value = surrogates::parse(line.as_bytes())?;
    let id = report["id"].as_str().context("no id")?.to_owned();
    let mut listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(events) = report["seen"].as_u64() {
        let events = usize::try_from(events)?;
        listeners
            .get(&id)
            .context("no such request")?
            .send_modify(|progress| progress.events = events);
        return Ok(());
    }
    let listener = listeners.remove(&id).context("no such request")?;
    listener.send_modify(|progress| progress.outcome = Some(Arc::new(report)));
    Ok(())
}

/// Waits for the end of a request.
pub(crate) async fn outcome(mut progress: watch::Receiver<Progress>) -> Result<Arc<Value>> {
    let progress = within(
        "the end of an answer",
        progress.wait_for(|progress| progress.outcome.is_some()),
    )
    .await;
    let outcome = progress?
        .context("the client has ended")?
        .outcome
        .clone()
        .context("an outcome")?;
    ensure!(
        outcome["failed"].is_null(),
        "the client failed: {}",
        outcome["failed"]
    );
    Ok(outcome)
}

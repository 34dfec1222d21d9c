//! The two Node processes: the original, and the real client that drives both sides. Lines of JSON in and out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use acceptance::node::{Node, Output};
use acceptance::{lone, tools, wait::within};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Child;
use tokio::sync::{mpsc, watch};

/// Starts a script beside the installed packages.
pub(crate) fn start(script: &str) -> Result<Node> {
    Node::start(&mut Node::command(
        tools::workspace().join("tests/client/parity").join(script),
    ))
}

/// What has been heard of one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    /// How many events have come.
    pub(crate) seen: usize,
    /// All that there is to say, at the end.
    pub(crate) outcome: Option<Arc<Value>>,
}

type Listeners = Arc<Mutex<HashMap<String, watch::Sender<Heard>>>>;

/// The client, with many requests at once.
#[derive(Debug)]
pub(crate) struct Driver {
    lines: mpsc::UnboundedSender<String>,
    listeners: Listeners,
}

impl Driver {
    /// Starts the client.
    pub(crate) fn start() -> Result<Self> {
        let (process, mut input, output) = start("drive.mjs")?.split();
        let (lines, mut said) = mpsc::unbounded_channel::<String>();
        let listeners = Listeners::default();
        tokio::spawn(async move {
            while let Some(line) = said.recv().await {
                if input.write_all(line.as_bytes()).await.is_err() {
                    break;
                }
            }
        });
        tokio::spawn(listen(process, output, Arc::clone(&listeners)));
        Ok(Self { lines, listeners })
    }

    /// Sends a request; `command` is a JSON object with this id.
    pub(crate) fn send(&self, id: &str, command: &str) -> Result<watch::Receiver<Heard>> {
        let (sender, receiver) = watch::channel(Heard::default());
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.to_owned(), sender);
        self.lines.send(format!("{command}\n"))?;
        Ok(receiver)
    }

    /// Drops the connection of a request.
    pub(crate) fn leave(&self, id: &str) -> Result<()> {
        Ok(self.lines.send(format!(
            "{}\n",
            serde_json::json!({"id": id, "leave": true})
        ))?)
    }
}

async fn listen(_process: Child, mut output: Output, listeners: Listeners) {
    while let Ok(Some(line)) = output.next_line().await {
        if let Err(error) = note(&line, &listeners) {
            eprintln!("the client said something strange: {error:#}: {line:.200}");
        }
    }
    // Whoever still listens hears that nothing more will come.
    listeners
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clear();
}

fn note(line: &str, listeners: &Listeners) -> Result<()> {
    let said: Value = lone::parse(line.as_bytes())?;
    let id = said["id"].as_str().context("no id")?.to_owned();
    let mut listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(seen) = said["seen"].as_u64() {
        let seen = usize::try_from(seen)?;
        listeners
            .get(&id)
            .context("nobody asked")?
            .send_modify(|heard| heard.seen = seen);
        return Ok(());
    }
    let listener = listeners.remove(&id).context("nobody asked")?;
    listener.send_modify(|heard| heard.outcome = Some(Arc::new(said)));
    Ok(())
}

/// Waits for the end of a request.
pub(crate) async fn outcome(mut heard: watch::Receiver<Heard>) -> Result<Arc<Value>> {
    let heard = within(
        "the end of an answer",
        heard.wait_for(|heard| heard.outcome.is_some()),
    )
    .await;
    let outcome = heard?
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

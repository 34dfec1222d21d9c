//! The output of a process. Knows that log lines are JSON where the process is ours, and checks
//! them for words that must not be logged.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

use crate::wait::{WAIT_TIMEOUT, within, within_limit};

/// Both outputs of a process, line by line, as they arrive.
#[derive(Debug, Clone)]
pub struct Logs {
    lines: Arc<Mutex<Vec<String>>>,
    count: watch::Sender<usize>,
    open: watch::Sender<usize>,
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            lines: Arc::default(),
            count: watch::Sender::new(0),
            open: watch::Sender::new(0),
        }
    }
}

impl Logs {
    /// Reads an output to its end, in a task of its own.
    pub fn follow(&self, output: impl AsyncRead + Send + Unpin + 'static) {
        let logs = self.clone();
        logs.open.send_modify(|open| *open += 1);
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).split(b'\n');
            while let Ok(Some(line)) = lines.next_segment().await {
                logs.push(String::from_utf8_lossy(&line).into_owned());
            }
            logs.open.send_modify(|open| *open -= 1);
        });
    }

    /// Returns all lines once the process has closed its outputs.
    pub async fn complete(&self) -> Result<Vec<String>> {
        within(
            "the end of the output",
            self.open.subscribe().wait_for(|open| *open == 0),
        )
        .await??;
        Ok(self.lines())
    }

    /// Returns all lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits for the first line for which `accept` returns a value.
    pub async fn find<T>(&self, what: &str, accept: impl FnMut(&str) -> Option<T>) -> Result<T> {
        self.find_within(WAIT_TIMEOUT, what, accept).await
    }

    /// Waits for the first line for which `accept` returns a value, with a timeout of its own.
    pub async fn find_within<T>(
        &self,
        limit: Duration,
        what: &str,
        mut accept: impl FnMut(&str) -> Option<T>,
    ) -> Result<T> {
        let mut count = self.count.subscribe();
        let search = async {
            let mut seen = 0;
            loop {
                let printed = *count.borrow_and_update();
                let found = self.lines().iter().skip(seen).find_map(|line| accept(line));
                if let Some(found) = found {
                    return found;
                }
                seen = printed;
                if count.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        within_limit(limit, what, search)
            .await
            .map_err(|error| error.context(self.lines().join("\n")))
    }

    /// Fails if the logs contain a panic or one of `words`.
    pub fn ensure_clean(&self, words: &[String]) -> Result<()> {
        self.ensure_no_panic()?;
        self.ensure_without(words)
    }

    /// Fails if the logs contain a panic.
    pub fn ensure_no_panic(&self) -> Result<()> {
        for line in self.lines() {
            ensure!(!line.contains("panicked at"), "a panic in the log: {line}");
        }
        Ok(())
    }

    /// Fails if the logs contain one of `words`.
    pub fn ensure_without(&self, words: &[String]) -> Result<()> {
        for line in self.lines() {
            for word in words {
                ensure!(
                    !line.contains(word.as_str()),
                    "{word:?} must not be logged, but is in: {line}"
                );
            }
        }
        Ok(())
    }

    fn push(&self, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
        self.count.send_replace(lines.len());
    }
}

/// Returns a field of a JSON log line, at the top level or in `fields`.
pub fn field(line: &str, name: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let value = line.get(name).or_else(|| line.get("fields")?.get(name))?;
    Some(
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned),
    )
}

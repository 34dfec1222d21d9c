//! A call that the gateway received, and how it ended.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::wait::within;
use crate::wire::Head;

/// The end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The end of the script.
    Answered,
    /// A caller that closed the connection before the end of the script.
    Left,
}

/// A call that the gateway received.
#[derive(Debug, Clone)]
pub struct Call {
    /// The number of its connection, counted from 0.
    pub connection: usize,
    /// The request head.
    pub head: Head,
    /// The request body as sent.
    pub raw_body: Bytes,
    /// The request body, with half surrogate pairs as `lone` reads them; `null` if it was not JSON.
    pub body: Value,
    pub(super) ended: watch::Receiver<Option<Ended>>,
    pub(super) sent: Arc<Mutex<Vec<SentChunk>>>,
}

/// A chunk of a body that was sent.
#[derive(Debug, Clone)]
pub struct SentChunk {
    /// The time of the write.
    pub at: Instant,
    /// The content.
    pub bytes: Bytes,
}

impl Call {
    /// Returns the requested model, in either protocol.
    pub fn model(&self) -> Option<&str> {
        self.head
            .header("ai-language-model-id")
            .or_else(|| self.body["model"].as_str())
    }

    /// Waits for the end of the call.
    ///
    /// # Errors
    /// It does not end in time.
    pub async fn ended(&self) -> Result<Ended> {
        let mut ended = self.ended.clone();
        let end = within("the end of a gateway call", ended.wait_for(Option::is_some)).await??;
        end.context("a call ended without an outcome")
    }

    /// Returns the chunks that `Step::Send` has sent so far.
    pub fn sent(&self) -> Vec<SentChunk> {
        self.sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

//! A gate that blocks one side until the test opens it.

use anyhow::Result;
use tokio::sync::watch;

use crate::wait::within;

/// A gate in an answer of the gateway or of the table: that side waits at it, the test opens it.
#[derive(Debug, Clone)]
pub struct Gate {
    reached: watch::Sender<bool>,
    open: watch::Sender<bool>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            reached: watch::Sender::new(false),
            open: watch::Sender::new(false),
        }
    }
}

impl Gate {
    /// Waits until the gate has been reached.
    pub async fn wait_until_reached(&self) -> Result<()> {
        within("the gate to be reached", wait_until_set(&self.reached)).await
    }

    /// Returns `true` once the gate has been reached.
    pub fn is_reached(&self) -> bool {
        *self.reached.borrow()
    }

    /// Opens the gate for good.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Marks the gate as reached and waits until it is open.
    pub async fn pass(&self) {
        self.reached.send_replace(true);
        wait_until_set(&self.open).await;
    }
}

async fn wait_until_set(flag: &watch::Sender<bool>) {
    if flag.subscribe().wait_for(|set| *set).await.is_err() {
        std::future::pending::<()>().await;
    }
}

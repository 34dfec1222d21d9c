//! A door that something comes to and the test opens.

use anyhow::Result;
use tokio::sync::watch;

use crate::wait::within;

/// A door in an answer of the gateway or of the table: that side reaches it, the test opens it.
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
    /// Waits until somebody stands before the gate.
    pub async fn wait_until_reached(&self) -> Result<()> {
        within("somebody to reach the gate", until(&self.reached)).await
    }

    /// Whether anybody has come to the gate.
    pub fn is_reached(&self) -> bool {
        *self.reached.borrow()
    }

    /// Lets everybody through, from now on.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Comes to the gate and waits until it is open.
    pub async fn pass(&self) {
        self.reached.send_replace(true);
        until(&self.open).await;
    }
}

async fn until(flag: &watch::Sender<bool>) {
    if flag.subscribe().wait_for(|set| *set).await.is_err() {
        std::future::pending::<()>().await;
    }
}

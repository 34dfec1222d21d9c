//! Bounded waiting. Knows no event of its own.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep, timeout};

/// The timeout of any single wait in a test. Far longer than expected, because a slow machine must
/// not fail a test.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(120);

/// The timeout of waits that include a compiler run, of this test or of another process.
pub const BUILD_TIMEOUT: Duration = Duration::from_secs(900);

const POLL: Duration = Duration::from_millis(10);

/// Awaits `future`; fails if `what` does not happen within [`WAIT_TIMEOUT`].
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> Result<T> {
    within_limit(WAIT_TIMEOUT, what, future).await
}

/// Awaits `future`; fails if `what` does not happen within `limit`.
pub async fn within_limit<T>(
    limit: Duration,
    what: &str,
    future: impl Future<Output = T>,
) -> Result<T> {
    timeout(limit, future)
        .await
        .with_context(|| format!("gave up waiting for {what}"))
}

/// Polls `question` until it returns a value: for changes without notification, such as the state
/// of another process.
pub async fn poll_until_some<T>(what: &str, mut question: impl FnMut() -> Option<T>) -> Result<T> {
    let end = Instant::now() + WAIT_TIMEOUT;
    loop {
        if let Some(answer) = question() {
            return Ok(answer);
        }
        if Instant::now() > end {
            bail!("gave up waiting for {what}");
        }
        sleep(POLL).await;
    }
}

/// Polls an asynchronous `question` until it succeeds.
pub async fn poll_until_ok<T>(
    what: &str,
    mut question: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let end = Instant::now() + WAIT_TIMEOUT;
    loop {
        match question().await {
            Ok(answer) => return Ok(answer),
            Err(error) if Instant::now() > end => {
                return Err(error.context(format!("gave up waiting for {what}")));
            }
            Err(_) => sleep(POLL).await,
        }
    }
}

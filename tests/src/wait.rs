//! Bounded waiting. Knows no event of its own.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep, timeout};

/// How long anything may take before a test gives up. Far above what is expected: a slow machine must not fail a test.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(120);

/// How long anything may take that has to wait for a compiler first, or for somebody else's.
pub const BUILD_TIMEOUT: Duration = Duration::from_secs(900);

const POLL: Duration = Duration::from_millis(10);

/// Awaits `future`, or says that `what` did not come in time.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> Result<T> {
    within_limit(WAIT_TIMEOUT, what, future).await
}

/// The same with a limit of its own.
pub async fn within_limit<T>(
    limit: Duration,
    what: &str,
    future: impl Future<Output = T>,
) -> Result<T> {
    timeout(limit, future)
        .await
        .with_context(|| format!("gave up waiting for {what}"))
}

/// Asks again and again until `question` has an answer: for what announces itself to nobody, such as another process's state.
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

/// The same for a question that has to be awaited.
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

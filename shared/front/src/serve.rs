//! The two ways of serving: Lambda invocations, which each function handles itself, or plain HTTP.

mod http;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::{BoxError, SettingError, Variables, error_chain};

pub use http::PlainHttp;

/// The number of consecutive failures, each within [`QUICK_FAILURE_WINDOW`] of the previous one,
/// after which the runtime API counts as gone.
const MAX_QUICK_FAILURES: u32 = 5;
const QUICK_FAILURE_WINDOW: Duration = Duration::from_secs(1);

/// The way of serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serve {
    /// Lambda invocations.
    Lambda {
        /// The number of concurrent invocations.
        concurrency: u32,
    },
    /// Plain HTTP at this address.
    Http(SocketAddr),
}

impl Serve {
    /// Reads the way of serving: Lambda if its runtime API is set, plain HTTP otherwise.
    pub(crate) fn read(variables: Variables<'_>) -> Result<Self, SettingError> {
        if variables.text("AWS_LAMBDA_RUNTIME_API").is_some() {
            let concurrency = variables
                .parse("AWS_LAMBDA_MAX_CONCURRENCY", "a whole number")?
                .unwrap_or(1);
            return Ok(Self::Lambda { concurrency });
        }
        let host = variables
            .parse("HOST", "an IP address")?
            .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let port = variables.parse("PORT", "a port number")?.unwrap_or(3000);
        Ok(Self::Http(SocketAddr::new(host, port)))
    }
}

/// Builds the tokio runtime: single-threaded if requests come one at a time, since that starts
/// faster and Lambda gives less than one core.
pub fn runtime(serve: Serve) -> std::io::Result<Runtime> {
    let mut builder = match serve {
        Serve::Lambda { concurrency: 0..=1 } => Builder::new_current_thread(),
        Serve::Lambda { .. } | Serve::Http(_) => Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}

/// Completes on SIGTERM or SIGINT.
pub async fn shutdown_signal() {
    let (terminate, interrupt) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    match (terminate, interrupt) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}

/// Polls for events with `poll` while there is a runtime API.
///
/// The Lambda runtime ends when a poll fails, for example on a connection that the other side has
/// closed after a truncated response. The next poll opens a new connection.
pub async fn run_with_reconnect<F>(poll: impl Fn() -> F) -> Result<(), BoxError>
where
    F: Future<Output = Result<(), BoxError>>,
{
    let mut failures = 0;
    loop {
        let begun = Instant::now();
        let Err(error) = poll().await else {
            return Ok(());
        };
        failures = if begun.elapsed() < QUICK_FAILURE_WINDOW {
            failures + 1
        } else {
            1
        };
        if failures == MAX_QUICK_FAILURES {
            return Err(error);
        }
        tracing::warn!(
            error = error_chain(error.as_ref()),
            "lost the connection to the Runtime API, reconnecting"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn polling_goes_on_until_it_fails_again_and_again() {
        for (pause, polls) in [
            (Duration::ZERO, MAX_QUICK_FAILURES),
            (QUICK_FAILURE_WINDOW, 40),
        ] {
            let polled = Cell::new(0);
            let ended = run_with_reconnect(async || {
                polled.set(polled.get() + 1);
                tokio::time::sleep(pause).await;
                if polled.get() == 40 {
                    Ok(())
                } else {
                    Err("lost".into())
                }
            });
            assert_eq!(
                ended.await.is_ok(),
                pause == QUICK_FAILURE_WINDOW,
                "{pause:?}"
            );
            assert_eq!(polled.get(), polls, "{pause:?}");
        }
    }
}

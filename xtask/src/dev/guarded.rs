//! A program that ends when we do, as the asynchronous part of xtask sees it.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use crate::guard;

/// A running program under its guard; dropped, the program ends.
pub(crate) struct Guarded {
    child: Child,
    /// Out of tokio's reach: its `wait` closes the child's stdin, which would tell the guard that
    /// we are gone.
    lifeline: Option<ChildStdin>,
}

impl Guarded {
    /// Starts a command line made by [`guard::guarded`].
    ///
    /// # Errors
    /// The guard cannot be started.
    pub(crate) fn start(mut command: std::process::Command) -> Result<Self> {
        command.stdin(Stdio::piped());
        let mut child = Command::from(command)
            .spawn()
            .context("the guard process cannot be started")?;
        let lifeline = child.stdin.take();
        Ok(Self { child, lifeline })
    }

    /// Returns the output of the program: returned once, and only if the command piped it.
    pub(crate) fn take_output(&mut self) -> Option<(ChildStdout, ChildStderr)> {
        self.child.stdout.take().zip(self.child.stderr.take())
    }

    /// Waits until the program ends by itself.
    ///
    /// # Errors
    /// The system does not tell.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus> {
        self.child
            .wait()
            .await
            .context("the end of a program cannot be waited for")
    }

    /// Ends the program and waits until it is gone.
    pub(crate) async fn stop(mut self) {
        drop(self.lifeline.take());
        let limit = guard::GRACE + Duration::from_secs(2);
        if tokio::time::timeout(limit, self.child.wait())
            .await
            .is_err()
        {
            let _ = self.child.kill().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    use super::*;

    #[tokio::test]
    async fn giving_up_waiting_does_not_end_the_program() {
        let mut command = std::process::Command::new("cat");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut cat = Guarded::start(command).unwrap();
        let (stdout, _stderr) = cat.take_output().unwrap();
        tokio::select! {
            biased;
            status = cat.ended() => panic!("ended by itself: {status:?}"),
            () = std::future::ready(()) => {}
        }
        cat.lifeline
            .as_mut()
            .unwrap()
            .write_all(b"still here\n")
            .await
            .unwrap();
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await.unwrap();
        assert_eq!(line, "still here\n");
        cat.stop().await;
    }
}

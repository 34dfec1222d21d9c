//! Scripts of this repository under Node, with lines of JSON in and out. Knows the pipe, not the
//! content.

use std::ffi::OsStr;
use std::process::Stdio;

use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::tools;
use crate::wait::within;

/// A running script. It is killed when dropped.
#[derive(Debug)]
pub struct Node {
    process: Child,
    input: ChildStdin,
    output: Output,
}

/// The output of a script, line by line.
pub type Output = Lines<BufReader<ChildStdout>>;

impl Node {
    /// Returns the command that runs `script`, for further arguments and variables.
    pub fn command(script: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(tools::node());
        command
            .arg(script)
            .env("NODE_NO_WARNINGS", "1")
            .kill_on_drop(true);
        command
    }

    /// Starts a command that was made by [`Node::command`].
    pub fn start(command: &mut Command) -> Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node does not start")?;
        let input = process.stdin.take().context("stdin is piped")?;
        let output = BufReader::new(process.stdout.take().context("stdout is piped")?).lines();
        Ok(Self {
            process,
            input,
            output,
        })
    }

    /// Writes one line.
    pub async fn send(&mut self, line: &impl Serialize) -> Result<()> {
        // Node's readline treats these two characters as line ends.
        let line = serde_json::to_string(line)?
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029");
        self.input.write_all((line + "\n").as_bytes()).await?;
        Ok(self.input.flush().await?)
    }

    /// Reads one line.
    pub async fn receive(&mut self) -> Result<String> {
        within("a line of the script", self.output.next_line())
            .await??
            .context("the script has ended")
    }

    /// Writes one line and reads the next.
    pub async fn ask<A: DeserializeOwned>(&mut self, question: &impl Serialize) -> Result<A> {
        self.send(question).await?;
        let answer = self.receive().await?;
        serde_json::from_str(&answer).with_context(|| format!("not from the script: {answer}"))
    }

    /// Returns the process, its input and its output, for simultaneous writing and reading; the
    /// script ends when the process is dropped.
    pub fn split(self) -> (Child, ChildStdin, Output) {
        (self.process, self.input, self.output)
    }
}

//! Our own scripts under Node: lines of JSON in and out. Knows the pipe, and nothing of what is said.

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

/// What a script prints, line by line.
pub type Output = Lines<BufReader<ChildStdout>>;

impl Node {
    /// The command that runs `script`, for arguments and variables.
    pub fn command(script: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(tools::node());
        command
            .arg(script)
            .env("NODE_NO_WARNINGS", "1")
            .kill_on_drop(true);
        command
    }

    /// Starts what [`Node::command`] has begun.
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

    /// Says one line.
    pub async fn send(&mut self, line: &impl Serialize) -> Result<()> {
        // To Node these two end a line.
        let line = serde_json::to_string(line)?
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029");
        self.input.write_all((line + "\n").as_bytes()).await?;
        Ok(self.input.flush().await?)
    }

    /// Hears one line.
    pub async fn receive(&mut self) -> Result<String> {
        within("a word of the script", self.output.next_line())
            .await??
            .context("the script has ended")
    }

    /// Says one line and hears the next.
    pub async fn ask<A: DeserializeOwned>(&mut self, question: &impl Serialize) -> Result<A> {
        self.send(question).await?;
        let answer = self.receive().await?;
        serde_json::from_str(&answer).with_context(|| format!("not from the script: {answer}"))
    }

    /// Both ends by themselves, for who says and hears at the same time; the script ends with the first of them.
    pub fn split(self) -> (Child, ChildStdin, Output) {
        (self.process, self.input, self.output)
    }
}

//! What the function and its emulator write: kept in a file, shown on the terminal, and watched for the one line that
//! tells of the function's death, since the emulator neither restarts it nor answers any more.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

use crate::command;

/// How `cargo lambda watch` says that it starts the function.
const BIRTH: &str = "starting lambda function instance";
/// How `cargo lambda watch` says that the function's process is gone.
const DEATH: &str = "command exited";

/// The log of one run.
pub(crate) struct FunctionLog {
    path: PathBuf,
    file: Arc<Mutex<File>>,
    died: watch::Sender<bool>,
    quiet: bool,
}

impl FunctionLog {
    /// Begins an empty log file. Unless `quiet`, lines are shown on stderr too.
    ///
    /// # Errors
    /// The file cannot be made.
    pub(crate) fn begin(path: &Path, quiet: bool) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(Mutex::new(file)),
            died: watch::Sender::new(false),
            quiet,
        })
    }

    /// Takes in everything that comes from `source` until it ends.
    pub(crate) fn follow(&self, source: impl AsyncRead + Unpin + Send + 'static) {
        let (file, died, quiet) = (Arc::clone(&self.file), self.died.clone(), self.quiet);
        tokio::spawn(async move {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while let Ok(1..) = source.read_until(b'\n', &mut line).await {
                keep(&file, &line, quiet);
                if String::from_utf8_lossy(&line).contains(DEATH) {
                    died.send_replace(true);
                }
                line.clear();
            }
        });
    }

    /// Waits until a line tells that the function's process is gone.
    pub(crate) async fn death(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.died.subscribe().wait_for(|died| *died).await;
    }

    /// Where it is kept.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The last lines, for an error message.
    pub(crate) fn tail(&self) -> String {
        command::last_lines(&std::fs::read_to_string(&self.path).unwrap_or_default())
    }
}

/// Whether the emulator whose log this is has begun to start the function.
pub(crate) fn tells_of_a_start(log: &Path) -> bool {
    std::fs::read_to_string(log).is_ok_and(|log| log.contains(BIRTH))
}

fn keep(file: &Mutex<File>, line: &[u8], quiet: bool) {
    if let Ok(mut file) = file.lock() {
        // A full disk must not end the function.
        let _ = file.write_all(line);
    }
    if !quiet {
        let _ = std::io::stderr().write_all(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_death_of_the_function_is_noticed_and_quoted() {
        let path = std::env::temp_dir().join(format!("xtask-log-{}", std::process::id()));
        let log = FunctionLog::begin(&path, true).unwrap();
        log.follow(&b"starting\nERROR command exited code=7\n"[..]);
        log.death().await;
        assert!(!tells_of_a_start(log.path()));
        assert!(log.tail().ends_with("ERROR command exited code=7"), "{}", log.tail());
        std::fs::remove_file(path).unwrap();
    }
}

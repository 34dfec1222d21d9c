//! The output of the function and its emulator: kept in a file, shown on the terminal, and watched
//! for the one line that tells of the function's death, since the emulator neither restarts it nor
//! answers any more.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

use crate::command;

/// The text with which `cargo lambda watch` reports that it starts the function.
const BIRTH: &str = "starting lambda function instance";
/// The text with which `cargo lambda watch` reports that the function's process is gone.
const DEATH: &str = "command exited";

/// Lines that the emulator's own cargo prints at each start and that help no reader.
const ROUTINE: [&str; 4] = [
    "Blocking waiting for file lock",
    "Finished `dev` profile",
    "Running `target/",
    "`target/debug/",
];

/// The log of one run.
pub(crate) struct FunctionLog {
    path: PathBuf,
    file: Arc<Mutex<File>>,
    died: watch::Sender<bool>,
    shown: Arc<AtomicBool>,
}

impl FunctionLog {
    /// Begins an empty log file, which alone takes the lines until [`FunctionLog::show`].
    ///
    /// # Errors
    /// The file cannot be made.
    pub(crate) fn begin(path: &Path) -> Result<Self> {
        let file =
            File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(Mutex::new(file)),
            died: watch::Sender::new(false),
            shown: Arc::default(),
        })
    }

    /// Shows what comes from now on on stderr too, or does so no longer.
    pub(crate) fn show(&self, shown: bool) {
        self.shown.store(shown, Ordering::Relaxed);
    }

    /// Takes in everything that comes from `source` until it ends.
    pub(crate) fn follow(&self, source: impl AsyncRead + Unpin + Send + 'static) {
        let (file, died, shown) = (
            Arc::clone(&self.file),
            self.died.clone(),
            Arc::clone(&self.shown),
        );
        tokio::spawn(async move {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while let Ok(1..) = source.read_until(b'\n', &mut line).await {
                keep(&file, &line);
                let text = String::from_utf8_lossy(&line);
                if shown.load(Ordering::Relaxed) && !is_routine(&text) {
                    let _ = std::io::stderr().write_all(&line);
                }
                if text.contains(DEATH) {
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

    /// Returns the file that it is kept in.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the last lines, for an error message.
    pub(crate) fn tail(&self) -> String {
        command::last_lines(&std::fs::read_to_string(&self.path).unwrap_or_default())
    }
}

/// Returns true once the emulator has begun to start the function.
pub(crate) fn tells_of_a_start(log: &Path) -> bool {
    std::fs::read_to_string(log).is_ok_and(|log| log.contains(BIRTH))
}

/// Returns true for a line without news. Several programs write at once and into each other's
/// lines, so the words may be anywhere in it.
fn is_routine(line: &str) -> bool {
    !line.starts_with('{') && ROUTINE.iter().any(|words| line.contains(words))
}

fn keep(file: &Mutex<File>, line: &[u8]) {
    if let Ok(mut file) = file.lock() {
        // A full disk must not end the function.
        let _ = file.write_all(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_death_of_the_function_is_noticed_and_quoted() {
        let path = std::env::temp_dir().join(format!("xtask-log-{}", std::process::id()));
        let log = FunctionLog::begin(&path).unwrap();
        log.follow(&b"starting\nERROR command exited code=7\n"[..]);
        log.death().await;
        assert!(!tells_of_a_start(log.path()));
        assert!(
            log.tail().ends_with("ERROR command exited code=7"),
            "{}",
            log.tail()
        );
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn only_what_cargo_says_each_time_is_kept_from_the_terminal() {
        for line in [
            "    Blocking waiting for file lock on package cache\n",
            "    Finished `dev` profile [unoptimized + debuginfo] target(s) in 0.30s\n",
            "     Running `target/debug/chat`\n",
            "     Running    Blocking waiting for file lock on artifact directory\n",
            " `target/debug/chat`\n",
        ] {
            assert!(is_routine(line), "{line}");
        }
        for line in [
            "error: could not compile `chat`\n",
            "{\"message\":\"Running `target/debug/x`\"}\n",
            " INFO Running\n",
        ] {
            assert!(!is_routine(line), "{line}");
        }
    }
}

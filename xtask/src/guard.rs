//! A process of our own between us and a program we started. It ends the program, and all that the
//! program started, as soon as we are gone, whichever way we went: its stdin is a pipe whose other
//! end only we hold.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};

/// The hidden command that makes this program such a guard.
pub(crate) const COMMAND: &str = "guard";

/// The time that the program has for an orderly end.
pub(crate) const GRACE: Duration = Duration::from_secs(8);

/// Returns the command line that runs a program under a guard. The caller pipes stdin and keeps it
/// open.
///
/// # Errors
/// The path of the running xtask is not known.
pub(crate) fn guarded(program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
    let mut command = Command::new(own_program()?);
    // A group of its own: Ctrl-C in the terminal reaches us alone, and we end the rest in order.
    command
        .arg0("xtask")
        .arg(COMMAND)
        .arg(program)
        .process_group(0);
    Ok(command)
}

/// Returns our own program. A build may have replaced its file; Linux still knows it then.
fn own_program() -> Result<PathBuf> {
    let linux = Path::new("/proc/self/exe");
    if linux.exists() {
        return Ok(linux.to_owned());
    }
    std::env::current_exe().context("the path of xtask itself is not known")
}

/// Runs the program that the arguments name until it ends by itself or stdin does.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let (program, rest) = arguments
        .split_first()
        .context("guard needs a program to run")?;
    let mut command = Command::new(program);
    command
        .args(rest)
        .stdin(std::process::Stdio::null())
        .process_group(0);
    let mut child = command
        .spawn()
        .with_context(|| format!("`{program}` cannot be started"))?;
    let abandoned = watch_stdin();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(ExitCode::from(
                u8::try_from(status.code().unwrap_or(1)).unwrap_or(1),
            ));
        }
        if abandoned.recv_timeout(Duration::from_millis(50)).is_ok() {
            end(&mut child)?;
            return Ok(ExitCode::SUCCESS);
        }
    }
}

fn watch_stdin() -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut ignored = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut ignored);
        let _ = sender.send(());
    });
    receiver
}

fn end(child: &mut Child) -> Result<()> {
    signal_group(child, Signal::INT);
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline && child.try_wait()?.is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    // Whatever did not listen, the program itself or something it started.
    signal_group(child, Signal::KILL);
    child.wait()?;
    Ok(())
}

fn signal_group(child: &Child, signal: Signal) {
    // An error means that the group has no process left, which is what is wanted.
    let _ = kill_process_group(Pid::from_child(child), signal);
}

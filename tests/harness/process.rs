//! A process that a test started: its output, its signals, its memory, its sockets. It never
//! outlives the test.

pub mod binary;
pub mod logs;
pub mod node;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Signal, kill_process, pidfd_getfd, pidfd_open,
};
use tokio::process::{Child, Command};

use crate::process::binary::is_for_tools;
use crate::process::logs::Logs;
use crate::wait::within;

/// The environment variables of a process.
pub type Variables = BTreeMap<String, String>;

/// A running process. It stays in the process group of the tests, so that Ctrl-C ends it with them.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pid: Pid,
    /// Its output so far.
    pub logs: Logs,
    /// A flag for development tools, which end their children only when they receive SIGINT.
    needs_sigint: bool,
}

impl Process {
    /// Starts a program with exactly these environment variables.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: &[A],
        variables: &Variables,
    ) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(variables);
        Self::spawn(command, false)
    }

    /// Starts a development tool: it also inherits the tester's variables, and receives SIGINT
    /// before it is killed.
    pub fn start_tool<A: AsRef<OsStr>>(
        program: &Path,
        arguments: &[A],
        variables: &Variables,
    ) -> Result<Self> {
        let mut command = Command::new(program);
        let inherited =
            std::env::vars_os().filter(|(name, _)| is_for_tools(&name.to_string_lossy()));
        command
            .args(arguments)
            .env_clear()
            .envs(inherited)
            .envs(variables);
        command.current_dir(crate::tools::workspace());
        Self::spawn(command, true)
    }

    fn spawn(mut command: Command, needs_sigint: bool) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let program = command.as_std().get_program().to_owned();
        let mut child = command
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        let logs = Logs::default();
        logs.follow(child.stdout.take().context("stdout is piped")?);
        logs.follow(child.stderr.take().context("stderr is piped")?);
        let pid = child
            .id()
            .and_then(|id| Pid::from_raw(id.try_into().ok()?))
            .context("a process has an id")?;
        Ok(Self {
            child,
            pid,
            logs,
            needs_sigint,
        })
    }

    /// Returns the process's id.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends a signal to this process only.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(self.pid, signal)?)
    }

    /// Waits for the process to end.
    pub async fn exit(&mut self) -> Result<ExitStatus> {
        Ok(within("the process to end", self.child.wait()).await??)
    }

    /// Returns `true` if the process has not ended yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills the process.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(within("the process to be killed", self.child.kill()).await??)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.needs_sigint {
            // It may have ended by itself.
            drop(self.signal(Signal::INT));
            let end = Instant::now() + Duration::from_secs(10);
            while self.is_running() && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        // It may have ended by now.
        drop(self.child.start_kill());
    }
}

/// Returns the resident memory of a process in bytes.
pub fn resident_bytes(pid: Pid) -> Result<u64> {
    status_bytes(pid, "VmRSS")
}

/// Returns the most memory that a process has had resident since it began to run its program, in
/// bytes.
pub fn peak_resident_bytes(pid: Pid) -> Result<u64> {
    status_bytes(pid, "VmHWM")
}

/// Returns how much of a process's resident memory is files that it has mapped, its program above
/// all, in bytes.
pub fn resident_file_bytes(pid: Pid) -> Result<u64> {
    status_bytes(pid, "RssFile")
}

fn status_bytes(pid: Pid, field: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()))?;
    let mut lines = status.lines();
    let value = lines.find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let value = value.with_context(|| format!("no {field}"))?;
    let kilobytes: u64 = value.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}

/// Duplicates the sockets of a process that are connected to `address`.
pub fn sockets_to(pid: Pid, address: SocketAddr) -> Result<Vec<OwnedFd>> {
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let mut sockets = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()))?.flatten() {
        let is_socket = std::fs::read_link(entry.path())
            .is_ok_and(|to| to.to_string_lossy().starts_with("socket:"));
        let Some(number) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        if !is_socket {
            continue;
        }
        let socket = pidfd_getfd(&process, number, PidfdGetfdFlags::empty())?;
        let peer = rustix::net::getpeername(&socket).ok().flatten();
        if peer.and_then(|peer| SocketAddr::try_from(peer).ok()) == Some(address) {
            sockets.push(socket);
        }
    }
    Ok(sockets)
}

/// A live process, distinguishable from a later one with the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveProcess {
    /// Its id.
    pub pid: i32,
    /// Its command line.
    pub command: String,
    parent: i32,
    started: String,
}

/// Returns every live process, without zombies.
pub fn live_processes() -> Vec<LiveProcess> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| read_live_process(&process.path()))
        .collect()
}

fn read_live_process(folder: &Path) -> Option<LiveProcess> {
    let pid = folder.file_name()?.to_str()?.parse().ok()?;
    let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
    // After the name, which may contain anything: the state, the parent, and 19 fields later the
    // start time (proc(5)).
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let command =
        String::from_utf8_lossy(&std::fs::read(folder.join("cmdline")).ok()?).replace('\0', " ");
    let is_alive = !matches!(*fields.first()?, "Z" | "X");
    is_alive.then_some(LiveProcess {
        pid,
        command,
        parent: fields.get(1)?.parse().ok()?,
        started: (*fields.get(19)?).to_owned(),
    })
}

/// Returns the children of a process, their children, and so on.
pub fn descendants(pid: Pid) -> Vec<LiveProcess> {
    let all = live_processes();
    let mut family = vec![pid.as_raw_nonzero().get()];
    let mut found = Vec::new();
    while let Some(parent) = family.pop() {
        for child in all.iter().filter(|process| process.parent == parent) {
            family.push(child.pid);
            found.push(child.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn output_and_exit_status_of_a_process_are_recorded() {
        let variables = Variables::from([("WORD".to_owned(), "sesame".to_owned())]);
        let script = ["-c", "echo $WORD; echo below >&2; exit 3"];
        let mut process = Process::start(Path::new("/bin/sh"), &script, &variables).unwrap();
        process
            .logs
            .find("stdout", |line| (line == "sesame").then_some(()))
            .await
            .unwrap();
        process
            .logs
            .find("stderr", |line| (line == "below").then_some(()))
            .await
            .unwrap();
        assert_eq!(process.exit().await.unwrap().code(), Some(3));
        assert!(process.logs.ensure_clean(&["sesame".to_owned()]).is_err());
        assert!(process.logs.ensure_clean(&["open".to_owned()]).is_ok());
    }

    #[test]
    fn the_peak_of_a_process_stays_when_its_memory_is_freed() {
        let pid = rustix::process::getpid();
        let (before, size) = (resident_bytes(pid).unwrap(), 64 * 1024 * 1024);
        drop(std::hint::black_box(vec![1_u8; size]));
        let now = resident_bytes(pid).unwrap();
        let peak = peak_resident_bytes(pid).unwrap();
        // Other tests of this process take and free memory meanwhile.
        let least = size as u64 / 2;
        assert!(peak >= before + least, "before {before}, peak {peak}");
        assert!(peak >= now + least, "now {now}, peak {peak}");
        assert!((1..peak).contains(&resident_file_bytes(pid).unwrap()));
    }

    #[tokio::test]
    async fn a_dropped_process_is_killed() {
        let process = Process::start(
            Path::new("/bin/sh"),
            &["-c", "echo up; sleep 97"],
            &Variables::new(),
        )
        .unwrap();
        process
            .logs
            .find("the start", |line| (line == "up").then_some(()))
            .await
            .unwrap();
        let children = || Some(descendants(process.pid())).filter(|children| children.len() == 1);
        let child = crate::wait::poll_until_some("the child", children)
            .await
            .unwrap()
            .remove(0);
        let own = live_processes()
            .into_iter()
            .find(|one| one.pid == process.pid().as_raw_nonzero().get())
            .unwrap();
        drop(process);
        let gone = || (!live_processes().contains(&own)).then_some(());
        crate::wait::poll_until_some("the process to be gone", gone)
            .await
            .unwrap();
        kill_process(Pid::from_raw(child.pid).unwrap(), Signal::KILL).unwrap();
    }
}

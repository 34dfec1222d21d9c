//! The option `TCP_NODELAY` on the connection to the Lambda runtime API.
//!
//! The runtime's HTTP client leaves Nagle's algorithm on and cannot be configured. A streamed
//! response begins with several small writes, and Nagle's algorithm holds the second back until the
//! first is acknowledged, which the other side delays by 40 ms. So the option is set from outside,
//! on all TCP sockets of the process.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::{Mutex, Once, PoisonError};

use rustix::fd::OwnedFd;
use rustix::io::{Errno, Result};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// Sets the option on all TCP sockets that have been opened since the last call.
///
/// Where the kernel does not let a process duplicate its own descriptors (`pidfd_getfd`, Linux
/// 5.6), changes nothing and logs this once.
pub(super) fn set_on_new_sockets() {
    static REPORTED: Once = Once::new();
    static KNOWN: Mutex<BTreeSet<OsString>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let open = sockets();
    let new = open
        .iter()
        .filter(|(name, _)| !known.contains(*name))
        .map(|(_, number)| *number);
    if let Err(error) = set(new) {
        REPORTED.call_once(
            || tracing::info!(%error, "failed to set TCP_NODELAY, first bytes may be 40 ms late"),
        );
    }
    *known = open.into_keys().collect();
}

fn set(numbers: impl Iterator<Item = i32>) -> Result<()> {
    let process = pidfd_open(getpid(), PidfdFlags::empty())?;
    for number in numbers {
        let socket: OwnedFd = match pidfd_getfd(&process, number, PidfdGetfdFlags::empty()) {
            Err(Errno::BADF) => continue, // closed by now
            socket => socket?,
        };
        // Refused by sockets that are not TCP, which do not need it.
        let _ = rustix::net::sockopt::set_tcp_nodelay(&socket, true);
    }
    Ok(())
}

/// Returns the process's sockets: the kernel's name of each, which is unique at any time, and its
/// descriptor.
fn sockets() -> BTreeMap<OsString, i32> {
    let entries = std::fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten();
    let named = entries.filter_map(|entry| {
        let target = std::fs::read_link(entry.path()).ok()?.into_os_string();
        let number = entry.file_name().to_str()?.parse().ok()?;
        target
            .as_encoded_bytes()
            .starts_with(b"socket:")
            .then_some((target, number))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn sockets_that_others_opened_lose_their_delay() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(!stream.nodelay().unwrap(), "the system's default");
        set_on_new_sockets();
        assert!(stream.nodelay().unwrap());

        let later = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        set_on_new_sockets();
        assert!(later.nodelay().unwrap());
    }
}

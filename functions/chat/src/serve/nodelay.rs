//! TCP_NODELAY on the connection to the Lambda runtime API.
//!
//! The runtime's HTTP client leaves Nagle's algorithm on and cannot be configured. A streamed response begins with
//! several small writes, and Nagle's algorithm holds the second back until the first is acknowledged, which the
//! other side delays by 40 ms. So the option is set from outside, on whatever TCP sockets the process has.

use std::path::Path;
use std::sync::Once;

use rustix::fd::OwnedFd;
use rustix::io::Result;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// Sets the option on all TCP sockets that are open now. Costs about 60 µs with a handful of sockets.
///
/// Where the kernel does not let a process duplicate its own descriptors (`pidfd_getfd`, Linux 5.6), nothing
/// changes, and the log says so once.
pub(super) fn set_on_all_sockets() {
    static REPORTED: Once = Once::new();
    if let Err(error) = try_set() {
        REPORTED.call_once(|| tracing::info!(%error, "first bytes may be late: TCP_NODELAY cannot be set"));
    }
}

fn try_set() -> Result<()> {
    let process = pidfd_open(getpid(), PidfdFlags::empty())?;
    for number in sockets() {
        let socket: OwnedFd = pidfd_getfd(&process, number, PidfdGetfdFlags::empty())?;
        // Refused by sockets that are not TCP, which need it as little as one that is gone by now.
        let _ = rustix::net::sockopt::set_tcp_nodelay(&socket, true);
    }
    Ok(())
}

/// Descriptors of sockets, by number.
fn sockets() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    entries
        .filter(|entry| is_socket(&entry.path()))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn is_socket(link: &Path) -> bool {
    std::fs::read_link(link).is_ok_and(|target| target.as_os_str().as_encoded_bytes().starts_with(b"socket:"))
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
        try_set().unwrap();
        assert!(stream.nodelay().unwrap());
    }
}

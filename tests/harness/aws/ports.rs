//! Loopback ports of programs that cannot choose their own.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use tokio::net::{TcpListener, TcpStream};

use crate::process::Process;
use crate::wait::poll_until_some;

/// Returns a port that was free a moment ago.
pub(super) async fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}

/// Waits until `address` accepts connections.
pub(super) async fn wait_until_listening(process: &mut Process, address: SocketAddr) -> Result<()> {
    let refused = |process: &mut Process| {
        ensure!(
            process.is_running(),
            "ended before it listened: {:?}",
            process.logs.lines()
        );
        Ok(std::net::TcpStream::connect(address).is_err())
    };
    poll_until_some("a listener on the address", || match refused(process) {
        Ok(true) => None,
        other => Some(other),
    })
    .await??;
    TcpStream::connect(address).await?;
    Ok(())
}

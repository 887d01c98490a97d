//! What systemd does for a server: opens its sockets before it starts, and waits until it is ready.

use super::Listener;
use listenfd::ListenFd;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use tokio::net::{TcpListener, UnixListener};

/// The sockets that were opened for this process.
///
/// # Errors
/// There is none, or one that is no listening socket.
pub(super) fn sockets() -> io::Result<Vec<Listener>> {
    let mut given = ListenFd::from_env();
    let mut all = Vec::new();
    for at in 0..given.len() {
        // Asked for the wrong kind, it says so and keeps the socket.
        if let Ok(Some(socket)) = given.take_unix_listener(at) {
            socket.set_nonblocking(true)?;
            all.push(Listener::Unix(UnixListener::from_std(socket)?));
        } else if let Some(socket) = given.take_tcp_listener(at)? {
            if !socket.local_addr()?.ip().is_loopback() {
                return Err(io::Error::other("a port that others can reach: whoever reaches the engine is root"));
            }
            socket.set_nonblocking(true)?;
            all.push(Listener::Tcp(TcpListener::from_std(socket)?));
        }
    }
    if all.is_empty() {
        Err(io::Error::other("no sockets found via socket activation: make sure the service was started by systemd"))
    } else {
        Ok(all)
    }
}

/// Tells systemd how this process is (sd_notify(3)); without systemd, nobody.
pub(super) fn tell(state: &str) {
    let Some(place) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let place = place.as_encoded_bytes();
    let address = match place.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(std::ffi::OsStr::new(&*String::from_utf8_lossy(place))),
    };
    // Whoever asked for the message and cannot be reached learns it from the time limit of the unit.
    let _ = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
}

//! Published ports, the host's end: a small process for each holds the port and serves those who ask over loopback.
//!
//! Packets from elsewhere are rewritten by [`crate::firewall`] and never come here. The port is bound all the same, so that it
//! is taken for every other program; it is bound by the caller, so that a taken one is an error before anything starts, and handed to
//! the process as its descriptor 3. The process dies with whoever published the port.

mod tcp;
mod udp;

use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::kernel::Protocol;
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most connections, or clients of a datagram port, at once. Further ones wait.
const MOST: usize = 512;

/// Where the process finds the port.
const PORT: RawFd = 3;

/// The processes that hold ports, by the owner of the rule that published them.
#[derive(Debug, Default)]
pub struct Proxies {
    running: Mutex<BTreeMap<String, Vec<Holder>>>,
}

/// A process that is ended when this is dropped.
#[derive(Debug)]
struct Holder {
    child: Child,
    address: String,
}

impl Drop for Holder {
    fn drop(&mut self) {
        // It may have ended by itself, and a supervisor that reaps all its children may have reaped it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Proxies {
    /// Takes a port of the host and serves it by connecting to `to`. The same twice is no error.
    pub fn add(&self, owner: &str, protocol: Protocol, host: SocketAddr, to: SocketAddr) -> Result<()> {
        let address = format!("{host}/{}", name(protocol));
        let mut running = self.running();
        if running.get(owner).is_some_and(|all| all.iter().any(|h| h.address == address)) {
            return Ok(());
        }
        let port = match protocol {
            Protocol::Tcp => TcpListener::bind(host).map(OwnedFd::from),
            Protocol::Udp => UdpSocket::bind(host).map(OwnedFd::from),
            // Loopback clients are told "connection refused"; the rest of the world is served by the packet filter alone.
            Protocol::Sctp => return Ok(()),
        };
        let port = port.map_err(|e| taken(protocol, host, to, e))?;
        let child = start(&port, protocol, to).map_err(|e| step("start the port proxy", address.as_str(), e))?;
        running.entry(owner.to_owned()).or_default().push(Holder { child, address });
        Ok(())
    }

    /// Gives every port of an owner back. None is no error.
    pub fn remove(&self, owner: &str) {
        drop(self.running().remove(owner));
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Holder>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    }
}

/// A port that cannot be bound, in the words of Docker.
fn taken(protocol: Protocol, host: SocketAddr, to: SocketAddr, error: io::Error) -> Error {
    let what = format!("failed to bind host port for {host}:{to}/{}", name(protocol));
    let reason = match error.raw_os_error() {
        Some(libc::EADDRINUSE) => "address already in use",
        Some(libc::EADDRNOTAVAIL) => "cannot assign requested address",
        Some(libc::EACCES) => "permission denied",
        _ => return step("bind", host.to_string(), error),
    };
    let kind = if error.raw_os_error() == Some(libc::EACCES) { ErrorKind::Denied } else { ErrorKind::Conflict };
    Error::new(kind, format!("{what}: {reason}")).op("bind").subject(host.to_string())
}

fn start(port: &OwnedFd, protocol: Protocol, to: SocketAddr) -> io::Result<Child> {
    let raw = port.as_raw_fd();
    let mut command = Command::new("/proc/self/exe");
    command.arg0("drydock").args(["proxy", name(protocol), &to.to_string(), &std::process::id().to_string()]);
    command.current_dir("/").env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: between fork and exec only dup2(2), fcntl(2) and prctl(2) are called, which are async-signal-safe
    // (signal-safety(7)), on a descriptor that `port` keeps open across the fork.
    unsafe {
        command.pre_exec(move || {
            // dup2(2) onto itself would keep close-on-exec.
            let result = if raw == PORT { libc::fcntl(raw, libc::F_SETFD, 0) } else { libc::dup2(raw, PORT) };
            if result < 0 || libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        });
    }
    command.spawn()
}

/// The process itself: the hidden command `proxy PROTOCOL ADDRESS:PORT PARENT`. Returns an exit code when it cannot serve.
pub fn main(arguments: &[String]) -> i32 {
    let [protocol, to, parent] = arguments else { return 125 };
    let (Ok(to), Ok(parent)) = (to.parse::<SocketAddr>(), parent.parse::<i32>()) else { return 125 };
    if give_up_rights().is_err() || rustix::process::getppid().is_none_or(|p| p.as_raw_nonzero().get() != parent) {
        return 1;
    }
    // SAFETY: descriptor 3 is the port that `start` put there for this process, and nothing else here owns it.
    let port = unsafe { OwnedFd::from_raw_fd(PORT) };
    match protocol.as_str() {
        "tcp" => tcp::serve(&TcpListener::from(port), to),
        "udp" => udp::serve(&UdpSocket::from(port), to),
        _ => return 125,
    }
    1
}

/// The port is bound, so nothing that root may do is needed any more: nobody's user and group, no capability, none to be had.
fn give_up_rights() -> io::Result<()> {
    use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};
    const NOBODY: u32 = 65534;
    if geteuid().is_root() {
        setgroups(&[])?;
        setresgid(Gid::from_raw(NOBODY), Gid::from_raw(NOBODY), Gid::from_raw(NOBODY))?;
        setresuid(Uid::from_raw(NOBODY), Uid::from_raw(NOBODY), Uid::from_raw(NOBODY))?;
    }
    nix::sys::prctl::set_no_new_privs()?;
    // A change of user takes this back (PR_SET_PDEATHSIG(2const)); the caller looks afterwards whether its parent is still there.
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    Ok(())
}

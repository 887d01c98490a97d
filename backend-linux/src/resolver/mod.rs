//! Names of containers: a small process for each container that has names to ask for answers DNS at 127.0.0.11 inside its network
//! namespace.
//!
//! The two sockets are made in that namespace by the caller, and handed to the process as its descriptors 3 (UDP) and 4 (TCP); the process
//! itself stays in the host's, where it reads the records and asks the servers of the world. A supervisor has one thread, because it
//! forks, so this is a process of its own. It dies with the supervisor.

mod serve;

use crate::error::step;
use crate::link;
use drydock_core::error::Result;
use drydock_core::kernel::Process;
use drydock_core::network::dns;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where the process finds its sockets.
const SOCKETS: [RawFd; 2] = [3, 4];

/// The processes that answer, by their containers.
#[derive(Debug, Default)]
pub struct Resolvers {
    running: Mutex<BTreeMap<String, Resolver>>,
}

/// A process that is ended when this is dropped.
#[derive(Debug)]
struct Resolver(Child);

impl Drop for Resolver {
    fn drop(&mut self) {
        // It may have ended by itself, and a supervisor that reaps all its children may have reaped it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Resolvers {
    /// Answers from now on in the network namespace of this process, and nowhere else for this container.
    pub fn serve(&self, container: &str, servers: &[IpAddr], child: &Process, data_root: &str) -> Result<()> {
        // The port must be free before it can be taken again.
        self.stop(container);
        let address = SocketAddr::from((dns::ADDRESS, 53));
        let failed = |e: io::Error| step("bind", address.to_string(), e);
        let (udp, tcp) = link::inside(Some(child), || Ok((UdpSocket::bind(address)?, TcpListener::bind(address)?)))?.map_err(failed)?;
        let process =
            start([udp.into(), tcp.into()], container, servers, data_root).map_err(|e| step("start the name server", container, e))?;
        self.running().insert(container.to_owned(), Resolver(process));
        Ok(())
    }

    /// Answers no more. Nobody there is no error.
    pub fn stop(&self, container: &str) {
        drop(self.running().remove(container));
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<String, Resolver>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start(sockets: [OwnedFd; 2], container: &str, servers: &[IpAddr], data_root: &str) -> io::Result<Child> {
    // Above both numbers they go to, so that putting one in place does not close the other.
    let [udp, tcp] = sockets.map(|socket| nix::fcntl::fcntl(socket, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(SOCKETS[1] + 1)));
    let (udp, tcp) = (udp?, tcp?);
    // SAFETY: fcntl(2) has just made both descriptors, and nothing else owns them.
    let (udp, tcp) = unsafe { (OwnedFd::from_raw_fd(udp), OwnedFd::from_raw_fd(tcp)) };
    let raw = [udp.as_raw_fd(), tcp.as_raw_fd()];
    let mut command = Command::new("/proc/self/exe");
    command.arg0("drydock").args(["names", container, data_root, &std::process::id().to_string()]);
    command.args(servers.iter().map(IpAddr::to_string));
    command.current_dir("/").env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: between fork and exec only dup2(2) and prctl(2) are called, which are async-signal-safe (signal-safety(7)), on descriptors
    // that `udp` and `tcp` keep open across the fork.
    unsafe {
        command.pre_exec(move || {
            for (from, to) in raw.into_iter().zip(SOCKETS) {
                if libc::dup2(from, to) < 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        });
    }
    command.spawn()
}

/// The process itself: the hidden command `names CONTAINER DATA_ROOT PARENT SERVER…`. Returns an exit code when it cannot serve.
pub fn main(arguments: &[String]) -> i32 {
    let [container, data_root, parent, servers @ ..] = arguments else { return 125 };
    let Ok(parent) = parent.parse::<i32>() else { return 125 };
    if rustix::process::getppid().is_none_or(|p| p.as_raw_nonzero().get() != parent) {
        return 1;
    }
    // SAFETY: descriptors 3 and 4 are the sockets that `start` put there for this process, and nothing else here owns them.
    let (udp, tcp) = unsafe { (OwnedFd::from_raw_fd(SOCKETS[0]), OwnedFd::from_raw_fd(SOCKETS[1])) };
    let servers = servers.iter().filter_map(|s| s.parse().ok()).collect();
    i32::from(serve::serve(UdpSocket::from(udp), TcpListener::from(tcp), container, data_root, servers).is_err())
}

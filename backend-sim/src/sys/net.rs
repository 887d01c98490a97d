//! Sockets and echo requests, as system calls.

use super::*;

impl Sys {
    /// socket(2)
    pub fn socket(&self, domain: Domain, kind: SocketKind) -> Res<Fd> {
        Err(Errno::ENOSYS)
    }

    /// bind(2). Port 0 is one of the kernel's choosing.
    pub fn bind(&self, fd: Fd, address: &Address) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// listen(2)
    pub fn listen(&self, fd: Fd, backlog: u32) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// accept(2): waits for a connection.
    pub async fn accept(&self, fd: Fd) -> Res<(Fd, Address)> {
        Err(Errno::ENOSYS)
    }

    /// connect(2): waits until connected, refused (ECONNREFUSED), unreachable (ENETUNREACH, EHOSTUNREACH) or timed out (ETIMEDOUT).
    pub async fn connect(&self, fd: Fd, address: &Address) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// sendto(2) of a datagram.
    pub async fn send_to(&self, fd: Fd, bytes: &[u8], to: &Address) -> Res<usize> {
        Err(Errno::ENOSYS)
    }

    /// recvfrom(2) of a datagram.
    pub async fn recv_from(&self, fd: Fd, max: usize) -> Res<(Vec<u8>, Address)> {
        Err(Errno::ENOSYS)
    }

    /// shutdown(2)
    pub fn shutdown(&self, fd: Fd, how: Shutdown) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// getsockname(2)
    pub fn socket_name(&self, fd: Fd) -> Res<Address> {
        Err(Errno::ENOSYS)
    }

    /// getpeername(2)
    pub fn peer_name(&self, fd: Fd) -> Res<Address> {
        Err(Errno::ENOSYS)
    }

    /// One echo request (icmp(7)) and its answer. ETIMEDOUT when none comes in time, ENETUNREACH without a route.
    pub async fn echo(&self, to: IpAddr, bytes: usize, ttl: u8, timeout: Duration) -> Res<Echo> {
        Err(Errno::ENOSYS)
    }
}

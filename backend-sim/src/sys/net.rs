//! Sockets and echo requests, as system calls.

use super::*;
use crate::file::{OpenFile, Target as Open};
use crate::net::transfer::family;
use crate::process::sched::Wait;

impl Sys {
    /// socket(2)
    pub fn socket(&self, domain: Domain, kind: SocketKind) -> Res<Fd> {
        self.struck("socket")?;
        self.with(|w| {
            w.free_fd(self.pid, 0)?;
            let id = w.add_socket(self.pid, domain, kind)?;
            let file = w.add_file(OpenFile::nowhere(Open::Socket(id), true, true));
            w.install_fd(self.pid, file)
        })
    }

    /// bind(2). Port 0 is one of the kernel's choosing.
    pub fn bind(&self, fd: Fd, address: &Address) -> Res<()> {
        self.struck("bind")?;
        self.on(fd, |w, id| {
            w.trace.note(w.now, || format!("call pid={} bind {address:?}", self.pid));
            family(w.socket(id)?.domain, address)?;
            w.socket_bind(self.pid, id, address)
        })
    }

    /// listen(2)
    pub fn listen(&self, fd: Fd, backlog: u32) -> Res<()> {
        self.struck("listen")?;
        self.on(fd, |w, id| w.socket_listen(self.pid, id, backlog))
    }

    /// accept(2): waits for a connection.
    pub async fn accept(&self, fd: Fd) -> Res<(Fd, Address)> {
        self.struck("accept")?;
        let id = self.on(fd, |_, id| Ok(id))?;
        self.block(move |w, pid| {
            let answer = w.socket_accept(pid, id);
            if answer.is_none() {
                w.wait_on(pid, Wait::Socket(id));
            }
            answer
        })
        .await
    }

    /// connect(2): waits until connected, refused (ECONNREFUSED), unreachable (ENETUNREACH, EHOSTUNREACH) or timed out (ETIMEDOUT).
    pub async fn connect(&self, fd: Fd, address: &Address) -> Res<()> {
        self.struck("connect")?;
        let id = self.on(fd, |w, id| {
            w.trace.note(w.now, || format!("call pid={} connect {address:?}", self.pid));
            family(w.socket(id)?.domain, address)?;
            w.socket_connect(self.pid, id, address).map(|()| id)
        })?;
        self.block(move |w, pid| {
            let answer = w.socket_connecting(id);
            if answer.is_none() {
                w.wait_on(pid, Wait::Socket(id));
            }
            answer
        })
        .await
    }

    /// sendto(2) of a datagram.
    pub async fn send_to(&self, fd: Fd, bytes: &[u8], to: &Address) -> Res<usize> {
        self.struck("send_to")?;
        self.pay(1000).await;
        self.on(fd, |w, id| w.datagram(id, bytes, to))
    }

    /// recvfrom(2) of a datagram.
    pub async fn recv_from(&self, fd: Fd, max: usize) -> Res<(Vec<u8>, Address)> {
        self.struck("recv_from")?;
        let id = self.on(fd, |_, id| Ok(id))?;
        self.block(move |w, pid| match w.socket_mut(id) {
            Err(error) => Some(Err(error)),
            Ok(s) => match s.datagrams.pop_front() {
                Some((bytes, from)) => Some(Ok((bytes.into_iter().take(max).collect(), from))),
                None => {
                    w.wait_on(pid, Wait::Socket(id));
                    None
                }
            },
        })
        .await
    }

    /// shutdown(2)
    pub fn shutdown(&self, fd: Fd, how: Shutdown) -> Res<()> {
        self.struck("shutdown")?;
        self.on(fd, |w, id| w.socket_shutdown(id, how))
    }

    /// getsockname(2)
    pub fn socket_name(&self, fd: Fd) -> Res<Address> {
        self.struck("socket_name")?;
        self.on(fd, |w, id| {
            let s = w.socket(id)?;
            Ok(s.local
                .clone()
                .or_else(|| Some(Address::Inet(crate::net::socket::unspecified(s.domain)?, 0)))
                .unwrap_or(Address::Unix(String::new())))
        })
    }

    /// getpeername(2)
    pub fn peer_name(&self, fd: Fd) -> Res<Address> {
        self.struck("peer_name")?;
        self.on(fd, |w, id| w.socket(id)?.remote.clone().ok_or(Errno::ENOTCONN))
    }

    /// One echo request (icmp(7)) and its answer. ETIMEDOUT when none comes in time, ENETUNREACH without a route.
    pub async fn echo(&self, to: IpAddr, bytes: usize, ttl: u8, timeout: Duration) -> Res<Echo> {
        self.struck("echo")?;
        self.pay(1000).await;
        self.note(|| format!("echo {to}"));
        let sent = self.moment();
        let end = sent.after(timeout).0;
        match self.with(|w| w.echo_request(self.pid, to, bytes, ttl)) {
            Ok((moment, from, ttl)) if moment <= end => {
                self.until(moment).await?;
                Ok(Echo { from, ttl, time: self.moment().since(sent) })
            }
            Ok(_) => {
                self.until(end).await?;
                Err(Errno::ETIMEDOUT)
            }
            Err(lost) if lost.silent || sent.0 + lost.after > end => {
                self.until(end).await?;
                Err(Errno::ETIMEDOUT)
            }
            Err(lost) => {
                self.until(sent.0 + lost.after).await?;
                Err(lost.error)
            }
        }
    }

    fn on<T>(&self, fd: Fd, call: impl FnOnce(&mut World, u32) -> Res<T>) -> Res<T> {
        self.with(|w| {
            let file = w.file_of(self.pid, fd)?;
            match w.files.get(&file).map(|f| &f.target) {
                Some(Open::Socket(id)) => {
                    let id = *id;
                    call(w, id)
                }
                _ => Err(Errno::ENOTSOCK),
            }
        })
    }
}

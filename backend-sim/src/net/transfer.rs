//! What goes through sockets: bytes, datagrams, ends, echo requests.

use super::path::{Lost, Packet};
use super::socket::State;
use crate::file::{OpenFile, Target};
use crate::process::sched::Wait;
use crate::sys::{Address, Domain, Errno, Fd, Res, Shutdown, SocketKind};
use crate::world::World;
use drydock_core::kernel::Protocol;
use std::net::IpAddr;

/// Bytes a socket holds for its reader before the sender waits.
const WINDOW: usize = 212_992;
/// Datagrams a socket holds before more are dropped.
const DATAGRAMS: usize = 256;

impl World {
    /// Reads what arrived. `None` is "wait"; nothing is the end.
    pub fn socket_read(&mut self, id: u32, max: usize) -> Option<Res<Vec<u8>>> {
        let Ok(s) = self.socket_mut(id) else { return Some(Err(Errno::EBADF)) };
        if s.kind == SocketKind::Datagram {
            return s.datagrams.pop_front().map(|(bytes, _)| Ok(bytes.into_iter().take(max).collect()));
        }
        let State::Connected(peer) = s.state else { return Some(Err(Errno::ENOTCONN)) };
        if !s.data.is_empty() {
            let count = max.min(s.data.len());
            let bytes = s.data.drain(..count).collect();
            if let Some(peer) = peer {
                self.wake(Wait::Socket(peer));
            }
            return Some(Ok(bytes));
        }
        if s.reset {
            s.reset = false;
            s.ended = true;
            return Some(Err(Errno::ECONNRESET));
        }
        (s.ended || peer.is_none()).then(|| Ok(Vec::new()))
    }

    /// Sends bytes. `None` is "wait".
    pub fn socket_write(&mut self, id: u32, bytes: &[u8]) -> Option<Res<usize>> {
        let Ok(s) = self.socket(id) else { return Some(Err(Errno::EBADF)) };
        if s.kind == SocketKind::Datagram {
            let Some(to) = s.remote.clone() else { return Some(Err(Errno::EDESTADDRREQ)) };
            return Some(self.datagram(id, bytes, &to));
        }
        let State::Connected(peer) = s.state else { return Some(Err(if s.shut { Errno::EPIPE } else { Errno::ENOTCONN })) };
        let Some(peer) = peer.filter(|_| !s.shut) else { return Some(Err(Errno::EPIPE)) };
        let way = s.way.clone();
        let Ok(other) = self.socket_mut(peer) else { return Some(Err(Errno::EPIPE)) };
        let room = WINDOW.saturating_sub(other.data.len());
        if room == 0 {
            return None;
        }
        let count = room.min(bytes.len());
        other.data.extend(bytes.iter().take(count));
        self.count_bytes(&way, count as u64 + 52);
        self.wake(Wait::Socket(peer));
        Some(Ok(count))
    }

    /// sendto(2) of a datagram. One that nobody receives is lost, and only a connected sender is told.
    pub fn datagram(&mut self, id: u32, bytes: &[u8], to: &Address) -> Res<usize> {
        let s = self.socket(id)?;
        let (ns, connected, domain) = (s.ns, s.remote.is_some(), s.domain);
        let Address::Inet(ip, port) = to else { return Err(Errno::EINVAL) };
        if bytes.len() > 65507 {
            return Err(Errno::EMSGSIZE);
        }
        if s.local.is_none() {
            let any = super::socket::unspecified(domain).ok_or(Errno::EINVAL)?;
            let owner = s.owner;
            self.socket_bind(owner, id, &Address::Inet(any, 0))?;
        }
        let own_port = match &self.socket(id)?.local {
            Some(Address::Inet(_, port)) => *port,
            _ => 0,
        };
        let to_ip = if ip.is_unspecified() { super::path::loopback_like(*ip) } else { *ip };
        if self.answer_name(id, ns, (to_ip, *port), bytes) {
            return Ok(bytes.len());
        }
        let packet = Packet { source: None, to: to_ip, port: *port, protocol: Some(Protocol::Udp), ttl: 64 };
        match self.carry(ns, packet) {
            Ok(arrival) => {
                self.count_bytes(&arrival.way, bytes.len() as u64 + 28);
                let Some(receiver) = self.receiver(arrival.ns, false, arrival.to.0, arrival.to.1) else {
                    return if connected { Err(Errno::ECONNREFUSED) } else { Ok(bytes.len()) };
                };
                let from = Address::Inet(arrival.source, own_port);
                let s = self.socket_mut(receiver)?;
                if s.datagrams.len() < DATAGRAMS {
                    s.datagrams.push_back((bytes.to_vec(), from));
                }
                self.wake(Wait::Socket(receiver));
                Ok(bytes.len())
            }
            Err(lost) if lost.silent || lost.after > 0 => Ok(bytes.len()),
            Err(lost) => Err(lost.error),
        }
    }

    /// accept(2): the next connection as a descriptor. `None` is "wait".
    pub fn socket_accept(&mut self, pid: u32, id: u32) -> Option<Res<(Fd, Address)>> {
        let Ok(s) = self.socket_mut(id) else { return Some(Err(Errno::EBADF)) };
        let State::Listening(queue, _) = &mut s.state else { return Some(Err(Errno::EINVAL)) };
        let next = queue.pop_front()?;
        let from = match self.socket_mut(next) {
            Ok(end) => {
                end.owner = pid;
                end.remote.clone().unwrap_or(Address::Unix(String::new()))
            }
            Err(error) => return Some(Err(error)),
        };
        let file = self.add_file(OpenFile::nowhere(Target::Socket(next), true, true));
        Some(self.install_fd(pid, file).map(|fd| (fd, from)))
    }

    /// How far a connection attempt is. `None` is "wait".
    pub fn socket_connecting(&mut self, id: u32) -> Option<Res<()>> {
        let now = self.now;
        let Ok(s) = self.socket_mut(id) else { return Some(Err(Errno::EBADF)) };
        match s.state.clone() {
            State::Connecting(moment, _) if now < moment => None,
            State::Connecting(_, Ok(peer)) => {
                let gone = !self.net.sockets.contains_key(&peer);
                let s = self.net.sockets.get_mut(&id)?;
                s.state = State::Connected(if gone { None } else { Some(peer) });
                Some(Ok(()))
            }
            State::Connecting(_, Err(error)) => {
                s.state = State::Open;
                Some(Err(error))
            }
            _ => Some(Ok(())),
        }
    }

    /// shutdown(2)
    pub fn socket_shutdown(&mut self, id: u32, how: Shutdown) -> Res<()> {
        let s = self.socket_mut(id)?;
        let State::Connected(peer) = s.state else { return Err(Errno::ENOTCONN) };
        if how != Shutdown::Write {
            s.ended = true;
        }
        if how != Shutdown::Read {
            s.shut = true;
            if let Some(peer) = peer
                && let Ok(other) = self.socket_mut(peer)
            {
                other.ended = true;
                self.wake(Wait::Socket(peer));
            }
        }
        self.wake(Wait::Socket(id));
        Ok(())
    }

    /// The last descriptor of a socket was closed.
    pub fn socket_closed(&mut self, id: u32) {
        let Some(s) = self.net.sockets.remove(&id) else { return };
        if let Some(Address::Inet(_, port)) = &s.local {
            let key = (s.ns, s.kind == SocketKind::Stream, *port);
            if let Some(holders) = self.net.bound.get_mut(&key) {
                holders.remove(&id);
                if holders.is_empty() {
                    self.net.bound.remove(&key);
                }
            }
        }
        let unread = !s.data.is_empty();
        let peers: Vec<u32> = match s.state {
            State::Connected(peer) => peer.into_iter().collect(),
            State::Listening(queue, _) => {
                for end in queue {
                    self.socket_closed(end);
                }
                Vec::new()
            }
            State::Connecting(_, Ok(peer)) => vec![peer],
            _ => Vec::new(),
        };
        for peer in peers {
            if let Ok(other) = self.socket_mut(peer) {
                other.ended = true;
                other.reset |= unread;
                if let State::Connected(back) = &mut other.state {
                    *back = None;
                }
                self.wake(Wait::Socket(peer));
            }
        }
    }

    /// Whether a socket can be read and written without waiting.
    pub fn socket_ready(&self, id: u32) -> (bool, bool) {
        let Ok(s) = self.socket(id) else { return (true, true) };
        match &s.state {
            State::Listening(queue, _) => (!queue.is_empty(), false),
            State::Connecting(moment, _) => (false, self.now >= *moment),
            State::Connected(peer) => {
                let room = peer.and_then(|p| self.socket(p).ok()).is_none_or(|p| p.data.len() < WINDOW);
                (!s.data.is_empty() || s.ended || s.reset || peer.is_none(), room)
            }
            State::Open => (!s.datagrams.is_empty(), s.kind == SocketKind::Datagram),
        }
    }

    /// Sends an echo request: the moment of the answer and what it says, or how it was lost.
    pub fn echo_request(&mut self, pid: u32, to: IpAddr, bytes: usize, ttl: u8) -> Result<(u64, IpAddr, u8), Lost> {
        let fail = |error| Lost { error, silent: false, after: 0 };
        let p = self.proc(pid).map_err(fail)?;
        let (ns, gid, raw) = (p.ns.net, p.creds.egid, p.creds.can(crate::vfs::cap::NET_RAW));
        // Without CAP_NET_RAW only groups in ping_group_range may (icmp(7)).
        let range = self.sysctl(ns, "net/ipv4/ping_group_range").unwrap_or_default();
        let mut bounds = range.split_whitespace().filter_map(|n| n.parse::<u32>().ok());
        let allowed = matches!((bounds.next(), bounds.next()), (Some(low), Some(high)) if (low..=high).contains(&gid));
        if !raw && !allowed {
            return Err(fail(Errno::EPERM));
        }
        let arrival = self.carry(ns, Packet { source: None, to, port: 0, protocol: None, ttl })?;
        self.count_bytes(&arrival.way, bytes as u64 + 28);
        let back: Vec<_> = arrival.way.iter().rev().map(|(at, out)| (*at, !out)).collect();
        self.count_bytes(&back, bytes as u64 + 28);
        Ok((self.now + 2 * arrival.delay, to, arrival.ttl))
    }
}

/// Which of a socket's calls an address fits.
pub fn family(domain: Domain, address: &Address) -> Res<()> {
    match (domain, address) {
        (Domain::Unix, Address::Unix(_)) | (Domain::Inet6, Address::Inet(..)) => Ok(()),
        (Domain::Inet, Address::Inet(ip, _)) if ip.is_ipv4() => Ok(()),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

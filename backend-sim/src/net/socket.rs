//! Sockets: their table, names and ports (socket(7), ip(7), unix(7)).

use super::LinkRef;
use super::path::{Packet, loopback_like};
use crate::process::sched::{Wait, Who};
use crate::sys::{Address, Domain, Errno, Res, SocketKind};
use crate::vfs::{Body, cap};
use crate::world::World;
use drydock_core::kernel::Protocol;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a socket is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Neither listening nor connected.
    Open,
    /// Waiting for connections: those that came, and how many may wait.
    Listening(VecDeque<u32>, usize),
    /// On its way: the moment of the answer, and the answer.
    Connecting(u64, Res<u32>),
    /// Connected to another socket, while that lives.
    Connected(Option<u32>),
}

/// A socket.
#[derive(Clone, Debug)]
pub struct Socket {
    /// Its network namespace.
    pub ns: u32,
    /// Its family.
    pub domain: Domain,
    /// Its kind.
    pub kind: SocketKind,
    /// Where it is in its life.
    pub state: State,
    /// Its own address.
    pub local: Option<Address>,
    /// The other end's, as it sees it.
    pub remote: Option<Address>,
    /// Bytes that arrived.
    pub data: VecDeque<u8>,
    /// Datagrams that arrived.
    pub datagrams: VecDeque<(Vec<u8>, Address)>,
    /// No more bytes will arrive.
    pub ended: bool,
    /// No more bytes may be sent.
    pub shut: bool,
    /// The connection was cut off.
    pub reset: bool,
    /// Links between the two ends.
    pub way: Vec<(LinkRef, bool)>,
    /// The process that made it.
    pub owner: u32,
}

impl World {
    /// Makes a socket.
    pub fn add_socket(&mut self, pid: u32, domain: Domain, kind: SocketKind) -> Res<u32> {
        let ns = self.proc(pid)?.ns.net;
        let id = self.net.next_socket;
        self.net.next_socket += 1;
        let socket = Socket {
            ns,
            domain,
            kind,
            state: State::Open,
            local: None,
            remote: None,
            data: VecDeque::new(),
            datagrams: VecDeque::new(),
            ended: false,
            shut: false,
            reset: false,
            way: Vec::new(),
            owner: pid,
        };
        self.net.sockets.insert(id, socket);
        Ok(id)
    }

    /// A socket.
    pub fn socket(&self, id: u32) -> Res<&Socket> {
        self.net.sockets.get(&id).ok_or(Errno::EBADF)
    }

    /// A socket, to change.
    pub fn socket_mut(&mut self, id: u32) -> Res<&mut Socket> {
        self.net.sockets.get_mut(&id).ok_or(Errno::EBADF)
    }

    /// Whether two addresses cannot both have one port.
    fn clash(a: IpAddr, b: IpAddr) -> bool {
        a == b
            || (a.is_unspecified() || b.is_unspecified())
                && (a.is_ipv4() == b.is_ipv4() || a.is_ipv6() && a.is_unspecified() || b.is_ipv6() && b.is_unspecified())
    }

    /// bind(2)
    pub fn socket_bind(&mut self, pid: u32, id: u32, address: &Address) -> Res<()> {
        let s = self.socket(id)?;
        let (ns, kind, domain) = (s.ns, s.kind, s.domain);
        if s.local.is_some() {
            return Err(Errno::EINVAL);
        }
        match (domain, address) {
            (Domain::Unix, Address::Unix(path)) => {
                let ctx = self.ctx(pid)?;
                let (dir, name) = self.walk_parent(&ctx, path)?;
                self.create(&ctx, dir, &name, Body::Socket(Some(id)), 0o777)
                    .map_err(|e| if e == Errno::EEXIST { Errno::EADDRINUSE } else { e })?;
            }
            (Domain::Inet | Domain::Inet6, Address::Inet(ip, port)) => {
                let space = self.net.spaces.get(&ns).ok_or(Errno::ENETDOWN)?;
                if !ip.is_unspecified() && !space.is_local(*ip) {
                    return Err(Errno::EADDRNOTAVAIL);
                }
                let first: u16 = self.sysctl(ns, "net/ipv4/ip_unprivileged_port_start")?.parse().unwrap_or(1024);
                if *port != 0 && *port < first {
                    self.proc(pid)?.creds.need(cap::NET_BIND_SERVICE).map_err(|_| Errno::EACCES)?;
                }
                let stream = kind == SocketKind::Stream;
                let port = if *port == 0 { self.free_port(ns, stream)? } else { *port };
                if self.port_taken(ns, stream, *ip, port) {
                    return Err(Errno::EADDRINUSE);
                }
                self.net.bound.entry((ns, stream, port)).or_default().insert(id);
                self.socket_mut(id)?.local = Some(Address::Inet(*ip, port));
                return Ok(());
            }
            _ => return Err(Errno::EINVAL),
        }
        self.socket_mut(id)?.local = Some(address.clone());
        Ok(())
    }

    pub(crate) fn port_taken(&self, ns: u32, stream: bool, ip: IpAddr, port: u16) -> bool {
        let holders = self.net.bound.get(&(ns, stream, port));
        holders.into_iter().flatten().filter_map(|id| self.net.sockets.get(id)).any(|s| match &s.local {
            Some(Address::Inet(other, _)) => Self::clash(*other, ip),
            _ => false,
        })
    }

    /// A port of the kernel's choosing.
    fn free_port(&mut self, ns: u32, stream: bool) -> Res<u16> {
        for _ in 0..28232 {
            let space = self.net.space(ns)?;
            let port = space.ephemeral;
            space.ephemeral = if port >= 60999 { 32768 } else { port + 1 };
            if !self.net.bound.contains_key(&(ns, stream, port)) {
                return Ok(port);
            }
        }
        Err(Errno::EADDRINUSE)
    }

    /// listen(2)
    pub fn socket_listen(&mut self, pid: u32, id: u32, backlog: u32) -> Res<()> {
        let s = self.socket(id)?;
        if s.kind != SocketKind::Stream {
            return Err(Errno::EOPNOTSUPP);
        }
        if s.local.is_none() {
            let any = unspecified(s.domain).ok_or(Errno::EINVAL)?;
            self.socket_bind(pid, id, &Address::Inet(any, 0))?;
        }
        let room = usize::try_from(backlog.clamp(1, 4096)).unwrap_or(1);
        let s = self.socket_mut(id)?;
        match s.state {
            State::Open => s.state = State::Listening(VecDeque::new(), room),
            State::Listening(..) => {}
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    /// The socket that gets what comes to an address and port.
    pub fn receiver(&self, ns: u32, stream: bool, ip: IpAddr, port: u16) -> Option<u32> {
        let fits = |s: &&u32| {
            let Some(socket) = self.net.sockets.get(s) else { return false };
            if stream && !matches!(socket.state, State::Listening(..)) {
                return false;
            }
            match &socket.local {
                Some(Address::Inet(own, _)) => *own == ip || own.is_unspecified() && (own.is_ipv6() || ip.is_ipv4()),
                _ => false,
            }
        };
        let exact = |s: &&u32| matches!(self.net.sockets.get(s).map(|s| &s.local), Some(Some(Address::Inet(own, _))) if *own == ip);
        let holders = self.net.bound.get(&(ns, stream, port))?;
        holders.iter().filter(fits).find(exact).or_else(|| holders.iter().find(fits)).copied()
    }

    /// connect(2): what to wait for is the socket's state.
    pub fn socket_connect(&mut self, pid: u32, id: u32, address: &Address) -> Res<()> {
        let s = self.socket(id)?;
        let (ns, kind, domain) = (s.ns, s.kind, s.domain);
        match s.state {
            State::Open => {}
            State::Connected(_) => return Err(Errno::EISCONN),
            State::Connecting(..) => return Err(Errno::EALREADY),
            State::Listening(..) => return Err(Errno::EINVAL),
        }
        let (ip, port) = match address {
            Address::Unix(path) if domain == Domain::Unix => {
                let ctx = self.ctx(pid)?;
                let at = self.walk(&ctx, path, true)?;
                ctx.creds.may(&self.attributes(at.node)?, 2)?;
                let Body::Socket(Some(server)) = self.fs.get(self.backing(at.node)?)?.body else { return Err(Errno::ECONNREFUSED) };
                let answer = self.knock(id, server, Address::Unix(String::new()), address.clone(), Vec::new());
                self.socket_mut(id)?.state = State::Connecting(self.now, answer);
                return Ok(());
            }
            Address::Inet(ip, port) => (if ip.is_unspecified() { loopback_like(*ip) } else { *ip }, *port),
            Address::Unix(_) => return Err(Errno::EAFNOSUPPORT),
        };
        let stream = kind == SocketKind::Stream;
        if self.socket(id)?.local.is_none() {
            let any = unspecified(domain).ok_or(Errno::EINVAL)?;
            let own = self.free_port(ns, stream)?;
            self.net.bound.entry((ns, stream, own)).or_default().insert(id);
            self.socket_mut(id)?.local = Some(Address::Inet(any, own));
        }
        if !stream {
            let s = self.socket_mut(id)?;
            s.remote = Some(address.clone());
            return Ok(());
        }
        let own_port = match &self.socket(id)?.local {
            Some(Address::Inet(_, port)) => *port,
            _ => 0,
        };
        let bound_to = match &self.socket(id)?.local {
            Some(Address::Inet(ip, _)) if !ip.is_unspecified() => Some(*ip),
            _ => None,
        };
        let packet = Packet { source: bound_to, to: ip, port, protocol: Some(Protocol::Tcp), ttl: 64 };
        let (moment, answer) = match self.carry(ns, packet) {
            Err(lost) if lost.silent => (self.now + TCP_PATIENCE, Err(lost.error)),
            Err(lost) if lost.after == 0 => return Err(lost.error),
            Err(lost) => (self.now + lost.after, Err(lost.error)),
            Ok(arrival) => {
                let moment = self.now + 2 * arrival.delay;
                let server = self.receiver(arrival.ns, true, arrival.to.0, arrival.to.1);
                self.socket_mut(id)?.local = Some(Address::Inet(arrival.own, own_port));
                self.count_bytes(&arrival.way, 60);
                match server {
                    None => (moment, Err(Errno::ECONNREFUSED)),
                    Some(server) => {
                        let seen = Address::Inet(arrival.source, own_port);
                        let reached = Address::Inet(arrival.to.0, arrival.to.1);
                        let answer = self.knock(id, server, seen, reached, arrival.way);
                        (if answer == Err(Errno::ETIMEDOUT) { self.now + TCP_PATIENCE } else { moment }, answer)
                    }
                }
            }
        };
        let s = self.socket_mut(id)?;
        s.remote = Some(address.clone());
        s.state = State::Connecting(moment, answer);
        self.net.journeys.insert((moment, id));
        self.set_timer(moment, Who::Net);
        Ok(())
    }

    /// A connection reaches a listening socket: its server's end is made and waits to be accepted. A full backlog drops it.
    fn knock(&mut self, client: u32, server: u32, seen: Address, reached: Address, way: Vec<(LinkRef, bool)>) -> Res<u32> {
        let listener = self.socket(server).map_err(|_| Errno::ECONNREFUSED)?;
        let State::Listening(queue, room) = &listener.state else { return Err(Errno::ECONNREFUSED) };
        if queue.len() > *room {
            return Err(Errno::ETIMEDOUT);
        }
        let (ns, domain, owner) = (listener.ns, listener.domain, listener.owner);
        let id = self.net.next_socket;
        self.net.next_socket += 1;
        let back: Vec<(LinkRef, bool)> = way.iter().rev().map(|(at, out)| (*at, !out)).collect();
        self.socket_mut(client)?.way = way;
        let end = Socket {
            ns,
            domain,
            kind: SocketKind::Stream,
            state: State::Connected(Some(client)),
            local: Some(reached),
            remote: Some(seen),
            data: VecDeque::new(),
            datagrams: VecDeque::new(),
            ended: false,
            shut: false,
            reset: false,
            way: back,
            owner,
        };
        self.net.sockets.insert(id, end);
        if let State::Listening(queue, _) = &mut self.socket_mut(server)?.state {
            queue.push_back(id);
        }
        self.wake(Wait::Socket(server));
        Ok(id)
    }

    /// Journeys that are over: those who wait learn of it.
    pub fn net_arrivals(&mut self) {
        while let Some(&(moment, id)) = self.net.journeys.first() {
            if moment > self.now {
                break;
            }
            self.net.journeys.pop_first();
            self.wake(Wait::Socket(id));
        }
    }
}

/// How long a connection attempt that nobody answers takes: six retries, as tcp_syn_retries has it.
const TCP_PATIENCE: u64 = 127_000_000_000;

/// "Any address" of a family.
pub fn unspecified(domain: Domain) -> Option<IpAddr> {
    match domain {
        Domain::Inet => Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        Domain::Inet6 => Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        Domain::Unix => None,
    }
}

//! Questions about links, addresses, routes, neighbours, sockets and rules.

use super::{LinkKind, NetNs};
use crate::net::socket::State;
use crate::sys::{Address, AddressInfo, Domain, LinkInfo, NeighbourInfo, RouteInfo, SocketInfo, SocketKind};
use crate::world::World;
use drydock_core::kernel::{Firewall, Protocol};
use std::net::IpAddr;

impl World {
    /// Links of a namespace, by index.
    pub fn show_links(&self, ns: u32) -> Vec<LinkInfo> {
        let Some(space) = self.net.spaces.get(&ns) else { return Vec::new() };
        let show = |(index, link): (&u32, &super::Link)| {
            let (kind, peer) = match link.kind {
                LinkKind::Loopback => ("loopback", None),
                LinkKind::Bridge => ("bridge", None),
                LinkKind::Veth(peer) => ("veth", Some(peer)),
                LinkKind::Dummy => ("dummy", None),
                LinkKind::Ether(peer) => ("ether", Some(peer)),
            };
            let lower_up = match link.kind {
                LinkKind::Bridge => space.links.values().any(|l| l.master == Some(*index) && l.up),
                LinkKind::Veth(peer) | LinkKind::Ether(peer) => self.net.link(peer).is_some_and(|p| p.up),
                _ => true,
            };
            LinkInfo {
                index: *index,
                name: link.name.clone(),
                kind: kind.to_owned(),
                up: link.up,
                lower_up: link.up && lower_up,
                mtu: link.mtu,
                mac: link.mac.clone(),
                master: link.master.and_then(|m| space.links.get(&m)).map(|m| m.name.clone()),
                peer: peer.filter(|_| kind == "veth").map(|(_, i)| i),
                peer_elsewhere: kind == "veth" && peer.is_some_and(|(n, _)| n != ns),
                received: link.received,
                sent: link.sent,
            }
        };
        space.links.iter().map(show).collect()
    }

    /// Addresses of a namespace, by link. A loopback that is up has 127.0.0.1 and ::1 of itself.
    pub fn show_addresses(&self, ns: u32) -> Vec<AddressInfo> {
        let Some(space) = self.net.spaces.get(&ns) else { return Vec::new() };
        let mut all = Vec::new();
        for (index, link) in &space.links {
            if link.kind == LinkKind::Loopback && link.up {
                for text in ["127.0.0.1/8", "::1/128"] {
                    if let Ok(address) = text.parse() {
                        all.push(AddressInfo { link: link.name.clone(), address, scope: "host".to_owned(), broadcast: None });
                    }
                }
            }
            for (_, net) in space.addresses.iter().filter(|(l, n)| l == index && !n.addr().is_loopback()) {
                let broadcast = match net {
                    ipnet::IpNet::V4(n) if n.prefix_len() < 31 => Some(IpAddr::V4(n.broadcast())),
                    _ => None,
                };
                all.push(AddressInfo { link: link.name.clone(), address: *net, scope: "global".to_owned(), broadcast });
            }
        }
        all
    }

    /// Routes of a namespace, the default one first.
    pub fn show_routes(&self, ns: u32) -> Vec<RouteInfo> {
        let Some(space) = self.net.spaces.get(&ns) else { return Vec::new() };
        let source = |space: &NetNs, link: u32| space.addresses.iter().find(|(l, _)| *l == link).map(|(_, n)| n.addr());
        let mut all: Vec<RouteInfo> = space
            .routes
            .iter()
            .map(|r| RouteInfo {
                to: r.to,
                via: r.via,
                link: space.links.get(&r.link).map(|l| l.name.clone()).unwrap_or_default(),
                source: source(space, r.link).filter(|_| r.kernel),
                kernel: r.kernel,
            })
            .collect();
        all.sort_by_key(|r| (r.to.is_some(), r.to));
        all
    }

    /// Neighbours of a namespace.
    pub fn show_neighbours(&self, ns: u32) -> Vec<NeighbourInfo> {
        let Some(space) = self.net.spaces.get(&ns) else { return Vec::new() };
        let show = |((link, address), mac): (&(u32, IpAddr), &Option<String>)| NeighbourInfo {
            address: *address,
            link: space.links.get(link).map(|l| l.name.clone()).unwrap_or_default(),
            mac: mac.clone(),
            state: if mac.is_some() { "REACHABLE" } else { "FAILED" }.to_owned(),
        };
        space.neighbours.iter().map(show).collect()
    }

    /// Sockets of a namespace, with pids as a pid namespace numbers them.
    pub fn show_sockets(&self, ns: u32, pid_ns: u32) -> Vec<SocketInfo> {
        let show = |s: &super::Socket| {
            let base = match (s.domain, s.kind) {
                (Domain::Unix, _) => "unix",
                (Domain::Inet, SocketKind::Stream) => "tcp",
                (Domain::Inet6, SocketKind::Stream) => "tcp6",
                (Domain::Inet, SocketKind::Datagram) => "udp",
                (Domain::Inet6, SocketKind::Datagram) => "udp6",
            };
            let state = match &s.state {
                State::Listening(..) => "LISTEN",
                State::Connecting(..) => "SYN_SENT",
                State::Connected(Some(_)) if !s.ended => "ESTABLISHED",
                State::Connected(_) => "CLOSE_WAIT",
                State::Open => "",
            };
            let holder = self.procs.get(&s.owner);
            Some(SocketInfo {
                protocol: base.to_owned(),
                local: s.local.clone()?,
                remote: s.remote.clone(),
                state: state.to_owned(),
                pid: holder.map(|p| p.pid_in(pid_ns)).filter(|p| *p != 0),
                program: holder.map(|p| p.name.clone()).unwrap_or_default(),
            })
        };
        let wanted = |s: &&super::Socket| s.ns == ns && !matches!((&s.local, &s.state), (Some(Address::Unix(_)), State::Open));
        self.net.sockets.values().filter(wanted).filter_map(show).collect()
    }

    /// The packet filter's rules as `nft list ruleset` prints such a table.
    pub fn show_rules(&self) -> Vec<String> {
        if self.net.rules.is_empty() {
            return Vec::new();
        }
        let mut lines = vec!["table inet drydock {".to_owned(), "\tchain prerouting {".to_owned()];
        lines.push("\t\ttype nat hook prerouting priority dstnat; policy accept;".to_owned());
        for (_, rule) in &self.net.rules {
            if let Firewall::Publish { protocol, host_ip, host_port, to, to_port, .. } = rule {
                let transport = match protocol {
                    Protocol::Tcp => "tcp",
                    Protocol::Udp => "udp",
                    Protocol::Sctp => "sctp",
                };
                let at = if host_ip.is_unspecified() { "fib daddr type local".to_owned() } else { format!("ip daddr {host_ip}") };
                lines.push(format!("\t\t{at} {transport} dport {host_port} dnat ip to {to}:{to_port}"));
            }
        }
        lines.extend(["\t}".to_owned(), "\tchain postrouting {".to_owned()]);
        lines.push("\t\ttype nat hook postrouting priority srcnat; policy accept;".to_owned());
        for (_, rule) in &self.net.rules {
            if let Firewall::Bridge { bridge, subnet, internal: false, .. } = rule {
                lines.push(format!("\t\tip saddr {subnet} oifname != \"{bridge}\" masquerade"));
            }
        }
        lines.extend(["\t}".to_owned(), "}".to_owned()]);
        lines
    }
}

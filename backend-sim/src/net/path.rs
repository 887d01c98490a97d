//! The way of a packet: routes, bridges, forwarding and the packet filter, hop by hop.

use super::{LinkKind, LinkRef};
use crate::sys::Errno;
use crate::world::World;
use drydock_core::kernel::{Firewall, Protocol};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// A packet on its way.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    /// Where it comes from, once it is decided.
    pub source: Option<IpAddr>,
    /// Where it goes.
    pub to: IpAddr,
    /// Its port there; 0 for echo requests.
    pub port: u16,
    /// Its transport; `None` for echo requests.
    pub protocol: Option<Protocol>,
    /// Hops it may still take.
    pub ttl: u8,
}

/// Where a packet arrived.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The namespace.
    pub ns: u32,
    /// The address and port it has there.
    pub to: (IpAddr, u16),
    /// The sender's address as the receiver sees it.
    pub source: IpAddr,
    /// The sender's own address.
    pub own: IpAddr,
    /// Links it went through, in order: out of (`true`) or into.
    pub way: Vec<(LinkRef, bool)>,
    /// Nanoseconds one way.
    pub delay: u64,
    /// Time to live left.
    pub ttl: u8,
}

/// Why it did not arrive, and after how long the sender knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// What the sender is told.
    pub error: Errno,
    /// Nobody tells the sender anything: it waits until its own time is up.
    pub silent: bool,
    /// Nanoseconds until it is told.
    pub after: u64,
}

/// Nanoseconds a hop takes.
const HOP: u64 = 20_000;
/// Nanoseconds within one host.
const LOCAL: u64 = 10_000;
/// How long the kernel asks for a neighbour before it gives up: three times a second.
const NEIGHBOUR: u64 = 3_000_000_000;
/// Namespaces a packet may pass.
const MAX_PASSES: usize = 16;

fn told(error: Errno) -> Lost {
    Lost { error, silent: false, after: 0 }
}

const DROPPED: Lost = Lost { error: Errno::ETIMEDOUT, silent: true, after: 0 };

impl World {
    /// Carries a packet from a namespace to where it belongs.
    pub fn carry(&mut self, from: u32, mut packet: Packet) -> Result<Arrival, Lost> {
        let (mut ns, mut way, mut delay) = (from, Vec::new(), 0);
        let mut translated = false;
        let mut came_by: Option<u32> = None;
        let mut own = packet.source;
        for pass in 0..MAX_PASSES {
            if ns == self.net.host && !translated {
                translated = self.translate(&mut packet, came_by, pass == 0);
            }
            let local = self.net.spaces.get(&ns).is_some_and(|s| s.is_local(packet.to));
            if local {
                if ns == self.net.host && pass > 0 && packet.to.is_loopback() {
                    return Err(DROPPED);
                }
                let source = packet.source.unwrap_or(packet.to);
                return Ok(Arrival {
                    ns,
                    to: (packet.to, packet.port),
                    source,
                    own: own.unwrap_or(source),
                    way,
                    delay: delay + LOCAL,
                    ttl: packet.ttl,
                });
            }
            if packet.to.is_loopback() {
                return Err(told(Errno::ENETUNREACH));
            }
            if pass > 0 {
                let key = if packet.to.is_ipv4() { "net/ipv4/ip_forward" } else { "net/ipv6/conf/all/forwarding" };
                let forwards = self.sysctl(ns, key).is_ok_and(|v| v == "1");
                if !forwards {
                    return Err(DROPPED);
                }
                packet.ttl -= 1;
                if packet.ttl == 0 {
                    return Err(told(Errno::EHOSTUNREACH));
                }
            }
            let space = self.net.spaces.get(&ns).ok_or(told(Errno::ENETUNREACH))?;
            let best = space
                .routes
                .iter()
                .filter(|r| r.to.is_none_or(|n| n.contains(&packet.to)) && space.links.get(&r.link).is_some_and(|l| l.up))
                .max_by_key(|r| r.to.map_or(0, |n| u32::from(n.prefix_len()) + 1));
            let (link, via) =
                best.map(|r| (r.link, r.via)).ok_or(told(if pass == 0 { Errno::ENETUNREACH } else { Errno::EHOSTUNREACH }))?;
            let out = self.source_of(ns, link, packet.to);
            if packet.source.is_none() {
                packet.source = out;
                own = own.or(out);
            }
            if ns == self.net.host {
                self.filter(&mut packet, came_by, link, out, pass > 0, translated)?;
            }
            let hop = via.unwrap_or(packet.to);
            let (next, steps) = self.neighbour(ns, link, hop)?;
            if let Some(error) = self.same_bridge(&packet, &steps) {
                return Err(error);
            }
            way.extend(steps);
            delay += HOP;
            came_by = Some(next.1);
            ns = next.0;
        }
        Err(told(Errno::EHOSTUNREACH))
    }

    /// The address a namespace sends from on a link.
    fn source_of(&self, ns: u32, link: u32, to: IpAddr) -> Option<IpAddr> {
        let space = self.net.spaces.get(&ns)?;
        let fits = |(l, net): &&(u32, IpNet)| *l == link && net.addr().is_ipv4() == to.is_ipv4();
        let of_link = space.addresses.iter().filter(fits).max_by_key(|(_, net)| net.contains(&to)).map(|(_, n)| n.addr());
        of_link.or_else(|| space.addresses.iter().map(|(_, n)| n.addr()).find(|a| a.is_ipv4() == to.is_ipv4() && !a.is_loopback()))
    }

    /// Finds who has an address on the other side of a link, through bridges. Answers its link and the links between.
    fn neighbour(&mut self, ns: u32, link: u32, hop: IpAddr) -> Result<(LinkRef, Vec<(LinkRef, bool)>), Lost> {
        let mut queue: Vec<(LinkRef, Vec<(LinkRef, bool)>)> = self.ports((ns, link));
        let mut seen: BTreeSet<LinkRef> = BTreeSet::from([(ns, link)]);
        let mut found = None;
        while let Some((at, steps)) = queue.pop() {
            if !seen.insert(at) {
                continue;
            }
            let Some(l) = self.net.link(at).filter(|l| l.up) else { continue };
            // A port of a bridge has no addresses of its own that count; the bridge has.
            let top = match l.master {
                Some(master) => (at.0, master),
                None => at,
            };
            let top_up = self.net.link(top).is_some_and(|l| l.up);
            let has = self.net.spaces.get(&top.0).is_some_and(|s| s.addresses.iter().any(|(i, n)| *i == top.1 && n.addr() == hop));
            if top_up && has {
                found = Some((top, steps));
                break;
            }
            if top != at && top_up && seen.insert(top) {
                for (next, more) in self.ports(top) {
                    let steps = steps.iter().copied().chain(more).collect();
                    queue.push((next, steps));
                }
            }
        }
        let mac = found.as_ref().and_then(|(at, _)| self.net.link(*at)).map(|l| l.mac.clone());
        if let Some(space) = self.net.spaces.get_mut(&ns) {
            space.neighbours.insert((link, hop), mac);
        }
        found.ok_or(Lost { error: Errno::EHOSTUNREACH, silent: false, after: NEIGHBOUR })
    }

    /// What lies at the other ends of a link: one for a cable, one a port for a bridge.
    fn ports(&self, at: LinkRef) -> Vec<(LinkRef, Vec<(LinkRef, bool)>)> {
        let Some(link) = self.net.link(at).filter(|l| l.up) else { return Vec::new() };
        match link.kind {
            LinkKind::Veth(peer) | LinkKind::Ether(peer) => vec![(peer, vec![(at, true), (peer, false)])],
            LinkKind::Bridge => {
                let members = self.net.spaces.get(&at.0).into_iter().flat_map(|s| &s.links).filter(|(_, l)| l.master == Some(at.1) && l.up);
                let through = members.filter_map(|(i, l)| match l.kind {
                    LinkKind::Veth(peer) | LinkKind::Ether(peer) => Some((peer, vec![(at, true), ((at.0, *i), true), (peer, false)])),
                    _ => None,
                });
                through.collect()
            }
            LinkKind::Loopback | LinkKind::Dummy => Vec::new(),
        }
    }

    /// Destination NAT of published ports, where the packet enters the host or is made there.
    fn translate(&mut self, packet: &mut Packet, came_by: Option<u32>, made_here: bool) -> bool {
        let Some(wanted) = packet.protocol else { return false };
        let host = self.net.host;
        if !self.net.spaces.get(&host).is_some_and(|s| s.is_local(packet.to)) {
            return false;
        }
        let rules = self.net.rules.clone();
        for (_, rule) in &rules {
            let Firewall::Publish { protocol, host_ip, host_port, to, to_port, bridge } = rule else { continue };
            let here = host_ip.is_unspecified() && host_ip.is_ipv4() == packet.to.is_ipv4() || *host_ip == packet.to;
            if *protocol != wanted || *host_port != packet.port || !here {
                continue;
            }
            let from_bridge = came_by.and_then(|l| self.net.link((host, l))).is_some_and(|l| l.name == *bridge);
            if made_here && packet.to.is_loopback() || from_bridge {
                // Answers must come back through the host: it takes the bridge's own address as the sender.
                let index = self.net.spaces.get(&host).and_then(|s| s.by_name(bridge));
                packet.source = index.and_then(|i| self.source_of(host, i, *to));
            }
            packet.to = *to;
            packet.port = *to_port;
            return true;
        }
        false
    }

    /// The filter of the host for packets that are forwarded, and the masquerade of those that leave.
    fn filter(
        &self,
        packet: &mut Packet,
        came_by: Option<u32>,
        out: u32,
        out_address: Option<IpAddr>,
        forwarded: bool,
        translated: bool,
    ) -> Result<(), Lost> {
        let host = self.net.host;
        let name = |index: Option<u32>| index.and_then(|i| self.net.link((host, i))).map(|l| l.name.clone()).unwrap_or_default();
        let (inward, outward) = (name(came_by), name(Some(out)));
        for (_, rule) in &self.net.rules {
            let Firewall::Bridge { bridge, subnet, internal, .. } = rule else { continue };
            let from_it = inward == *bridge;
            let to_it = outward == *bridge;
            if forwarded && *internal && from_it != to_it {
                return Err(DROPPED);
            }
            if forwarded && to_it && !from_it && !translated {
                return Err(DROPPED);
            }
            let from_subnet = packet.source.is_some_and(|s| subnet.contains(&s));
            if forwarded && from_subnet && !to_it {
                packet.source = out_address;
            }
        }
        Ok(())
    }

    /// Containers on one bridge may be forbidden to talk to each other.
    fn same_bridge(&self, packet: &Packet, steps: &[(LinkRef, bool)]) -> Option<Lost> {
        let host = self.net.host;
        let source = packet.source?;
        let isolated = |at: &LinkRef| at.0 == host && self.net.link(*at).is_some_and(|l| l.isolated);
        if steps.iter().filter(|(at, _)| isolated(at)).count() >= 2 {
            return Some(DROPPED);
        }
        let through = |bridge: &str| {
            let index = self.net.spaces.get(&host).and_then(|s| s.by_name(bridge));
            steps.iter().filter(|(at, _)| at.0 == host && self.net.link(*at).is_some_and(|l| l.master == index && index.is_some())).count()
                >= 2
        };
        let forbids = |rule: &Firewall| match rule {
            Firewall::Bridge { bridge, subnet, icc: false, .. } => {
                subnet.contains(&source) && subnet.contains(&packet.to) && through(bridge)
            }
            _ => false,
        };
        self.net.rules.iter().any(|(_, rule)| forbids(rule)).then_some(DROPPED)
    }

    /// Counts bytes on every link of a way.
    pub fn count_bytes(&mut self, way: &[(LinkRef, bool)], bytes: u64) {
        for (at, out) in way {
            if let Some(link) = self.net.link_mut(*at) {
                let counter = if *out { &mut link.sent } else { &mut link.received };
                counter.0 += bytes;
                counter.1 += 1;
            }
        }
    }
}

/// The loopback address of the family of another.
pub fn loopback_like(address: IpAddr) -> IpAddr {
    if address.is_ipv4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(std::net::Ipv6Addr::LOCALHOST) }
}

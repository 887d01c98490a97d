//! Networks: links, addresses, routes, neighbours, the packet filter, and sockets over them.

pub mod admin;
mod names;
pub mod path;
pub mod show;
pub mod socket;
pub mod transfer;

use drydock_core::kernel::Firewall;
use ipnet::IpNet;
pub use socket::Socket;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A link of a namespace: the namespace and the link's index.
pub type LinkRef = (u32, u32);

/// What a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// lo
    Loopback,
    /// bridge(8)
    Bridge,
    /// veth(4), with its other end.
    Veth(LinkRef),
    /// Leads nowhere.
    Dummy,
    /// The host's own Ethernet card, with the other end of its cable.
    Ether(LinkRef),
}

/// A network link.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: LinkKind,
    /// Set up.
    pub up: bool,
    /// Bytes a packet.
    pub mtu: u32,
    /// Hardware address.
    pub mac: String,
    /// The bridge it belongs to.
    pub master: Option<u32>,
    /// As a port of a bridge it passes nothing to other isolated ports.
    pub isolated: bool,
    /// Bytes and packets received.
    pub received: (u64, u64),
    /// Bytes and packets sent.
    pub sent: (u64, u64),
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `None` is the default route.
    pub to: Option<IpNet>,
    /// Next hop.
    pub via: Option<IpAddr>,
    /// Out of which link.
    pub link: u32,
    /// Made with an address.
    pub kernel: bool,
}

/// What a network namespace holds.
#[derive(Clone, Debug, Default)]
pub struct NetNs {
    /// Links by index.
    pub links: BTreeMap<u32, Link>,
    /// The next link's index.
    pub next: u32,
    /// Addresses: link and address.
    pub addresses: Vec<(u32, IpNet)>,
    /// Routes, in the order they were made.
    pub routes: Vec<Route>,
    /// Neighbours that were asked for: whether they answered, and with which hardware address.
    pub neighbours: BTreeMap<(u32, IpAddr), Option<String>>,
    /// The next port of the kernel's choosing.
    pub ephemeral: u16,
}

/// All networks.
#[derive(Clone, Debug, Default)]
pub struct Net {
    /// Namespaces by number.
    pub spaces: BTreeMap<u32, NetNs>,
    /// The host's.
    pub host: u32,
    /// The packet filter of the host: rules with their owners, in the order they were made.
    pub rules: Vec<(String, Firewall)>,
    /// Containers whose names are answered at 127.0.0.11, by their namespaces.
    pub names: BTreeMap<u32, String>,
    /// Questions that were answered there.
    pub turns: u64,
    /// Sockets by number.
    pub sockets: BTreeMap<u32, Socket>,
    /// The next socket's number.
    pub next_socket: u32,
    /// Sockets that wait for the end of a journey: moment, number.
    pub journeys: BTreeSet<(u64, u32)>,
    /// Sockets bound to a port: namespace, TCP or not, port.
    pub bound: BTreeMap<(u32, bool, u16), BTreeSet<u32>>,
}

impl NetNs {
    /// A link by its name.
    pub fn by_name(&self, name: &str) -> Option<u32> {
        self.links.iter().find(|(_, l)| l.name == name).map(|(i, _)| *i)
    }

    /// Puts a link in; answers its index.
    pub fn insert(&mut self, link: Link) -> u32 {
        self.next += 1;
        self.links.insert(self.next, link);
        self.next
    }

    /// Whether an address is one of this namespace's own, on a link that is up.
    pub fn is_local(&self, address: IpAddr) -> bool {
        let up = |index: &u32| self.links.get(index).is_some_and(|l| l.up);
        if address.is_loopback() {
            return self.links.values().any(|l| l.kind == LinkKind::Loopback && l.up);
        }
        // Addresses belong to the host, not to the link; one on a link that is down still answers, as on Linux.
        self.addresses.iter().any(|(link, net)| net.addr() == address && (up(link) || self.links.contains_key(link)))
    }
}

impl Net {
    /// Makes a namespace with a loopback link that is down.
    pub fn add_ns(&mut self, id: u32) {
        let mut space = NetNs { ephemeral: 32768, ..NetNs::default() };
        space.insert(Link {
            name: "lo".to_owned(),
            kind: LinkKind::Loopback,
            up: false,
            mtu: 65536,
            mac: "00:00:00:00:00:00".to_owned(),
            master: None,
            isolated: false,
            received: (0, 0),
            sent: (0, 0),
        });
        self.spaces.insert(id, space);
    }

    /// Removes a namespace with its links; the other ends of its veths go too.
    pub fn drop_ns(&mut self, id: u32) {
        let links: Vec<u32> = self.spaces.get(&id).map(|s| s.links.keys().copied().collect()).unwrap_or_default();
        for link in links {
            self.remove_link((id, link));
        }
        self.spaces.remove(&id);
        self.names.remove(&id);
    }

    /// A link.
    pub fn link(&self, at: LinkRef) -> Option<&Link> {
        self.spaces.get(&at.0)?.links.get(&at.1)
    }

    /// A link, to change.
    pub fn link_mut(&mut self, at: LinkRef) -> Option<&mut Link> {
        self.spaces.get_mut(&at.0)?.links.get_mut(&at.1)
    }

    /// Removes a link with its addresses and routes, and a veth's other end.
    pub fn remove_link(&mut self, at: LinkRef) {
        let Some(space) = self.spaces.get_mut(&at.0) else { return };
        let Some(link) = space.links.remove(&at.1) else { return };
        space.forget(at.1);
        for other in space.links.values_mut().filter(|l| l.master == Some(at.1)) {
            other.master = None;
        }
        if let LinkKind::Veth(peer) = link.kind {
            self.remove_link(peer);
        }
    }
}

impl NetNs {
    /// Forgets addresses, routes and neighbours of a link.
    pub fn forget(&mut self, link: u32) {
        self.addresses.retain(|(l, _)| *l != link);
        self.routes.retain(|r| r.link != link);
        self.neighbours.retain(|(l, _), _| *l != link);
    }
}

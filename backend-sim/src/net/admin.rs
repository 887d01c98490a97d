//! Changes of links, addresses and routes (rtnetlink(7)), as the kernel checks them.

use super::{Link, LinkKind, LinkRef, Net, Route};
use crate::sys::{Errno, LinkChange, NewLink, Res};
use crate::world::World;
use ipnet::IpNet;
use std::net::IpAddr;

/// Longest name of a link, without the terminating zero (IFNAMSIZ).
const NAME_MAX: usize = 15;

impl World {
    /// A hardware address from the seed, locally administered.
    pub fn new_mac(&mut self) -> String {
        let mut b = [0; 6];
        self.random(&mut b);
        b[0] = b[0] & 0xfe | 2;
        b.iter().map(|x| format!("{x:02x}")).collect::<Vec<_>>().join(":")
    }

    fn plain_link(&mut self, ns: u32, name: &str, kind: LinkKind) -> Res<Link> {
        let space = self.net.spaces.get(&ns).ok_or(Errno::ENODEV)?;
        if name.is_empty() || name.len() > NAME_MAX || name.contains(['/', ' ']) {
            return Err(Errno::EINVAL);
        }
        if space.by_name(name).is_some() {
            return Err(Errno::EEXIST);
        }
        let mac = self.new_mac();
        Ok(Link { name: name.to_owned(), kind, up: false, mtu: 1500, mac, master: None, isolated: false, received: (0, 0), sent: (0, 0) })
    }

    /// Adds a link to a namespace.
    pub fn link_add(&mut self, ns: u32, new: &NewLink) -> Res<u32> {
        match new {
            NewLink::Bridge { name } => {
                let link = self.plain_link(ns, name, LinkKind::Bridge)?;
                Ok(self.net.space(ns)?.insert(link))
            }
            NewLink::Dummy { name } => {
                let link = self.plain_link(ns, name, LinkKind::Dummy)?;
                Ok(self.net.space(ns)?.insert(link))
            }
            NewLink::Veth { name, peer } => {
                if name == peer {
                    return Err(Errno::EEXIST);
                }
                let first = self.plain_link(ns, name, LinkKind::Dummy)?;
                let second = self.plain_link(ns, peer, LinkKind::Dummy)?;
                let space = self.net.space(ns)?;
                let a = space.insert(first);
                let b = space.insert(Link { kind: LinkKind::Veth((ns, a)), ..second });
                if let Some(link) = space.links.get_mut(&a) {
                    link.kind = LinkKind::Veth((ns, b));
                }
                Ok(a)
            }
        }
    }

    /// Changes a link.
    pub fn link_change(&mut self, at: LinkRef, change: &LinkChange, other_ns: Option<u32>) -> Res<()> {
        let (ns, index) = at;
        match change {
            LinkChange::Up(up) => {
                let link = self.net.link_mut(at).ok_or(Errno::ENODEV)?;
                link.up = *up;
                if !up {
                    // Routes of a link go when it goes down; its addresses stay.
                    self.net.space(ns)?.routes.retain(|r| r.link != index);
                } else {
                    self.net.space(ns)?.connected_routes(index);
                }
            }
            LinkChange::Rename(name) => {
                if name.is_empty() || name.len() > NAME_MAX {
                    return Err(Errno::EINVAL);
                }
                if self.net.space(ns)?.by_name(name).is_some_and(|i| i != index) {
                    return Err(Errno::EEXIST);
                }
                let link = self.net.link_mut(at).ok_or(Errno::ENODEV)?;
                if link.up {
                    return Err(Errno::EBUSY);
                }
                link.name.clone_from(name);
            }
            LinkChange::Master(None) => self.net.link_mut(at).ok_or(Errno::ENODEV)?.master = None,
            LinkChange::Master(Some(bridge)) => {
                let master = self.net.space(ns)?.by_name(bridge).ok_or(Errno::ENODEV)?;
                let is_bridge = self.net.link((ns, master)).is_some_and(|l| l.kind == LinkKind::Bridge);
                let link = self.net.link_mut(at).ok_or(Errno::ENODEV)?;
                if !is_bridge || matches!(link.kind, LinkKind::Bridge | LinkKind::Loopback) {
                    return Err(Errno::EOPNOTSUPP);
                }
                link.master = Some(master);
            }
            LinkChange::Mac(mac) => {
                let good = mac.split(':').count() == 6 && mac.split(':').all(|b| b.len() == 2 && u8::from_str_radix(b, 16).is_ok());
                if !good {
                    return Err(Errno::EINVAL);
                }
                self.net.link_mut(at).ok_or(Errno::ENODEV)?.mac = mac.to_ascii_lowercase();
            }
            LinkChange::Mtu(mtu) => {
                if !(68..=65535).contains(mtu) {
                    return Err(Errno::EINVAL);
                }
                self.net.link_mut(at).ok_or(Errno::ENODEV)?.mtu = *mtu;
            }
            LinkChange::Namespace(_) => {
                let to = other_ns.ok_or(Errno::ESRCH)?;
                return self.link_move(at, to).map(drop);
            }
        }
        Ok(())
    }

    /// Moves a link to another namespace: it goes down and loses its addresses, routes and bridge.
    pub fn link_move(&mut self, at: LinkRef, to: u32) -> Res<LinkRef> {
        let (ns, index) = at;
        if ns == to {
            return Ok(at);
        }
        let link = self.net.link(at).ok_or(Errno::ENODEV)?;
        if matches!(link.kind, LinkKind::Loopback | LinkKind::Bridge) {
            return Err(Errno::EINVAL);
        }
        let name = link.name.clone();
        if self.net.space(to)?.by_name(&name).is_some() {
            return Err(Errno::EEXIST);
        }
        let space = self.net.space(ns)?;
        space.forget(index);
        let link = space.links.remove(&index).ok_or(Errno::ENODEV)?;
        let kind = link.kind;
        let target = self.net.space(to)?;
        let new = (to, target.insert(Link { up: false, master: None, ..link }));
        if let LinkKind::Veth(peer) = kind
            && let Some(other) = self.net.link_mut(peer)
        {
            other.kind = LinkKind::Veth(new);
        }
        Ok(new)
    }

    /// Gives a link an address, and the route that comes with it.
    pub fn address_add(&mut self, at: LinkRef, address: IpNet) -> Res<()> {
        let space = self.net.space(at.0)?;
        if !space.links.contains_key(&at.1) {
            return Err(Errno::ENODEV);
        }
        if space.addresses.contains(&(at.1, address)) {
            return Err(Errno::EEXIST);
        }
        space.addresses.push((at.1, address));
        space.connected_routes(at.1);
        Ok(())
    }

    /// Takes an address away, with its route.
    pub fn address_delete(&mut self, at: LinkRef, address: IpNet) -> Res<()> {
        let space = self.net.space(at.0)?;
        let before = space.addresses.len();
        space.addresses.retain(|a| *a != (at.1, address));
        if space.addresses.len() == before {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let net = address.trunc();
        space.routes.retain(|r| !(r.kernel && r.link == at.1 && r.to == Some(net)));
        Ok(())
    }

    /// Adds a route. The next hop must be reachable directly.
    pub fn route_add(&mut self, ns: u32, to: Option<IpNet>, via: Option<IpAddr>, link: Option<u32>) -> Res<()> {
        let space = self.net.space(ns)?;
        let direct = |hop: IpAddr| space.routes.iter().find(|r| r.via.is_none() && r.to.is_some_and(|n| n.contains(&hop))).map(|r| r.link);
        let link = match (via, link) {
            (Some(hop), wanted) => {
                let out = direct(hop).ok_or(Errno::ENETUNREACH)?;
                if wanted.is_some_and(|w| w != out) {
                    return Err(Errno::ENETUNREACH);
                }
                out
            }
            (None, Some(link)) => link,
            (None, None) => return Err(Errno::EINVAL),
        };
        if !space.links.get(&link).ok_or(Errno::ENODEV)?.up {
            return Err(Errno::ENETDOWN);
        }
        let to = to.map(|n| n.trunc());
        // Default routes are told apart by the family of the next hop.
        let family = |via: Option<IpAddr>| via.map(|v| v.is_ipv4());
        if space.routes.iter().any(|r| r.to == to && (to.is_some() || family(r.via) == family(via))) {
            return Err(Errno::EEXIST);
        }
        space.routes.push(Route { to, via, link, kernel: false });
        Ok(())
    }

    /// Takes a route away.
    pub fn route_delete(&mut self, ns: u32, to: Option<IpNet>) -> Res<()> {
        let space = self.net.space(ns)?;
        let to = to.map(|n| n.trunc());
        let found = space.routes.iter().position(|r| r.to == to).ok_or(Errno::ESRCH)?;
        space.routes.remove(found);
        Ok(())
    }
}

impl Net {
    /// A namespace, to change.
    pub fn space(&mut self, ns: u32) -> Res<&mut super::NetNs> {
        self.spaces.get_mut(&ns).ok_or(Errno::ENODEV)
    }
}

impl super::NetNs {
    /// The routes that come with the addresses of a link that is up.
    fn connected_routes(&mut self, link: u32) {
        if !self.links.get(&link).is_some_and(|l| l.up) {
            return;
        }
        let nets: Vec<IpNet> =
            self.addresses.iter().filter(|(l, n)| *l == link && !n.addr().is_loopback()).map(|(_, n)| n.trunc()).collect();
        for net in nets.into_iter().filter(|n| n.prefix_len() < n.max_prefix_len()) {
            if !self.routes.iter().any(|r| r.to == Some(net) && r.link == link) {
                self.routes.push(Route { to: Some(net), via: None, link, kernel: true });
            }
        }
    }
}

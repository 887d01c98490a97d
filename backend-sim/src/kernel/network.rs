//! Steps on links, addresses, routes, sysctls and the packet filter.

use super::errors::Named;
use crate::net::LinkKind;
use crate::sys::{Errno, LinkChange, NewLink};
use crate::world::World;
use drydock_core::kernel::{Firewall, Protocol};
use drydock_core::{Error, Result};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

impl World {
    /// A bridge with this address, up or not as it was; there already is no error.
    pub(super) fn step_add_bridge(&mut self, name: &str, address: IpNet, mac: Option<&str>) -> Result<()> {
        let ns = self.net.host;
        let found = self.net.space(ns).named("bridge", name)?.by_name(name);
        let index = match found {
            Some(index) if self.net.link((ns, index)).is_some_and(|l| l.kind == LinkKind::Bridge) => index,
            Some(_) => return Err(Errno::EEXIST).named("bridge", name),
            None => self.link_add(ns, &NewLink::Bridge { name: name.to_owned() }).named("bridge", name)?,
        };
        if let Some(mac) = mac {
            self.link_change((ns, index), &LinkChange::Mac(mac.to_owned()), None).named("address", name)?;
        }
        match self.address_add((ns, index), address) {
            Ok(()) | Err(Errno::EEXIST) => Ok(()),
            Err(error) => Err(error).named("address", name),
        }
    }

    /// A pair of links: one stays and joins the bridge, the other goes to the child under its name there.
    pub(super) fn step_add_veth(
        &mut self,
        child: u32,
        name: &str,
        bridge: &str,
        (peer, rename): (&str, &str),
        mac: &str,
        isolated: bool,
    ) -> Result<()> {
        let ns = self.net.host;
        let to = self.proc(child).named("veth", name)?.ns.net;
        self.link_add(ns, &NewLink::Veth { name: name.to_owned(), peer: peer.to_owned() }).named("veth", name)?;
        let made = self.finish_veth((ns, to), name, bridge, (peer, rename), mac);
        if made.is_err() {
            self.step_remove_link(name);
        } else if let Some(index) = self.net.spaces.get(&ns).and_then(|s| s.by_name(name))
            && let Some(link) = self.net.link_mut((ns, index))
        {
            link.isolated = isolated;
        }
        made.named("veth", name)
    }

    fn finish_veth(
        &mut self,
        (ns, to): (u32, u32),
        name: &str,
        bridge: &str,
        (peer, rename): (&str, &str),
        mac: &str,
    ) -> Result<(), Errno> {
        let host_end = self.net.space(ns)?.by_name(name).ok_or(Errno::ENODEV)?;
        let peer_end = self.net.space(ns)?.by_name(peer).ok_or(Errno::ENODEV)?;
        self.link_change((ns, host_end), &LinkChange::Master(Some(bridge.to_owned())), None)?;
        self.link_change((ns, peer_end), &LinkChange::Mac(mac.to_owned()), None)?;
        let moved = self.link_move((ns, peer_end), to)?;
        self.link_change(moved, &LinkChange::Rename(rename.to_owned()), None)
    }

    /// Removes a link of the host; not there is no error.
    pub(super) fn step_remove_link(&mut self, name: &str) {
        let ns = self.net.host;
        if let Some(index) = self.net.spaces.get(&ns).and_then(|s| s.by_name(name)) {
            self.net.remove_link((ns, index));
        }
    }

    /// Brings a link of a namespace up.
    pub(super) fn step_link_up(&mut self, ns: u32, name: &str) -> Result<()> {
        let index = self.net.space(ns).named("link up", name)?.by_name(name).ok_or(Errno::ENODEV).named("link up", name)?;
        self.link_change((ns, index), &LinkChange::Up(true), None).named("link up", name)
    }

    /// Gives a link of a namespace an address; that it has it already is no error.
    pub(super) fn step_add_address(&mut self, ns: u32, link: &str, address: IpNet) -> Result<()> {
        let index = self.net.space(ns).named("address", link)?.by_name(link).ok_or(Errno::ENODEV).named("address", link)?;
        match self.address_add((ns, index), address) {
            Ok(()) | Err(Errno::EEXIST) => Ok(()),
            Err(error) => Err(error).named("address", link),
        }
    }

    /// Adds a route; a default one takes the place of that of the same family.
    pub(super) fn step_add_route(&mut self, ns: u32, to: Option<IpNet>, via: IpAddr) -> Result<()> {
        if to.is_none() {
            let space = self.net.space(ns).named("route", &via.to_string())?;
            space.routes.retain(|r| r.to.is_some() || r.via.is_none_or(|old| old.is_ipv4() != via.is_ipv4()));
        }
        self.route_add(ns, to, Some(via), None).named("route", &via.to_string())
    }

    /// Sets a sysctl of a namespace: `net.ipv4.ip_forward`.
    pub(super) fn step_net_sysctl(&mut self, ns: u32, key: &str, value: &str) -> Result<()> {
        let path = key.replace('.', "/");
        self.sysctl(ns, &path).named("sysctl", key)?;
        self.sysctls.insert((ns, path), value.to_owned());
        Ok(())
    }

    /// Adds a rule; the same twice is one. A port that another program of the host has bound cannot be published.
    pub(super) fn step_add_rule(&mut self, owner: &str, rule: &Firewall) -> Result<()> {
        if let Firewall::Publish { protocol, host_ip, host_port, to, to_port, .. } = rule {
            let stream = *protocol == Protocol::Tcp;
            if *protocol != Protocol::Sctp && self.port_taken(self.net.host, stream, *host_ip, *host_port) {
                let host = SocketAddr::new(*host_ip, *host_port);
                let name = drydock_core::network::ports::protocol_name(*protocol);
                let message = format!("failed to bind host port for {host}:{to}:{to_port}/{name}: address already in use");
                return Err(Error::conflict(message).op("bind").subject(host.to_string()));
            }
        }
        let entry = (owner.to_owned(), rule.clone());
        if !self.net.rules.contains(&entry) {
            self.net.rules.push(entry);
        }
        Ok(())
    }

    /// Removes an owner's rules.
    pub(super) fn step_remove_rules(&mut self, owner: &str) {
        self.net.rules.retain(|(o, _)| o != owner);
    }
}

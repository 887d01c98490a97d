//! Leases of addresses: which one a container gets in a network, and how it is given back.

use super::LocalEngine;
use super::events::Happening;
use super::network::{PortLease, port_key};
use crate::container::ContainerRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ContainerId, NetworkId};
use crate::network::{Endpoint, NetworkRecord, Place, Publish};
use crate::store::{Change, Table, decode, put};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

fn address_key(network: &NetworkId, address: IpAddr) -> String {
    format!("{network}/{address}")
}

/// Refuses what cannot be asked of a place in this network, in Docker's words.
pub(super) fn check_place(network: &NetworkRecord, place: &Place) -> Result<()> {
    let addressed = place.address.is_some() || place.address6.is_some();
    if !network.has_names() {
        if addressed {
            return Err(Error::invalid("user specified IP address is supported on user defined networks only"));
        }
        if !place.aliases.is_empty() {
            return Err(Error::invalid("network-scoped alias is supported only for containers in user defined networks"));
        }
    }
    if addressed && !network.pool.chosen {
        let message = "user specified IP address is supported only when connecting to networks with user configured subnets";
        return Err(Error::invalid(message));
    }
    let outside = |ip: IpAddr| {
        let inside = match ip {
            IpAddr::V4(_) => network.subnet.is_some_and(|s| s.contains(&ip)),
            IpAddr::V6(ip) => network.pool.subnet6.is_some_and(|s| s.contains(&ip)),
        };
        (!inside).then(|| Error::invalid(format!("Invalid address {ip}: It does not belong to any of this network's subnets")))
    };
    let asked = place.address.map(IpAddr::V4).into_iter().chain(place.address6.map(IpAddr::V6));
    asked.filter_map(outside).next().map_or(Ok(()), Err)
}

impl LocalEngine {
    /// A place in a network, as `eth` and this number: the address asked for, or the lowest that is free.
    pub(super) fn lease_address(
        &self,
        network: &NetworkRecord,
        place: &Place,
        id: &ContainerId,
        number: usize,
        batch: &mut Vec<Change>,
    ) -> Result<Endpoint> {
        check_place(network, place)?;
        let link_local = place.link_local()?;
        if let (Some(v6), None) = (link_local.iter().find(|a| a.addr().is_ipv6()), network.pool.subnet6) {
            let message = format!("network {} has no IPv6, so that {} cannot be an address in it", network.name, v6.addr());
            return Err(Error::invalid(message).hint("make the network with --ipv6"));
        }
        let Some(IpNet::V4(subnet)) = network.subnet else {
            return Err(Error::unsupported(format!("network {} without an IPv4 subnet", network.name)));
        };
        let address = match place.address {
            Some(address) => self.lease_chosen(network, IpAddr::V4(address), id, batch).map(|()| address)?,
            None => self.lease_lowest(network, subnet, id, batch)?,
        };
        let address6 = network.pool.subnet6.map(|subnet6| self.lease_v6(network, (subnet, address), subnet6, place, id, batch));
        let address = Ipv4Net::new_assert(address, subnet.prefix_len());
        Ok(Endpoint { link_local, ..endpoint(network, id, address, address6.transpose()?, place, number) })
    }

    fn is_reserved(network: &NetworkRecord, address: IpAddr) -> bool {
        network.gateway == Some(address)
            || network.pool.gateway6.map(IpAddr::V6) == Some(address)
            || network.pool.reserved.values().any(|r| *r == address)
    }

    /// The address that was asked for, if nobody has it.
    fn lease_chosen(&self, network: &NetworkRecord, address: IpAddr, id: &ContainerId, batch: &mut Vec<Change>) -> Result<()> {
        let key = address_key(&network.id, address);
        if Self::is_reserved(network, address) || self.store().get(Table::Addresses, &key)?.is_some() {
            return Err(Error::new(ErrorKind::Denied, "Address already in use").subject(address.to_string()));
        }
        batch.push(Change::Expect(Table::Addresses, key.clone(), None));
        batch.push(put(Table::Addresses, &key, id)?);
        Ok(())
    }

    /// The lowest free address of a network. The cursor is a lower bound of it, so that a full pool is not walked each time.
    fn lease_lowest(&self, network: &NetworkRecord, subnet: Ipv4Net, id: &ContainerId, batch: &mut Vec<Change>) -> Result<Ipv4Addr> {
        let cursor_key = format!("cursor/{}", network.id);
        let cursor = self.store().get(Table::Meta, &cursor_key)?;
        // The first and the last address of the subnet stand for all of it; those of a range of it do not.
        let range = network.pool.range.unwrap_or(subnet);
        let first = u32::from(range.network()).max(u32::from(subnet.network()) + 1);
        let last = u32::from(range.broadcast()).min(u32::from(subnet.broadcast()).saturating_sub(1));
        let from = cursor.as_deref().map(|b| decode::<u32>(Table::Meta, &cursor_key, b)).transpose()?.unwrap_or(first);
        for number in from.max(first)..=last {
            let address = Ipv4Addr::from(number);
            let key = address_key(&network.id, IpAddr::V4(address));
            if !Self::is_reserved(network, IpAddr::V4(address)) && self.store().get(Table::Addresses, &key)?.is_none() {
                batch.push(Change::Expect(Table::Addresses, key.clone(), None));
                batch.push(put(Table::Addresses, &key, id)?);
                batch.push(Change::Expect(Table::Meta, cursor_key.clone(), cursor));
                batch.push(put(Table::Meta, &cursor_key, &(number + 1))?);
                return Ok(address);
            }
        }
        Err(Error::new(
            ErrorKind::Exhausted,
            format!("no available IPv4 addresses on this network's address pools: {} ({})", network.name, network.id),
        ))
    }

    /// The IPv6 address: the one asked for, or the one as far into its subnet as the IPv4 address is into its own, or the next; of a
    /// range of its own, the lowest.
    fn lease_v6(
        &self,
        network: &NetworkRecord,
        (subnet, address): (Ipv4Net, Ipv4Addr),
        subnet6: Ipv6Net,
        place: &Place,
        id: &ContainerId,
        batch: &mut Vec<Change>,
    ) -> Result<Ipv6Net> {
        let whole = |ip| Ipv6Net::new_assert(ip, subnet6.prefix_len());
        if let Some(asked) = place.address6 {
            return self.lease_chosen(network, IpAddr::V6(asked), id, batch).map(|()| whole(asked));
        }
        let offset = u128::from(u32::from(address) - u32::from(subnet.network()));
        let start = u128::from(subnet6.network()) + offset;
        let (first, last) = network.pool.range6.map_or((start, subnet6.broadcast()), |range| {
            (u128::from(range.network()).max(u128::from(subnet6.network()) + 1), range.broadcast())
        });
        for number in first..=u128::from(last) {
            let ip = Ipv6Addr::from(number);
            let key = address_key(&network.id, IpAddr::V6(ip));
            if !Self::is_reserved(network, IpAddr::V6(ip)) && self.store().get(Table::Addresses, &key)?.is_none() {
                self.lease_chosen(network, IpAddr::V6(ip), id, batch)?;
                return Ok(whole(ip));
            }
        }
        let message = format!("no available IPv6 addresses on this network's address pools: {} ({})", network.name, network.id);
        Err(Error::new(ErrorKind::Exhausted, message))
    }

    /// Ends the leases of an endpoint's addresses and of these ports.
    pub(super) fn end_leases(
        &self,
        record: &ContainerRecord,
        endpoint: &Endpoint,
        network: &NetworkRecord,
        ports: &[Publish],
    ) -> Result<()> {
        loop {
            let mut batch = Vec::new();
            let key = address_key(&network.id, endpoint.address.addr());
            let lease = self.store().get(Table::Addresses, &key)?;
            let held: Option<String> = lease.as_deref().map(|b| decode(Table::Addresses, &key, b)).transpose()?;
            if held.as_deref() == Some(record.id.as_str()) {
                batch.push(Change::Expect(Table::Addresses, key.clone(), lease));
                batch.push(Change::Delete(Table::Addresses, key));
                if let IpAddr::V4(address) = endpoint.address.addr() {
                    let cursor_key = format!("cursor/{}", network.id);
                    let before = self.store().get(Table::Meta, &cursor_key)?;
                    let cursor: u32 = before.as_deref().map(|b| decode(Table::Meta, &cursor_key, b)).transpose()?.unwrap_or(u32::MAX);
                    batch.push(Change::Expect(Table::Meta, cursor_key.clone(), before));
                    batch.push(put(Table::Meta, &cursor_key, &cursor.min(u32::from(address)))?);
                }
                for address in endpoint.address6.iter().map(|a| IpAddr::V6(a.addr())) {
                    batch.push(Change::Delete(Table::Addresses, address_key(&network.id, address)));
                }
                let left = Happening::Network(network.id.as_str(), &network.name, "disconnect").entry(record, self.time());
                self.append_events(&mut batch, &[left])?;
            }
            for port in ports {
                let key = port_key(port.protocol, port.host_port);
                let Some(before) = self.store().get(Table::Ports, &key)? else { continue };
                let leases: Vec<PortLease> = decode(Table::Ports, &key, &before)?;
                let rest: Vec<&PortLease> = leases.iter().filter(|l| l.container != record.id).collect();
                batch.push(Change::Expect(Table::Ports, key.clone(), Some(before)));
                batch.push(if rest.is_empty() { Change::Delete(Table::Ports, key) } else { put(Table::Ports, &key, &rest)? });
            }
            if batch.is_empty() || self.commit(&batch)? {
                return Ok(());
            }
        }
    }
}

/// A container's place: MAC from the address as Docker derives it, host link from the container's id and the place's number.
fn endpoint(
    network: &NetworkRecord,
    id: &ContainerId,
    address: Ipv4Net,
    address6: Option<Ipv6Net>,
    place: &Place,
    number: usize,
) -> Endpoint {
    let [a, b, c, d] = address.addr().octets();
    let short = id.as_str().get(..7).unwrap_or("0000000");
    Endpoint {
        container: id.clone(),
        network: network.id.clone(),
        address: IpNet::V4(address),
        mac: if place.mac.is_empty() { format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}") } else { place.mac.clone() },
        host_link: if number == 0 { format!("veth{short}") } else { format!("veth{short}-{number}") },
        link: format!("eth{number}"),
        name: network.name.clone(),
        gateway: network.gateway.filter(|_| !network.internal),
        address6,
        gateway6: network.pool.gateway6.filter(|_| !network.internal),
        link_local: Vec::new(),
        priority: place.priority,
        leads: false,
    }
}

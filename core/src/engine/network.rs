//! Networks of containers: the default network, leases of addresses and host ports, links made and taken away.
//!
//! A lease is a record before anything is made on the host, and the container's own record names it in the same batch. A network's
//! bridge exists while the network has a lease: the last one to leave takes it along.

use super::LocalEngine;
use super::events::Happening;
use crate::container::{ContainerRecord, NetworkMode, files};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ContainerId, NetworkId};
use crate::kernel::{Process, Protocol};
use crate::network::{Driver, Endpoint, NetworkRecord, PortRequest, Publish};
use crate::store::{Change, StoreExt as _, Table, decode, put};
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};

/// The default network's name, as Docker has it.
const DEFAULT: &str = "bridge";
/// Its bridge on the host.
const DEFAULT_BRIDGE: &str = "drydock0";
/// Its subnet: away from Docker's own 172.17.0.0/16, so that both can live on one host.
const DEFAULT_SUBNET: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(172, 30, 0, 0), 16);
/// Host ports that the kernel gives to whoever does not care (ip_local_port_range, Linux's default).
const EPHEMERAL: (u16, u16) = (32768, 60999);

/// One lease of a host port: all leases of one port are one record, so that two of them cannot pass each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PortLease {
    pub(super) ip: IpAddr,
    pub(super) container: ContainerId,
}

/// `tcp/08080`.
pub(super) fn port_key(protocol: Protocol, port: u16) -> String {
    let name = match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    };
    format!("{name}/{port:05}")
}

fn overlap(a: IpAddr, b: IpAddr) -> bool {
    a == b || (a.is_ipv4() == b.is_ipv4() && (a.is_unspecified() || b.is_unspecified()))
}

impl LocalEngine {
    /// A network by name or id; the default one is made up on first use.
    pub(super) fn network(&self, asked: &str) -> Result<NetworkRecord> {
        if let Some(id) = self.store().load::<String>(Table::Meta, &format!("network/{asked}"))?
            && let Some(record) = self.store().load(Table::Networks, &id)?
        {
            return Ok(record);
        }
        if let Some(record) = self.store().load(Table::Networks, asked)? {
            return Ok(record);
        }
        if asked != DEFAULT && asked != "default" {
            return Err(Error::not_found(format!("network {} not found", asked.escape_debug())).subject(asked));
        }
        let id = self.new_id();
        let record = NetworkRecord {
            id: NetworkId::new(id.clone()),
            name: DEFAULT.to_owned(),
            driver: Driver::Bridge,
            bridge: DEFAULT_BRIDGE.to_owned(),
            subnet: Some(IpNet::V4(DEFAULT_SUBNET)),
            gateway: DEFAULT_SUBNET.hosts().next().map(IpAddr::V4),
            internal: false,
            icc: true,
            labels: std::collections::BTreeMap::new(),
            options: std::collections::BTreeMap::new(),
            attachable: false,
            created: self.time(),
        };
        let name_key = format!("network/{DEFAULT}");
        self.commit(&[
            Change::Expect(Table::Meta, name_key.clone(), None),
            put(Table::Meta, &name_key, &id)?,
            put(Table::Networks, &id, &record)?,
        ])?;
        self.network(DEFAULT)
    }

    pub(super) fn lock_network(&self, id: &NetworkId) -> Result<Box<dyn crate::kernel::Guard>> {
        self.lock(&format!("network-{id}"))
    }

    /// Leases an address and the host ports of a container that has links of its own; answers its record with them.
    pub(super) fn lease(&self, record: &ContainerRecord) -> Result<ContainerRecord> {
        let NetworkMode::Named(name) = &record.config.network else {
            return Ok(record.clone());
        };
        let network = self.network(name)?;
        let asked = self.ports_of(record)?;
        loop {
            let mut batch = Vec::new();
            let endpoint = self.lease_address(&network, &record.id, &mut batch)?;
            let mut published = Vec::new();
            for request in &asked {
                let port = self.lease_port(request, record, &mut batch).map_err(|e| failed_publishing(&e, record, &endpoint))?;
                published.push(port);
            }
            let before = self.store().get(Table::Containers, record.id.as_str())?;
            let Some(bytes) = before else { return Err(super::resolve::no_such(record.id.as_str())) };
            let mut changed: ContainerRecord = decode(Table::Containers, record.id.as_str(), &bytes)?;
            changed.endpoints = vec![endpoint];
            changed.published = published;
            batch.push(Change::Expect(Table::Containers, record.id.to_string(), Some(bytes)));
            batch.push(put(Table::Containers, record.id.as_str(), &changed)?);
            let connected = Happening::Network(network.id.as_str(), &network.name, "connect").entry(&changed, self.time());
            self.append_events(&mut batch, &[connected])?;
            // Held until the batch is in: the last to leave must not take the bridge along between lease and use.
            let guard = self.lock_network(&network.id)?;
            if self.commit(&batch)? {
                let added = self.host.networks.add(&network);
                drop(guard);
                return added.map(|()| changed);
            }
        }
    }

    /// Gives a record the address and ports it would get, and takes none.
    pub(super) fn place(&self, record: &mut ContainerRecord) -> Result<()> {
        let NetworkMode::Named(name) = &record.config.network else {
            return Ok(());
        };
        let network = self.network(name)?;
        let mut batch = Vec::new();
        record.endpoints = vec![self.lease_address(&network, &record.id, &mut batch)?];
        for request in self.ports_of(record)? {
            let port = self.lease_port(&request, record, &mut batch)?;
            record.published.push(port);
        }
        Ok(())
    }

    /// The ports to publish: those asked for, and with `-P` every exposed one that is not.
    fn ports_of(&self, record: &ContainerRecord) -> Result<Vec<PortRequest>> {
        let mut asked = record.config.ports.clone();
        if record.config.publish_all {
            for exposed in self.exposed(record)? {
                let (port, protocol) = exposed.split_once('/').unwrap_or((&exposed, "tcp"));
                let protocol = match protocol {
                    "udp" => Protocol::Udp,
                    "sctp" => Protocol::Sctp,
                    _ => Protocol::Tcp,
                };
                let Ok(container_port) = port.parse() else { continue };
                if !asked.iter().any(|p| p.protocol == protocol && p.container_port == container_port) {
                    asked.push(PortRequest { protocol, host_ip: None, host_ports: None, container_port });
                }
            }
        }
        Ok(asked)
    }

    /// The lowest free address of a network. The cursor is a lower bound of it, so that a full pool is not walked each time.
    fn lease_address(&self, network: &NetworkRecord, id: &ContainerId, batch: &mut Vec<Change>) -> Result<Endpoint> {
        let Some(IpNet::V4(subnet)) = network.subnet else {
            return Err(Error::unsupported(format!("network {} without an IPv4 subnet", network.name)));
        };
        let cursor_key = format!("cursor/{}", network.id);
        let cursor = self.store().get(Table::Meta, &cursor_key)?;
        let first = u32::from(subnet.network()) + 1;
        let last = u32::from(subnet.broadcast()).saturating_sub(1);
        let from = cursor.as_deref().map(|b| decode::<u32>(Table::Meta, &cursor_key, b)).transpose()?.unwrap_or(first);
        for number in from.max(first)..=last {
            let address = Ipv4Addr::from(number);
            if network.gateway == Some(IpAddr::V4(address)) {
                continue;
            }
            let key = address_key(&network.id, IpAddr::V4(address));
            if self.store().get(Table::Addresses, &key)?.is_none() {
                batch.push(Change::Expect(Table::Addresses, key.clone(), None));
                batch.push(put(Table::Addresses, &key, id)?);
                batch.push(Change::Expect(Table::Meta, cursor_key.clone(), cursor));
                batch.push(put(Table::Meta, &cursor_key, &(number + 1))?);
                return Ok(endpoint(network, id, address, subnet.prefix_len()));
            }
        }
        Err(Error::new(
            ErrorKind::Exhausted,
            format!("no available IPv4 addresses on this network's address pools: {} ({})", network.name, network.id),
        ))
    }

    /// One host port: the first free one of the range asked for, or of the kernel's ephemeral ones.
    pub(super) fn lease_port(&self, request: &PortRequest, record: &ContainerRecord, batch: &mut Vec<Change>) -> Result<Publish> {
        let ip = request.host_ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let (first, last) = request.host_ports.unwrap_or(EPHEMERAL);
        for host_port in first..=last {
            let key = port_key(request.protocol, host_port);
            // A port asked for twice in one request is in the batch and not yet in the store.
            if batch.iter().any(|c| matches!(c, Change::Put(Table::Ports, k, _) if *k == key)) {
                continue;
            }
            let before = self.store().get(Table::Ports, &key)?;
            let mut leases: Vec<PortLease> = before.as_deref().map(|b| decode(Table::Ports, &key, b)).transpose()?.unwrap_or_default();
            if first == last {
                self.settle_holders(&leases, ip)?;
                leases = self.store().load(Table::Ports, &key)?.unwrap_or_default();
            }
            if leases.iter().any(|lease| overlap(lease.ip, ip)) {
                continue;
            }
            let before = if first == last { self.store().get(Table::Ports, &key)? } else { before };
            leases.push(PortLease { ip, container: record.id.clone() });
            batch.push(Change::Expect(Table::Ports, key.clone(), before));
            batch.push(put(Table::Ports, &key, &leases)?);
            return Ok(Publish { protocol: request.protocol, host_ip: ip, host_port, container_port: request.container_port });
        }
        let shown = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
        Err(Error::conflict(if first == last {
            format!("Bind for {shown}:{first} failed: port is already allocated")
        } else {
            format!("Bind for {shown}:{first}-{last} failed: all ports are allocated")
        })
        .code("port-in-use"))
    }

    /// A container that holds a port but is dead gives it back first.
    fn settle_holders(&self, leases: &[PortLease], ip: IpAddr) -> Result<()> {
        for lease in leases.iter().filter(|lease| overlap(lease.ip, ip)) {
            if let Some(holder) = self.find_record(&lease.container)? {
                self.settle(holder)?;
            }
        }
        Ok(())
    }

    /// Links a waiting process to its networks and publishes its ports.
    pub(super) fn connect(&self, record: &ContainerRecord, process: &Process) -> Result<()> {
        for endpoint in &record.endpoints {
            let network: NetworkRecord = self.network(endpoint.network.as_str())?;
            self.host.networks.connect(&network, endpoint, process)?;
            let mut record = record.clone();
            while let Err(error) = self.publish(&record, &network, endpoint) {
                // Another program of the host may hold a port that Drydock was free to choose: then the next one is tried.
                record = match self.another_port(&record, &error)? {
                    Some(record) => record,
                    None if error.kind() == ErrorKind::Conflict => return Err(failed_publishing(&error, &record, endpoint)),
                    None => return Err(error),
                };
            }
        }
        Ok(())
    }

    fn publish(&self, record: &ContainerRecord, network: &NetworkRecord, endpoint: &Endpoint) -> Result<()> {
        if record.published.is_empty() { Ok(()) } else { self.host.networks.publish(network, endpoint, &record.published) }
    }

    /// The record with another host port in place of one that could not be bound, if there was a choice; the lease changes with it.
    fn another_port(&self, record: &ContainerRecord, error: &Error) -> Result<Option<ContainerRecord>> {
        let bound = error.about().parse::<std::net::SocketAddr>().ok().filter(|_| error.kind() == ErrorKind::Conflict);
        let Some(place) = record.published.iter().position(|p| bound.is_some_and(|b| (p.host_ip, p.host_port) == (b.ip(), b.port())))
        else {
            return Ok(None);
        };
        let Some(old) = record.published.get(place).cloned() else { return Ok(None) };
        let fits = |r: &&PortRequest| {
            let (first, last) = r.host_ports.unwrap_or(EPHEMERAL);
            r.protocol == old.protocol && r.container_port == old.container_port && (first..last).contains(&old.host_port)
        };
        let asked = self.ports_of(record)?;
        let Some(request) = asked.iter().find(fits) else { return Ok(None) };
        let last = request.host_ports.unwrap_or(EPHEMERAL).1;
        let rest = PortRequest { host_ports: Some((old.host_port + 1, last)), ..request.clone() };
        loop {
            let mut batch = Vec::new();
            let port = self.lease_port(&rest, record, &mut batch)?;
            let key = port_key(old.protocol, old.host_port);
            if let Some(before) = self.store().get(Table::Ports, &key)? {
                let mut leases: Vec<PortLease> = decode(Table::Ports, &key, &before)?;
                leases.retain(|lease| lease.container != record.id || lease.ip != old.host_ip);
                batch.push(Change::Expect(Table::Ports, key.clone(), Some(before)));
                batch.push(if leases.is_empty() { Change::Delete(Table::Ports, key) } else { put(Table::Ports, &key, &leases)? });
            }
            let Some(bytes) = self.store().get(Table::Containers, record.id.as_str())? else {
                return Err(super::resolve::no_such(record.id.as_str()));
            };
            let mut changed: ContainerRecord = decode(Table::Containers, record.id.as_str(), &bytes)?;
            match changed.published.get_mut(place) {
                Some(entry) => *entry = port,
                None => return Ok(None),
            }
            batch.push(Change::Expect(Table::Containers, record.id.to_string(), Some(bytes)));
            batch.push(put(Table::Containers, record.id.as_str(), &changed)?);
            if self.commit(&batch)? {
                return Ok(Some(changed));
            }
        }
    }

    /// Takes a container's links and ports away and ends its leases. Safe to repeat; goes on after an error and answers the first.
    pub(super) fn disconnect(&self, record: &ContainerRecord) -> Result<()> {
        let mut first = Ok(());
        for endpoint in &record.endpoints {
            let one = self.disconnect_one(record, endpoint);
            first = first.and(one);
        }
        first
    }

    fn disconnect_one(&self, record: &ContainerRecord, endpoint: &Endpoint) -> Result<()> {
        let network = self.network(endpoint.network.as_str())?;
        let unpublished = if record.published.is_empty() { Ok(()) } else { self.host.networks.unpublish(endpoint) };
        let disconnected = self.host.networks.disconnect(&network, endpoint);
        let _guard = self.lock_network(&network.id)?;
        self.end_leases(record, endpoint, &network)?;
        let prefix = format!("{}/", network.id);
        if self.store().scan(Table::Addresses, &prefix, "", 1)?.is_empty() {
            self.host.networks.remove(&network)?;
        }
        unpublished.and(disconnected)
    }

    fn end_leases(&self, record: &ContainerRecord, endpoint: &Endpoint, network: &NetworkRecord) -> Result<()> {
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
                let left = Happening::Network(network.id.as_str(), &network.name, "disconnect").entry(record, self.time());
                self.append_events(&mut batch, &[left])?;
            }
            for port in &record.published {
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

    /// Writes the files that are bound on /etc/hosts, /etc/hostname and /etc/resolv.conf.
    pub(super) fn write_files(&self, record: &ContainerRecord) -> Result<()> {
        let layout = self.layout();
        let name = self.hostname_of(record)?;
        let endpoints = match &record.config.network {
            NetworkMode::Container(other) => self.settled(other)?.endpoints,
            _ => record.endpoints.clone(),
        };
        let addresses: Vec<IpAddr> = endpoints.iter().map(|e| e.address.addr()).collect();
        let extra = record.config.extra_hosts.iter().map(|text| files::extra_host(text)).collect::<Result<Vec<_>>>()?;
        let hosts = files::hosts(&name, &record.config.domainname, &addresses, &extra);
        let of_host = match self.kernel().read("/etc/resolv.conf", 0, 64 << 10) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
            Err(e) => return Err(e),
        };
        let resolv = if record.config.network == NetworkMode::Host
            && record.config.dns.is_empty()
            && record.config.dns_search.is_empty()
            && record.config.dns_options.is_empty()
        {
            of_host
        } else {
            files::resolv_conf(&of_host, &record.config.dns, &record.config.dns_search, &record.config.dns_options)
        };
        let files = [
            (layout.hosts(&record.id), hosts),
            (layout.hostname(&record.id), files::hostname(&name)),
            (layout.resolv_conf(&record.id), resolv),
        ];
        for (path, content) in files {
            self.kernel().perform(&crate::kernel::Step::WriteFile { path, mode: 0o644, content }, None)?;
        }
        Ok(())
    }
}

fn address_key(network: &NetworkId, address: IpAddr) -> String {
    format!("{network}/{address}")
}

/// A container's place: MAC from the address as Docker derives it, host link from the container's id.
fn endpoint(network: &NetworkRecord, id: &ContainerId, address: Ipv4Addr, prefix: u8) -> Endpoint {
    let [a, b, c, d] = address.octets();
    Endpoint {
        container: id.clone(),
        network: network.id.clone(),
        address: IpNet::V4(Ipv4Net::new_assert(address, prefix)),
        mac: format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}"),
        host_link: format!("veth{}", id.as_str().get(..7).unwrap_or("0000000")),
        link: "eth0".to_owned(),
    }
}

/// Docker's words around a port that cannot be had.
pub(super) fn failed_publishing(error: &Error, record: &ContainerRecord, endpoint: &Endpoint) -> Error {
    Error::conflict(format!(
        "driver failed programming external connectivity on endpoint {} ({}): {}",
        record.name,
        endpoint.container,
        error.message()
    ))
    .subject(record.id.as_str())
    .code("port-in-use")
}

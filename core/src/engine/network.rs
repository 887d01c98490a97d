//! Networks of containers: the default network, leases of addresses and host ports, links made and taken away.
//!
//! A lease is a record before anything is made on the host, and the container's own record names it in the same batch. A network's
//! bridge exists while the network has a lease: the last one to leave takes it along.

use super::LocalEngine;
use super::events::Happening;
use crate::container::ContainerRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ContainerId, NetworkId};
use crate::kernel::{Process, Protocol};
use crate::network::{Configuration, Driver, Endpoint, NetworkRecord, Place, Pool, PortRequest, Publish, choose_leader};
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
            pool: Pool::default(),
            configuration: Configuration::default(),
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

    /// The networks that a container is to be on, each with what is asked of it there.
    fn networks_of(&self, record: &ContainerRecord) -> Result<Vec<(Place, NetworkRecord)>> {
        let with_links = record.places.iter().filter(|place| place.network != "none");
        let found = |place: &Place| match self.network_asked(&place.network)? {
            network if network.is_configuration() => Err(super::network_config::no_endpoint()),
            network => Ok((place.clone(), network)),
        };
        with_links.map(found).collect()
    }

    /// A network that somebody named: by its name or id, or by the beginning of its id.
    pub(super) fn network_asked(&self, asked: &str) -> Result<NetworkRecord> {
        match self.network(asked) {
            Err(e) if e.kind() == ErrorKind::NotFound => self.network_named(asked),
            found => found,
        }
    }

    /// Leases the addresses and the host ports of a container that has links of its own; answers its record with them.
    pub(super) fn lease(&self, record: &ContainerRecord) -> Result<ContainerRecord> {
        let networks = self.networks_of(record)?;
        if networks.is_empty() {
            return Ok(record.clone());
        }
        let asked = self.ports_of(record)?;
        loop {
            let mut batch = Vec::new();
            let endpoints = self.lease_places(&networks, record, &mut batch)?;
            let Some(leader) = endpoints.iter().find(|e| e.leads) else { return Ok(record.clone()) };
            let published = self.lease_ports(&asked, record, leader, &mut batch)?;
            let before = self.store().get(Table::Containers, record.id.as_str())?;
            let Some(bytes) = before else { return Err(super::resolve::no_such(record.id.as_str())) };
            let mut changed: ContainerRecord = decode(Table::Containers, record.id.as_str(), &bytes)?;
            for ((place, network), kept) in networks.iter().zip(changed.places.iter_mut().filter(|p| p.network != "none")) {
                debug_assert_eq!(place.network, kept.network, "a container's places change under its lock only");
                kept.id = Some(network.id.clone());
            }
            changed.endpoints = endpoints;
            changed.published = published;
            batch.push(Change::Expect(Table::Containers, record.id.to_string(), Some(bytes)));
            batch.push(put(Table::Containers, record.id.as_str(), &changed)?);
            let now = self.time();
            let connected = networks.iter().map(|(_, n)| Happening::Network(n.id.as_str(), &n.name, "connect").entry(&changed, now));
            self.append_events(&mut batch, &connected.collect::<Vec<_>>())?;
            // Held until the batch is in: the last to leave must not take the bridge along between lease and use. In one order, so that
            // two that want the same ones do not wait for each other.
            let mut ids: Vec<&NetworkId> = networks.iter().map(|(_, network)| &network.id).collect();
            ids.sort();
            let guards = ids.into_iter().map(|id| self.lock_network(id)).collect::<Result<Vec<_>>>()?;
            if self.commit(&batch)? {
                let added = networks.iter().try_for_each(|(_, network)| self.host.networks.add(network));
                drop(guards);
                return added.map(|()| changed);
            }
        }
    }

    /// An endpoint in each network, `eth0` in the first, the default route in the one that has the best claim to it.
    fn lease_places(
        &self,
        networks: &[(Place, NetworkRecord)],
        record: &ContainerRecord,
        batch: &mut Vec<Change>,
    ) -> Result<Vec<Endpoint>> {
        let mut endpoints = Vec::new();
        for (number, (place, network)) in networks.iter().enumerate() {
            endpoints.push(self.lease_address(network, place, &record.id, number, batch)?);
        }
        choose_leader(&mut endpoints);
        Ok(endpoints)
    }

    /// Gives a record the addresses and ports it would get, and takes none.
    pub(super) fn place(&self, record: &mut ContainerRecord) -> Result<()> {
        let networks = self.networks_of(record)?;
        if networks.is_empty() {
            return Ok(());
        }
        let mut batch = Vec::new();
        record.endpoints = self.lease_places(&networks, record, &mut batch)?;
        if let Some(leader) = record.endpoints.iter().find(|e| e.leads) {
            record.published = self.lease_ports(&self.ports_of(record)?, record, leader, &mut batch)?;
        }
        Ok(())
    }

    /// The host ports of a container whose default route is at this place: none where there is no way out.
    pub(super) fn lease_ports(
        &self,
        asked: &[PortRequest],
        record: &ContainerRecord,
        leader: &Endpoint,
        batch: &mut Vec<Change>,
    ) -> Result<Vec<Publish>> {
        if !leader.publishes() {
            return Ok(Vec::new());
        }
        asked.iter().map(|request| self.lease_port(request, record, batch).map_err(|e| failed_publishing(&e, record, leader))).collect()
    }

    /// The ports to publish: those asked for, and with `-P` every exposed one that is not.
    pub(super) fn ports_of(&self, record: &ContainerRecord) -> Result<Vec<PortRequest>> {
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
        let mut named = false;
        for endpoint in &record.endpoints {
            let network: NetworkRecord = self.network(endpoint.network.as_str())?;
            self.host.networks.connect(&network, endpoint, process)?;
            named |= network.has_names();
            if endpoint.leads {
                self.publish_somehow(record, &network, endpoint)?;
            }
        }
        if named { self.host.networks.serve_names(&record.id, &self.servers_of(record)?, process) } else { Ok(()) }
    }

    /// Publishes a container's ports, with others in place of those that turn out to be taken where there is a choice.
    pub(super) fn publish_somehow(&self, record: &ContainerRecord, network: &NetworkRecord, endpoint: &Endpoint) -> Result<()> {
        let mut record = record.clone();
        while let Err(error) = self.publish(&record, network, endpoint) {
            // Another program of the host may hold a port that Drydock was free to choose: then the next one is tried.
            record = match self.another_port(&record, &error)? {
                Some(record) => record,
                None if error.kind() == ErrorKind::Conflict => return Err(failed_publishing(&error, &record, endpoint)),
                None => return Err(error),
            };
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
        let mut first = if record.endpoints.is_empty() { Ok(()) } else { self.host.networks.stop_names(&record.id) };
        for endpoint in &record.endpoints {
            let one = self.disconnect_one(record, endpoint, &record.published);
            first = first.and(one);
        }
        first
    }

    /// Takes one of its links away, with these of its ports.
    pub(super) fn disconnect_one(&self, record: &ContainerRecord, endpoint: &Endpoint, ports: &[Publish]) -> Result<()> {
        let network = self.network(endpoint.network.as_str())?;
        let unpublished = if ports.is_empty() || !endpoint.leads { Ok(()) } else { self.host.networks.unpublish(endpoint) };
        let disconnected = self.host.networks.disconnect(&network, endpoint);
        let _guard = self.lock_network(&network.id)?;
        self.end_leases(record, endpoint, &network, ports)?;
        let prefix = format!("{}/", network.id);
        if self.store().scan(Table::Addresses, &prefix, "", 1)?.is_empty() {
            self.host.networks.remove(&network)?;
        }
        unpublished.and(disconnected)
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

//! Published ports of a container that lives: more of them, or fewer, without another start.

use super::LocalEngine;
use super::network::{PortLease, failed_publishing, port_key};
use super::update::ContainerUpdate;
use crate::container::ContainerRecord;
use crate::error::{Error, Result};
use crate::id::ContainerId;
use crate::network::{PortRequest, Publish};
use crate::store::{Change, Table, decode, put};
use std::net::{IpAddr, Ipv4Addr};

/// Whether a request to unpublish means this port of a configuration.
fn means_request(asked: &PortRequest, port: &PortRequest) -> bool {
    asked.protocol == port.protocol
        && asked.container_port == port.container_port
        && asked.host_ip.is_none_or(|ip| port.host_ip == Some(ip))
        && asked.host_ports.is_none_or(|ports| port.host_ports == Some(ports))
}

/// Whether it means this port of the host.
fn means(asked: &PortRequest, port: &Publish) -> bool {
    asked.protocol == port.protocol
        && asked.container_port == port.container_port
        && asked.host_ip.is_none_or(|ip| port.host_ip == ip)
        && asked.host_ports.is_none_or(|(first, last)| (first..=last).contains(&port.host_port))
}

/// Whether a published port is exactly the one asked for.
fn serves(port: &Publish, asked: &PortRequest) -> bool {
    port.protocol == asked.protocol
        && port.container_port == asked.container_port
        && port.host_ip == asked.host_ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
        && asked.host_ports == Some((port.host_port, port.host_port))
}

fn shown(port: &PortRequest) -> String {
    crate::network::ports::name(port.container_port, port.protocol)
}

impl LocalEngine {
    /// The ports of a configuration after an update.
    pub(super) fn revised_ports(&self, record: &ContainerRecord, change: &ContainerUpdate) -> Result<Vec<PortRequest>> {
        let mut ports = record.config.ports.clone();
        if change.publish_add.is_empty() && change.publish_remove.is_empty() {
            return Ok(ports);
        }
        if record.places.iter().all(|p| p.network == "none") {
            return Err(Error::invalid("a container without a network of its own publishes no ports").subject(record.id.as_str()));
        }
        for asked in &change.publish_remove {
            let published = ports.iter().any(|p| means_request(asked, p)) || record.published.iter().any(|p| means(asked, p));
            if !published {
                return Err(Error::not_found(format!("No public port '{}' published for {}", shown(asked), record.name))
                    .subject(record.id.as_str())
                    .code("no-such-port"));
            }
            ports.retain(|p| !means_request(asked, p));
        }
        for asked in &change.publish_add {
            if !ports.contains(asked) {
                ports.push(asked.clone());
            }
        }
        Ok(ports)
    }

    /// Leases and publishes what a running container is to publish from now on, and gives back what it is not to. Answers its record
    /// as it was before.
    pub(super) fn republish(&self, record: &ContainerRecord, change: &ContainerUpdate) -> Result<ContainerRecord> {
        let (before, after) = self.exchange_leases(record, change)?;
        let kept = before.published.iter().all(|port| after.published.contains(port));
        let carried = self.carry_ports(&after, kept);
        if let Err(error) = carried {
            self.publish_as_before(&before)?;
            return Err(error);
        }
        Ok(before)
    }

    /// Makes the host publish what a record says. Where nothing goes away, what is published already is not touched.
    fn carry_ports(&self, record: &ContainerRecord, kept: bool) -> Result<()> {
        for endpoint in record.endpoints.iter().filter(|e| e.leads) {
            let network = self.network(endpoint.network.as_str())?;
            if !kept {
                self.host.networks.unpublish(endpoint)?;
            }
            if !record.published.is_empty() {
                let published = self.host.networks.publish(&network, endpoint, &record.published);
                published.map_err(|e| if e.kind() == crate::ErrorKind::Conflict { failed_publishing(&e, record, endpoint) } else { e })?;
            }
        }
        Ok(())
    }

    /// Takes an update of ports back: leases, record, and what the host publishes.
    pub(super) fn publish_as_before(&self, before: &ContainerRecord) -> Result<()> {
        let now = self.record(&before.id)?;
        loop {
            let mut batch = Vec::new();
            for port in now.published.iter().filter(|p| !before.published.contains(p)) {
                self.give_port_back(&now, port, &mut batch)?;
            }
            for port in before.published.iter().filter(|p| !now.published.contains(p)) {
                let key = port_key(port.protocol, port.host_port);
                let held = self.store().get(Table::Ports, &key)?;
                let mut leases: Vec<PortLease> = held.as_deref().map(|b| decode(Table::Ports, &key, b)).transpose()?.unwrap_or_default();
                leases.push(PortLease { ip: port.host_ip, container: now.id.clone() });
                batch.push(Change::Expect(Table::Ports, key.clone(), held));
                batch.push(put(Table::Ports, &key, &leases)?);
            }
            self.put_published(&now, before.published.clone(), &mut batch)?;
            if self.commit(&batch)? {
                return self.carry_ports(before, false);
            }
        }
    }

    /// Ends leases of host ports, then takes others, and writes the result into the record. Answers the record before and after.
    fn exchange_leases(&self, record: &ContainerRecord, change: &ContainerUpdate) -> Result<(ContainerRecord, ContainerRecord)> {
        let before = self.record(&record.id)?;
        loop {
            let now = self.record(&record.id)?;
            let (gone, kept): (Vec<Publish>, Vec<Publish>) =
                now.published.iter().cloned().partition(|p| change.publish_remove.iter().any(|asked| means(asked, p)));
            let mut batch = Vec::new();
            for port in &gone {
                self.give_port_back(&now, port, &mut batch)?;
            }
            self.put_published(&now, kept, &mut batch)?;
            if self.commit(&batch)? {
                break;
            }
        }
        match self.lease_more(&record.id, &change.publish_add) {
            Ok(after) => Ok((before, after)),
            Err(error) => {
                self.publish_as_before(&before)?;
                Err(error)
            }
        }
    }

    fn lease_more(&self, id: &ContainerId, asked: &[PortRequest]) -> Result<ContainerRecord> {
        loop {
            let now = self.record(id)?;
            let endpoint = now
                .endpoints
                .iter()
                .find(|e| e.leads)
                .ok_or_else(|| Error::conflict("the container has no endpoint").subject(id.as_str()))?;
            let mut batch = Vec::new();
            let mut published = now.published.clone();
            for asked in asked {
                if published.iter().any(|p| serves(p, asked)) {
                    continue;
                }
                let port = self.lease_port(asked, &now, &mut batch).map_err(|e| failed_publishing(&e, &now, endpoint))?;
                published.push(port);
            }
            let after = self.put_published(&now, published, &mut batch)?;
            if self.commit(&batch)? {
                return Ok(after);
            }
        }
    }

    /// Adds to a batch that a container no longer holds a port.
    fn give_port_back(&self, record: &ContainerRecord, port: &Publish, batch: &mut Vec<Change>) -> Result<()> {
        let key = port_key(port.protocol, port.host_port);
        let Some(held) = self.store().get(Table::Ports, &key)? else { return Ok(()) };
        let leases: Vec<PortLease> = decode(Table::Ports, &key, &held)?;
        let rest: Vec<&PortLease> = leases.iter().filter(|l| l.container != record.id || l.ip != port.host_ip).collect();
        batch.push(Change::Expect(Table::Ports, key.clone(), Some(held)));
        batch.push(if rest.is_empty() { Change::Delete(Table::Ports, key) } else { put(Table::Ports, &key, &rest)? });
        Ok(())
    }

    /// Adds to a batch that a container publishes these ports, if nobody changed its record meanwhile.
    fn put_published(&self, record: &ContainerRecord, published: Vec<Publish>, batch: &mut Vec<Change>) -> Result<ContainerRecord> {
        let key = record.id.as_str();
        let bytes = self.store().get(Table::Containers, key)?.ok_or_else(|| super::resolve::no_such(key))?;
        let mut after: ContainerRecord = decode(Table::Containers, key, &bytes)?;
        after.published = published;
        batch.push(Change::Expect(Table::Containers, key.to_owned(), Some(bytes)));
        batch.push(put(Table::Containers, key, &after)?);
        Ok(after)
    }
}

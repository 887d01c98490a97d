//! Networks of one's own: made, listed and removed. A bridge exists on the host only while a container is on it.

use super::LocalEngine;
use super::events::entry;
use super::prune::{PruneFilters, Pruned};
use crate::container::{ContainerRecord, NetworkMode};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Digest, NetworkId};
use crate::network::{Configuration, Driver, NetworkRecord, NetworkRequest, Pool};
use crate::store::{Change, StoreExt as _, Table, put};
use crate::time::Timestamp;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where subnets come from that nobody chose: parts of this, beside the default network's own.
const POOL: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(172, 31, 0, 0), 16);
/// How large each is.
const POOL_PREFIX: u8 = 24;
/// Networks that are always there.
const PREDEFINED: [&str; 4] = ["bridge", "host", "none", "default"];

/// The predefined network that a container is on without a link of its own: none, or the host's.
pub(super) fn linkless(record: &ContainerRecord) -> Option<NetworkRecord> {
    match &record.config.network {
        NetworkMode::Host => Some(plain("host", Driver::Host)),
        // One that was taken off it is on no network at all.
        NetworkMode::None if record.places.iter().any(|p| p.network == "none") => Some(plain("none", Driver::None)),
        _ => None,
    }
}

impl LocalEngine {
    /// Every network, the predefined ones first, then by age.
    pub(super) fn network_list(&self) -> Result<Vec<NetworkRecord>> {
        let default = self.network("bridge")?;
        let mut own: Vec<NetworkRecord> = self.store().load_all(Table::Networks)?.into_iter().map(|(_, record)| record).collect();
        own.retain(|network: &NetworkRecord| network.id != default.id);
        own.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
        let mut all = vec![default, plain("host", Driver::Host), plain("none", Driver::None)];
        all.extend(own);
        Ok(all)
    }

    /// One network, by name, id or unambiguous beginning of an id.
    pub(super) fn network_named(&self, asked: &str) -> Result<NetworkRecord> {
        let all = self.network_list()?;
        if let Some(exact) = all.iter().find(|n| n.id.as_str() == asked).or_else(|| all.iter().find(|n| n.name == asked)) {
            return Ok(exact.clone());
        }
        let mut fits = all.iter().filter(|n| !asked.is_empty() && n.id.as_str().starts_with(asked));
        match (fits.next(), fits.next()) {
            (Some(only), None) => Ok(only.clone()),
            (Some(_), Some(_)) => {
                let message =
                    format!("network {} is ambiguous ({} matches found based on ID prefix)", asked.escape_debug(), 2 + fits.count());
                Err(Error::new(ErrorKind::Ambiguous, message).subject(asked))
            }
            (None, _) => Err(Error::not_found(format!("network {} not found", asked.escape_debug())).subject(asked)),
        }
    }

    /// Makes a network's record; its bridge comes with its first container.
    pub(super) fn make_network(&self, request: &NetworkRequest) -> Result<NetworkId> {
        let name = request.name.as_str();
        check_name(name)?;
        let shown = name.escape_debug();
        if PREDEFINED.contains(&name) {
            return Err(Error::new(ErrorKind::Denied, format!("operation is not permitted on predefined {shown} network ")));
        }
        super::network_config::check(request)?;
        match request.driver.as_str() {
            // What is only a configuration has no driver, whatever is asked for.
            "" | "bridge" => {}
            _ if request.config_only => {}
            "host" | "null" => {
                let driver = &request.driver;
                return Err(Error::new(ErrorKind::Denied, format!("only one instance of \"{driver}\" network is allowed")));
            }
            other => {
                return Err(Error::not_found(format!(
                    "could not find plugin {0} in v1 plugin registry: plugin not found",
                    other.escape_debug()
                )));
            }
        }
        let _guard = self.lock("networks")?;
        let all = self.network_list()?;
        if all.iter().any(|n| n.name == name) {
            return Err(Error::conflict(format!("network with name {shown} already exists")).subject(name));
        }
        if request.config_only {
            return self.make_configuration(request);
        }
        let completed = Self::from_configuration(request, &all)?;
        let request = completed.as_ref().unwrap_or(request);
        // What is only a configuration has no addresses that others could not have.
        let all: Vec<NetworkRecord> = all.into_iter().filter(|n| !n.is_configuration()).collect();
        let subnet = match request.subnet {
            Some(subnet) => free(subnet, &all)?,
            None => POOL.subnets(POOL_PREFIX).ok().and_then(|mut parts| parts.find(|part| free(*part, &all).is_ok())).ok_or_else(|| {
                Error::new(
                    ErrorKind::Exhausted,
                    "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
                )
            })?,
        };
        let gateway = match request.gateway {
            Some(gateway) if subnet.contains(&gateway) => gateway,
            Some(gateway) => {
                return Err(Error::invalid(format!(
                    "invalid network config:\ninvalid gateway {gateway}: parent subnet {subnet} does not contain it"
                )));
            }
            None => subnet.hosts().next().ok_or_else(|| Error::invalid(format!("subnet {subnet} has no address to give")))?,
        };
        let id = self.new_id();
        let pool = pool(request, subnet, &id, &all)?;
        let bridge = bridge_name(request, &id, &all)?;
        let record = NetworkRecord {
            id: NetworkId::new(id.clone()),
            name: name.to_owned(),
            driver: Driver::Bridge,
            bridge,
            subnet: Some(IpNet::V4(subnet)),
            gateway: Some(IpAddr::V4(gateway)),
            internal: request.internal,
            icc: request.options.get("com.docker.network.bridge.enable_icc").is_none_or(|v| v != "false"),
            labels: request.labels.clone(),
            options: request.options.clone(),
            attachable: request.attachable,
            pool,
            configuration: if completed.is_some() { Configuration::From(request.config_from.clone()) } else { Configuration::Own },
            created: self.time(),
        };
        self.keep_network(&record)?;
        Ok(record.id)
    }

    /// Keeps a new network's record and tells of it.
    pub(super) fn keep_network(&self, record: &NetworkRecord) -> Result<()> {
        let id = record.id.as_str();
        self.store()
            .commit(&[put(Table::Meta, &format!("network/{}", record.name), &id.to_owned())?, put(Table::Networks, id, record)?])?;
        self.tell_of_network(record, "create")
    }

    /// Removes a network that no container is on.
    pub(super) fn delete_network(&self, asked: &str) -> Result<()> {
        let _guard = self.lock("networks")?;
        let record = self.network_named(asked)?;
        let name = record.name.escape_debug().to_string();
        if PREDEFINED.contains(&record.name.as_str()) {
            return Err(Error::new(ErrorKind::Denied, format!("{name} is a pre-defined network and cannot be removed")));
        }
        if self.network_list()?.iter().any(|n| record.is_configuration() && n.configuration == Configuration::From(record.name.clone())) {
            let message = format!("error while removing network: configuration network \"{name}\" is in use");
            return Err(Error::new(ErrorKind::Denied, message).subject(asked));
        }
        let _held = self.lock_network(&record.id)?;
        if !self.store().scan(Table::Addresses, &format!("{}/", record.id), "", 1)?.is_empty() {
            let message = format!("error while removing network: network {name} id {} has active endpoints", record.id);
            return Err(Error::new(ErrorKind::Denied, message).subject(asked));
        }
        self.host.networks.remove(&record)?;
        self.store().commit(&[
            Change::Delete(Table::Networks, record.id.to_string()),
            Change::Delete(Table::Meta, format!("network/{}", record.name)),
            Change::Delete(Table::Meta, format!("cursor/{}", record.id)),
        ])?;
        self.tell_of_network(&record, "destroy")
    }

    /// Removes every network of one's own that no container is on and the filters mean.
    pub(super) fn prune_unused_networks(&self, filters: &PruneFilters) -> Result<Pruned> {
        let mut pruned = Pruned::default();
        for network in self.network_list()?.into_iter().filter(|n| !PREDEFINED.contains(&n.name.as_str())) {
            let used = !self.store().scan(Table::Addresses, &format!("{}/", network.id), "", 1)?.is_empty();
            if used || network.is_configuration() || !filters.mean(network.created, &network.labels) {
                continue;
            }
            if !filters.dry_run {
                match self.delete_network(network.id.as_str()) {
                    Err(e) if matches!(e.kind(), ErrorKind::Denied | ErrorKind::NotFound) => continue,
                    gone => gone?,
                }
            }
            pruned.removed.push(network.name);
        }
        if !filters.dry_run {
            self.tell_of_prune("network", 0)?;
        }
        Ok(pruned)
    }

    fn tell_of_network(&self, network: &NetworkRecord, action: &str) -> Result<()> {
        let pairs = [("name", network.name.as_str()), ("type", network.driver.name())];
        let attributes: BTreeMap<String, String> = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        self.tell(&[entry("network", action, network.id.as_str(), attributes, self.time())])
    }
}

/// A network that needs nothing made: the same id on every host.
fn plain(name: &str, driver: Driver) -> NetworkRecord {
    NetworkRecord {
        id: NetworkId::new(Digest::of(format!("network {name}").as_bytes()).hex()),
        name: name.to_owned(),
        driver,
        bridge: String::new(),
        subnet: None,
        gateway: None,
        internal: false,
        icc: true,
        labels: BTreeMap::new(),
        options: BTreeMap::new(),
        attachable: false,
        pool: Pool::default(),
        configuration: Configuration::Own,
        created: Timestamp(0),
    }
}

/// What more is said of a network's addresses, where it fits.
fn pool(request: &NetworkRequest, subnet: Ipv4Net, id: &str, all: &[NetworkRecord]) -> Result<Pool> {
    if let Some(range) = request.range.filter(|range| !subnet.contains(range)) {
        return Err(Error::invalid(format!("no matching subnet for range {range}")));
    }
    if let Some(range) = request.range6.filter(|range| !request.subnet6.is_some_and(|subnet| subnet.contains(range))) {
        return Err(Error::invalid(format!("no matching subnet for range {range}")));
    }
    let subnet6 = match (request.ipv6, request.subnet6) {
        (false, Some(_)) => return Err(Error::invalid("an IPv6 subnet is for a network with IPv6").hint("add --ipv6")),
        (false, None) => None,
        (true, Some(asked)) if asked.prefix_len() <= 126 => Some(asked.trunc()),
        (true, Some(asked)) => return Err(Error::invalid(format!("subnet {asked} has no address to give"))),
        // A prefix of one's own: fd00::/8 and forty bits of chance (RFC 4193), which the network's id is.
        (true, None) => {
            let chance = u128::from_str_radix(id.get(..10).unwrap_or_default(), 16).unwrap_or_default();
            Some(Ipv6Net::new_assert(Ipv6Addr::from((0xfd_u128 << 120) | (chance << 80)), 64))
        }
    };
    let overlaps = |other: &Ipv6Net| subnet6.is_some_and(|own| own.contains(other) || other.contains(&own));
    if all.iter().filter_map(|n| n.pool.subnet6.as_ref()).any(overlaps) {
        return Err(Error::new(ErrorKind::Denied, "Pool overlaps with other one on this address space"));
    }
    let gateway6 = match (request.gateway6, subnet6) {
        (Some(asked), subnet) if !subnet.is_some_and(|s| s.contains(&asked)) => {
            return Err(Error::invalid(format!("no matching subnet for gateway {asked}")));
        }
        (Some(asked), _) => Some(asked),
        (None, subnet) => subnet.map(|s| Ipv6Addr::from(u128::from(s.network()) + 1)),
    };
    let outside = |ip: &&IpAddr| match ip {
        IpAddr::V4(ip) => !subnet.contains(ip),
        IpAddr::V6(ip) => !subnet6.is_some_and(|s| s.contains(ip)),
    };
    if let Some(ip) = request.reserved.values().find(outside) {
        return Err(Error::invalid(format!("no matching subnet for aux-address {ip}")));
    }
    let chosen = request.subnet.is_some() || request.subnet6.is_some();
    let (range, range6) = (request.range.map(|r| r.trunc()), request.range6.map(|r| r.trunc()));
    Ok(Pool { chosen, range, reserved: request.reserved.clone(), subnet6, range6, gateway6 })
}

/// The bridge's name on the host: one of its own, or the one asked for, which nobody else may have.
fn bridge_name(request: &NetworkRequest, id: &str, all: &[NetworkRecord]) -> Result<String> {
    let Some(asked) = request.options.get("com.docker.network.bridge.name").filter(|name| !name.is_empty()) else {
        return Ok(format!("dd-{}", id.get(..12).unwrap_or_default()));
    };
    // IFNAMSIZ with its NUL (netdevice(7)); what follows is in file names and rules.
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if asked.len() > 15 || !asked.bytes().all(fine) || asked.starts_with(['.', '-']) {
        return Err(Error::invalid(format!("invalid name of a bridge: {}", asked.escape_debug())));
    }
    if let Some(other) = all.iter().find(|n| n.bridge == *asked) {
        let message =
            format!("cannot create network {id} ({asked}): conflicts with network {} ({asked}): networks have same bridge name", other.id);
        return Err(Error::new(ErrorKind::Denied, message));
    }
    Ok(asked.clone())
}

/// A network may be called anything that is not blank and keeps to one line (Docker allows that much).
fn check_name(name: &str) -> Result<()> {
    match name {
        blank if blank.trim().is_empty() => Err(Error::invalid("invalid network name: name is empty")),
        name if name.chars().any(|c| c.is_control() || c == '/') => {
            Err(Error::invalid(format!("invalid network name \"{}\": slashes and control characters are not allowed", name.escape_debug())))
        }
        _ => Ok(()),
    }
}

/// The subnet, where no other network has a part of it.
fn free(subnet: Ipv4Net, all: &[NetworkRecord]) -> Result<Ipv4Net> {
    let overlaps = |other: &IpNet| match other {
        IpNet::V4(other) => other.contains(&subnet) || subnet.contains(other),
        IpNet::V6(_) => false,
    };
    if all.iter().filter_map(|n| n.subnet.as_ref()).any(overlaps) {
        return Err(Error::new(ErrorKind::Denied, "Pool overlaps with other one on this address space").subject(subnet.to_string()));
    }
    Ok(subnet.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_is_taken_once() {
        let mut taken = plain("a", Driver::Bridge);
        taken.subnet = Some("10.1.0.0/16".parse().unwrap());
        let all = [taken];
        for (text, ok) in [("10.1.2.0/24", false), ("10.0.0.0/8", false), ("10.2.0.0/16", true)] {
            assert_eq!(free(text.parse().unwrap(), &all).is_ok(), ok, "{text}");
        }
    }

    #[test]
    fn names_are_dockers() {
        for (name, ok) in [("a", true), ("a_b.c-1", true), ("a b", true), ("", false), (" ", false), ("a/b", false), ("a\nb", false)] {
            assert_eq!(check_name(name).is_ok(), ok, "{name}");
        }
    }
}

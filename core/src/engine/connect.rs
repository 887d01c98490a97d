//! Networks of a container that exists: one more, or one less. One that runs is changed by its supervisor, which holds its ports and
//! answers its names; of one that does not run only the record changes, and it is on its networks when it starts.

use super::LocalEngine;
use super::events::Happening;
use super::lease::check_place;
use super::start::BRIEFLY;
use crate::container::{ContainerConfig, ContainerRecord, NetworkMode, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use crate::kernel::{Process, Request};
use crate::network::{Driver, Endpoint, NetworkRecord, Place, Publish, choose_leader};
use crate::store::{Change, Table, decode, put};
use std::net::IpAddr;

/// Docker's words where a container has somebody else's network.
const SHARED: &str = "container sharing network namespace with another container or host cannot be connected to any other network";
const PRIVATE: &str = "container cannot be connected to multiple networks with one of the networks in private (none) mode";
const HOST: &str = "container cannot be disconnected from host network or connected to host network";

fn runs(status: Status) -> bool {
    matches!(status, Status::Running | Status::Paused | Status::Restarting)
}

fn is_on(record: &ContainerRecord, network: &NetworkRecord) -> bool {
    record.places.iter().any(|p| p.network == network.name || p.network == network.id.as_str() || p.id.as_ref() == Some(&network.id))
}

fn not_on(record: &ContainerRecord, network: &NetworkRecord) -> Error {
    Error::new(ErrorKind::Denied, format!("container {} is not connected to network {}", record.id, network.name))
        .subject(record.id.as_str())
}

impl LocalEngine {
    /// The networks that a container is made with: what was asked of each, the one of its network mode first.
    pub(super) fn places_of(&self, config: &ContainerConfig) -> Result<Vec<Place>> {
        let mut places = config.places.clone();
        for place in &mut places {
            // By its name, whatever it was called by; one that is not there yet may be when the container starts.
            match self.network_asked(&place.network) {
                Ok(network) => place.network = network.name,
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
        match &config.network {
            NetworkMode::Named(mode) => {
                let mode = match mode.as_str() {
                    "bridge" | "default" => "bridge".to_owned(),
                    other => self.network_asked(other).map_or_else(|_| other.to_owned(), |network| network.name),
                };
                match places.iter().position(|p| p.network == mode) {
                    Some(at) => places[..=at].rotate_right(1),
                    // The default network is for those who named none.
                    None if places.is_empty() || mode != "bridge" => places.insert(0, Place::on(&mode)),
                    None => {}
                }
            }
            NetworkMode::None if places.iter().all(|p| p.network == "none") => places = vec![Place::on("none")],
            NetworkMode::Host | NetworkMode::Container(_) | NetworkMode::None => {
                if places.iter().any(|p| p.address.is_some() || p.address6.is_some()) {
                    return Err(Error::invalid("user specified IP address is supported on user defined networks only"));
                }
                if config.network == NetworkMode::None {
                    return Err(Error::invalid(PRIVATE));
                }
                places.clear();
            }
        }
        for (at, place) in places.iter().enumerate() {
            if places[..at].iter().any(|p| p.network == place.network) {
                return Err(Error::invalid(format!("network \"{}\" is specified multiple times", place.network.escape_debug())));
            }
        }
        Ok(places)
    }

    /// Why a container cannot be put on a network.
    fn check_connect(record: &ContainerRecord, network: &NetworkRecord, place: &Place) -> Result<()> {
        let refused = |words: &str| Err(Error::new(ErrorKind::Denied, words).subject(record.id.as_str()));
        if matches!(record.config.network, NetworkMode::Host | NetworkMode::Container(_)) {
            return refused(SHARED);
        }
        match network.driver {
            Driver::Host => return refused(HOST),
            // Refused when it starts, as one that is not there any more.
            Driver::None if network.is_configuration() && !runs(record.state.status) => {}
            Driver::None if network.is_configuration() => return Err(super::network_config::no_endpoint()),
            Driver::None if record.places.is_empty() => return Ok(()),
            Driver::None => return refused(PRIVATE),
            Driver::Bridge if record.places.iter().any(|p| p.network == "none") => return refused(PRIVATE),
            Driver::Bridge => {}
        }
        if is_on(record, network) {
            let words = format!("endpoint with name {} already exists in network {}", record.name, network.name);
            return refused(&words);
        }
        check_place(network, place)
    }

    /// Puts a container on one more network, whatever state it is in.
    pub(super) fn connect_to(&self, network: &str, asked: &str, place: &Place) -> Result<()> {
        loop {
            let record = self.settled(asked)?;
            let network = self.network_asked(network)?;
            Self::check_connect(&record, &network, place)?;
            let place = Place { network: network.name.clone(), ..place.clone() };
            if runs(record.state.status) {
                match self.kernel().request(&record.id, &Request::Connect(Box::new(place))) {
                    // It has just ended: what is left to change is its record.
                    Err(e) if e.kind() == ErrorKind::NotRunning => self.host.clock.sleep(super::local::GLANCE),
                    other => return other,
                }
                continue;
            }
            let _guard = self.lock_container(&record.id)?;
            let Some(record) = self.settle_locked(&record.id)? else { return Err(super::resolve::no_such(asked)) };
            if !runs(record.state.status) {
                return self.add_place(&record.id, &network, &place);
            }
        }
    }

    fn add_place(&self, id: &ContainerId, network: &NetworkRecord, place: &Place) -> Result<()> {
        self.change(id, &[], &[Change::Flush], &mut |record| {
            Self::check_connect(record, network, place)?;
            record.places.push(place.clone());
            Ok(())
        })
        .map(drop)
    }

    fn drop_place(&self, record: &ContainerRecord, network: &NetworkRecord) -> Result<()> {
        let left = [Happening::Network(network.id.as_str(), &network.name, "disconnect")];
        self.change(&record.id, &left, &[Change::Flush], &mut |record| {
            if !is_on(record, network) {
                return Err(not_on(record, network));
            }
            record.places.retain(|p| p.network != network.name && p.id.as_ref() != Some(&network.id));
            Ok(())
        })
        .map(drop)
    }

    /// Takes a container off a network, whatever state it is in.
    pub(super) fn disconnect_from(&self, network: &str, asked: &str, force: bool) -> Result<()> {
        loop {
            let network = self.network_asked(network)?;
            let record = match self.settled(asked) {
                Err(e) if force && e.kind() == ErrorKind::NotFound => {
                    return Err(Error::not_found(format!("endpoint {} not found", asked.escape_debug())).subject(asked));
                }
                found => found?,
            };
            if network.driver == Driver::Host || record.config.network == NetworkMode::Host {
                return Err(Error::new(ErrorKind::Denied, HOST).subject(asked));
            }
            if !is_on(&record, &network) {
                return Err(not_on(&record, &network));
            }
            if runs(record.state.status) && network.driver == Driver::Bridge {
                match self.kernel().request(&record.id, &Request::Disconnect(network.id.to_string())) {
                    Err(e) if e.kind() == ErrorKind::NotRunning => self.host.clock.sleep(super::local::GLANCE),
                    other => return other,
                }
                continue;
            }
            let _guard = self.lock_container(&record.id)?;
            let Some(record) = self.settle_locked(&record.id)? else { return Err(super::resolve::no_such(asked)) };
            if !runs(record.state.status) || network.driver == Driver::None {
                return self.drop_place(&record, &network);
            }
        }
    }

    /// The supervisor's half of connecting: a lease, a link, and what follows from having it. After an error nothing of it is left.
    pub(crate) fn connect_supervised(&self, id: &ContainerId, place: &Place) -> Result<()> {
        let before = self.record(id)?;
        let network = self.network(&place.network)?;
        let Some(process) = before.state.process.clone() else {
            // Between two runs: the next one is on it.
            return self.add_place(id, &network, place);
        };
        let record = self.lease_one(&before, &network, place)?;
        let Some(endpoint) = record.endpoints.iter().find(|e| e.network == network.id) else {
            return Err(not_on(&record, &network));
        };
        let joined: Vec<IpAddr> = endpoint.addresses().collect();
        let added = self.host.networks.add(&network).and_then(|()| self.host.networks.connect(&network, endpoint, &process));
        let made = added.and_then(|()| self.follow_leader(&before, &record, &process)).and_then(|()| {
            self.revise_files(&record, &joined, &[])?;
            self.resume_names(&record, &process)
        });
        if made.is_err() {
            let _ = self.leave(&record, &network, &process);
        }
        made
    }

    /// The supervisor's half of disconnecting.
    pub(crate) fn disconnect_supervised(&self, id: &ContainerId, network: &str) -> Result<()> {
        let record = self.record(id)?;
        let network = self.network(network)?;
        match &record.state.process {
            Some(process) if is_on(&record, &network) => self.leave(&record, &network, &process.clone()),
            _ => self.drop_place(&record, &network),
        }
    }

    /// Leases an address for one more place, and records it.
    fn lease_one(&self, record: &ContainerRecord, network: &NetworkRecord, place: &Place) -> Result<ContainerRecord> {
        loop {
            let key = record.id.as_str();
            let bytes = self.store().get(Table::Containers, key)?.ok_or_else(|| super::resolve::no_such(key))?;
            let mut changed: ContainerRecord = decode(Table::Containers, key, &bytes)?;
            Self::check_connect(&changed, network, place)?;
            let number = (0..).find(|n| changed.endpoints.iter().all(|e| e.link != format!("eth{n}"))).unwrap_or_default();
            let mut batch = Vec::new();
            let endpoint = self.lease_address(network, place, &record.id, number, &mut batch)?;
            changed.endpoints.push(endpoint);
            changed.places.push(Place { id: Some(network.id.clone()), ..place.clone() });
            choose_leader(&mut changed.endpoints);
            // Ports that were asked for and had no way out so far.
            if changed.published.is_empty()
                && let Some(leader) = changed.endpoints.iter().find(|e| e.leads)
            {
                changed.published = self.lease_ports(&self.ports_of(record)?, record, leader, &mut batch)?;
            }
            batch.push(Change::Expect(Table::Containers, key.to_owned(), Some(bytes)));
            batch.push(put(Table::Containers, key, &changed)?);
            let connected = Happening::Network(network.id.as_str(), &network.name, "connect").entry(&changed, self.time());
            self.append_events(&mut batch, &[connected])?;
            batch.push(Change::Flush);
            let guard = self.lock_network(&network.id)?;
            if self.commit(&batch)? {
                // With the lease there, nobody takes the bridge along.
                drop(guard);
                return Ok(changed);
            }
        }
    }

    /// Moves default route and published ports to the place that has them from now on.
    fn follow_leader(&self, before: &ContainerRecord, now: &ContainerRecord, process: &Process) -> Result<()> {
        let leader = |record: &ContainerRecord| record.endpoints.iter().find(|e| e.leads).cloned();
        let (old, new) = (leader(before), leader(now));
        let network_of = |e: &Option<Endpoint>| e.as_ref().map(|e| e.network.clone());
        if network_of(&old) == network_of(&new) {
            return Ok(());
        }
        if let Some(old) = old.filter(|_| !before.published.is_empty()) {
            self.host.networks.unpublish(&old)?;
        }
        let Some(new) = new else { return Ok(()) };
        self.host.networks.route(&new, process)?;
        self.publish_somehow(now, &self.network(new.network.as_str())?, &new)
    }

    /// Answers names from now on if one of its networks has them, and with the servers that are its now.
    fn resume_names(&self, record: &ContainerRecord, process: &Process) -> Result<()> {
        for endpoint in &record.endpoints {
            if self.network(endpoint.network.as_str())?.has_names() {
                return self.host.networks.serve_names(&record.id, &self.servers_of(record)?, process);
            }
        }
        self.host.networks.stop_names(&record.id)
    }

    /// Takes a running container off a network: its link, its lease, its place. What cannot be given back stays written down, and the
    /// container stays on the network; after that it goes on after an error and answers the first.
    fn leave(&self, before: &ContainerRecord, network: &NetworkRecord, process: &Process) -> Result<()> {
        let Some(endpoint) = before.endpoints.iter().find(|e| e.network == network.id).cloned() else {
            return self.drop_place(before, network);
        };
        if endpoint.leads && !before.published.is_empty() {
            self.host.networks.unpublish(&endpoint)?;
        }
        // Its leases of ports stay, to be published on its next network, if there is one with a way out.
        let mut rest: Vec<_> = before.endpoints.iter().filter(|e| e.network != network.id).cloned().collect();
        choose_leader(&mut rest);
        let ports: &[Publish] = if rest.is_empty() || rest.iter().any(Endpoint::publishes) { &[] } else { &before.published };
        self.insist_for(BRIEFLY, &mut || self.disconnect_one(before, &endpoint, ports))?;
        let now = self.change(&before.id, &[], &[Change::Flush], &mut |record| {
            record.endpoints.retain(|e| e.network != network.id);
            record.places.retain(|p| p.network != network.name && p.id.as_ref() != Some(&network.id));
            choose_leader(&mut record.endpoints);
            if !ports.is_empty() {
                record.published.clear();
            }
            Ok(())
        })?;
        let mut without = before.clone();
        without.endpoints.retain(|e| e.network != network.id);
        let followed = self.follow_leader(&without, &now, process);
        let left: Vec<IpAddr> = endpoint.addresses().collect();
        let revised = self.revise_files(&now, &[], &left).and_then(|()| self.resume_names(&now, process));
        followed.and(revised)
    }
}

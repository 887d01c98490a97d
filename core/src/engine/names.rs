//! The names that a container may ask for, from the records as they are at the time of the question.

use super::LocalEngine;
use crate::container::ContainerRecord;
use crate::error::Result;
use crate::id::{ContainerId, NetworkId};
use crate::network::dns::{self, Answer, Known, Question};
use crate::network::{Place, link_env, names, ports};
use crate::store::{Store, StoreExt as _, Table, decode};
use std::net::IpAddr;

/// Everybody on a network.
fn on_network(store: &dyn Store, network: &NetworkId) -> Result<Vec<ContainerRecord>> {
    let mut all = Vec::<ContainerRecord>::new();
    for (key, bytes) in store.scan(Table::Addresses, &format!("{network}/"), "", usize::MAX)? {
        let id: String = decode(Table::Addresses, &key, &bytes)?;
        if !all.iter().any(|r| r.id.as_str() == id) {
            all.extend(store.load::<ContainerRecord>(Table::Containers, &id)?);
        }
    }
    Ok(all)
}

/// Answers a DNS message of a container: `turn` is one more each time, `stream` says that it came over TCP.
pub fn answer_name(store: &dyn Store, id: &ContainerId, message: &[u8], turn: u64, stream: bool) -> Answer {
    dns::answer(message, turn, stream, &mut |question| known(store, id, question).unwrap_or(Known::Nothing))
}

fn known(store: &dyn Store, id: &ContainerId, question: &Question) -> Result<Known> {
    let Some(asker) = store.load::<ContainerRecord>(Table::Containers, id.as_str())? else { return Ok(Known::Nothing) };
    let mut neighbours = |network: &NetworkId| on_network(store, network);
    Ok(match question {
        Question::Address { name, .. } => names::lookup(&asker, name, &mut neighbours)?.map_or(Known::Nothing, Known::Addresses),
        Question::Reverse(address) => names::reverse(&asker, *address, &mut neighbours)?.map_or(Known::Nothing, Known::Name),
        Question::Other => Known::Nothing,
    })
}

impl LocalEngine {
    /// The servers that are asked what no container is called: those of the container, or the host's own. They are asked from the host, so
    /// that one on the host's loopback will do.
    pub(super) fn servers_of(&self, record: &ContainerRecord) -> Result<Vec<IpAddr>> {
        if !record.config.dns.is_empty() {
            return Ok(record.config.dns.iter().filter_map(|s| s.parse().ok()).collect());
        }
        // Without a way out for packets there is none for questions: an internal network tells the world nothing.
        if record.endpoints.iter().all(|e| e.gateway.is_none()) {
            return Ok(Vec::new());
        }
        let text = self.resolv_conf_of_host()?;
        let server = |line: &str| line.trim().strip_prefix("nameserver").and_then(|rest| rest.split('%').next()?.trim().parse().ok());
        Ok(text.lines().filter_map(server).take(3).collect())
    }

    /// Where the links of a container on the default network lead, for its hosts file: the alias, the name and the short id of each.
    pub(super) fn linked_hosts(&self, record: &ContainerRecord) -> Result<Vec<(String, IpAddr)>> {
        let mut hosts = Vec::new();
        for (alias, other) in self.linked(record)? {
            let on_it = other.endpoints.iter().find(|e| record.endpoints.iter().any(|own| own.network == e.network));
            let mut words = vec![alias.as_str(), other.id.short(), other.name.as_str()];
            words.dedup();
            hosts.extend(on_it.map(|e| (words.join(" "), e.address.addr())));
        }
        Ok(hosts)
    }

    /// A record whose environment also tells of the containers that it is linked to, which all have to run. Its own variables of
    /// the same names stand.
    pub(super) fn told_of_links(&self, record: &ContainerRecord) -> Result<ContainerRecord> {
        self.told_of(record, self.linked(record)?)
    }

    /// The same of those that run by now: for a further program, which is of most use when something does not.
    pub(super) fn told_of_running_links(&self, record: &ContainerRecord) -> Result<ContainerRecord> {
        let running = self.links(record).filter_map(|(target, alias)| {
            let other = self.settled(target).ok().filter(|other| other.state.process.is_some())?;
            Some((alias.to_owned(), other))
        });
        self.told_of(record, running.collect())
    }

    fn told_of(&self, record: &ContainerRecord, linked: Vec<(String, ContainerRecord)>) -> Result<ContainerRecord> {
        let mut all = Vec::new();
        for (alias, other) in linked {
            let Some(on_it) = other.endpoints.iter().find(|e| record.endpoints.iter().any(|own| own.network == e.network)) else {
                continue;
            };
            let mut exposed = self.exposed(&other)?;
            exposed.extend(other.config.ports.iter().map(|p| ports::name(p.container_port, p.protocol)));
            let listening = link_env::ports(exposed.iter().map(String::as_str));
            all.extend(link_env::variables(&record.name, &alias, on_it.address.addr(), &listening, &other.env));
        }
        let mut told = record.clone();
        told.env.splice(0..0, all);
        Ok(told)
    }

    /// The links of a container on the default network: what is linked to, and its name there.
    fn links<'a>(&self, record: &'a ContainerRecord) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let places = record.places.iter().filter(|p| p.network == "bridge");
        places.flat_map(|p: &Place| &p.links).map(|text| names::link(text))
    }

    /// The containers that one on the default network is linked to, by the names it has for them. All of them must run.
    pub(super) fn linked(&self, record: &ContainerRecord) -> Result<Vec<(String, ContainerRecord)>> {
        let mut all = Vec::new();
        for (target, alias) in self.links(record) {
            let other = self.settled(target)?;
            if other.state.process.is_none() {
                let message = format!("Cannot link to a non running container: /{} AS /{}/{alias}", other.name, record.name);
                return Err(crate::Error::conflict(message).subject(target));
            }
            all.push((alias.to_owned(), other));
        }
        Ok(all)
    }
}

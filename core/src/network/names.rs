//! Which name leads where on networks of one's own: to containers by their names, short ids, host names and aliases, and by links.

use super::{Endpoint, Place, ranked};
use crate::container::ContainerRecord;
use crate::error::Result;
use crate::id::NetworkId;
use std::net::IpAddr;

/// Who is on a network now, with themselves.
pub type Neighbours<'a> = dyn FnMut(&NetworkId) -> Result<Vec<ContainerRecord>> + 'a;

/// What was asked of a container's place in a network.
pub fn place_of<'a>(record: &'a ContainerRecord, endpoint: &Endpoint) -> Option<&'a Place> {
    record.places.iter().find(|p| p.network == endpoint.name || p.id.as_ref() == Some(&endpoint.network))
}

/// The name and the alias of a link: `CONTAINER[:NAME]`.
pub fn link(text: &str) -> (&str, &str) {
    let (target, alias) = text.split_once(':').unwrap_or((text, text));
    (target, if alias.is_empty() { target } else { alias })
}

/// What a container is called on a network: its name, what was asked for, its short id and its host name.
pub fn names<'a>(record: &'a ContainerRecord, endpoint: &Endpoint) -> Vec<&'a str> {
    let aliases = place_of(record, endpoint).into_iter().flat_map(|p| p.aliases.iter().map(String::as_str));
    let mut all: Vec<&str> = Vec::new();
    for name in std::iter::once(record.name.as_str()).chain(aliases).chain([record.id.short(), record.config.hostname.as_str()]) {
        if !name.is_empty() && !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// Where a name leads for a container: the addresses of everybody who is called so on the first of its networks where anybody is, in
/// order. `None` if nobody is: then the name may be one of the world's.
pub fn lookup(asker: &ContainerRecord, name: &str, neighbours: &mut Neighbours<'_>) -> Result<Option<Vec<IpAddr>>> {
    let name = name.trim_end_matches('.');
    for own in ranked(&asker.endpoints).into_iter().filter(|e| e.name != "bridge") {
        let scoped = name.len().checked_sub(own.name.len() + 1).and_then(|at| {
            let (first, network) = (name.get(..at)?, name.get(at + 1..)?);
            (name.as_bytes().get(at) == Some(&b'.') && same(network, &own.name)).then_some(first)
        });
        let links = place_of(asker, own).map(|p| p.links.as_slice()).unwrap_or_default();
        let others = neighbours(&own.network)?;
        let linked = links.iter().map(|text| link(text)).find(|(_, alias)| same(alias, name)).map(|(target, _)| target);
        let called = |wanted: &str| -> Vec<IpAddr> {
            let fits = |r: &&ContainerRecord, e: &Endpoint| names(r, e).iter().any(|n| same(n, wanted));
            let on_it = others.iter().filter_map(|r| r.endpoints.iter().find(|e| e.network == own.network).map(|e| (r, e)));
            let mut found: Vec<IpAddr> = on_it.filter(|(r, e)| fits(r, e)).flat_map(|(_, e)| e.addresses()).collect();
            found.sort();
            found.dedup();
            found
        };
        for wanted in linked.into_iter().chain([name]).chain(scoped) {
            let found = called(wanted);
            if !found.is_empty() {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

/// Whose address this is on one of a container's networks: `NAME.NETWORK`.
pub fn reverse(asker: &ContainerRecord, address: IpAddr, neighbours: &mut Neighbours<'_>) -> Result<Option<String>> {
    for own in ranked(&asker.endpoints).into_iter().filter(|e| e.name != "bridge") {
        for other in neighbours(&own.network)? {
            if other.endpoints.iter().any(|e| e.network == own.network && e.addresses().any(|a| a == address)) {
                return Ok(Some(format!("{}.{}", other.name, own.name)));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::ContainerConfig;
    use crate::container::oci::tests::record;

    fn on(name: &str, id: char, at: &[(&str, &str, Place)]) -> ContainerRecord {
        let mut made = record(ContainerConfig::default());
        made.id = crate::id::ContainerId::new(id.to_string().repeat(64));
        name.clone_into(&mut made.name);
        for (network, address, place) in at {
            made.places.push(Place { network: (*network).to_owned(), ..place.clone() });
            made.endpoints.push(Endpoint {
                container: made.id.clone(),
                network: NetworkId::new((*network).to_owned()),
                address: address.parse().unwrap(),
                mac: String::new(),
                host_link: String::new(),
                link: String::new(),
                name: (*network).to_owned(),
                gateway: None,
                address6: None,
                gateway6: None,
                link_local: Vec::new(),
                priority: 0,
                leads: false,
            });
        }
        made
    }

    fn ask(asker: &ContainerRecord, all: &[ContainerRecord], name: &str) -> Vec<String> {
        let mut neighbours = |n: &NetworkId| Ok(all.iter().filter(|r| r.endpoints.iter().any(|e| e.network == *n)).cloned().collect());
        let found = lookup(asker, name, &mut neighbours).unwrap().unwrap_or_default();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_aliases_ids_and_links_lead_to_containers_of_the_same_network() {
        let alias = Place { aliases: vec!["db".to_owned()], ..Place::default() };
        let links = Place { links: vec!["one:store".to_owned()], ..Place::default() };
        let all = [
            on("one", 'a', &[("n", "10.0.0.2/24", alias.clone())]),
            on("two", 'b', &[("n", "10.0.0.3/24", alias), ("m", "10.0.1.3/24", Place::default())]),
            on("web", 'c', &[("n", "10.0.0.4/24", links)]),
            on("far", 'd', &[("m", "10.0.1.4/24", Place::default())]),
            on("old", 'e', &[("bridge", "172.30.0.2/16", Place::default())]),
        ];
        for (asker, name, expected) in [
            (2, "one", &["10.0.0.2"][..]),
            (2, "ONE.", &["10.0.0.2"]),
            (2, "one.n", &["10.0.0.2"]),
            (2, "one.m", &[]),
            (2, "bbbbbbbbbbbb", &["10.0.0.3"]),
            (2, "db", &["10.0.0.2", "10.0.0.3"]),
            (2, "store", &["10.0.0.2"]),
            (0, "store", &[]),
            (2, "far", &[]),
            (1, "far", &["10.0.1.4"]),
            (1, "two", &["10.0.1.3"]),
            (4, "old", &[]),
            (2, "", &[]),
        ] {
            assert_eq!(ask(&all[asker], &all, name), expected, "{} asks for {name}", all[asker].name);
        }
        let mut neighbours = |_: &NetworkId| Ok(all[..3].to_vec());
        assert_eq!(reverse(&all[2], "10.0.0.3".parse().unwrap(), &mut neighbours).unwrap().as_deref(), Some("two.n"));
    }
}

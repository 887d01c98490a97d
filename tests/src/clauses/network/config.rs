//! Networks that are a configuration only, and networks that are made from one.

use super::many::on;
use crate::clause::Clause;
use crate::outcome::{Checked, Failed, contains, equal, fail, holds};
use crate::world::World;
use drydock_core::engine::PruneFilters;
use drydock_core::host::Capability;
use drydock_core::network::{NetworkRequest, Place};

const ONLY: &str = "Docker CLI reference, docker network create, --config-only";
const FROM: &str = "Docker CLI reference, docker network create, --config-from";
const NEEDS: &[Capability] = &[Capability::Bridge];

/// A configuration with a subnet, a range, a gateway and a label.
fn configuration(name: &str) -> Checked<NetworkRequest> {
    let unread = |e: &dyn std::fmt::Display| Failed(e.to_string());
    Ok(NetworkRequest {
        name: name.to_owned(),
        config_only: true,
        subnet: Some("10.78.0.0/24".parse().map_err(|e| unread(&e))?),
        range: Some("10.78.0.128/25".parse().map_err(|e| unread(&e))?),
        gateway: Some("10.78.0.9".parse().map_err(|e| unread(&e))?),
        labels: [("kind".to_owned(), "plan".to_owned())].into(),
        ..NetworkRequest::default()
    })
}

fn made_from(name: &str, from: &str) -> NetworkRequest {
    NetworkRequest { name: name.to_owned(), config_from: from.to_owned(), ..NetworkRequest::default() }
}

fn refused(w: &World<'_>, request: &NetworkRequest, words: &str) -> Checked {
    match w.engine().create_network(request) {
        Err(error) => contains("message", &error.to_string(), words),
        Ok(_) => fail(format_args!("{} was made", request.name)),
    }
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("NET-CONFIG-1", "A network that is made from a configuration has its addresses and its labels.", FROM, |w| {
        w.engine().create_network(&configuration("plan")?)?;
        w.engine().create_network(&made_from("made", "plan"))?;
        let made = w.engine().network("made")?;
        equal("subnet", made.subnet.map(|s| s.to_string()), Some("10.78.0.0/24".to_owned()))?;
        equal("label", made.labels.get("kind").map(String::as_str), Some("plan"))?;
        let id = w.sleeper(on("made"))?;
        w.exec(&id, &["ip", "addr", "show", "eth0"])?.says("inet 10.78.0.128/24")?;
        w.exec(&id, &["ip", "route"])?.says("default via 10.78.0.9 dev eth0")?.done()
    })
    .needs(NEEDS),
    Clause::docker("NET-CONFIG-2", "No container can be on a configuration.", ONLY, |w| {
        w.engine().create_network(&configuration("plan")?)?;
        let error = w.refused(&["true"], on("plan"))?;
        contains("at the start", &error.to_string(), "cannot create endpoint on configuration-only network")?;
        w.engine().create_network(&made_from("made", "plan"))?;
        let id = w.sleeper(on("made"))?;
        let Err(error) = w.engine().connect("plan", &id, &Place::default()) else { return fail("it was connected") };
        contains("connected", &error.to_string(), "cannot create endpoint on configuration-only network")
    })
    .needs(NEEDS),
    Clause::docker("NET-CONFIG-3", "A configuration stays while a network is made from it, and no prune takes it.", ONLY, |w| {
        w.engine().create_network(&configuration("plan")?)?;
        w.engine().create_network(&made_from("made", "plan"))?;
        let Err(error) = w.engine().remove_network("plan") else { return fail("it was removed") };
        contains("message", &error.to_string(), "configuration network \"plan\" is in use")?;
        let pruned = w.engine().prune_networks(&PruneFilters::default())?.removed;
        equal("pruned", pruned, vec!["made".to_owned()])?;
        w.engine().remove_network("plan")?;
        holds("it is gone", w.engine().network("plan").is_err())
    })
    .needs(NEEDS),
    Clause::docker("NET-CONFIG-4", "A configuration takes no addresses away from others.", ONLY, |w| {
        w.engine().create_network(&configuration("plan")?)?;
        w.engine().create_network(&configuration("same")?)?;
        w.engine().create_network(&NetworkRequest { config_only: false, ..configuration("own")? })?;
        refused(w, &made_from("made", "plan"), "Pool overlaps with other one on this address space")
    })
    .needs(NEEDS),
    Clause::docker("NET-CONFIG-5", "Beside a configuration nothing more can be said of addresses, labels and options.", FROM, |w| {
        w.engine().create_network(&configuration("plan")?)?;
        let own = "user specified configurations are not supported if the network depends on a configuration network";
        let subnet = configuration("x")?.subnet;
        refused(w, &NetworkRequest { subnet, ..made_from("made", "plan") }, own)?;
        refused(w, &NetworkRequest { ipv6: true, ..made_from("made", "plan") }, own)?;
        let labels = configuration("x")?.labels;
        refused(w, &NetworkRequest { labels, ..made_from("made", "plan") }, own)?;
        let options = [("a".to_owned(), "b".to_owned())].into();
        let words = "network driver options are not supported if the network depends on a configuration network";
        refused(w, &NetworkRequest { options, ..made_from("made", "plan") }, words)
    })
    .needs(NEEDS),
    Clause::docker("NET-CONFIG-6", "What is no configuration cannot be made from, and a configuration from none.", FROM, |w| {
        refused(w, &made_from("made", "none-such"), "configuration network \"none-such\" does not exist")?;
        w.engine().create_network(&configuration("plan")?)?;
        w.engine().create_network(&made_from("made", "plan"))?;
        refused(w, &made_from("other", "made"), "configuration network \"made\" does not exist")?;
        let both = NetworkRequest { config_only: true, ..made_from("both", "plan") };
        refused(w, &both, "a configuration network cannot depend on another configuration network")?;
        let inner = NetworkRequest { internal: true, ..configuration("inner")? };
        refused(w, &inner, "configuration network can only contain network specific fields")
    })
    .needs(NEEDS),
];

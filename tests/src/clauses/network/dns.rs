//! Names of containers on networks of one's own.

use super::many::{network, on};
use crate::clause::Clause;
use crate::outcome::holds;
use drydock_core::container::ContainerConfig;
use drydock_core::host::Capability;
use drydock_core::network::Place;

const DNS: &str = "Docker manual, Networking overview, DNS services";
const NEEDS: &[Capability] = &[Capability::Bridge];

fn named(name: &str, place: Place) -> impl Fn(&mut ContainerConfig) {
    let name = name.to_owned();
    move |c| {
        on(&place.network)(c);
        c.name = Some(name.clone());
        c.places = vec![place.clone()];
    }
}

fn ping(name: &str) -> [&str; 6] {
    ["ping", "-c", "1", "-W", "2", name]
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("NET-DNS-1", "On a network of one's own a container is found by its name, its short id and its aliases.", DNS, |w| {
        network(w, "dns-a", "10.77.1.0/24")?;
        let alias = Place { aliases: vec!["web".to_owned()], ..Place::on("dns-a") };
        let id = w.sleeper(named("found", alias))?;
        let other = w.sleeper(on("dns-a"))?;
        for name in ["found", "web", &id[..12], "found.dns-a"] {
            w.exec(&other, &ping(name))?.exits(0)?.says("(10.77.1.2)")?;
        }
        w.exec(&other, &ping("lost"))?.exits(1)?.done()
    })
    .needs(NEEDS),
    Clause::docker("NET-DNS-2", "There /etc/resolv.conf names 127.0.0.11 alone, and asks for every name as it is.", DNS, |w| {
        network(w, "dns-a", "10.77.1.0/24")?;
        let id = w.sleeper(on("dns-a"))?;
        let text = w.exec(&id, &["cat", "/etc/resolv.conf"])?.exits(0)?.text();
        let servers: Vec<&str> = text.lines().filter(|l| l.starts_with("nameserver")).collect();
        holds(format_args!("{servers:?}"), servers == ["nameserver 127.0.0.11"])?;
        holds(format_args!("{text:?} has ndots:0"), text.contains("ndots:0"))
    })
    .needs(NEEDS),
    Clause::docker(
        "NET-DNS-3",
        "Containers of another network are not found, until one of both is connected, and then no more.",
        DNS,
        |w| {
            network(w, "dns-a", "10.77.1.0/24")?;
            network(w, "dns-b", "10.77.2.0/24")?;
            w.sleeper(named("far", Place::on("dns-b")))?;
            let id = w.sleeper(on("dns-a"))?;
            w.exec(&id, &ping("far"))?.exits(1)?;
            w.engine().connect("dns-b", &id, &Place { aliases: vec!["near".to_owned()], ..Place::default() })?;
            w.exec(&id, &ping("far"))?.says("(10.77.2.2)")?;
            w.exec("far", &ping("near"))?.says("(10.77.2.3)")?;
            w.engine().disconnect("dns-b", &id, false)?;
            w.exec(&id, &ping("far"))?.exits(1)?.done()
        },
    )
    .needs(NEEDS),
    Clause::docker("NET-DNS-4", "A container that has stopped is not found.", DNS, |w| {
        network(w, "dns-a", "10.77.1.0/24")?;
        w.sleeper(named("gone", Place::on("dns-a")))?;
        let id = w.sleeper(on("dns-a"))?;
        w.exec(&id, &ping("gone"))?.exits(0)?;
        w.engine().stop("gone", None, Some(0))?;
        w.exec(&id, &ping("gone"))?.exits(1)?.done()
    })
    .needs(NEEDS),
    Clause::docker("NET-DNS-5", "A link on a network of one's own is a name that only the container with the link knows.", DNS, |w| {
        network(w, "dns-a", "10.77.1.0/24")?;
        w.sleeper(named("base", Place::on("dns-a")))?;
        let linked = Place { links: vec!["base:store".to_owned()], ..Place::on("dns-a") };
        let id = w.sleeper(named("linked", linked))?;
        w.exec(&id, &ping("store"))?.says("(10.77.1.2)")?;
        w.exec("base", &ping("store"))?.exits(1)?.done()
    })
    .needs(NEEDS),
    Clause::docker("NET-DNS-6", "On the default network nobody is found by name; once on another too, those of that one are.", DNS, |w| {
        network(w, "dns-a", "10.77.1.0/24")?;
        let one = w.sleeper(|c| c.network = drydock_core::container::NetworkMode::default())?;
        w.sleeper(|c| {
            c.network = drydock_core::container::NetworkMode::default();
            c.name = Some("beside".to_owned());
        })?;
        w.sleeper(named("own", Place::on("dns-a")))?;
        w.exec(&one, &ping("beside"))?.exits(1)?;
        w.engine().connect("dns-a", &one, &Place::default())?;
        w.exec(&one, &["cat", "/etc/resolv.conf"])?.says("nameserver 127.0.0.11")?;
        w.exec(&one, &ping("own"))?.says("(10.77.1.2)")?.done()
    })
    .needs(NEEDS),
];

//! Several networks on one container, joined and left while it runs.

use crate::clause::Clause;
use crate::outcome::{Checked, contains, equal};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::container::{ContainerConfig, NetworkMode};
use drydock_core::host::Capability;
use drydock_core::network::{NetworkRequest, Place};

const CONNECT: &str = "Docker CLI reference, docker network connect";
const DISCONNECT: &str = "Docker CLI reference, docker network disconnect";
const NEEDS: &[Capability] = &[Capability::Bridge];

/// Makes a network with this subnet.
pub(super) fn network(w: &World<'_>, name: &str, subnet: &str) -> Checked {
    let subnet = subnet.parse().map_err(|e| crate::outcome::Failed(format!("{subnet}: {e}")))?;
    w.engine().create_network(&NetworkRequest { name: name.to_owned(), subnet: Some(subnet), ..NetworkRequest::default() })?;
    Ok(())
}

/// `--network NAME`
pub(super) fn on(name: &str) -> impl Fn(&mut ContainerConfig) {
    let name = name.to_owned();
    move |c| c.network = NetworkMode::Named(name.clone())
}

fn refused(what: &str, result: drydock_core::Result<()>, words: &str) -> Checked {
    match result {
        Err(error) => contains(what, &error.to_string(), words),
        Ok(()) => crate::outcome::fail(format_args!("{what} was not refused")),
    }
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "NET-MANY-1",
        "A running container that is connected has one link more, with an address of that network.",
        CONNECT,
        |w| {
            network(w, "many-a", "10.77.1.0/24")?;
            network(w, "many-b", "10.77.2.0/24")?;
            let id = w.sleeper(on("many-a"))?;
            w.engine().connect("many-b", &id, &Place::default())?;
            w.exec(&id, &["ls", "/sys/class/net"])?.prints("eth0\neth1\nlo")?;
            w.exec(&id, &["ip", "-4", "addr", "show", "eth1"])?.says("inet 10.77.2.2/24")?;
            w.exec(&id, &["cat", "/etc/hosts"])?.says(&format!("10.77.2.2\t{}", &id[..12]))?;
            w.engine().disconnect("many-b", &id, false)?;
            w.exec(&id, &["ls", "/sys/class/net"])?.prints("eth0\nlo")?.done()
        },
    )
    .needs(NEEDS),
    Clause::docker(
        "NET-MANY-2",
        "The default route leads over the network whose name comes first, and over another when that one is left.",
        CONNECT,
        |w| {
            network(w, "many-a", "10.77.1.0/24")?;
            network(w, "many-b", "10.77.2.0/24")?;
            let id = w.sleeper(on("many-b"))?;
            w.exec(&id, &["ip", "route"])?.says("default via 10.77.2.1 dev eth0")?;
            w.engine().connect("many-a", &id, &Place::default())?;
            w.exec(&id, &["ip", "route"])?.says("default via 10.77.1.1 dev eth1")?;
            w.engine().disconnect("many-a", &id, false)?;
            w.exec(&id, &["ip", "route"])?.says("default via 10.77.2.1 dev eth0")?.done()
        },
    )
    .needs(NEEDS),
    Clause::docker(
        "NET-MANY-3",
        "A container is connected to a network once, and disconnected only from one that it is on.",
        DISCONNECT,
        |w| {
            network(w, "many-a", "10.77.1.0/24")?;
            network(w, "many-b", "10.77.2.0/24")?;
            let id = w.sleeper(|c| {
                on("many-a")(c);
                c.name = Some("twice".to_owned());
            })?;
            let again = w.engine().connect("many-a", &id, &Place::default());
            refused("the second time", again, "endpoint with name twice already exists in network many-a")?;
            let away = w.engine().disconnect("many-b", &id, false);
            refused("leaving another", away, &format!("container {id} is not connected to network many-b"))?;
            refused("no network", w.engine().connect("many-c", &id, &Place::default()), "network many-c not found")?;
            refused("no container", w.engine().connect("many-b", "nobody", &Place::default()), "No such container: nobody")
        },
    )
    .needs(NEEDS),
    Clause::docker(
        "NET-MANY-4",
        "A container without a network namespace of its own, or with none at all, is connected nowhere.",
        CONNECT,
        |w| {
            network(w, "many-a", "10.77.1.0/24")?;
            let shared = "container sharing network namespace with another container or host cannot be connected to any other network";
            let host = w.sleeper(|c| c.network = NetworkMode::Host)?;
            refused("with the host's", w.engine().connect("many-a", &host, &Place::default()), shared)?;
            let other = w.sleeper(|c| c.network = NetworkMode::Container(host.clone()))?;
            refused("with another's", w.engine().connect("many-a", &other, &Place::default()), shared)?;
            let none = w.sleeper(|_| {})?;
            let private = "container cannot be connected to multiple networks with one of the networks in private (none) mode";
            refused("with none", w.engine().connect("many-a", &none, &Place::default()), private)
        },
    )
    .needs(NEEDS),
    Clause::docker("NET-MANY-5", "A container that does not run is on the networks it was connected to when it starts.", CONNECT, |w| {
        network(w, "many-a", "10.77.1.0/24")?;
        network(w, "many-b", "10.77.2.0/24")?;
        let id = w.create(&["sleep", "1000"], on("many-a"))?;
        w.engine().connect("many-b", &id, &Place::default())?;
        w.engine().disconnect("many-a", &id, false)?;
        w.engine().start(&id)?;
        w.exec(&id, &["ls", "/sys/class/net"])?.prints("eth0\nlo")?;
        w.exec(&id, &["ip", "-4", "addr", "show", "eth0"])?.says("inet 10.77.2.2/24")?.done()
    })
    .needs(NEEDS),
    Clause::docker("NET-MANY-6", "An address can be chosen where the subnet was, and only one that is in it and nobody's.", CONNECT, |w| {
        network(w, "many-a", "10.77.1.0/24")?;
        w.engine().create_network(&NetworkRequest { name: "many-b".to_owned(), ..NetworkRequest::default() })?;
        let at = |address: &str| Place { address: address.parse().ok(), ..Place::default() };
        let id = w.create(&["sleep", "1000"], on("many-b"))?;
        let outside = w.engine().connect("many-a", &id, &at("10.77.9.9"));
        refused("outside", outside, "Invalid address 10.77.9.9: It does not belong to any of this network's subnets")?;
        w.engine().connect("many-a", &id, &at("10.77.1.99"))?;
        w.engine().start(&id)?;
        w.exec(&id, &["ip", "-4", "addr", "show", "eth1"])?.says("inet 10.77.1.99/24")?;
        let other = w.sleeper(on("many-b"))?;
        refused("taken", w.engine().connect("many-a", &other, &at("10.77.1.99")), "Address already in use")?;
        let third = w.create(&["true"], on("many-a"))?;
        let words = "user specified IP address is supported only when connecting to networks with user configured subnets";
        refused("where it was not", w.engine().connect("many-b", &third, &at("10.77.1.3")), words)
    })
    .needs(NEEDS),
    Clause::docker(
        "NET-MANY-7",
        "A network that a container is on, running, is not removed.",
        "Docker CLI reference, docker network rm",
        |w| {
            network(w, "many-a", "10.77.1.0/24")?;
            let id = w.sleeper(on("many-a"))?;
            let error = match w.engine().remove_network("many-a") {
                Err(error) => error,
                Ok(()) => return crate::outcome::fail("it was removed"),
            };
            equal("kind", error.kind(), ErrorKind::Denied)?;
            contains("message", &error.to_string(), "has active endpoints")?;
            w.engine().disconnect("many-a", &id, false)?;
            w.engine().remove_network("many-a")?;
            Ok(())
        },
    )
    .needs(NEEDS),
];

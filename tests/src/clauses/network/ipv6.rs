//! Networks with IPv6 beside IPv4.

use super::many::on;
use crate::clause::Clause;
use crate::outcome::{Checked, Failed, contains, equal, fail, holds, lacks};
use crate::world::World;
use drydock_core::Result;
use drydock_core::container::ContainerConfig;
use drydock_core::host::Capability;
use drydock_core::id::NetworkId;
use drydock_core::network::{NetworkRequest, Place};

const CREATE: &str = "Docker CLI reference, docker network create, --ipv6";
const CONNECT: &str = "Docker CLI reference, docker network connect, --ip6";
const NEEDS: &[Capability] = &[Capability::Bridge];

/// Asks for a network with a subnet of each family.
fn ask(w: &World<'_>, name: &str, subnet: &str, subnet6: &str) -> Checked<Result<NetworkId>> {
    let unread = |e: &dyn std::fmt::Display| Failed(format!("{subnet}, {subnet6}: {e}"));
    Ok(w.engine().create_network(&NetworkRequest {
        name: name.to_owned(),
        subnet: Some(subnet.parse().map_err(|e| unread(&e))?),
        ipv6: true,
        subnet6: Some(subnet6.parse().map_err(|e| unread(&e))?),
        ..NetworkRequest::default()
    }))
}

fn network(w: &World<'_>, name: &str) -> Checked {
    ask(w, name, "10.77.1.0/24", "fd12:77::/64")?.map(drop).map_err(Into::into)
}

fn at(network: &str, address6: &str) -> Checked<impl Fn(&mut ContainerConfig)> {
    let address6 = address6.parse().map_err(|e| Failed(format!("{address6}: {e}")))?;
    let place = Place { address6: Some(address6), ..Place::on(network) };
    Ok(move |c: &mut ContainerConfig| {
        on(&place.network)(c);
        c.places = vec![place.clone()];
    })
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("NET-IPV6-1", "A network with a subnet of IPv6 gives each container an address of either family.", CREATE, |w| {
        network(w, "six")?;
        let id = w.sleeper(on("six"))?;
        let link = w.exec(&id, &["ip", "addr", "show", "eth0"])?.exits(0)?.text();
        contains("the link", &link, "inet 10.77.1.2/24")?;
        contains("the link", &link, "inet6 fd12:77::2/64")
    })
    .needs(NEEDS),
    Clause::docker("NET-IPV6-2", "The way out for IPv6 is the subnet's first address.", CREATE, |w| {
        network(w, "six")?;
        let id = w.sleeper(on("six"))?;
        w.exec(&id, &["ip", "-6", "route"])?.says("default via fd12:77::1 dev eth0")?.done()
    })
    .needs(NEEDS),
    Clause::docker("NET-IPV6-3", "/etc/hosts has the container's name at both addresses.", CREATE, |w| {
        network(w, "six")?;
        let id = w.sleeper(on("six"))?;
        let hosts = w.exec(&id, &["cat", "/etc/hosts"])?.exits(0)?.text();
        for address in ["10.77.1.2", "fd12:77::2"] {
            contains("/etc/hosts", &hosts, &format!("{address}\t{}", &id[..12]))?;
        }
        Ok(())
    })
    .needs(NEEDS),
    Clause::docker(
        "NET-IPV6-4",
        "An address that is asked for is given; one of elsewhere, or that somebody has, is refused.",
        CONNECT,
        |w| {
            network(w, "six")?;
            let id = w.sleeper(at("six", "fd12:77::77")?)?;
            w.exec(&id, &["ip", "-6", "addr", "show", "eth0"])?.says("inet6 fd12:77::77/64")?;
            let error = w.refused(&["true"], at("six", "fd99::1")?)?;
            contains("elsewhere", &error.to_string(), "does not belong to any of this network's subnets")?;
            let error = w.refused(&["true"], at("six", "fd12:77::77")?)?;
            contains("taken", &error.to_string(), "Address already in use")
        },
    )
    .needs(NEEDS),
    Clause::docker("NET-IPV6-5", "A name leads to the IPv6 address too, and it answers.", CREATE, |w| {
        network(w, "six")?;
        w.sleeper(|c| {
            on("six")(c);
            c.name = Some("found".to_owned());
        })?;
        let other = w.sleeper(on("six"))?;
        w.exec(&other, &["ping", "-6", "-c", "1", "-W", "2", "found"])?.exits(0)?.says("(fd12:77::2)")?.done()
    })
    .needs(NEEDS),
    Clause::docker("NET-IPV6-6", "On a network without IPv6 a link has no address of it, and none can be asked for.", CREATE, |w| {
        super::many::network(w, "four", "10.77.1.0/24")?;
        let id = w.sleeper(on("four"))?;
        lacks("eth0", &w.exec(&id, &["ip", "-6", "addr", "show", "eth0"])?.exits(0)?.text(), "inet6")?;
        w.refused(&["true"], at("four", "fd12:77::5")?).map(drop)
    })
    .needs(NEEDS),
    Clause::docker("NET-IPV6-7", "A subnet of IPv6 that another network has a part of is refused.", CREATE, |w| {
        network(w, "six")?;
        let Err(error) = ask(w, "seven", "10.77.2.0/24", "fd12:77::/80")? else { return fail("both are there") };
        contains("message", &error.to_string(), "Pool overlaps with other one on this address space")
    })
    .needs(NEEDS),
    Clause::docker("NET-IPV6-8", "A running container that is connected gets an address of either family.", CONNECT, |w| {
        network(w, "six")?;
        super::many::network(w, "four", "10.77.2.0/24")?;
        let id = w.sleeper(on("four"))?;
        w.engine().connect("six", &id, &Place::default())?;
        let link = w.exec(&id, &["ip", "addr", "show", "eth1"])?.exits(0)?.text();
        contains("the link", &link, "inet 10.77.1.2/24")?;
        contains("the link", &link, "inet6 fd12:77::2/64")?;
        w.engine().disconnect("six", &id, false)?;
        w.exec(&id, &["ls", "/sys/class/net"])?.prints("eth0\nlo")?.done()
    })
    .needs(NEEDS),
    // Docker 20.10 wants a subnet for IPv6; newer engines make one up as this one does.
    Clause::law("NET-IPV6-9", "Where no subnet of IPv6 is named, the network gets one of its own, of fd00::/8.", CREATE, |w| {
        w.engine().create_network(&NetworkRequest { name: "six".to_owned(), ipv6: true, ..NetworkRequest::default() })?;
        let Some(subnet) = w.engine().network("six")?.pool.subnet6 else { return fail("it has none") };
        equal("prefix length", subnet.prefix_len(), 64)?;
        holds(format_args!("{subnet} is a local one"), subnet.network().octets()[0] == 0xfd)
    })
    .needs(NEEDS),
];

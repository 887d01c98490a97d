//! Addresses of containers on the default network.

use super::SERVE;
use super::many::{network, on};
use crate::ask::bridge;
use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, fail, holds};
use crate::world::World;
use drydock_core::host::Capability;
use drydock_core::network::{Endpoint, Place};
use std::collections::BTreeSet;
use std::net::IpAddr;

const LINK_LOCAL: &str = "Docker CLI reference, docker network connect --link-local-ip";
const NEEDS: &[Capability] = &[Capability::Bridge];

/// The one endpoint of a running container.
pub(super) fn endpoint(w: &World<'_>, id: &str) -> Checked<Endpoint> {
    match w.record(id)?.endpoints.as_slice() {
        [one] => Ok(one.clone()),
        other => fail(format_args!("{} endpoints", other.len())),
    }
}

fn address(w: &World<'_>, id: &str) -> Checked<IpAddr> {
    Ok(endpoint(w, id)?.address.addr())
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "NET-ADDR-1",
        "On the default network a container has loopback and eth0, with the address and prefix of its record.",
        cite::NET,
        |w| {
            let id = w.sleeper(bridge)?;
            w.exec(&id, &["ls", "/sys/class/net"])?.prints("eth0\nlo")?;
            let shown = w.exec(&id, &["ip", "-4", "addr", "show", "eth0"])?.exits(0)?.text();
            contains("eth0", &shown, &format!("inet {} ", endpoint(w, &id)?.address))?;
            contains("eth0", &shown, "UP")?;
            w.exec(&id, &["ip", "-4", "addr", "show", "lo"])?.says("inet 127.0.0.1/8")?.done()
        },
    )
    .needs(NEEDS),
    Clause::docker("NET-ADDR-2", "The default route leads to the bridge's address, the first of the subnet.", cite::NET, |w| {
        let id = w.sleeper(bridge)?;
        let subnet = endpoint(w, &id)?.address.trunc();
        let Some(gateway) = subnet.hosts().next() else { return fail("the subnet is empty") };
        let routes = w.exec(&id, &["ip", "route"])?.exits(0)?.text();
        contains("routes", &routes, &format!("default via {gateway} dev eth0"))?;
        contains("routes", &routes, &format!("{subnet} dev eth0"))?;
        w.exec(&id, &["ping", "-c", "1", "-W", "2", &gateway.to_string()])?.says("1 packets received")?.done()
    })
    .needs(NEEDS),
    Clause::docker("NET-ADDR-3", "The hardware address is 02:42 and the address in hexadecimal.", cite::NET, |w| {
        let id = w.sleeper(bridge)?;
        let IpAddr::V4(v4) = address(w, &id)? else { return fail("the address is not IPv4") };
        let [a, b, c, d] = v4.octets();
        w.exec(&id, &["cat", "/sys/class/net/eth0/address"])?.prints(&format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}"))?.done()
    })
    .needs(NEEDS),
    Clause::docker("NET-ADDR-4", "Containers get the lowest free addresses; one that is free again is used again.", cite::NET, |w| {
        let ids = [w.sleeper(bridge)?, w.sleeper(bridge)?, w.sleeper(bridge)?];
        let addresses: Vec<IpAddr> = ids.iter().map(|id| address(w, id)).collect::<Checked<_>>()?;
        let wanted: Vec<IpAddr> = endpoint(w, &ids[0])?.address.trunc().hosts().skip(1).take(3).collect();
        equal("addresses", addresses.clone(), wanted)?;
        w.remove(&ids[1])?;
        let next = w.sleeper(bridge)?;
        equal("the next one's", address(w, &next)?, addresses[1])
    })
    .needs(NEEDS),
    Clause::docker("NET-ADDR-5", "A container that does not run has no address.", cite::NET, |w| {
        let id = w.sleeper(bridge)?;
        w.engine().stop(&id, None, Some(0))?;
        equal("endpoints", w.record(&id)?.endpoints.len(), 0)?;
        w.engine().start(&id)?;
        holds("it has one again", endpoint(w, &id).is_ok())
    })
    .needs(NEEDS),
    Clause::docker("NET-ADDR-6", "Containers of one network reach each other by address.", cite::NET, |w| {
        let server = w.ready(SERVE, bridge)?;
        let url = format!("http://{}/", address(w, &server)?);
        w.run_with(&["wget", "-q", "-O", "-", &url], bridge)?.prints("page")?.done()
    })
    .needs(NEEDS),
    Clause::docker("NET-ADDR-7", "The host reaches a container by its address, without a published port.", cite::NET, |w| {
        let server = w.ready(SERVE, bridge)?;
        w.host(&format!("wget -q -O - http://{}/", address(w, &server)?))?.prints("page")?.done()
    })
    .needs(NEEDS),
    Clause::docker("NET-ADDR-8", "A container reaches the host by the gateway's address, coming from its own.", cite::NET, |w| {
        let id = w.sleeper(bridge)?;
        let (own, gateway) = (address(w, &id)?, endpoint(w, &id)?.address.trunc().hosts().next());
        let Some(gateway) = gateway else { return fail("the subnet is empty") };
        w.host(&format!("ping -c 1 -W 2 {own} && ping -c 1 -W 2 {gateway}"))?.exits(0)?;
        w.exec(&id, &["ping", "-c", "1", "-W", "2", &gateway.to_string()])?.exits(0)?.done()
    })
    .needs(NEEDS),
    Clause::docker("NET-ADDR-9", "No two containers have the same address.", cite::NET, |w| {
        let ids: Vec<String> = (0..6).map(|_| w.sleeper(bridge)).collect::<Checked<_>>()?;
        let addresses: BTreeSet<IpAddr> = ids.iter().map(|id| address(w, id)).collect::<Checked<_>>()?;
        equal("different addresses", addresses.len(), ids.len())
    })
    .needs(NEEDS),
    Clause::docker(
        "NET-ADDR-10",
        "--link-local-ip gives the link further addresses, which inspect shows as they were asked for; so does a later connection.",
        LINK_LOCAL,
        |w| {
            network(w, "local-a", "10.77.1.0/24")?;
            network(w, "local-b", "10.77.2.0/24")?;
            let asked = |all: &[&str]| all.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>();
            let id = w.sleeper(|c| {
                on("local-a")(c);
                c.places = vec![Place { link_local: asked(&["169.254.34.68", "169.254.7.7"]), ..Place::on("local-a") }];
            })?;
            let eth0 = w.exec(&id, &["ip", "-4", "addr", "show", "eth0"])?.exits(0)?.text();
            contains("eth0", &eth0, "inet 10.77.1.2/24 ")?;
            contains("eth0", &eth0, "inet 169.254.34.68/16 ")?;
            contains("eth0", &eth0, "inet 169.254.7.7/16 ")?;
            w.engine().connect("local-b", &id, &Place { link_local: asked(&["169.254.9.9"]), ..Place::default() })?;
            w.exec(&id, &["ip", "-4", "addr", "show", "eth1"])?.says("inet 169.254.9.9/16 ")?;
            let places = w.record(&id)?.places;
            let of = |name: &str| places.iter().find(|p| p.network == name).map(|p| p.link_local.clone()).unwrap_or_default();
            equal("first", of("local-a"), asked(&["169.254.34.68", "169.254.7.7"]))?;
            equal("second", of("local-b"), asked(&["169.254.9.9"]))
        },
    )
    .needs(NEEDS),
    Clause::docker("NET-ADDR-11", "What is no address of the link itself is refused when the container is to start.", LINK_LOCAL, |w| {
        network(w, "local-a", "10.77.1.0/24")?;
        for (text, words) in [
            ("foo", "Invalid link-local IP address: [foo]"),
            ("169.254.34.68/16", "Invalid link-local IP address: [169.254.34.68/16]"),
            ("10.1.1.1", "invalid link local IP address: 10.1.1.1"),
        ] {
            let error = w.refused(&["true"], |c| {
                on("local-a")(c);
                c.places = vec![Place { link_local: vec![text.to_owned()], ..Place::on("local-a") }];
            })?;
            contains("message", &error.to_string(), words)?;
        }
        Ok(())
    })
    .needs(NEEDS),
];

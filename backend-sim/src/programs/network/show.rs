//! What `ip` shows, in busybox's format.

use crate::sys::{AddressInfo, LinkInfo, NeighbourInfo, RouteInfo, Sys};
use std::net::IpAddr;

/// Whether a link can multicast and broadcast: all but the loopback.
fn loopback(link: &LinkInfo) -> bool {
    link.kind == "loopback"
}

/// `<BROADCAST,MULTICAST,UP,LOWER_UP>`
fn flags(link: &LinkInfo, peer_down: bool) -> String {
    let mut words = Vec::new();
    if link.up && !link.lower_up {
        words.push("NO-CARRIER");
    }
    words.extend(if loopback(link) { &["LOOPBACK"][..] } else { &["BROADCAST", "MULTICAST"] });
    if link.up {
        words.push("UP");
    }
    if link.up && link.lower_up {
        words.push("LOWER_UP");
    }
    if peer_down {
        words.push("M-DOWN");
    }
    words.join(",")
}

/// `2: eth0@if5: <…> mtu 1500 qdisc noqueue` and the line with the MAC address.
pub fn link(link: &LinkInfo, all: &[LinkInfo]) -> String {
    let here = |index: u32| all.iter().find(|other| other.index == index && !link.peer_elsewhere);
    let (peer, peer_down) = match link.peer {
        None => (String::new(), false),
        Some(index) => match here(index) {
            Some(other) => (format!("@{}", other.name), !other.up),
            // busybox knows nothing about a link elsewhere and takes it to be down.
            None => (format!("@if{index}"), true),
        },
    };
    let qdisc = if link.up || loopback(link) && link.lower_up { "noqueue" } else { "noop" };
    let master = link.master.as_ref().map(|m| format!(" master {m}")).unwrap_or_default();
    let (kind, broadcast) = if loopback(link) { ("loopback", "00:00:00:00:00:00") } else { ("ether", "ff:ff:ff:ff:ff:ff") };
    format!(
        "{}: {}{peer}: <{}> mtu {} qdisc {qdisc}{master} qlen 1000\n    link/{kind} {} brd {broadcast}\n",
        link.index,
        link.name,
        flags(link, peer_down),
        link.mtu,
        link.mac
    )
}

/// `    inet 172.30.0.2/16 brd 172.30.255.255 scope global eth0`
pub fn address(address: &AddressInfo) -> String {
    let family = if address.address.addr().is_ipv4() { "inet" } else { "inet6" };
    let broadcast = address.broadcast.map(|b| format!(" brd {b}")).unwrap_or_default();
    let label = if family == "inet" { address.link.clone() } else { String::new() };
    format!("    {family} {}{broadcast} scope {} {label}\n       valid_lft forever preferred_lft forever\n", address.address, address.scope)
}

/// `default via 172.30.0.1 dev eth0 `
pub fn route(route: &RouteInfo) -> String {
    let to = route.to.map_or("default".to_owned(), |net| net.to_string());
    let via = route.via.map(|via| format!(" via {via}")).unwrap_or_default();
    let scope = if route.via.is_none() { " scope link " } else { "" };
    let source = route.source.map(|source| format!(" src {source}")).unwrap_or_default();
    format!("{to}{via} dev {}{scope}{source} \n", route.link)
}

/// `172.30.0.1 dev eth0 lladdr … REACHABLE`
pub fn neighbour(n: &NeighbourInfo) -> String {
    let mac = n.mac.as_ref().map(|mac| format!("lladdr {mac}")).unwrap_or_default();
    format!("{} dev {} {mac} used 0/0/0 probes 1 {}\n", n.address, n.link, n.state)
}

/// Links with their addresses, all or one.
pub fn links(sys: &Sys, only: Option<&str>, addresses: bool, family: Option<bool>) -> String {
    let all = sys.links();
    let known = if addresses { sys.addresses() } else { Vec::new() };
    let mut out = String::new();
    for one in all.iter().filter(|l| only.is_none_or(|name| name == l.name)) {
        let fits = |a: &&AddressInfo| a.link == one.name && family.is_none_or(|v4| a.address.addr().is_ipv4() == v4);
        let addresses: Vec<&AddressInfo> = known.iter().filter(fits).collect();
        if family.is_some() && addresses.is_empty() {
            continue;
        }
        out.push_str(&link(one, &all));
        addresses.into_iter().for_each(|a| out.push_str(&address(a)));
    }
    out
}

/// The route that a packet takes: the longest prefix that covers the address.
pub fn route_to(sys: &Sys, to: IpAddr) -> Option<RouteInfo> {
    let covers = |route: &RouteInfo| route.to.is_none_or(|net| net.contains(&to));
    sys.routes().into_iter().filter(covers).max_by_key(|route| route.to.map_or(0, |net| net.prefix_len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eth0() -> LinkInfo {
        LinkInfo {
            index: 2,
            name: "eth0".to_owned(),
            kind: "veth".to_owned(),
            up: true,
            lower_up: true,
            mtu: 1500,
            mac: "02:42:ac:1e:00:02".to_owned(),
            master: None,
            peer: Some(5),
            peer_elsewhere: true,
            received: (0, 0),
            sent: (0, 0),
        }
    }

    #[test]
    fn a_container_s_link_looks_as_busybox_shows_it() {
        assert_eq!(
            link(&eth0(), &[eth0()]),
            "2: eth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP,M-DOWN> mtu 1500 qdisc noqueue qlen 1000\n    \
             link/ether 02:42:ac:1e:00:02 brd ff:ff:ff:ff:ff:ff\n"
        );
        let down = LinkInfo { up: false, lower_up: false, peer: None, ..eth0() };
        assert!(link(&down, &[]).starts_with("2: eth0: <BROADCAST,MULTICAST> mtu 1500 qdisc noop qlen 1000\n"));
    }

    #[test]
    fn routes_end_with_a_blank_as_busybox_s_do() {
        let default = RouteInfo { to: None, via: "172.30.0.1".parse().ok(), link: "eth0".to_owned(), source: None, kernel: false };
        assert_eq!(route(&default), "default via 172.30.0.1 dev eth0 \n");
        let net = RouteInfo { to: "172.30.0.0/16".parse().ok(), via: None, source: "172.30.0.2".parse().ok(), kernel: true, ..default };
        assert_eq!(route(&net), "172.30.0.0/16 dev eth0 scope link  src 172.30.0.2 \n");
    }
}

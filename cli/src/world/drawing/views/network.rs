//! Network: links and addresses of the host and of every container, which end belongs to which, and what leads in and out.

use super::super::item::Item;
use super::super::look::Seen;
use super::first_process;
use drydock_core::kernel::Firewall;
use drydock_core::network::{Driver, NetworkRecord};
use drydock_sim::net::LinkKind;
use drydock_sim::world::World;

pub(crate) fn items(world: &World, seen: &Seen) -> Vec<Item> {
    let host = world.net.host;
    let mut inside = space(world, seen, host);
    inside.extend(rules(world, seen));
    let has_bridge = |n: &NetworkRecord| world.net.spaces.get(&host).is_some_and(|s| s.by_name(&n.bridge).is_some());
    let networks = seen.networks.iter().filter(|n| n.driver == Driver::Bridge && !has_bridge(n));
    inside.extend(networks.map(|n| {
        let subnet = n.subnet.map(|s| format!("{s}; ")).unwrap_or_default();
        Item::new(format!("network {}", n.id), "network", n.name.clone())
            .fact(format!("{subnet}no container is on it, so it has no bridge"))
    }));
    let mut all = vec![Item::new("host", "host", world.config.hostname.clone()).with(inside)];
    for c in &seen.containers {
        let item = Item::new(c.record.id.as_str(), "container", c.record.name.clone());
        let Some(net) = first_process(world, c).map(|p| p.ns.net) else {
            all.push(item.fact("does not run, so it has no network"));
            continue;
        };
        let other = seen
            .containers
            .iter()
            .take_while(|o| o.record.id != c.record.id)
            .find(|o| first_process(world, o).is_some_and(|p| p.ns.net == net));
        all.push(match other {
            _ if net == host => item.fact("has the host's network"),
            Some(other) => item.fact(format!("has the network of container {}", other.record.name)),
            None => item.with(space(world, seen, net)),
        });
    }
    all
}

/// The links of a namespace; ports of a bridge inside it.
fn space(world: &World, seen: &Seen, ns: u32) -> Vec<Item> {
    let Some(space) = world.net.spaces.get(&ns) else { return Vec::new() };
    let tops = space.links.iter().filter(|(_, l)| l.master.is_none_or(|m| !space.links.contains_key(&m)));
    tops.map(|(index, _)| link(world, seen, ns, *index)).collect()
}

fn link(world: &World, seen: &Seen, ns: u32, index: u32) -> Item {
    let id = |ns: u32, index: u32| format!("link {ns}/{index}");
    let Some((space, link_)) = world.net.spaces.get(&ns).and_then(|s| Some((s, s.links.get(&index)?))) else { return Item::default() };
    let kind = if link_.kind == LinkKind::Bridge { "bridge" } else { "link" };
    let network = seen.networks.iter().find(|n| ns == world.net.host && n.driver == Driver::Bridge && n.bridge == link_.name);
    // A network and its bridge are one thing: it is drawn as the one while no container is on it, and as the other while one is.
    let mut item = Item::new(network.map_or_else(|| id(ns, index), |n| format!("network {}", n.id)), kind, link_.name.clone());
    let addresses: Vec<String> =
        world.show_addresses(ns).into_iter().filter(|a| a.link == link_.name).map(|a| a.address.to_string()).collect();
    if !addresses.is_empty() {
        item = item.fact(addresses.join(", "));
    }
    if !link_.up {
        item = item.fact("down");
    }
    if let Some(network) = network {
        item = item.fact(format!("the bridge of network {}", network.name));
    }
    for route in world.show_routes(ns).into_iter().filter(|r| r.link == link_.name && r.to.is_none()) {
        item = item.fact(match route.via {
            Some(via) => format!("the default route: everything else goes to {via}"),
            None => "the default route".to_owned(),
        });
    }
    match link_.kind {
        LinkKind::Veth(peer) if ns != world.net.host => {
            let name = world.net.link(peer).map(|l| l.name.clone()).unwrap_or_default();
            item = item.link(id(peer.0, peer.1), format!("the other end is {name}"));
        }
        LinkKind::Ether(_) => item = item.fact("the card, with the world at the other end of its cable"),
        LinkKind::Dummy => item = item.fact("leads nowhere"),
        _ => {}
    }
    let ports = space.links.iter().filter(|(_, l)| l.master == Some(index));
    item.with(ports.map(|(port, _)| self::link(world, seen, ns, *port)))
}

/// What the packet filter does.
fn rules(world: &World, seen: &Seen) -> Vec<Item> {
    let rule = |(at, (_, rule)): (usize, &(String, Firewall))| match rule {
        Firewall::Publish { protocol, host_ip, host_port, to, to_port, .. } => {
            let address = if host_ip.is_unspecified() { "*".to_owned() } else { host_ip.to_string() };
            let protocol = format!("{protocol:?}").to_lowercase();
            let whose = seen.containers.iter().find(|c| c.record.endpoints.iter().any(|e| e.address.addr() == *to));
            let whose = whose.map(|c| format!(", container {}", c.record.name)).unwrap_or_default();
            Item::new(format!("port {address}:{host_port}/{protocol}"), "port", format!("{address}:{host_port} {protocol}"))
                .fact(format!("packets to it go to {to}:{to_port}{whose}"))
        }
        Firewall::Bridge { bridge, subnet, internal, .. } => {
            let item = Item::new(format!("rule {at} {bridge} {subnet}"), "rule", subnet.to_string());
            if *internal {
                item.fact("no way out and none in")
            } else {
                item.fact(format!("what leaves it by another link than {bridge} gets the host's address (masquerade)"))
            }
        }
    };
    world.net.rules.iter().enumerate().map(rule).collect()
}

//! Plans for bridges, links and published ports.

use super::{Plan, Planned, Planner};
use crate::error::{Error, Result};
use crate::host::Networks;
use crate::id::ContainerId;
use crate::kernel::{Firewall, Process, Step, Where};
use crate::network::{Driver, Endpoint, LinkCounters, NetworkRecord, Publish};
use ipnet::IpNet;
use std::net::IpAddr;

/// Where the kernel says whether a link speaks IPv6; not there where the kernel has none.
const IPV6_OF_NEW_LINKS: &str = "/proc/sys/net/ipv6/conf/default/disable_ipv6";

fn network_owner(network: &NetworkRecord) -> String {
    format!("network-{}", network.id.short())
}

fn endpoint_owner(endpoint: &Endpoint) -> String {
    format!("endpoint-{}-{}", endpoint.container.short(), endpoint.network.short())
}

/// The bridge's own address: the gateway in the subnet.
fn bridge_address(network: &NetworkRecord) -> Result<(IpNet, IpNet)> {
    let incomplete = || Error::invalid(format!("network {} has no subnet or no gateway", network.name));
    let (subnet, gateway) = network.subnet.zip(network.gateway).ok_or_else(incomplete)?;
    let address = IpNet::new(gateway, subnet.prefix_len()).map_err(|_| incomplete())?;
    Ok((address, subnet))
}

pub(super) fn add(network: &NetworkRecord) -> Result<Plan> {
    let mut plan = Plan::new("networks.add", network.id.as_str());
    if network.driver != Driver::Bridge {
        return Ok(plan);
    }
    let (address, subnet) = bridge_address(network)?;
    let bridge = network.bridge.clone();
    plan.push(
        Planned::new(
            Step::AddBridge { name: bridge.clone(), address, mac: None },
            "A bridge is a switch in the kernel; its own address is the containers' way out.",
            "man 8 ip-link, \"bridge\"",
        )
        .undone_by(Step::RemoveLink { name: bridge.clone() }),
    );
    if !network.internal {
        plan.push(Planned::new(
            Step::NetSysctl { at: Where::Host, key: "net.ipv4.ip_forward".to_owned(), value: "1".to_owned() },
            "The host passes packets on between the bridge and its other links.",
            "kernel Documentation/networking/ip-sysctl.rst",
        ));
    }
    let owner = network_owner(network);
    plan.push(
        Planned::new(
            Step::AddRule {
                owner: owner.clone(),
                rule: Firewall::Bridge { bridge: bridge.clone(), subnet, icc: network.icc, internal: network.internal },
            },
            "Packets that leave get the host's address; packets that try to reach containers past their published ports are dropped.",
            "man 8 nft, \"masquerade\"",
        )
        .undone_by(Step::RemoveRules { owner }),
    );
    if let Some((subnet6, gateway6)) = network.pool.subnet6.zip(network.pool.gateway6) {
        let address = IpNet::new(IpAddr::V6(gateway6), subnet6.prefix_len()).map_err(|e| Error::invalid(e.to_string()))?;
        plan.push(Planned::new(
            Step::AddAddress { at: Where::Host, link: bridge.clone(), address },
            "The bridge is the containers' way out for IPv6 too.",
            "man 8 ip-address",
        ));
        if !network.internal {
            plan.push(Planned::new(
                Step::NetSysctl { at: Where::Host, key: "net.ipv6.conf.all.forwarding".to_owned(), value: "1".to_owned() },
                "The host passes IPv6 packets on.",
                "kernel Documentation/networking/ip-sysctl.rst",
            ));
        }
        plan.push(Planned::new(
            Step::AddRule {
                owner: network_owner(network),
                rule: Firewall::Bridge { bridge: bridge.clone(), subnet: IpNet::V6(subnet6), icc: network.icc, internal: network.internal },
            },
            "The same for IPv6.",
            "man 8 nft, \"masquerade\"",
        ));
    }
    plan.push(Planned::new(
        Step::LinkUp { at: Where::Host, name: bridge },
        "The bridge begins to work once its rules are there.",
        "man 8 ip-link",
    ));
    Ok(plan)
}

pub(super) fn connect(network: &NetworkRecord, endpoint: &Endpoint, speaks_ipv6: bool) -> Plan {
    let mut plan = Plan::new("networks.connect", endpoint.container.as_str());
    let host = endpoint.host_link.clone();
    if speaks_ipv6 {
        let wanted = endpoint.address6.is_some() || endpoint.link_local.iter().any(|address| matches!(address, IpNet::V6(_)));
        let (value, why, see) = if wanted {
            (
                "0",
                "A network without IPv6 that was joined before has switched it off for new links.",
                "kernel Documentation/networking/ip-sysctl.rst",
            )
        } else {
            ("1", "A network without IPv6 must not give out link-local addresses that no rule knows of.", "CVE-2024-32473")
        };
        plan.push(Planned::new(
            Step::NetSysctl { at: Where::Child, key: "net.ipv6.conf.default.disable_ipv6".to_owned(), value: value.to_owned() },
            why,
            see,
        ));
    }
    plan.push(
        Planned::new(
            Step::AddVeth {
                name: host.clone(),
                bridge: network.bridge.clone(),
                peer: format!("{host}p"),
                rename: endpoint.link.clone(),
                mac: endpoint.mac.clone(),
                isolated: !network.icc,
            },
            "A cable with two ends: one in the bridge, one in the container.",
            "man 4 veth",
        )
        .undone_by(Step::RemoveLink { name: host.clone() }),
    );
    plan.push(Planned::new(Step::LinkUp { at: Where::Host, name: host }, "The host's end is plugged in.", "man 8 ip-link"));
    plan.push(Planned::new(
        Step::AddAddress { at: Where::Child, link: endpoint.link.clone(), address: endpoint.address },
        "The container's own address, leased from the network's subnet.",
        "man 8 ip-address",
    ));
    if let Some(address6) = endpoint.address6 {
        plan.push(Planned::new(
            Step::AddAddress { at: Where::Child, link: endpoint.link.clone(), address: IpNet::V6(address6) },
            "Its IPv6 address.",
            "man 8 ip-address",
        ));
    }
    for address in &endpoint.link_local {
        plan.push(Planned::new(
            Step::AddAddress { at: Where::Child, link: endpoint.link.clone(), address: *address },
            "An address of the link itself, which was asked for.",
            "RFC 3927",
        ));
    }
    plan.push(Planned::new(
        Step::LinkUp { at: Where::Child, name: endpoint.link.clone() },
        "The container's end is plugged in.",
        "man 8 ip-link",
    ));
    route(endpoint).into_iter().for_each(|planned| plan.push(planned));
    plan
}

/// The default routes of the place that has them.
fn route(endpoint: &Endpoint) -> Vec<Planned> {
    let ways = endpoint.gateway.into_iter().chain(endpoint.gateway6.map(IpAddr::V6));
    ways.filter(|_| endpoint.leads)
        .map(|via| {
            Planned::new(
                Step::AddRoute { at: Where::Child, to: None, via },
                "Everything that is not in the subnet goes to the bridge's address.",
                "man 8 ip-route",
            )
        })
        .collect()
}

pub(super) fn publish(network: &NetworkRecord, endpoint: &Endpoint, ports: &[Publish]) -> Plan {
    let mut plan = Plan::new("networks.publish", endpoint.container.as_str());
    let owner = endpoint_owner(endpoint);
    for port in ports {
        let rule = Firewall::Publish {
            protocol: port.protocol,
            host_ip: port.host_ip,
            host_port: port.host_port,
            to: endpoint.asked_at(port.host_ip),
            to_port: port.container_port,
            bridge: network.bridge.clone(),
        };
        plan.push(
            Planned::new(
                Step::AddRule { owner: owner.clone(), rule },
                "What arrives at the host's port gets the container's address instead.",
                "man 8 nft, \"dnat\"",
            )
            .undone_by(Step::RemoveRules { owner: owner.clone() }),
        );
    }
    plan
}

impl Networks for Planner {
    fn add(&self, network: &NetworkRecord) -> Result<()> {
        self.carry_out(&add(network)?, None)
    }

    fn remove(&self, network: &NetworkRecord) -> Result<()> {
        if network.driver != Driver::Bridge {
            return Ok(());
        }
        let rules = self.kernel.perform(&Step::RemoveRules { owner: network_owner(network) }, None);
        let link = self.kernel.perform(&Step::RemoveLink { name: network.bridge.clone() }, None);
        rules.and(link)
    }

    fn connect(&self, network: &NetworkRecord, endpoint: &Endpoint, process: &Process) -> Result<()> {
        let speaks_ipv6 = self.kernel.size(IPV6_OF_NEW_LINKS).is_ok();
        self.carry_out(&connect(network, endpoint, speaks_ipv6), Some(process))
    }

    fn disconnect(&self, _network: &NetworkRecord, endpoint: &Endpoint) -> Result<()> {
        self.kernel.perform(&Step::RemoveLink { name: endpoint.host_link.clone() }, None)
    }

    fn publish(&self, network: &NetworkRecord, endpoint: &Endpoint, ports: &[Publish]) -> Result<()> {
        self.carry_out(&publish(network, endpoint, ports), None)
    }

    fn unpublish(&self, endpoint: &Endpoint) -> Result<()> {
        self.kernel.perform(&Step::RemoveRules { owner: endpoint_owner(endpoint) }, None)
    }

    fn route(&self, endpoint: &Endpoint, process: &Process) -> Result<()> {
        route(endpoint).iter().try_for_each(|planned| self.kernel.perform(&planned.step, Some(process)))
    }

    fn serve_names(&self, id: &ContainerId, servers: &[IpAddr], process: &Process) -> Result<()> {
        // In no plan: whoever answers dies with whoever performs this, and that is soon after any crash.
        self.kernel.perform(&Step::ServeNames { container: id.to_string(), servers: servers.to_vec() }, Some(process))
    }

    fn stop_names(&self, id: &ContainerId) -> Result<()> {
        self.kernel.perform(&Step::StopNames { container: id.to_string() }, None)
    }

    fn counters(&self, endpoint: &Endpoint) -> Result<LinkCounters> {
        // Not /sys/class/net: that shows the network namespace in which it was mounted, and this the reader's own.
        let bytes = self.kernel.read("/proc/net/dev", 0, 1 << 20)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let line = text.lines().find_map(|line| line.trim_start().strip_prefix(endpoint.host_link.as_str())?.strip_prefix(':'));
        let line = line.ok_or_else(|| Error::not_found(format!("the link {} is not there", endpoint.host_link)))?;
        // Eight figures of what it received, then eight of what it sent, bytes first (proc_pid_net(5)).
        let mut figures = line.split_whitespace().map(|n| n.parse().unwrap_or(0));
        let (received, sent) = (figures.next().unwrap_or(0), figures.nth(7).unwrap_or(0));
        // What the host's end sends, the container receives.
        Ok(LinkCounters { received: sent, sent: received })
    }
}

//! Steps on links, addresses and rules, as shell commands.

use super::quote::quote;
use crate::kernel::{Firewall, Step, Where};

/// The script keeps its rules in a table of its own, so that removing them cannot touch the engine's.
const TABLE: &str = "drydock_by_hand";

pub(super) fn command(step: &Step) -> Option<String> {
    Some(match step {
        Step::AddBridge { name, address, mac } => {
            let name = quote(name);
            let mac = mac.as_ref().map_or(String::new(), |mac| format!(" address {}", quote(mac)));
            format!("[ -d /sys/class/net/{name} ] || ip link add name {name}{mac} type bridge\nip address replace {address} dev {name}")
        }
        Step::AddVeth { name, bridge, rename, mac, isolated, .. } => format!(
            "ip link add name {0} type veth peer name {1} address {2} netns \"$child\"\nip link set dev {0} master {3}{4}",
            quote(name),
            quote(rename),
            quote(mac),
            quote(bridge),
            if *isolated { format!("\nbridge link set dev {} isolated on", quote(name)) } else { String::new() }
        ),
        Step::RemoveLink { name } => format!("ip link delete dev {} 2>/dev/null", quote(name)),
        Step::LinkUp { at, name } => format!("{}ip link set dev {} up", within(*at), quote(name)),
        Step::AddAddress { at, link, address } => format!("{}ip address replace {address} dev {}", within(*at), quote(link)),
        Step::AddRoute { at, to, via } => {
            let to = to.map_or("default".to_owned(), |to| to.to_string());
            format!("{}ip route replace {to} via {via}", within(*at))
        }
        Step::NetSysctl { at, key, value } => {
            let path = format!("/proc/sys/{}", key.replace('.', "/"));
            match at {
                Where::Host => format!("echo {} >{}", quote(value), quote(&path)),
                Where::Child => format!("{}sh -c {}", within(*at), quote(&format!("echo {} >{path}", quote(value)))),
            }
        }
        Step::AddRule { rule, .. } => rules(rule),
        Step::RemoveRules { .. } => format!("nft delete table inet {TABLE} 2>/dev/null"),
        _ => return None,
    })
}

fn within(at: Where) -> &'static str {
    match at {
        Where::Host => "",
        Where::Child => "nsenter --target \"$child\" --net ",
    }
}

fn rules(rule: &Firewall) -> String {
    let mut lines = vec![format!("add table inet {TABLE}")];
    match rule {
        Firewall::Bridge { bridge, subnet, icc, internal } => {
            lines.push(format!("add chain inet {TABLE} raw {{ type filter hook prerouting priority raw; }}"));
            lines.push(format!("add rule inet {TABLE} raw iifname != {{ lo, {bridge} }} ip daddr {subnet} drop"));
            lines.push(format!("add rule inet {TABLE} raw iifname != lo ip daddr 127.0.0.0/8 drop"));
            lines.push(format!("add chain inet {TABLE} postrouting {{ type nat hook postrouting priority srcnat; }}"));
            if !internal {
                lines.push(format!("add rule inet {TABLE} postrouting ip saddr {subnet} oifname != {bridge} masquerade"));
            }
            if !icc || *internal {
                lines.push(format!("add chain inet {TABLE} forward {{ type filter hook forward priority filter; }}"));
            }
            if !icc {
                lines.push(format!("add rule inet {TABLE} forward iifname {bridge} oifname {bridge} drop"));
            }
            if *internal {
                lines.push(format!("add rule inet {TABLE} forward iifname {bridge} oifname != {bridge} drop"));
            }
        }
        Firewall::Publish { protocol, host_ip, host_port, to, to_port, .. } => {
            let protocol = format!("{protocol:?}").to_lowercase();
            let to_us = if host_ip.is_unspecified() { "fib daddr type local".to_owned() } else { format!("ip daddr {host_ip}") };
            for (chain, priority) in [("prerouting", "dstnat"), ("output", "-100")] {
                lines.push(format!("add chain inet {TABLE} {chain} {{ type nat hook {chain} priority {priority}; }}"));
                lines.push(format!(
                    "add rule inet {TABLE} {chain} {to_us} ip daddr != 127.0.0.0/8 {protocol} dport {host_port} dnat ip to {to}:{to_port}"
                ));
            }
        }
    }
    format!("nft -f - <<'END_OF_RULES'\n{}\nEND_OF_RULES", lines.join("\n"))
}

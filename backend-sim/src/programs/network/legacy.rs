//! `ifconfig`, `route`, `arp`: what came before `ip`.

use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::programs::network::resolve::lookup;
use crate::sys::{Errno, LinkChange, LinkInfo};
use ipnet::IpNet;
use std::net::IpAddr;

/// `ifconfig [-a] [link [address [netmask mask]] [up | down]]`
pub async fn ifconfig(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { short: "+a", usage: "[-a] [IFACE] [ADDRESS]", ..Spec::default() }).await?;
    let links = cmd.sys.links();
    let Some((name, words)) = options.operands.split_first() else {
        for link in links.iter().filter(|l| l.up || options.has('a')) {
            show(cmd, link).await?;
        }
        return Ok(0);
    };
    let Some(link) = links.iter().find(|l| l.name == *name) else {
        return Err(cmd.fail(format!("{name}: error fetching interface information: Device not found")).await);
    };
    if words.is_empty() {
        show(cmd, link).await?;
        return Ok(0);
    }
    let mut words = words.iter();
    let mut address: Option<IpAddr> = None;
    let mut prefix = None;
    let mut up = None;
    while let Some(word) = words.next() {
        match word.as_str() {
            "up" => up = Some(true),
            "down" => up = Some(false),
            "netmask" => {
                let mask = words.next().and_then(|m| m.parse::<IpAddr>().ok());
                prefix = mask.and_then(|mask| ipnet::ip_mask_to_prefix(mask).ok());
                if prefix.is_none() {
                    return Err(cmd.fail("bad address").await);
                }
            }
            "mtu" => {
                let mtu = words.next().and_then(|m| m.parse().ok()).unwrap_or(0);
                if let Err(error) = cmd.sys.change_link(name, LinkChange::Mtu(mtu)) {
                    return Err(cmd.fail(format!("SIOCSIFMTU: {error}")).await);
                }
            }
            word => match word.split_once('/').map_or((word, None), |(a, p)| (a, p.parse().ok())) {
                (text, p) if text.parse::<IpAddr>().is_ok() => {
                    address = text.parse().ok();
                    prefix = p.or(prefix);
                }
                _ => return Err(cmd.not_modelled(word).await),
            },
        }
    }
    if let Some(address) = address {
        // Without a mask an address has its class's (RFC 791).
        let class = match address {
            IpAddr::V4(a) if a.octets()[0] < 128 => 8,
            IpAddr::V4(a) if a.octets()[0] < 192 => 16,
            IpAddr::V4(_) => 24,
            IpAddr::V6(_) => 128,
        };
        for old in cmd.sys.addresses().into_iter().filter(|a| a.link == *name && a.address.addr().is_ipv4() == address.is_ipv4()) {
            cmd.sys.delete_address(name, old.address).ok();
        }
        let done = IpNet::new(address, prefix.unwrap_or(class)).map_err(|_| Errno::EINVAL).and_then(|net| cmd.sys.add_address(name, net));
        if let Err(error) = done {
            return Err(cmd.fail(format!("SIOCSIFADDR: {error}")).await);
        }
        up = up.or(Some(true));
    }
    if let Some(up) = up
        && let Err(error) = cmd.sys.change_link(name, LinkChange::Up(up))
    {
        return Err(cmd.fail(format!("SIOCSIFFLAGS: {error}")).await);
    }
    Ok(0)
}

async fn show(cmd: &mut Cmd, link: &LinkInfo) -> Result<(), i32> {
    let loopback = link.kind == "loopback";
    let encapsulation = if loopback { "Local Loopback  ".to_owned() } else { format!("Ethernet  HWaddr {}  ", link.mac.to_uppercase()) };
    cmd.line(format!("{:<9} Link encap:{encapsulation}", link.name)).await?;
    for address in cmd.sys.addresses().into_iter().filter(|a| a.link == link.name) {
        let line = match address.address {
            IpNet::V4(net) => {
                let broadcast =
                    if loopback { String::new() } else { format!("  Bcast:{}", address.broadcast.unwrap_or(IpAddr::from([0, 0, 0, 0]))) };
                format!("inet addr:{}{broadcast}  Mask:{}", net.addr(), net.netmask())
            }
            IpNet::V6(net) => {
                let scope = match address.scope.as_str() {
                    "host" => "Host",
                    "link" => "Link",
                    _ => "Global",
                };
                format!("inet6 addr: {net} Scope:{scope}")
            }
        };
        cmd.line(format!("          {line}")).await?;
    }
    let mut flags = Vec::new();
    if link.up {
        flags.push("UP");
    }
    flags.extend(if loopback { &["LOOPBACK"][..] } else { &["BROADCAST"] });
    if link.up && link.lower_up {
        flags.push("RUNNING");
    }
    if !loopback {
        flags.push("MULTICAST");
    }
    cmd.line(format!("          {}  MTU:{}  Metric:1", flags.join(" "), link.mtu)).await?;
    cmd.line(format!("          RX packets:{} errors:0 dropped:0 overruns:0 frame:0", link.received.1)).await?;
    cmd.line(format!("          TX packets:{} errors:0 dropped:0 overruns:0 carrier:0", link.sent.1)).await?;
    cmd.line("          collisions:0 txqueuelen:1000 ").await?;
    cmd.line(format!(
        "          RX bytes:{} ({})  TX bytes:{} ({})\n",
        link.received.0,
        size(link.received.0),
        link.sent.0,
        size(link.sent.0)
    ))
    .await
}

fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return format!("{value:.1} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// `route [-n]`, `route add|del [default | -net net | -host host] [gw address] [dev link]`
pub async fn route(cmd: &mut Cmd) -> Exit {
    let args = cmd.args.clone();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["-n" | "-ne" | "-en" | "-e"] => table(cmd, "Flags Metric Ref    Use Iface", "0      0        0").await,
        [change @ ("add" | "del"), rest @ ..] => {
            let rest: Vec<&str> = rest.iter().copied().filter(|w| !matches!(*w, "-net" | "-host")).collect();
            let Some(to) = rest.first() else { return Err(cmd.usage(&Spec { usage: "[{add|del|delete}]", ..Spec::default() }, "").await) };
            let after = |key: &str| rest.iter().position(|w| *w == key).and_then(|i| rest.get(i + 1)).copied();
            let mask = after("netmask").and_then(|m| m.parse().ok()).and_then(|m| ipnet::ip_mask_to_prefix(m).ok());
            let net = match (*to, to.parse::<IpNet>(), to.parse::<IpAddr>()) {
                ("default" | "0.0.0.0", ..) => None,
                (_, Ok(net), _) => Some(net),
                (_, _, Ok(address)) => mask.map_or(Some(IpNet::from(address)), |p| IpNet::new(address, p).ok()),
                _ => return Err(cmd.fail(format!("resolving {to}")).await),
            };
            let gateway = match after("gw") {
                Some(name) => lookup(&cmd.sys, name).await,
                None => None,
            };
            let done = if *change == "add" {
                cmd.sys.add_route(
                    net,
                    gateway,
                    after("dev").or_else(|| rest.last().copied().filter(|l| rest.len() > 1 && gateway.is_none() && l != to)),
                )
            } else {
                cmd.sys.delete_route(net)
            };
            match done {
                Ok(()) => Ok(0),
                Err(error) => Err(cmd.fail(format!("SIOC{}RT: {error}", if *change == "add" { "ADD" } else { "DEL" })).await),
            }
        }
        _ => Err(cmd.not_modelled(&words.join(" ")).await),
    }
}

/// The routing table as `route` and `netstat -r` have it.
pub async fn table(cmd: &mut Cmd, title: &str, middle: &str) -> Exit {
    cmd.line("Kernel IP routing table").await?;
    cmd.line(format!("Destination     Gateway         Genmask         {title}")).await?;
    for route in cmd.sys.routes() {
        if route.to.is_some_and(|net| net.addr().is_ipv6()) || route.via.is_some_and(|via| via.is_ipv6()) {
            continue;
        }
        let any = IpAddr::from([0, 0, 0, 0]);
        let (to, mask) = route.to.map_or((any, any), |net| (net.network(), net.netmask()));
        let host = route.to.is_some_and(|net| net.prefix_len() == 32);
        let flags = format!("U{}{}", if route.via.is_some() { "G" } else { "" }, if host { "H" } else { "" });
        cmd.line(format!(
            "{:<15} {:<15} {:<15} {flags:<5} {middle} {}",
            to.to_string(),
            route.via.unwrap_or(any).to_string(),
            mask.to_string(),
            route.link
        ))
        .await?;
    }
    Ok(0)
}

/// `arp [-n]`
pub async fn arp(cmd: &mut Cmd) -> Exit {
    cmd.options(&Spec { short: "na", not_modelled: "dsDivH", usage: "[-vn] [-a] [HOSTNAME]", ..Spec::default() }).await?;
    for neighbour in cmd.sys.neighbours() {
        let mac = neighbour.mac.map_or("<incomplete>".to_owned(), |mac| format!("{mac} [ether]"));
        cmd.line(format!("? ({}) at {mac}  on {}", neighbour.address, neighbour.link)).await?;
    }
    Ok(0)
}

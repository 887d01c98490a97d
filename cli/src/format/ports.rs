//! The PORTS column: `0.0.0.0:8080->80/tcp, 443/tcp`.

use drydock_core::kernel::Protocol;
use drydock_core::network::Publish;
use std::net::IpAddr;

/// A protocol's name.
pub fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    }
}

/// Address and port, IPv6 in brackets.
pub fn address(ip: IpAddr, port: &str) -> String {
    match ip {
        IpAddr::V4(ip) => format!("{ip}:{port}"),
        IpAddr::V6(ip) => format!("[{ip}]:{port}"),
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Port {
    container: u16,
    host: Option<(IpAddr, u16)>,
    protocol: String,
}

/// Published and exposed ports in one line. Runs of ports that keep their numbers are written as ranges.
pub fn line(published: &[Publish], exposed: &[String]) -> String {
    let mut ports: Vec<Port> = published
        .iter()
        .map(|p| Port { container: p.container_port, host: Some((p.host_ip, p.host_port)), protocol: protocol(p.protocol).to_owned() })
        .collect();
    for spec in exposed {
        let (number, protocol) = spec.split_once('/').unwrap_or((spec, "tcp"));
        let Ok(number) = number.parse() else { continue };
        if !ports.iter().any(|p| p.container == number && p.protocol == protocol) {
            ports.push(Port { container: number, host: None, protocol: protocol.to_owned() });
        }
    }
    ports.sort();
    let mut done = Vec::new();
    let mut mapped = Vec::new();
    let mut groups: Vec<(Option<IpAddr>, String, u16, u16)> = Vec::new();
    for port in ports {
        if let Some((ip, host)) = port.host
            && host != port.container
        {
            mapped.push(format!("{}->{}/{}", address(ip, &host.to_string()), port.container, port.protocol));
            continue;
        }
        let ip = port.host.map(|(ip, _)| ip);
        match groups.iter_mut().find(|(i, p, ..)| *i == ip && *p == port.protocol) {
            Some((_, _, _, last)) if last.checked_add(1) == Some(port.container) => *last = port.container,
            Some(group) => {
                done.push(written(group));
                (group.2, group.3) = (port.container, port.container);
            }
            None => groups.push((ip, port.protocol, port.container, port.container)),
        }
    }
    done.extend(groups.iter().map(written));
    done.extend(mapped);
    done.join(", ")
}

fn written((ip, protocol, first, last): &(Option<IpAddr>, String, u16, u16)) -> String {
    let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
    match ip {
        Some(ip) => format!("{}->{range}/{protocol}", address(*ip, &range)),
        None => format!("{range}/{protocol}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn port(ip: impl Into<IpAddr>, host: u16, container: u16) -> Publish {
        Publish { protocol: Protocol::Tcp, host_ip: ip.into(), host_port: host, container_port: container }
    }

    #[test]
    fn a_table_of_ports() {
        let any = Ipv4Addr::UNSPECIFIED;
        assert_eq!(line(&[], &[]), "");
        assert_eq!(line(&[port(any, 8080, 80)], &["80/tcp".to_owned()]), "0.0.0.0:8080->80/tcp");
        assert_eq!(line(&[port(any, 8080, 80)], &["443/tcp".to_owned()]), "443/tcp, 0.0.0.0:8080->80/tcp");
        assert_eq!(line(&[port(any, 80, 80), port(any, 81, 81)], &[]), "0.0.0.0:80-81->80-81/tcp");
        assert_eq!(line(&[], &["80/tcp".to_owned(), "81/tcp".to_owned(), "53/udp".to_owned()]), "53/udp, 80-81/tcp");
        assert_eq!(line(&[port(Ipv6Addr::UNSPECIFIED, 1, 80)], &[]), "[::]:1->80/tcp");
    }
}

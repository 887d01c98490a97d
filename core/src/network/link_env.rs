//! What a container is told in its environment of those that it is linked to (`--link`), as Docker's legacy container
//! links have it.

use std::net::IpAddr;

/// A port as it is exposed: its protocol's name stands behind its number, and by that it sorts.
type Port = (u16, String);

/// Ports as `80/tcp`, `80`, `80-82/udp`: each once, lower ones first, and of one number TCP.
pub fn ports<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Port> {
    let mut all: Vec<Port> = Vec::new();
    for text in texts {
        let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
        let (Ok(first), Ok(last)) = (first.parse::<u16>(), last.parse::<u16>()) else { continue };
        all.extend((first..=last).map(|port| (port, protocol.to_ascii_lowercase())));
    }
    // As it happens, the alphabet has SCTP before TCP before UDP: what is not TCP comes later.
    all.sort_by(|a, b| (a.0, a.1 != "tcp", &a.1).cmp(&(b.0, b.1 != "tcp", &b.1)));
    all.dedup();
    all
}

/// The variables of one link: the other's first port, what runs of ports and each port there are, the name of the link, and the other's
/// own environment.
pub fn variables(own: &str, alias: &str, address: IpAddr, ports: &[Port], env: &[String]) -> Vec<String> {
    let name = alias.to_uppercase().replace('-', "_");
    let mut all = Vec::new();
    if let Some((port, protocol)) = ports.first() {
        all.push(format!("{name}_PORT={protocol}://{address}:{port}"));
    }
    let begins = |port: &Port, protocol: &str| format!("{name}_PORT_{}_{}", port.0, protocol.to_uppercase());
    let mut rest = ports;
    while let [first, after @ ..] = rest {
        let run = after.iter().zip(u32::from(first.0) + 1..).take_while(|(p, next)| u32::from(p.0) == *next && p.1 == first.1).count();
        rest = after.get(run..).unwrap_or_default();
        // Two are told one by one, as if nothing were between a first and a last.
        let Some(last) = run.checked_sub(1).filter(|n| *n > 0).and_then(|n| after.get(n)) else { continue };
        let (start, protocol) = (begins(first, &first.1), &first.1);
        all.push(format!("{start}_START={protocol}://{address}:{}", first.0));
        all.push(format!("{start}_ADDR={address}"));
        all.push(format!("{start}_PROTO={protocol}"));
        all.push(format!("{start}_PORT_START={}", first.0));
        all.push(format!("{start}_END={protocol}://{address}:{}", last.0));
        all.push(format!("{start}_PORT_END={}", last.0));
    }
    for port in ports {
        let (start, protocol) = (begins(port, &port.1), &port.1);
        all.push(format!("{start}={protocol}://{address}:{}", port.0));
        all.push(format!("{start}_ADDR={address}"));
        all.push(format!("{start}_PORT={}", port.0));
        all.push(format!("{start}_PROTO={protocol}"));
    }
    all.push(format!("{name}_NAME=/{own}/{alias}"));
    // Its own home and path are of no use elsewhere.
    let told = env.iter().filter(|entry| !matches!(entry.split('=').next(), Some("HOME" | "PATH")));
    all.extend(told.map(|entry| format!("{name}_ENV_{entry}")));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As dockerd 20.10 says it, but for the order.
    #[test]
    fn a_link_is_told_as_docker_tells_it() {
        let ports = ports(["82", "80-81", "53/udp", "9/tcp", "82/tcp"]);
        let env = ["PATH=/bin".to_owned(), "A=1".to_owned(), "HOME=/x".to_owned()];
        let said = variables("me", "my-db", IpAddr::from([172, 29, 0, 2]), &ports, &env);
        let lines: Vec<&str> = said.iter().map(String::as_str).collect();
        assert_eq!(lines.first(), Some(&"MY_DB_PORT=tcp://172.29.0.2:9"));
        for line in [
            "MY_DB_PORT_80_TCP_START=tcp://172.29.0.2:80",
            "MY_DB_PORT_80_TCP_PORT_END=82",
            "MY_DB_PORT_81_TCP=tcp://172.29.0.2:81",
            "MY_DB_PORT_53_UDP_PROTO=udp",
            "MY_DB_PORT_82_TCP_PORT=82",
        ] {
            assert_eq!(lines.iter().filter(|l| **l == line).count(), 1, "{line} in {lines:?}");
        }
        assert_eq!(lines.get(lines.len() - 2..), Some(&["MY_DB_NAME=/me/my-db", "MY_DB_ENV_A=1"][..]));
        assert!(!said.iter().any(|l| l.contains("_9_TCP_START") || l.contains("HOME") || l.contains("ENV_PATH")));
    }

    #[test]
    fn one_without_ports_has_a_name() {
        assert_eq!(variables("me", "db", IpAddr::from([127, 0, 0, 1]), &[], &[]), ["DB_NAME=/me/db"]);
    }
}

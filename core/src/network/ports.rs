//! The grammar of `--publish` and `--expose`: `[[IP:][HOST[-HOST]:]]CONTAINER[-CONTAINER][/PROTOCOL]`.

use super::PortRequest;
use crate::error::{Error, Result};
use crate::kernel::Protocol;
use std::net::IpAddr;

/// The ports that one `-p` asks for, in order: a range in the container becomes a request a port.
///
/// # Errors
/// Docker's own words, each naming the part that is wrong.
pub fn parse(text: &str) -> Result<Vec<PortRequest>> {
    let invalid = |what: &str, part: &str| Error::invalid(format!("invalid {what}: {}", part.escape_debug()));
    // From the right, so that an IPv6 address in front may have colons of its own.
    let mut parts = text.rsplitn(3, ':');
    let last = parts.next().unwrap_or_default();
    let host = parts.next().unwrap_or_default();
    let ip = parts.next().unwrap_or_default();

    let (container, protocol) = protocol(last)?;
    let host_ip = match ip {
        "" => None,
        ip => {
            let bare = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']'));
            Some(bare.unwrap_or(ip).parse::<IpAddr>().map_err(|_| invalid("IP address", ip))?)
        }
    };
    if container.is_empty() {
        return Err(Error::invalid(format!("no port specified: {}<empty>", text.escape_debug())));
    }
    let (first, last) = range(container).filter(|r| r.0 > 0).ok_or_else(|| invalid("containerPort", container))?;
    let host_ports = match host {
        // Port 0 means any, as it does to bind(2).
        "" | "0" => None,
        host => Some(range(host).filter(|r| r.0 > 0).ok_or_else(|| invalid("hostPort", host))?),
    };
    if let Some((from, to)) = host_ports
        && first != last
        && to - from != last - first
    {
        let message = format!("invalid ranges specified for container and host Ports: {container} and {host}");
        return Err(Error::invalid(message));
    }
    Ok((first..=last)
        .map(|port| {
            let pairwise = |(from, to): (u16, u16)| if first == last { (from, to) } else { (from + (port - first), from + (port - first)) };
            PortRequest { protocol, host_ip, host_ports: host_ports.map(pairwise), container_port: port }
        })
        .collect())
}

/// The ports that one `--expose` or one `EXPOSE` names, as `PORT/PROTOCOL` each.
pub fn parse_expose(text: &str) -> Result<Vec<(u16, Protocol)>> {
    let invalid = || Error::invalid(format!("invalid range format for --expose: {}", text.escape_debug()));
    if text.contains(':') {
        return Err(Error::invalid(format!("invalid port format for --expose: {}", text.escape_debug())));
    }
    let (ports, protocol) = protocol(text)?;
    let (first, last) = range(ports).filter(|r| r.0 > 0).ok_or_else(invalid)?;
    Ok((first..=last).map(|port| (port, protocol)).collect())
}

/// The name of the port that an image's configuration exposes by this word, if it is the name of one. Docker lets an image say anything
/// there, a variable that was never expanded for instance; nobody can listen on that.
pub fn exposed(text: &str) -> Option<String> {
    match parse_expose(text).ok()?.as_slice() {
        [(port, protocol)] => Some(name(*port, *protocol)),
        _ => None,
    }
}

/// Splits the protocol off; without one it is TCP.
fn protocol(text: &str) -> Result<(&str, Protocol)> {
    let (ports, name) = text.split_once('/').unwrap_or((text, ""));
    let protocol = match name.to_ascii_lowercase().as_str() {
        "" | "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        "sctp" => Protocol::Sctp,
        _ => return Err(Error::invalid(format!("invalid proto: {}", name.escape_debug()))),
    };
    Ok((ports, protocol))
}

/// One port or two with a hyphen between, the smaller first.
fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let pair = (number(first)?, number(last)?);
    (pair.0 <= pair.1).then_some(pair)
}

/// Digits only: a sign, which Rust would take, is none of Docker's grammar.
fn number(text: &str) -> Option<u16> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The name that Docker gives a port: `80/tcp`.
pub fn name(port: u16, protocol: Protocol) -> String {
    format!("{port}/{}", protocol_name(protocol))
}

/// `tcp`, `udp` or `sctp`.
pub fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |r: &PortRequest| {
            let ip = r.host_ip.map(|ip| format!("{ip} ")).unwrap_or_default();
            let host = r.host_ports.map_or("any".to_owned(), |(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") });
            format!("{ip}{host}>{}", name(r.container_port, r.protocol))
        };
        parse(text).unwrap_or_else(|e| panic!("{text}: {e}")).iter().map(show).collect()
    }

    #[test]
    fn good_ones() {
        for (text, expected) in [
            ("80", vec!["any>80/tcp"]),
            (":80", vec!["any>80/tcp"]),
            ("0:80", vec!["any>80/tcp"]),
            ("8080:80", vec!["8080>80/tcp"]),
            ("80/TCP", vec!["any>80/tcp"]),
            ("53:53/udp", vec!["53>53/udp"]),
            ("127.0.0.1:8080:80", vec!["127.0.0.1 8080>80/tcp"]),
            ("127.0.0.1::80", vec!["127.0.0.1 any>80/tcp"]),
            ("[::1]:80:80", vec!["::1 80>80/tcp"]),
            ("80-81:90-91", vec!["80>90/tcp", "81>91/tcp"]),
            ("80-90:80", vec!["80-90>80/tcp"]),
            ("90-91", vec!["any>90/tcp", "any>91/tcp"]),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn bad_ones_name_their_part() {
        for (text, message) in [
            ("80:", "no port specified: 80:<empty>"),
            ("", "no port specified: <empty>"),
            ("0", "invalid containerPort: 0"),
            ("65536", "invalid containerPort: 65536"),
            ("-1", "invalid containerPort: -1"),
            ("+80", "invalid containerPort: +80"),
            ("90-80", "invalid containerPort: 90-80"),
            ("80-90:80-89", "invalid ranges specified for container and host Ports: 80-89 and 80-90"),
            ("1.2.3:80:80", "invalid IP address: 1.2.3"),
            ("80/foo", "invalid proto: foo"),
            (" 80", "invalid containerPort:  80"),
            ("0x50", "invalid containerPort: 0x50"),
            ("x:80", "invalid hostPort: x"),
        ] {
            assert_eq!(parse(text).unwrap_err().message(), message, "{text}");
        }
    }

    #[test]
    fn the_whole_range_is_not_too_much() {
        assert_eq!(parse("1-65535:1-65535").unwrap().len(), 65535);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            let _ = (parse(&text), parse_expose(&text));
        }
    }
}

//! Names to addresses: /etc/hosts, then the name servers of /etc/resolv.conf (RFC 1035 over UDP). And `nslookup`.

use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::sys::{Address, Domain, Poll, SocketKind, Sys};
use std::net::IpAddr;
use std::time::Duration;

/// The address of a host, as getaddrinfo(3) finds it.
pub async fn lookup(sys: &Sys, name: &str) -> Option<IpAddr> {
    if let Some(address) = lookup_of(sys, name, Family::V4).await {
        return Some(address);
    }
    lookup_of(sys, name, Family::V6).await
}

/// Which addresses are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A records.
    V4,
    /// AAAA records.
    V6,
}

impl Family {
    fn has(self, address: &IpAddr) -> bool {
        address.is_ipv4() == (self == Family::V4)
    }

    /// The type of its records (RFC 1035, RFC 3596), and how long they are.
    fn record(self) -> (u16, usize) {
        if self == Family::V4 { (1, 4) } else { (28, 16) }
    }
}

/// The address of this family that a name has.
pub async fn lookup_of(sys: &Sys, name: &str, family: Family) -> Option<IpAddr> {
    if let Ok(address) = name.parse() {
        return Some(address).filter(|a| family.has(a));
    }
    if let Some(address) = hosts(sys, name, family).await {
        return Some(address);
    }
    let config = Config::read(sys).await;
    for server in &config.servers {
        for full in config.names(name) {
            if let Ok(Some(address)) = query(sys, *server, &full, family).await {
                return Some(address);
            }
        }
    }
    None
}

async fn hosts(sys: &Sys, name: &str, family: Family) -> Option<IpAddr> {
    let text = sys.read_file("/etc/hosts").await.ok()?;
    String::from_utf8_lossy(&text).lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.parse().ok().filter(|a| family.has(a))?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
    })
}

/// resolv.conf(5)
#[derive(Debug, Default, PartialEq, Eq)]
struct Config {
    servers: Vec<IpAddr>,
    search: Vec<String>,
    dots: usize,
}

impl Config {
    async fn read(sys: &Sys) -> Self {
        Self::parse(&String::from_utf8_lossy(&sys.read_file("/etc/resolv.conf").await.unwrap_or_default()))
    }

    fn parse(text: &str) -> Self {
        let mut config = Self { dots: 1, ..Self::default() };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => config.servers.extend(words.next().and_then(|w| w.parse::<IpAddr>().ok())),
                Some("search" | "domain") => config.search = words.map(str::to_owned).collect(),
                Some("options") => {
                    config.dots = words.find_map(|w| w.strip_prefix("ndots:")?.parse().ok()).unwrap_or(config.dots);
                }
                _ => {}
            }
        }
        config
    }

    /// The names to ask for, in order.
    fn names(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let mut names: Vec<String> = self.search.iter().map(|domain| format!("{name}.{domain}")).collect();
        let first = if name.matches('.').count() >= self.dots { 0 } else { names.len() };
        names.insert(first, name.to_owned());
        names
    }
}

/// Why a server gave no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoAnswer {
    TimedOut,
    Refused(u8),
}

/// Asks one server for one name; `None` is a name without an address.
async fn query(sys: &Sys, server: IpAddr, name: &str, family: Family) -> Result<Option<IpAddr>, NoAnswer> {
    let id = sys.random(2);
    let domain = if server.is_ipv4() { Domain::Inet } else { Domain::Inet6 };
    let Ok(fd) = sys.socket(domain, SocketKind::Datagram) else { return Err(NoAnswer::TimedOut) };
    let answer = exchange(sys, fd, server, &question(&id, name, family)).await;
    sys.close(fd).ok();
    parse_answer(&answer.ok_or(NoAnswer::TimedOut)?, &id, family)
}

async fn exchange(sys: &Sys, fd: i32, server: IpAddr, packet: &[u8]) -> Option<Vec<u8>> {
    for _ in 0..2 {
        sys.send_to(fd, packet, &Address::Inet(server, 53)).await.ok()?;
        let watch = [Poll { fd, read: true, write: false }];
        if sys.poll(&watch, Some(Duration::from_secs(5))).await.is_ok_and(|ready| !ready.is_empty()) {
            return sys.recv_from(fd, 1500).await.ok().map(|(bytes, _)| bytes);
        }
    }
    None
}

/// A question for a name's record of an address, recursion desired.
fn question(id: &[u8], name: &str, family: Family) -> Vec<u8> {
    let mut packet = vec![id[0], id[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.').filter(|l| !l.is_empty()) {
        packet.push(label.len().min(63) as u8);
        packet.extend(label.bytes().take(63));
    }
    packet.push(0);
    packet.extend(family.record().0.to_be_bytes());
    packet.extend([0, 1]);
    packet
}

fn parse_answer(packet: &[u8], id: &[u8], family: Family) -> Result<Option<IpAddr>, NoAnswer> {
    let word = |at: usize| packet.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
    if packet.len() < 12 || packet[..2] != id[..2] {
        return Err(NoAnswer::TimedOut);
    }
    if packet[3] & 15 != 0 {
        return Err(NoAnswer::Refused(packet[3] & 15));
    }
    let skip_name = |mut at: usize| -> Option<usize> {
        loop {
            match *packet.get(at)? {
                0 => return Some(at + 1),
                n if n >= 0xc0 => return Some(at + 2),
                n => at += 1 + usize::from(n),
            }
        }
    };
    let find = || -> Option<IpAddr> {
        let mut at = 12;
        for _ in 0..word(4)? {
            at = skip_name(at)? + 4;
        }
        for _ in 0..word(6)? {
            at = skip_name(at)?;
            let (kind, length) = (word(at)?, usize::from(word(at + 8)?));
            if (kind, length) == family.record() {
                let data = packet.get(at + 10..at + 10 + length)?;
                let v4 = <[u8; 4]>::try_from(data).map(IpAddr::from);
                return v4.or_else(|_| <[u8; 16]>::try_from(data).map(IpAddr::from)).ok();
            }
            at += 10 + length;
        }
        None
    };
    Ok(find())
}

/// `nslookup name [server]`
pub async fn nslookup(cmd: &mut Cmd) -> Exit {
    let (name, server) = match cmd.args.clone().as_slice() {
        [name] => (name.clone(), None),
        [name, server] => (name.clone(), server.parse().ok()),
        _ => return Err(cmd.usage(&Spec { usage: "HOST [DNS_SERVER]", ..Spec::default() }, "").await),
    };
    let config = Config::read(&cmd.sys).await;
    let Some(server) = server.or(config.servers.first().copied()) else {
        return Err(cmd.fail("no name server").await);
    };
    cmd.line(format!("Server:\t\t{server}\nAddress:\t{server}:53\n")).await?;
    let mut last = NoAnswer::TimedOut;
    for full in config.names(&name) {
        match query(&cmd.sys, server, &full, Family::V4).await {
            Ok(Some(address)) => {
                cmd.line(format!("Name:\t{full}\nAddress: {address}\n")).await?;
                return Ok(0);
            }
            Ok(None) => {
                cmd.line(format!("*** Can't find {full}: No answer\n")).await?;
                return Ok(0);
            }
            Err(why) => last = why,
        }
    }
    match last {
        NoAnswer::TimedOut => cmd.line(";; connection timed out; no servers could be reached\n").await?,
        NoAnswer::Refused(code) => {
            let code = match code {
                3 => "NXDOMAIN".to_owned(),
                2 => "SERVFAIL".to_owned(),
                5 => "REFUSED".to_owned(),
                other => format!("Response code {other}"),
            };
            cmd.line(format!("** server can't find {name}: {code}\n")).await?;
        }
    }
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_and_answers_are_rfc_1035() {
        let packet = question(&[1, 2], "a.bc", Family::V4);
        assert_eq!(packet, [1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 2, b'b', b'c', 0, 0, 1, 0, 1]);
        let mut answer = packet.clone();
        (answer[2], answer[3], answer[7]) = (0x81, 0x80, 1);
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 172, 30, 0, 2]);
        assert_eq!(parse_answer(&answer, &[1, 2], Family::V4), Ok(Some("172.30.0.2".parse().expect("address"))));
        assert_eq!(parse_answer(&answer, &[1, 2], Family::V6), Ok(None));
        answer[3] = 0x83;
        assert_eq!(parse_answer(&answer, &[1, 2], Family::V4), Err(NoAnswer::Refused(3)));
        assert_eq!(parse_answer(&answer, &[9, 9], Family::V4), Err(NoAnswer::TimedOut));
        assert_eq!(parse_answer(&answer[..14], &[1, 2], Family::V4), Err(NoAnswer::Refused(3)));
    }

    #[test]
    fn the_search_list_follows_the_number_of_dots() {
        let config = Config::parse("nameserver 127.0.0.11\nsearch a.test b.test\noptions ndots:1\n");
        assert_eq!(config.names("web"), ["web.a.test", "web.b.test", "web"]);
        assert_eq!(config.names("web.x")[0], "web.x");
        assert_eq!(config.names("web."), ["web"]);
    }
}

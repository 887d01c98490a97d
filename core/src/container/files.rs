//! The three files that the engine writes for a container: /etc/hosts, /etc/hostname, /etc/resolv.conf.
//!
//! Every value that lands in one is checked first: a line end in a host name would add a line of somebody else's choosing.

use crate::error::{Error, Result};
use std::fmt::Write as _;
use std::net::IpAddr;

/// Name servers for a container whose host has none but its own loopback (the ones Docker falls back to).
const FALLBACK_NAMESERVERS: [&str; 2] = ["8.8.8.8", "8.8.4.4"];

/// Refuses what would break out of a line or a field: control characters, blanks, `#`, and the empty text.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`], naming the option.
pub fn check_word(option: &str, value: &str) -> Result<()> {
    if value.is_empty() || value.chars().any(|c| c.is_control() || c.is_whitespace() || c == '#') {
        return Err(Error::invalid(format!("invalid value \"{}\" for {option}", value.escape_debug())));
    }
    Ok(())
}

/// Checks a host name: at most 64 bytes (the kernel's own bound, sethostname(2)), letters, digits, `-`, `.` and `_`.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`].
pub fn check_hostname(name: &str) -> Result<()> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if name.is_empty() || name.len() > 64 || name.starts_with('-') || !name.bytes().all(fine) {
        return Err(Error::invalid(format!("invalid hostname \"{}\"", name.escape_debug()))
            .hint("at most 64 letters, digits, dots, hyphens and underscores"));
    }
    Ok(())
}

/// Reads one `--add-host`: `name:ip`. The address may be IPv6, bare or in brackets.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`] with Docker's words.
pub fn extra_host(text: &str) -> Result<(String, IpAddr)> {
    let wrong = || Error::invalid(format!("bad format for add-host: \"{}\"", text.escape_debug()));
    let (name, address) = text.split_once(':').ok_or_else(wrong)?;
    check_word("--add-host", name).map_err(|_| wrong())?;
    let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
    let address = bare.parse().map_err(|_| Error::invalid(format!("invalid IP address in add-host: \"{}\"", address.escape_debug())))?;
    Ok((name.to_owned(), address))
}

/// /etc/hosts, with the same standard entries as Docker's: loopback, IPv6's well-known ones, what was asked for, and the
/// container's own addresses last.
pub fn hosts(hostname: &str, domainname: &str, addresses: &[IpAddr], extra: &[(String, IpAddr)]) -> String {
    let mut text = String::from(
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\n\
         ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n",
    );
    for (name, address) in extra {
        let _ = writeln!(text, "{address}\t{name}");
    }
    let names = own_names(hostname, domainname);
    for address in addresses {
        let _ = writeln!(text, "{address}\t{names}");
    }
    text
}

/// /etc/hostname.
pub fn hostname(name: &str) -> String {
    format!("{name}\n")
}

/// /etc/resolv.conf: the host's without name servers that answer only on the host's own loopback, or what was asked for.
pub fn resolv_conf(of_host: &str, dns: &[String], search: &[String], options: &[String]) -> String {
    let mut servers: Vec<&str> = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    for line in of_host.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("nameserver") => servers.extend(words.next().filter(|s| !is_loopback(s))),
            Some("search" | "domain") if !search.is_empty() => {}
            Some("options") if !options.is_empty() => {}
            Some("search" | "domain" | "options" | "sortlist") => lines.push(line.trim_end().to_owned()),
            _ => {}
        }
    }
    if !dns.is_empty() {
        servers = dns.iter().map(String::as_str).collect();
    } else if servers.is_empty() {
        servers = FALLBACK_NAMESERVERS.to_vec();
    }
    if !options.is_empty() {
        lines.push(format!("options {}", options.join(" ")));
    }
    // `--dns-search .` says: no search domains at all (Docker's convention).
    if !search.is_empty() && search != ["."] {
        lines.insert(0, format!("search {}", search.join(" ")));
    }
    servers.iter().map(|s| format!("nameserver {s}\n")).chain(lines.into_iter().map(|l| l + "\n")).collect()
}

/// /etc/resolv.conf on a network of one's own: the engine's own server, with the search domains and options of the host or those asked
/// for. A name without a dot may be a container's, so it is asked for as it is first (`ndots:0`, Docker's).
pub fn resolv_conf_embedded(of_host: &str, search: &[String], options: &[String]) -> String {
    let of_host = |wanted: &str| -> Vec<String> {
        let lines = of_host.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
        lines.filter(|(word, _)| *word == wanted).flat_map(|(_, rest)| rest.split_whitespace().map(str::to_owned)).collect()
    };
    let mut domains = if search.is_empty() { of_host("search") } else { search.to_vec() };
    domains.retain(|domain| domain != ".");
    let mut options = if options.is_empty() { of_host("options") } else { options.to_vec() };
    if !options.iter().any(|o| o.starts_with("ndots:")) {
        options.push("ndots:0".to_owned());
    }
    let search = if domains.is_empty() { String::new() } else { format!("search {}\n", domains.join(" ")) };
    format!("{search}nameserver {}\noptions {}\n", crate::network::dns::ADDRESS, options.join(" "))
}

/// /etc/hosts as it was, without lines of addresses that were left, and with one for each address that was joined.
pub fn revise_hosts(text: &str, hostname: &str, domainname: &str, joined: &[IpAddr], left: &[IpAddr]) -> String {
    let gone = |line: &&str| line.split_whitespace().next().and_then(|word| word.parse::<IpAddr>().ok()).is_some_and(|a| left.contains(&a));
    let mut kept: String = text.lines().filter(|line| !gone(line)).flat_map(|line| [line, "\n"]).collect();
    for address in joined {
        let _ = writeln!(kept, "{address}\t{}", own_names(hostname, domainname));
    }
    kept
}

/// A name with dots is a whole one, and its first part the short one.
fn own_names(hostname: &str, domainname: &str) -> String {
    let whole = if domainname.is_empty() { hostname.to_owned() } else { format!("{hostname}.{domainname}") };
    let short = whole.split('.').next().unwrap_or(&whole);
    if short == whole { whole.clone() } else { format!("{whole} {short}") }
}

fn is_loopback(server: &str) -> bool {
    let bare = server.split('%').next().unwrap_or(server);
    bare.parse::<IpAddr>().map_or(true, |a| a.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_would_add_a_line_are_refused() {
        for bad in ["", "a\nb", "a\rb", "a\0b", "a b", "a\tb", "#a"] {
            assert!(check_word("--dns-search", bad).is_err(), "{bad:?}");
            assert!(check_hostname(bad).is_err(), "{bad:?}");
            assert!(extra_host(&format!("{bad}:1.2.3.4")).is_err(), "{bad:?}");
        }
        assert!(extra_host("a:1.2.3.4\n6.6.6.6 evil").is_err());
        assert!(check_hostname(&"a".repeat(65)).is_err());
        assert_eq!(extra_host("db:[::1]").unwrap(), ("db".to_owned(), "::1".parse().unwrap()));
    }

    #[test]
    fn hosts_ends_with_the_containers_own_name() {
        let text = hosts("web", "", &["172.30.0.2".parse().unwrap()], &[("db".to_owned(), "10.0.0.1".parse().unwrap())]);
        assert!(text.starts_with("127.0.0.1\tlocalhost\n"));
        assert!(text.ends_with("10.0.0.1\tdb\n172.30.0.2\tweb\n"));
        assert!(hosts("web.example.org", "", &["172.30.0.2".parse().unwrap()], &[]).ends_with("172.30.0.2\tweb.example.org web\n"));
        assert!(hosts("web", "example.org", &["172.30.0.2".parse().unwrap()], &[]).ends_with("172.30.0.2\tweb.example.org web\n"));
    }

    #[test]
    fn a_network_of_ones_own_asks_the_engine() {
        let host = "nameserver 10.0.0.1\nsearch lan\noptions edns0\n";
        assert_eq!(resolv_conf_embedded(host, &[], &[]), "search lan\nnameserver 127.0.0.11\noptions edns0 ndots:0\n");
        let asked = resolv_conf_embedded(host, &[".".to_owned()], &["ndots:2".to_owned()]);
        assert_eq!(asked, "nameserver 127.0.0.11\noptions ndots:2\n");
    }

    #[test]
    fn hosts_follow_the_networks_and_keep_what_else_is_in_them() {
        let before = "127.0.0.1\tlocalhost\n10.0.0.2\tweb\n# mine\n10.0.0.20\tx\n";
        let after = revise_hosts(before, "web", "", &["10.0.1.2".parse().unwrap()], &["10.0.0.2".parse().unwrap()]);
        assert_eq!(after, "127.0.0.1\tlocalhost\n# mine\n10.0.0.20\tx\n10.0.1.2\tweb\n");
    }

    #[test]
    fn loopback_name_servers_are_left_out() {
        let host = "# comment\nnameserver 127.0.0.53\nnameserver 10.0.0.1\nsearch lan\noptions edns0\n";
        assert_eq!(resolv_conf(host, &[], &[], &[]), "nameserver 10.0.0.1\nsearch lan\noptions edns0\n");
        assert_eq!(resolv_conf("nameserver ::1\n", &[], &[], &[]), "nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
        let asked = resolv_conf(host, &["1.1.1.1".to_owned()], &["a.example".to_owned()], &["ndots:2".to_owned()]);
        assert_eq!(asked, "nameserver 1.1.1.1\nsearch a.example\noptions ndots:2\n");
        assert_eq!(resolv_conf(host, &[], &[".".to_owned()], &[]), "nameserver 10.0.0.1\noptions edns0\n");
    }
}

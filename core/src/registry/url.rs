//! Addresses of registries: `http` and `https` only, no user information, no fragment.
//!
//! A few lines of our own rather than a general URL crate: what a registry may name is narrower than a URL, and everything else is
//! to be refused.

use crate::error::{Error, Result};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest address, in bytes.
const LONGEST: usize = 16 << 10;

/// An absolute address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    tls: bool,
    host: String,
    port: Option<u16>,
    target: String,
}

fn bad(text: &str) -> Error {
    let shown: String = text.chars().take(100).collect();
    Error::invalid(format!("invalid address \"{}\"", shown.escape_debug()))
}

impl Url {
    /// Reads an absolute address.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidInput`] for any other scheme, for user information, and for what is no address.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > LONGEST || text.bytes().any(|b| !(0x21..=0x7e).contains(&b)) {
            return Err(bad(text));
        }
        let (tls, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            _ => return Err(bad(text)),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        let (host, port) = split_port(authority).ok_or_else(|| bad(text))?;
        Ok(Self { tls, host: host.to_ascii_lowercase(), port, target })
    }

    /// The root of a host as references name it: `localhost:5000`.
    pub fn of_host(host: &str, tls: bool) -> Result<Self> {
        Self::parse(&format!("{}://{host}/", if tls { "https" } else { "http" }))
    }

    /// Another path on the same host, with its query. It begins with a slash.
    #[must_use]
    pub fn at(&self, target: &str) -> Self {
        Self { target: target.to_owned(), ..self.clone() }
    }

    /// What a `Location` header or a link means, seen from here (RFC 3986 section 5.2, without dot segments).
    pub fn join(&self, text: &str) -> Result<Self> {
        if text.contains("://") {
            return Self::parse(text);
        }
        if text.starts_with("//") {
            return Self::parse(&format!("{}:{text}", self.scheme()));
        }
        let path = self.path();
        let target = match text.chars().next() {
            Some('/') => text.to_owned(),
            Some('?') => format!("{path}{text}"),
            _ => format!("{}/{text}", path.rsplit_once('/').map_or("", |(directory, _)| directory)),
        };
        Self::parse(&format!("{}://{}{target}", self.scheme(), self.authority()))
    }

    /// With one more parameter, percent-encoded.
    #[must_use]
    pub fn with(&self, key: &str, value: &str) -> Self {
        let mark = if self.target.contains('?') { '&' } else { '?' };
        Self { target: format!("{}{mark}{key}={}", self.target, encode(value)), ..self.clone() }
    }

    /// `https` or `http`
    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// Whether what is sent there is encrypted.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host without its port; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, also where it is understood.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls { 443 } else { 80 })
    }

    /// Host and port as written.
    pub fn authority(&self) -> String {
        self.port.map_or_else(|| self.host.clone(), |port| format!("{}:{port}", self.host))
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The path alone.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Whether two addresses are of one scheme, host and port: what credentials are given to (RFC 6454).
    pub fn same_origin(&self, other: &Url) -> bool {
        self.tls == other.tls && self.host == other.host && self.port() == other.port()
    }

    /// For messages: without the query, which may hold a signature or a token.
    pub fn shown(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.authority(), self.path())
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme(), self.authority(), self.target)
    }
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (authority.get(..address.len() + 2)?, after.strip_prefix(':').or_else(|| after.is_empty().then_some("")))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, Some("")),
        },
    };
    let name = |h: &str| !h.is_empty() && h.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    if !host.starts_with('[') && !name(host) {
        return None;
    }
    match port? {
        "" => Some((host, None)),
        port if port.bytes().all(|b| b.is_ascii_digit()) => port.parse().ok().filter(|p| *p != 0).map(|port| (host, Some(port))),
        _ => None,
    }
}

/// Percent-encodes a parameter's value. Slashes and colons stay: scopes and digests are read by people.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/' | b':') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Whether a host is this machine by its name or address alone: nothing is looked up.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|a| a.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|a| a.is_loopback() || a.to_ipv4_mapped().is_some_and(|a| a.is_loopback()))
}

/// Whether a host is an address that only means something on this machine or its own link: where metadata services of clouds listen.
pub fn is_link_local(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let of_v4 = |a: Ipv4Addr| a.is_link_local() || a.is_unspecified();
    host.parse::<Ipv4Addr>().is_ok_and(of_v4)
        || host.parse::<Ipv6Addr>().is_ok_and(|a| a.is_unicast_link_local() || a.is_unspecified() || a.to_ipv4_mapped().is_some_and(of_v4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn locations_are_seen_from_where_they_stand() {
        let here = Url::parse("https://Reg.example:5000/v2/a/blobs/uploads/?x=1").unwrap();
        for (location, meaning) in [
            ("/v2/b?y=2", "https://reg.example:5000/v2/b?y=2"),
            ("u-1?state=z", "https://reg.example:5000/v2/a/blobs/uploads/u-1?state=z"),
            ("?z", "https://reg.example:5000/v2/a/blobs/uploads/?z"),
            ("//other/x", "https://other/x"),
            ("http://other:81/x#part", "http://other:81/x"),
        ] {
            assert_eq!(here.join(location).unwrap().to_string(), meaning, "{location}");
        }
        assert_eq!(here.with("digest", "sha256:a+b c").target(), "/v2/a/blobs/uploads/?x=1&digest=sha256:a%2Bb%20c");
        assert_eq!(here.shown(), "https://reg.example:5000/v2/a/blobs/uploads/");
    }

    #[test]
    fn what_is_no_address_of_a_registry() {
        for bad in [
            "",
            "ftp://a/",
            "file:///etc/passwd",
            "https://",
            "https://user:word@a/",
            "https://a:0/",
            "https://a:65536/",
            "https://a:x/",
            "https://[::1/",
            "https://a b/",
            "https://a/\r\nX: y",
            "https://ä/",
        ] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
        let origin = |text: &str| Url::parse(text).unwrap();
        assert!(origin("https://a").same_origin(&origin("https://A:443/x")));
        assert!(!origin("https://a").same_origin(&origin("http://a")));
        assert!(!origin("http://a").same_origin(&origin("http://a:81")));
    }

    #[test]
    fn this_machine_and_its_link() {
        for host in ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example", "128.0.0.1", "[::2]", "127.0.0.1.example"] {
            assert!(!is_loopback(host), "{host}");
        }
        for host in ["169.254.169.254", "0.0.0.0", "[fe80::1]", "[::]", "[::ffff:169.254.1.1]"] {
            assert!(is_link_local(host), "{host}");
        }
    }

    proptest! {
        #[test]
        fn printing_what_was_read_is_a_fixed_point(text in "https?://[a-z0-9.:\\[\\]@/?#%&=-]{0,40}", location in "\\PC{0,40}") {
            if let Ok(url) = Url::parse(&text) {
                prop_assert_eq!(Url::parse(&url.to_string()).unwrap(), url.clone());
                let _ = url.join(&location);
            }
        }
    }
}

//! HTTP/1.1 clients (RFC 9112): what `wget` and `curl` share.

mod curl;
mod wget;

pub use curl::curl;
pub use wget::wget;

use super::resolve::lookup;
use crate::sys::{Address, Domain, Errno, Fd, Poll, SocketKind, Sys};
use drydock_core::time::Moment;
use futures_util::future::{Either, select};
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

/// An `http` URL taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path and query.
    pub path: String,
}

/// Why a URL cannot be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadUrl {
    /// Another scheme; encryption is not modelled.
    Scheme(String),
    /// Not a URL.
    Malformed,
}

impl Url {
    /// Parses a URL; without a scheme it is `http`.
    pub fn parse(text: &str) -> Result<Self, BadUrl> {
        let rest = match text.split_once("://") {
            Some(("http", rest)) => rest,
            Some((scheme, _)) => return Err(BadUrl::Scheme(scheme.to_owned())),
            None => text,
        };
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let authority = authority.rsplit('@').next().unwrap_or(authority);
        let (host, port) = match authority.strip_prefix('[').and_then(|a| a.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => authority.split_once(':').map_or((authority, None), |(h, p)| (h, Some(p))),
        };
        let port = port.map_or(Ok(80), str::parse).map_err(|_| BadUrl::Malformed)?;
        if host.is_empty() {
            return Err(BadUrl::Malformed);
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { host: host.to_owned(), port, path })
    }

    /// `host` or `host:port`.
    pub fn authority(&self) -> String {
        if self.port == 80 { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, `HEAD`…
    pub method: String,
    /// Further lines of the head, without line ends.
    pub headers: Vec<String>,
    /// Body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// `HTTP/1.1 200 OK`
    pub status_line: String,
    /// 200
    pub status: u16,
    /// Lines of the head after the first.
    pub headers: Vec<String>,
    /// Body.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The name has no address.
    Unresolved,
    /// The connection was not made.
    Connect(IpAddr, Errno),
    /// Nothing came in time.
    TimedOut,
    /// The other side closed without an answer, or broke off.
    Empty,
}

/// Connects to a port.
pub async fn connect(sys: &Sys, address: IpAddr, port: u16) -> Result<Fd, Errno> {
    let fd = sys.socket(if address.is_ipv4() { Domain::Inet } else { Domain::Inet6 }, SocketKind::Stream)?;
    match sys.connect(fd, &Address::Inet(address, port)).await {
        Ok(()) => Ok(fd),
        Err(error) => {
            sys.close(fd).ok();
            Err(error)
        }
    }
}

/// [`connect`], given up after a time.
async fn connect_in_time(sys: &Sys, address: IpAddr, port: u16, timeout: Option<Duration>) -> Result<Fd, Failure> {
    let connecting = pin!(connect(sys, address, port));
    let connected = match timeout {
        None => connecting.await,
        Some(timeout) => match select(connecting, pin!(sys.sleep(timeout))).await {
            Either::Left((connected, _)) => connected,
            Either::Right(_) => return Err(Failure::TimedOut),
        },
    };
    connected.map_err(|error| match error {
        Errno::ETIMEDOUT => Failure::TimedOut,
        error => Failure::Connect(address, error),
    })
}

/// Sends a request and reads the answer to its end.
pub async fn fetch(sys: &Sys, url: &Url, address: IpAddr, request: &Request, timeout: Option<Duration>) -> Result<Response, Failure> {
    let end = timeout.map(|timeout| sys.moment().after(timeout));
    let fd = connect_in_time(sys, address, url.port, timeout).await?;
    let mut head = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, url.path, url.authority());
    for line in &request.headers {
        head.push_str(&format!("{line}\r\n"));
    }
    if !request.body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", request.body.len()));
    }
    head.push_str("Connection: close\r\n\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&request.body);
    let answer = match sys.write_all(fd, &bytes).await {
        Ok(()) => read_all(sys, fd, end).await,
        Err(_) => Err(Failure::Empty),
    };
    sys.close(fd).ok();
    parse(&answer?, request.method == "HEAD").ok_or(Failure::Empty)
}

/// Resolves a host's name.
pub async fn resolve(sys: &Sys, url: &Url) -> Result<IpAddr, Failure> {
    lookup(sys, &url.host).await.ok_or(Failure::Unresolved)
}

async fn read_all(sys: &Sys, fd: Fd, end: Option<Moment>) -> Result<Vec<u8>, Failure> {
    let mut all = Vec::new();
    loop {
        if let Some(end) = end {
            let left = end.since(sys.moment());
            let ready = sys.poll(&[Poll { fd, read: true, write: false }], Some(left)).await;
            if ready.is_ok_and(|ready| ready.is_empty()) {
                return Err(Failure::TimedOut);
            }
        }
        match sys.read(fd, 64 * 1024).await {
            Ok(bytes) if bytes.is_empty() => return Ok(all),
            Ok(bytes) => all.extend(bytes),
            Err(Errno::EINTR) => {}
            Err(_) if all.is_empty() => return Err(Failure::Empty),
            Err(_) => return Ok(all),
        }
    }
}

/// Parses an answer; `None` if it is none.
fn parse(bytes: &[u8], head_only: bool) -> Option<Response> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n").map(str::to_owned);
    let status_line = lines.next()?;
    let status = status_line.split(' ').nth(1)?.parse().ok()?;
    let mut response = Response { status_line, status, headers: lines.collect(), body: Vec::new() };
    if !head_only {
        let rest = &bytes[end + 4..];
        response.body = if response.header("Transfer-Encoding") == Some("chunked") {
            unchunk(rest)
        } else {
            let length = response.header("Content-Length").and_then(|l| l.parse().ok()).unwrap_or(rest.len());
            rest[..length.min(rest.len())].to_vec()
        };
    }
    Some(response)
}

/// Takes chunks together (RFC 9112, 7.1).
fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = String::from_utf8_lossy(&rest[..end]);
        let Ok(size) = usize::from_str_radix(size.split(';').next().unwrap_or("").trim(), 16) else { break };
        let start = end + 2;
        if size == 0 || start + size > rest.len() {
            break;
        }
        body.extend_from_slice(&rest[start..start + size]);
        rest = rest.get(start + size + 2..).unwrap_or_default();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let url = |text: &str| Url::parse(text).map(|u| (u.host, u.port, u.path));
        assert_eq!(url("http://web:8080/a?b"), Ok(("web".to_owned(), 8080, "/a?b".to_owned())));
        assert_eq!(url("localhost"), Ok(("localhost".to_owned(), 80, "/".to_owned())));
        assert_eq!(url("http://[::1]:81/"), Ok(("::1".to_owned(), 81, "/".to_owned())));
        assert_eq!(url("https://x/"), Err(BadUrl::Scheme("https".to_owned())));
        assert_eq!(url("http://x:y/"), Err(BadUrl::Malformed));
    }

    #[test]
    fn answers_end_by_length_or_in_chunks() {
        let answer = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi!", false).expect("an answer");
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"hi"[..]));
        let answer =
            parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n", false).expect("an answer");
        assert_eq!(answer.body, b"hi!");
        assert_eq!(parse(b"nonsense", false), None);
    }
}

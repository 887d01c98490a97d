//! The server: one process, all its connections watched at once.

use crate::programs::time::strftime;
use crate::sys::{Address, Domain, Errno, Fd, FileType, Poll, STDOUT, SocketKind, Sys};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// An open listening socket.
#[derive(Clone, Copy, Debug)]
pub struct Listener(Fd);

impl Listener {
    /// Opens one.
    pub fn open(sys: &Sys, address: IpAddr, port: u16) -> Result<Self, Errno> {
        let fd = sys.socket(if address.is_ipv4() { Domain::Inet } else { Domain::Inet6 }, SocketKind::Stream)?;
        sys.bind(fd, &Address::Inet(address, port))?;
        sys.listen(fd, 511)?;
        Ok(Self(fd))
    }
}

/// Where requests are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// Nowhere.
    None,
    /// Standard output, in the combined format.
    Combined,
}

/// What a server serves, and how it looks.
#[derive(Clone, Debug)]
pub struct Style {
    /// Directory of the files.
    pub root: String,
    /// File that stands for a directory.
    pub index: &'static str,
    /// `Server:` header.
    pub server: Option<&'static str>,
    /// Access log.
    pub log: Log,
    /// Served for `/` where the directory does not exist.
    pub welcome: Option<&'static str>,
}

/// A request that has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Request {
    line: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    /// The request at the start of what has been received; `None` if its head is not complete, an error if it is none.
    fn parse(bytes: &[u8]) -> Option<Result<Self, ()>> {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").or_else(|| bytes.windows(2).position(|w| w == b"\n\n"))?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let line = lines.next().unwrap_or_default().to_owned();
        let words: Vec<&str> = line.split(' ').collect();
        let [method, path, version] = words.as_slice() else { return Some(Err(())) };
        if !version.starts_with("HTTP/") || !path.starts_with('/') {
            return Some(Err(()));
        }
        let headers = lines.filter_map(|l| l.split_once(':')).map(|(k, v)| (k.to_ascii_lowercase(), v.trim().to_owned()));
        Some(Ok(Self { method: (*method).to_owned(), path: (*path).to_owned(), headers: headers.collect(), line: line.clone() }))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A request line longer than this is refused, as real servers do.
const MAX_HEAD: usize = 8192;

/// Serves until a signal ends it; the status is 0.
pub async fn serve(sys: &Sys, listeners: &[Listener], style: &Style) -> i32 {
    let mut connections: BTreeMap<Fd, (Address, Vec<u8>)> = BTreeMap::new();
    loop {
        let watched = listeners.iter().map(|l| l.0).chain(connections.keys().copied());
        let watch: Vec<Poll> = watched.map(|fd| Poll { fd, read: true, write: false }).collect();
        let ready = match sys.poll(&watch, None).await {
            Ok(ready) => ready,
            Err(Errno::EINTR) if sys.take_signal().is_some() => return 0,
            Err(Errno::EINTR) => continue,
            Err(_) => return 1,
        };
        for one in ready {
            if listeners.iter().any(|l| l.0 == one.fd) {
                if let Ok((fd, from)) = sys.accept(one.fd).await {
                    connections.insert(fd, (from, Vec::new()));
                }
                continue;
            }
            let bytes = sys.read(one.fd, 64 * 1024).await.unwrap_or_default();
            let Some((from, received)) = connections.get_mut(&one.fd) else { continue };
            let ended = bytes.is_empty();
            received.extend(bytes);
            let done = match Request::parse(received) {
                Some(request) => {
                    let from = from.clone();
                    answer(sys, style, one.fd, &from, request).await;
                    true
                }
                None if received.len() > MAX_HEAD => {
                    let from = from.clone();
                    answer(sys, style, one.fd, &from, Err(())).await;
                    true
                }
                None => ended,
            };
            if done {
                connections.remove(&one.fd);
                sys.close(one.fd).ok();
            }
        }
    }
}

struct Answer {
    status: u16,
    reason: &'static str,
    headers: Vec<String>,
    body: Vec<u8>,
}

async fn answer(sys: &Sys, style: &Style, fd: Fd, from: &Address, request: Result<Request, ()>) {
    let answer = match &request {
        Ok(request) => find(sys, style, request).await,
        Err(()) => error(style, 400, "Bad Request"),
    };
    let request = request.unwrap_or_default();
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, answer.reason);
    if let Some(server) = style.server {
        head.push_str(&format!("Server: {server}\r\n"));
    }
    head.push_str(&format!("Date: {}\r\n", strftime(sys.now(), "%a, %d %b %Y %H:%M:%S GMT")));
    for line in &answer.headers {
        head.push_str(&format!("{line}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\nConnection: close\r\n", answer.body.len()));
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    if request.method != "HEAD" {
        bytes.extend_from_slice(&answer.body);
    }
    // A client that has gone away loses only its own answer.
    sys.write_all(fd, &bytes).await.ok();
    if style.log == Log::Combined {
        let who = match from {
            Address::Inet(address, _) => address.to_string(),
            Address::Unix(_) => "unix:".to_owned(),
        };
        let time = strftime(sys.now(), "%d/%b/%Y:%H:%M:%S +0000");
        let sent = if request.method == "HEAD" { 0 } else { answer.body.len() };
        let quoted = |name| request.header(name).unwrap_or("-").replace('"', "\\x22");
        let line = format!(
            "{who} - - [{time}] \"{}\" {} {sent} \"{}\" \"{}\"\n",
            request.line.replace('"', "\\x22"),
            answer.status,
            quoted("referer"),
            quoted("user-agent")
        );
        sys.write_all(STDOUT, line.as_bytes()).await.ok();
    }
}

async fn find(sys: &Sys, style: &Style, request: &Request) -> Answer {
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return error(style, 405, "Not Allowed");
    }
    let Some(path) = clean(&request.path) else { return error(style, 400, "Bad Request") };
    if let Some(welcome) = style.welcome
        && sys.stat(&style.root).is_err()
        && (path == "/" || path == "/index.html")
    {
        return Answer {
            status: 200,
            reason: "OK",
            headers: vec!["Content-Type: text/html".to_owned()],
            body: welcome.as_bytes().to_vec(),
        };
    }
    let mut file = format!("{}{path}", style.root.trim_end_matches('/'));
    if sys.stat(&file).is_ok_and(|stat| stat.kind == FileType::Directory) {
        if !file.ends_with('/') {
            let mut moved = error(style, 301, "Moved Permanently");
            let host = request.header("host").unwrap_or("localhost").to_owned();
            moved.headers.push(format!("Location: http://{host}{path}/"));
            return moved;
        }
        file.push_str(style.index);
        if sys.stat(&file).is_err() {
            return error(style, 403, "Forbidden");
        }
    }
    let stat = sys.stat(&file);
    match (sys.read_file(&file).await, stat) {
        (Ok(body), Ok(stat)) => {
            let modified = strftime(stat.mtime, "%a, %d %b %Y %H:%M:%S GMT");
            let tag = format!("ETag: \"{:x}-{:x}\"", stat.mtime.0 / 1_000_000_000, stat.size);
            let headers = vec![
                format!("Content-Type: {}", kind(&file)),
                format!("Last-Modified: {modified}"),
                tag,
                "Accept-Ranges: bytes".to_owned(),
            ];
            Answer { status: 200, reason: "OK", headers, body }
        }
        (Err(Errno::EACCES), _) => error(style, 403, "Forbidden"),
        _ => error(style, 404, "Not Found"),
    }
}

/// The path without query, escapes and `..`; `None` if it would leave the root.
fn clean(path: &str) -> Option<String> {
    let path = path.split(['?', '#']).next().unwrap_or("/");
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(b) = rest.next() {
        if b != b'%' {
            bytes.push(b);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    let text = String::from_utf8(bytes).ok().filter(|t| !t.contains('\0'))?;
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    let end = if text.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    Some(format!("/{}{end}", parts.join("/")))
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" | "htm" => "text/html",
        "txt" => "text/plain",
        "css" => "text/css",
        "js" => "application/javascript",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "xml" => "text/xml",
        _ => "application/octet-stream",
    }
}

fn error(style: &Style, status: u16, reason: &'static str) -> Answer {
    let foot = style.server.map_or_else(String::new, |server| format!("<hr><center>{server}</center>\r\n"));
    let body = format!(
        "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n<center><h1>{status} {reason}</h1></center>\r\n{foot}</body>\r\n</html>\r\n"
    );
    Answer { status, reason, headers: vec!["Content-Type: text/html".to_owned()], body: body.into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_never_leave_the_root() {
        assert_eq!(clean("/a/../b?x").as_deref(), Some("/b"));
        assert_eq!(clean("/%41/").as_deref(), Some("/A/"));
        assert_eq!((clean("/../etc/passwd"), clean("/%2e%2e/x"), clean("/%zz")), (None, None, None));
    }

    #[test]
    fn requests_are_read_when_their_head_is_complete() {
        assert_eq!(Request::parse(b"GET / HTTP/1.1\r\nHost: x\r\n"), None);
        let request = Request::parse(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("complete").expect("a request");
        assert_eq!((request.path.as_str(), request.header("host")), ("/", Some("x")));
        assert_eq!(Request::parse(b"nonsense\r\n\r\n"), Some(Err(())));
    }
}

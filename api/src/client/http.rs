//! One request over one connection, and its answer.
//!
//! Everything blocks, as every call of the engine's trait does. A connection is used once: an engine on this machine takes microseconds
//! for one, and a stream that was given up half read then takes nothing else with it. Heads and the sizes of chunks are read by
//! `httparse`, hyper's own reader.

use super::address::Address;
use super::failure;
use drydock_core::{Error, ErrorKind, Result};
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

/// The longest head of an answer, in bytes.
const HEAD: usize = 64 << 10;
/// The most fields of a head.
const FIELDS: usize = 64;
/// The largest object that is read whole, in bytes.
const LARGEST: u64 = 256 << 20;
/// Bytes of a body that are sent at once.
const CHUNK: usize = 64 << 10;
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// A connection.
#[derive(Debug)]
pub enum Stream {
    /// To a socket of this machine.
    Unix(UnixStream),
    /// To a host and port.
    Tcp(TcpStream),
}

impl Stream {
    fn open(address: &Address) -> io::Result<Self> {
        match address {
            Address::Unix(path) => UnixStream::connect(path).map(Self::Unix),
            Address::Tcp(host) => {
                let mut last = io::Error::new(io::ErrorKind::NotFound, "no address");
                for address in std::net::ToSocketAddrs::to_socket_addrs(host.as_str())? {
                    match TcpStream::connect_timeout(&address, CONNECT) {
                        Ok(stream) => {
                            stream.set_nodelay(true)?;
                            return Ok(Self::Tcp(stream));
                        }
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
        }
    }

    /// No more is sent; what comes can still be read.
    pub fn half_close(&self) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    /// How long a single read may take; `None` for ever.
    pub fn patience(&self, time: Option<Duration>) -> io::Result<()> {
        // A limit of nothing is refused by the standard library.
        let time = time.map(|t| t.max(Duration::from_millis(1)));
        match self {
            Self::Unix(stream) => stream.set_read_timeout(time),
            Self::Tcp(stream) => stream.set_read_timeout(time),
        }
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => (&*stream).read(buffer),
            Stream::Tcp(stream) => (&*stream).read(buffer),
        }
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => (&*stream).write(bytes),
            Stream::Tcp(stream) => (&*stream).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(stream) => stream.as_fd(),
            Self::Tcp(stream) => stream.as_fd(),
        }
    }
}

/// A stream that is read through a buffer and shared with whoever writes to it.
#[derive(Debug)]
struct Incoming(Arc<Stream>);

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

/// What a request carries.
pub enum Body<'a> {
    /// Nothing.
    None,
    /// An object.
    Json(&'a Value),
    /// Bytes of a type, as long as there are some.
    Bytes(&'a str, &'a mut dyn Read),
    /// An object, after which the connection is the two programs' own.
    Upgrade(&'a Value),
}

/// A request.
pub struct Request<'a> {
    /// `GET`
    pub method: &'a str,
    /// The path with version and query.
    pub target: String,
    /// Further fields of its head.
    pub fields: Vec<(&'static str, String)>,
    /// What it carries.
    pub body: Body<'a>,
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// So many bytes are left.
    Length(u64),
    /// So many bytes of a chunk are left; chunks follow.
    Chunked(u64),
    /// The connection ends, or becomes another thing.
    Connection,
}

/// An answer whose body has not been read.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    fields: Vec<(String, String)>,
    reader: BufReader<Incoming>,
    stream: Arc<Stream>,
    framing: Framing,
}

fn unreachable(address: &Address, error: &io::Error) -> Error {
    let words = match (address, error.kind()) {
        (Address::Unix(path), io::ErrorKind::PermissionDenied) => {
            return Error::new(ErrorKind::Denied, format!("permission denied while trying to connect to the docker API at unix://{path}"));
        }
        (_, io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            format!("Cannot connect to the Docker daemon at {address}. Is the docker daemon running?")
        }
        _ => format!("error during connect: {address}: {error}"),
    };
    Error::new(ErrorKind::System, words).op("connect").subject(address.to_string())
}

/// Sends a request. Answers when the head of the answer is there, whatever its status.
pub fn send(address: &Address, request: Request<'_>) -> Result<Answer> {
    let stream = Arc::new(Stream::open(address).map_err(|e| unreachable(address, &e))?);
    let cut_off = |e: io::Error| failure::cut_off(&request.target, e);
    let sent = write(&stream, request.method, &request.target, &request.fields, request.body);
    // An engine that refuses before it has read everything closes its end; what it says is worth more than that it did.
    let answer = Answer::read(Arc::clone(&stream), request.method == "HEAD");
    match (sent, answer) {
        (_, Ok(answer)) => Ok(answer),
        (Err(Unsent::Body(error)), _) => Err(Error::new(ErrorKind::System, "the body of a request cannot be read").source(error)),
        (Err(Unsent::Connection(error)), _) | (Ok(()), Err(error)) => Err(cut_off(error)),
    }
}

/// Why a request was not sent whole.
enum Unsent {
    /// What it carries could not be read.
    Body(io::Error),
    /// The connection broke.
    Connection(io::Error),
}

fn write(mut stream: &Stream, method: &str, target: &str, fields: &[(&'static str, String)], body: Body<'_>) -> Result<(), Unsent> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: docker\r\nUser-Agent: drydock/{}\r\n", env!("CARGO_PKG_VERSION"));
    for (name, value) in fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let (content, upgrade) = match &body {
        Body::Json(value) => (Some(value.to_string()), false),
        Body::Upgrade(value) => (Some(if value.is_null() { String::new() } else { value.to_string() }), true),
        Body::None if method == "POST" => (Some(String::new()), false),
        Body::None | Body::Bytes(..) => (None, false),
    };
    head.push_str(if upgrade { "Connection: Upgrade\r\nUpgrade: tcp\r\n" } else { "Connection: close\r\n" });
    match (&content, &body) {
        (Some(text), _) => {
            if !text.is_empty() {
                head.push_str("Content-Type: application/json\r\n");
            }
            head.push_str(&format!("Content-Length: {}\r\n\r\n{text}", text.len()));
        }
        (None, Body::Bytes(kind, _)) => head.push_str(&format!("Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n")),
        (None, _) => head.push_str("\r\n"),
    }
    stream.write_all(head.as_bytes()).map_err(Unsent::Connection)?;
    let Body::Bytes(_, source) = body else { return Ok(()) };
    let mut buffer = vec![0; CHUNK];
    loop {
        let n = match source.read(&mut buffer) {
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => {
                // The engine must not take what there is for all of it.
                let _ = match stream {
                    Stream::Unix(s) => s.shutdown(Shutdown::Both),
                    Stream::Tcp(s) => s.shutdown(Shutdown::Both),
                };
                return Err(Unsent::Body(e));
            }
        };
        let mut piece = format!("{n:x}\r\n").into_bytes();
        piece.extend_from_slice(buffer.get(..n).unwrap_or_default());
        piece.extend_from_slice(b"\r\n");
        stream.write_all(&piece).map_err(Unsent::Connection)?;
        if n == 0 {
            return Ok(());
        }
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "malformed HTTP response")
}

impl Answer {
    fn read(stream: Arc<Stream>, bodiless: bool) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(CHUNK, Incoming(Arc::clone(&stream)));
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if reader.by_ref().take(HEAD as u64).read_until(b'\n', &mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if head.len() > HEAD {
                return Err(malformed());
            }
            // Before the answer itself may come others that say to go on.
            if head.ends_with(b"\r\n\r\n") && head.starts_with(b"HTTP/1.1 100") {
                head.clear();
            }
        }
        let mut space = [httparse::EMPTY_HEADER; FIELDS];
        let mut parsed = httparse::Response::new(&mut space);
        parsed.parse(&head).map_err(|_| malformed())?;
        let status = parsed.code.ok_or_else(malformed)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let fields: Vec<(String, String)> = parsed.headers.iter().map(|h| (h.name.to_ascii_lowercase(), text(h.value))).collect();
        let mut answer = Self { status, fields, reader, stream, framing: Framing::Connection };
        answer.framing = match (answer.field("transfer-encoding"), answer.field("content-length")) {
            _ if bodiless || matches!(status, 204 | 304) => Framing::Length(0),
            _ if status == 101 => Framing::Connection,
            (Some(how), _) if how.eq_ignore_ascii_case("chunked") => Framing::Chunked(0),
            (_, Some(length)) => Framing::Length(length.parse().map_err(|_| malformed())?),
            _ => Framing::Connection,
        };
        Ok(answer)
    }

    /// A field of the head, by its name in small letters.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The connection.
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Whether there is something that was read ahead.
    pub fn is_ahead(&self) -> bool {
        !self.reader.buffer().is_empty()
    }

    /// The body as an object; nothing of it is null.
    ///
    /// # Errors
    /// What is no JSON.
    pub fn json(mut self) -> Result<Value> {
        let mut text = Vec::new();
        self.by_ref().take(LARGEST).read_to_end(&mut text).map_err(|e| failure::cut_off("the answer", e))?;
        if text.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&text).map_err(|e| Error::new(ErrorKind::System, "the engine's answer is no JSON").source(e))
    }

    /// The next chunk's size; its line, and the end of the chunk before it, are read.
    fn next_chunk(&mut self) -> io::Result<u64> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if self.reader.by_ref().take(1 << 10).read_until(b'\n', &mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line != b"\r\n" {
                break;
            }
        }
        match httparse::parse_chunk_size(&line) {
            Ok(httparse::Status::Complete((_, size))) => Ok(size),
            _ => Err(malformed()),
        }
    }
}

impl Read for Answer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.framing == Framing::Chunked(0) {
            self.framing = match self.next_chunk()? {
                0 => Framing::Length(0),
                size => Framing::Chunked(size),
            };
        }
        let left = match self.framing {
            Framing::Connection => return self.reader.read(buffer),
            Framing::Length(0) => return Ok(0),
            Framing::Length(left) | Framing::Chunked(left) => left,
        };
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let n = self.reader.read(buffer.get_mut(..most).unwrap_or_default())?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let rest = left - n as u64;
        self.framing = if matches!(self.framing, Framing::Length(_)) { Framing::Length(rest) } else { Framing::Chunked(rest) };
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> (u16, io::Result<String>) {
        let (near, far) = UnixStream::pair().unwrap();
        (&far).write_all(text.as_bytes()).unwrap();
        drop(far);
        let mut answer = Answer::read(Arc::new(Stream::Unix(near)), false).unwrap();
        let mut body = String::new();
        let read = answer.read_to_string(&mut body).map(|_| body);
        (answer.status, read)
    }

    #[test]
    fn bodies_end_where_they_say() {
        assert_eq!(answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef").1.unwrap(), "abc");
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert_eq!(answer(chunked).1.unwrap(), "abcde");
        assert_eq!(answer("HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nraw").1.unwrap(), "raw");
        assert_eq!(answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n").0, 204);
    }

    #[test]
    fn bodies_that_are_cut_off_are_no_success() {
        assert!(answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").1.is_err());
        assert!(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab").1.is_err());
    }
}

//! Passing a container's output on to a system's log. What that does not take is not waited for: the container's own log has it.

use drydock_core::container::log::{Address, Forward, Lines, Sink};
use drydock_core::io::Stream;
use drydock_core::time::Timestamp;
use std::io::{self, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _, UdpSocket};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::{Duration, Instant};

/// Where the journal listens (systemd.io, "Native Journal Protocol").
const JOURNAL: &str = "/run/systemd/journal/socket";
/// Where syslog may listen (syslog(3) and its elders).
const LOCAL: [&str; 3] = ["/dev/log", "/var/run/syslog", "/var/run/log"];
/// How long a server may take to answer or to take a message.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long nobody tries again after that.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug)]
enum Socket {
    Gram(UnixDatagram),
    Unix(UnixStream),
    Udp(UdpSocket),
    Tcp(TcpStream),
}

/// A log that lines are passed on to.
#[derive(Debug)]
pub struct Forwarder {
    to: Forward,
    host: String,
    lines: Lines,
    socket: Option<Socket>,
    /// When the last attempt failed.
    failed: Option<Instant>,
}

impl Forwarder {
    /// For what a sink says; `None` if nothing is passed on.
    pub fn of(sink: &Sink) -> Option<Self> {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Some(Self { to: sink.forward.clone()?, host, lines: Lines::default(), socket: None, failed: None })
    }

    /// Takes what a container wrote.
    pub fn push(&mut self, stream: Stream, bytes: &[u8], now: Timestamp) {
        for line in self.lines.push(stream, bytes) {
            self.send(stream, &line, now);
        }
    }

    /// Takes what has no line end: the program has ended.
    pub fn finish(&mut self, now: Timestamp) {
        for (stream, line) in self.lines.finish() {
            self.send(stream, &line, now);
        }
    }

    fn send(&mut self, stream: Stream, line: &[u8], now: Timestamp) {
        let message = self.to.message(stream, line, now, &self.host, std::process::id());
        // A server that was started anew hears the line at which that is noticed, too.
        for _ in 0..2 {
            if self.socket.is_none() {
                if self.failed.is_some_and(|at| at.elapsed() < PAUSE) {
                    return;
                }
                self.socket = connect(&self.to).ok();
                self.failed = self.socket.is_none().then(Instant::now);
            }
            let Some(socket) = &mut self.socket else { return };
            match write(socket, &message) {
                Ok(()) => return,
                Err(_) => self.socket = None,
            }
        }
        self.failed = Some(Instant::now());
    }
}

fn write(socket: &mut Socket, message: &[u8]) -> io::Result<()> {
    match socket {
        Socket::Gram(socket) => socket.send(message).map(drop),
        Socket::Udp(socket) => socket.send(message).map(drop),
        Socket::Unix(socket) => socket.write_all(message),
        Socket::Tcp(socket) => socket.write_all(message),
    }
}

fn connect(to: &Forward) -> io::Result<Socket> {
    match to {
        Forward::Journald { .. } => gram(JOURNAL),
        Forward::Syslog { address, .. } => match address {
            Address::Local => {
                let path = LOCAL.iter().find(|path| std::fs::metadata(path).is_ok_and(|m| m.file_type().is_socket()));
                let path = path.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
                gram(path).or_else(|_| unix(path))
            }
            Address::UnixGram(path) => gram(path),
            Address::Unix(path) => unix(path),
            Address::Udp(host) => {
                let to = host.to_socket_addrs()?.next().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
                let socket = UdpSocket::bind(if to.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" })?;
                socket.connect(to)?;
                Ok(Socket::Udp(socket))
            }
            Address::Tcp(host) => {
                let to = host.to_socket_addrs()?.next().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
                let socket = TcpStream::connect_timeout(&to, PATIENCE)?;
                socket.set_write_timeout(Some(PATIENCE))?;
                Ok(Socket::Tcp(socket))
            }
        },
    }
}

fn gram(path: &str) -> io::Result<Socket> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.connect(path)?;
    Ok(Socket::Gram(socket))
}

fn unix(path: &str) -> io::Result<Socket> {
    let socket = UnixStream::connect(path)?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(Socket::Unix(socket))
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_core::container::log::Format;
    use std::io::Read as _;
    use std::net::TcpListener;

    fn forwarder(address: Address) -> Forwarder {
        let forward = Forward::Syslog { address, facility: 1, format: Format::Rfc5424, tag: "t".to_owned() };
        Forwarder::of(&Sink { forward: Some(forward), ..Sink::default() }).expect("something is passed on")
    }

    #[test]
    fn every_line_arrives_by_every_way() {
        let path = std::env::temp_dir().join(format!("drydock-log-{}", std::process::id())).to_string_lossy().into_owned();
        let server = UnixDatagram::bind(&path).expect("a socket");
        let mut bytes = [0; 256];
        let mut log = forwarder(Address::UnixGram(path.clone()));
        log.push(Stream::Stdout, b"one\ntw", Timestamp(1_000_000_000));
        let count = server.recv(&mut bytes).expect("a message");
        let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
        assert!(text.starts_with("<14>1 1970-01-01T00:00:01Z ") && text.ends_with(" t - one\n"), "{text}");
        log.finish(Timestamp(0));
        let count = server.recv(&mut bytes).expect("a message");
        assert!(bytes[..count].ends_with(b" - tw\n"));
        std::fs::remove_file(&path).expect("it was there");

        let server = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let mut log = forwarder(Address::Udp(server.local_addr().expect("an address").to_string()));
        log.push(Stream::Stderr, b"err\n", Timestamp(0));
        let count = server.recv(&mut bytes).expect("a message");
        assert!(bytes[..count].starts_with(b"<11>1 ") && bytes[..count].ends_with(b" - err\n"));

        let server = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let mut log = forwarder(Address::Tcp(server.local_addr().expect("an address").to_string()));
        log.push(Stream::Stdout, b"a\nb\n", Timestamp(0));
        let mut client = server.accept().expect("a connection").0;
        drop(log);
        let mut all = String::new();
        client.read_to_string(&mut all).expect("all of it");
        assert_eq!(all.lines().count(), 2, "{all}");
    }

    #[test]
    fn nobody_there_holds_nothing_up() {
        let mut log = forwarder(Address::UnixGram("/nonexistent/socket".to_owned()));
        let begun = Instant::now();
        for _ in 0..10_000 {
            log.push(Stream::Stdout, b"line\n", Timestamp(0));
        }
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
}

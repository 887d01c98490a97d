//! The name server's loop: what a container is called is answered at once, everything else is passed on.

use crate::SqliteStore;
use drydock_core::engine::answer_name;
use drydock_core::id::ContainerId;
use drydock_core::network::dns::{self, Answer};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How long a server may take before the next is asked.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a client of a connection may be silent.
const IDLE: Duration = Duration::from_secs(10);
/// Most questions that wait for others' answers at once; a further one is answered with a failure.
const MOST: usize = 64;
const STACK: usize = 96 * 1024;
/// The largest message over UDP that is taken (EDNS's usual figure).
const DATAGRAM: usize = 4096;

struct Server {
    store: SqliteStore,
    container: ContainerId,
    servers: Vec<IpAddr>,
    turn: AtomicU64,
    waiting: AtomicUsize,
}

/// Holds a place among those that wait.
struct Waiting(Arc<Server>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Server {
    fn answer(&self, message: &[u8], stream: bool) -> Answer {
        answer_name(&self.store, &self.container, message, self.turn.fetch_add(1, Ordering::Relaxed), stream)
    }

    fn wait(self: &Arc<Self>) -> Option<Waiting> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let place = Waiting(Arc::clone(self));
        (before < MOST).then_some(place)
    }

    /// What the first server that answers at all says.
    fn ask(&self, message: &[u8], stream: bool) -> Option<Vec<u8>> {
        let one = |server: &IpAddr| if stream { over_tcp(*server, message) } else { over_udp(*server, message) };
        self.servers.iter().find_map(|server| one(server).ok()).or_else(|| dns::failure(message))
    }
}

/// Serves until a socket fails. No right that root has is kept beyond what opening the records needed.
pub fn serve(udp: UdpSocket, tcp: TcpListener, container: &str, data_root: &str, servers: Vec<IpAddr>) -> io::Result<()> {
    let store = SqliteStore::open(Path::new(data_root)).map_err(io::Error::other)?;
    nix::sys::prctl::set_no_new_privs()?;
    let none = rustix::thread::CapabilitySet::empty();
    rustix::thread::set_capabilities(None, rustix::thread::CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    let server =
        Arc::new(Server { store, container: ContainerId::new(container), servers, turn: AtomicU64::new(0), waiting: AtomicUsize::new(0) });
    let udp = Arc::new(udp);
    let streams = Arc::clone(&server);
    thread::Builder::new().stack_size(STACK).spawn(move || accept(&tcp, &streams))?;
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let (length, client) = match udp.recv_from(&mut buffer) {
            Ok(received) => received,
            // An answer that nobody took comes back as an error of the next call (udp(7)).
            Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::Interrupted) => continue,
            Err(e) => return Err(e),
        };
        let message = buffer.get(..length).unwrap_or_default();
        match server.answer(message, false) {
            Answer::Reply(reply) => drop(udp.send_to(&reply, client)),
            Answer::Drop => {}
            Answer::Forward => pass_on(&server, &udp, message, client),
        }
    }
}

fn pass_on(server: &Arc<Server>, udp: &Arc<UdpSocket>, message: &[u8], client: SocketAddr) {
    let refuse = || dns::failure(message).map(|reply| udp.send_to(&reply, client));
    let Some(place) = server.wait().filter(|place| !place.0.servers.is_empty()) else {
        refuse();
        return;
    };
    let (socket, question) = (Arc::clone(udp), message.to_vec());
    let spawned = thread::Builder::new().stack_size(STACK).spawn(move || {
        if let Some(reply) = place.0.ask(&question, false) {
            let _ = socket.send_to(&reply, client);
        }
    });
    if spawned.is_err() {
        refuse();
    }
}

fn accept(tcp: &TcpListener, server: &Arc<Server>) {
    for stream in tcp.incoming() {
        let (Ok(stream), Some(place)) = (stream, server.wait()) else { continue };
        // A connection that cannot be served is closed, which its client understands.
        let _ = thread::Builder::new().stack_size(STACK).spawn(move || converse(stream, &place.0));
    }
}

/// Answers one question after the other, each with its length before it (RFC 1035, 4.2.2).
fn converse(mut stream: TcpStream, server: &Server) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    loop {
        let message = receive(&mut stream)?;
        let reply = match server.answer(&message, true) {
            Answer::Reply(reply) => reply,
            Answer::Forward => server.ask(&message, true).unwrap_or_default(),
            Answer::Drop => return Ok(()),
        };
        send(&mut stream, &reply)?;
    }
}

fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message)?;
    Ok(message)
}

fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], message].concat())
}

fn over_udp(server: IpAddr, message: &[u8]) -> io::Result<Vec<u8>> {
    let any: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any)?;
    // Connected, so that nobody else's datagram is taken for the answer.
    socket.connect((server, 53))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(message)?;
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let length = socket.recv(&mut buffer)?;
        // The same number: an answer to this question and not to an earlier one.
        if length >= 12 && buffer.get(..2) == message.get(..2) {
            buffer.truncate(length);
            return Ok(buffer);
        }
    }
}

fn over_tcp(server: IpAddr, message: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((server, 53)), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    send(&mut stream, message)?;
    receive(&mut stream)
}

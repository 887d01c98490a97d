//! Connections: each is two threads, one for either direction, so that one side can be closed while the other goes on.

use super::MOST;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// A container that does not answer at all is given up after this long.
const CONNECT: Duration = Duration::from_secs(10);
const STACK: usize = 64 * 1024;
const BUFFER: usize = 32 * 1024;

/// How many connections are open, and a way to wait until one is closed.
#[derive(Default)]
struct Room {
    open: Mutex<usize>,
    closed: Condvar,
}

/// A place in the room, given back when it is dropped.
struct Seat(Arc<Room>);

impl Drop for Seat {
    fn drop(&mut self) {
        *self.0.open.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.closed.notify_one();
    }
}

fn sit(room: &Arc<Room>) -> Seat {
    let mut open = room.open.lock().unwrap_or_else(PoisonError::into_inner);
    while *open >= MOST {
        open = room.closed.wait(open).unwrap_or_else(PoisonError::into_inner);
    }
    *open += 1;
    drop(open);
    Seat(Arc::clone(room))
}

/// Accepts until the port is gone.
pub fn serve(port: &TcpListener, to: SocketAddr) {
    let room = Arc::new(Room::default());
    loop {
        // Before the next is accepted there must be room for it: until then it waits in the kernel's queue.
        let seat = sit(&room);
        match port.accept() {
            Ok((client, _)) => {
                // Without a thread the client sees its connection closed, which is all that can be done for it.
                let _ = thread::Builder::new().stack_size(STACK).spawn(move || {
                    let _seat = seat;
                    let _ = relay(client, to);
                });
            }
            Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) => {}
            // Out of descriptors or memory: others may end soon.
            Err(e) if matches!(e.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS)) => {
                thread::sleep(Duration::from_millis(50));
            }
            Err(_) => return,
        }
    }
}

fn relay(client: TcpStream, to: SocketAddr) -> io::Result<()> {
    let server = TcpStream::connect_timeout(&to, CONNECT)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_server, to_client) = (server.try_clone()?, client.try_clone()?);
    let back = thread::Builder::new().stack_size(STACK).spawn(move || carry(from_server, to_client))?;
    carry(client, server);
    let _ = back.join();
    Ok(())
}

/// Carries bytes until one side ends, and passes the end on.
fn carry(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; BUFFER];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) if to.write_all(buffer.get(..n).unwrap_or_default()).is_ok() => {}
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            // The reader is gone or the writer broke off: neither direction has a use any more.
            _ => {
                let _ = from.shutdown(Shutdown::Both);
                let _ = to.shutdown(Shutdown::Both);
                return;
            }
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_both_ways_and_one_side_can_close() {
        let server = TcpListener::bind("127.0.0.1:0").expect("binds");
        let to = server.local_addr().expect("an address");
        let port = TcpListener::bind("127.0.0.1:0").expect("binds");
        let at = port.local_addr().expect("an address");
        thread::spawn(move || serve(&port, to));
        thread::spawn(move || {
            let (mut peer, _) = server.accept().expect("accepts");
            let mut all = Vec::new();
            peer.read_to_end(&mut all).expect("reads until the client closes its half");
            peer.write_all(&all).expect("answers after that");
        });
        let mut client = TcpStream::connect(at).expect("connects");
        let sent: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
        client.write_all(&sent).expect("sends");
        client.shutdown(Shutdown::Write).expect("closes its half");
        let mut received = Vec::new();
        client.read_to_end(&mut received).expect("receives");
        assert_eq!(received, sent);
    }

    #[test]
    fn nobody_there_closes_the_connection() {
        let nobody = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("an address");
        let port = TcpListener::bind("127.0.0.1:0").expect("binds");
        let at = port.local_addr().expect("an address");
        thread::spawn(move || serve(&port, nobody));
        let mut client = TcpStream::connect(at).expect("connects");
        let mut received = Vec::new();
        assert!(matches!(client.read_to_end(&mut received), Ok(0) | Err(_)));
    }
}

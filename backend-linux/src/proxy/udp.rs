//! Datagrams: each client gets a socket of its own towards the container, and a thread that carries the answers back.

use super::MOST;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt, sockopt};
use std::collections::HashMap;
use std::io::{IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// A client that was not answered for this long is forgotten (as Docker's proxy does).
const IDLE: Duration = Duration::from_secs(90);
const STACK: usize = 128 * 1024;
/// The largest datagram there is.
const DATAGRAM: usize = 65_536;

/// Who asked, and which of the host's addresses: the answer must come from that one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Client {
    address: SocketAddr,
    asked: Option<Ipv4Addr>,
}

type Clients = Arc<Mutex<HashMap<Client, Arc<UdpSocket>>>>;

/// Carries datagrams until the port is gone.
pub fn serve(port: &UdpSocket, to: SocketAddr) {
    // Without it answers leave from the address that the route to the client suggests, which is right most of the time.
    let _ = setsockopt(port, sockopt::Ipv4PacketInfo, &true);
    let clients = Clients::default();
    let mut buffer = vec![0; DATAGRAM];
    loop {
        match receive(port, &mut buffer) {
            Ok(Some((n, client))) => {
                let known = clients.lock().unwrap_or_else(PoisonError::into_inner).get(&client).cloned();
                if let Some(server) = known.or_else(|| welcome(port, client, to, &clients)) {
                    // A datagram that cannot be sent is lost, as datagrams are.
                    let _ = server.send(buffer.get(..n).unwrap_or_default());
                }
            }
            // An answer that nobody took comes back as an error of the next call (udp(7)).
            Ok(None) | Err(nix::Error::ECONNREFUSED | nix::Error::EINTR | nix::Error::EHOSTUNREACH | nix::Error::ENETUNREACH) => {}
            Err(_) => return,
        }
    }
}

fn receive(port: &UdpSocket, buffer: &mut [u8]) -> nix::Result<Option<(usize, Client)>> {
    let mut space = nix::cmsg_space!(libc::in_pktinfo);
    let mut parts = [IoSliceMut::new(buffer)];
    let message = recvmsg::<SockaddrStorage>(port.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::empty())?;
    let asked = message.cmsgs()?.find_map(|c| match c {
        ControlMessageOwned::Ipv4PacketInfo(info) => Some(Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr))),
        _ => None,
    });
    let address = message.address.as_ref().and_then(|a| {
        let v4 = a.as_sockaddr_in().map(|a| SocketAddr::from((a.ip(), a.port())));
        v4.or_else(|| a.as_sockaddr_in6().map(|a| SocketAddr::from((a.ip(), a.port()))))
    });
    Ok(address.map(|address| (message.bytes, Client { address, asked })))
}

fn answer(port: &UdpSocket, client: Client, bytes: &[u8]) -> nix::Result<usize> {
    let from = client.asked.map(|asked| libc::in_pktinfo {
        ipi_ifindex: 0,
        ipi_spec_dst: libc::in_addr { s_addr: u32::from(asked).to_be() },
        ipi_addr: libc::in_addr { s_addr: 0 },
    });
    let control: Vec<ControlMessage<'_>> = from.iter().map(ControlMessage::Ipv4PacketInfo).collect();
    sendmsg(port.as_raw_fd(), &[IoSlice::new(bytes)], &control, MsgFlags::empty(), Some(&SockaddrStorage::from(client.address)))
}

/// A socket for a new client; `None` if there are too many.
fn welcome(port: &UdpSocket, client: Client, to: SocketAddr, clients: &Clients) -> Option<Arc<UdpSocket>> {
    let mut all = clients.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= MOST {
        return None;
    }
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let server = UdpSocket::bind(any).ok()?;
    server.connect(to).ok()?;
    server.set_read_timeout(Some(IDLE)).ok()?;
    let (server, port, forget) = (Arc::new(server), port.try_clone().ok()?, Arc::clone(clients));
    let answers = Arc::clone(&server);
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || {
            let mut buffer = vec![0; DATAGRAM];
            loop {
                match answers.recv(&mut buffer) {
                    Ok(n) => drop(answer(&port, client, buffer.get(..n).unwrap_or_default())),
                    Err(e) if matches!(e.raw_os_error(), Some(libc::ECONNREFUSED | libc::EINTR)) => {}
                    Err(_) => break,
                }
            }
            forget.lock().unwrap_or_else(PoisonError::into_inner).remove(&client);
        })
        .ok()?;
    all.insert(client, Arc::clone(&server));
    Some(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_back_to_who_asked() {
        let server = UdpSocket::bind("127.0.0.1:0").expect("binds");
        let to = server.local_addr().expect("an address");
        let port = UdpSocket::bind("127.0.0.1:0").expect("binds");
        let at = port.local_addr().expect("an address");
        thread::spawn(move || serve(&port, to));
        thread::spawn(move || {
            let mut buffer = [0; 100];
            while let Ok((n, who)) = server.recv_from(&mut buffer) {
                server.send_to(&buffer[..n], who).expect("answers");
            }
        });
        let clients: Vec<UdpSocket> = (0..3).map(|_| UdpSocket::bind("127.0.0.1:0").expect("binds")).collect();
        for round in 0..2u8 {
            for (at_number, client) in clients.iter().enumerate() {
                client.set_read_timeout(Some(Duration::from_secs(5))).expect("sets");
                let sent = [round, u8::try_from(at_number).expect("small")];
                client.send_to(&sent, at).expect("sends");
                let mut received = [0; 100];
                let n = client.recv(&mut received).expect("receives");
                assert_eq!(&received[..n], sent);
            }
        }
    }
}

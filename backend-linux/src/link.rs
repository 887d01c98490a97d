//! Links, addresses and routes, of the host and of a new process's network namespace (rtnetlink(7), veth(4)).
//!
//! A netlink socket belongs for ever to the network namespace in which it was opened. So for a change inside a child this
//! thread enters the child's namespace for as long as it takes to open the socket, and is back before anything is asked. The
//! namespace of a thread is its own, so this disturbs no other thread, and no helper thread is needed in a supervisor, which has
//! to stay single-threaded for fork(2).

use crate::error::step;
use crate::process;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::kernel::Process;
use ipnet::IpNet;
use netlink_packet_route::address::AddressHeaderFlags;
use netlink_packet_route::link::InfoBridgePort;
use rtnetlink::{Handle, LinkBridge, LinkBridgePort, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder, new_connection};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd};

/// Adds a bridge, up, with this address. There already is no error.
pub fn add_bridge(name: &str, address: IpNet, mac: Option<&str>) -> Result<()> {
    let mut link = LinkBridge::new(name).up();
    if let Some(mac) = mac {
        link = link.address(parse_mac(mac)?);
    }
    let failed = |e| step("add bridge", name, e);
    request(None, async |handle| done(handle.link().add(link.build()).execute().await, Some(libc::EEXIST)), failed)?;
    let index = index_of(name).map_err(failed)?;
    let add =
        async |handle: Handle| done(handle.address().add(index, address.addr(), address.prefix_len()).execute().await, Some(libc::EEXIST));
    request(None, add, |e| step("add address", format!("{address} to {name}"), e))
}

/// Adds a pair of virtual Ethernet links in one message: `name` on the host, up and in `bridge`; `inside`, with this MAC address,
/// directly in the child's namespace, so that there is no moment when it has another name or is seen on the host.
pub fn add_veth(name: &str, bridge: &str, inside: &str, mac: &str, isolated: bool, child: &Process) -> Result<()> {
    let failed = |e| step("add link", name, e);
    let namespace = namespace_of(child)?;
    let controller = index_of(bridge).map_err(|e| step("find bridge", bridge, e))?;
    let peer = LinkMessageBuilder::<LinkUnspec>::new().name(inside).address(parse_mac(mac)?).setns_by_fd(namespace.as_raw_fd()).build();
    use netlink_packet_route::link::{InfoData, InfoVeth};
    let pair = LinkVeth::new(name, inside).set_info_data(InfoData::Veth(InfoVeth::Peer(peer))).controller(controller).up().build();
    request(None, async |handle| done(handle.link().add(pair).execute().await, None), failed)?;
    if isolated { isolate(name) } else { Ok(()) }
}

/// Makes a port of a bridge an isolated one: no packet goes from it to another isolated port.
///
/// It is the bridge that holds it, so it works where the kernel does not show bridged packets to the packet filter.
fn isolate(name: &str) -> Result<()> {
    let port = LinkBridgePort::new(index_of(name).map_err(|e| step("find link", name, e))?)
        .append_info_data(InfoBridgePort::Isolated(true))
        .build();
    request(None, async |handle| done(handle.link().set(port).execute().await, None), |e| step("isolate the port", name, e))
}

/// Removes a link of the host; a veth's other end goes with it. Not there is no error.
pub fn remove(name: &str) -> Result<()> {
    // Most often it went with its container's namespace; asking for the index is cheaper than a refused removal.
    let index = match index_of(name) {
        Err(e) if e.raw_os_error() == Some(libc::ENODEV) => return Ok(()),
        other => other.map_err(|e| step("find link", name, e))?,
    };
    request(None, async |handle| done(handle.link().del(index).execute().await, Some(libc::ENODEV)), |e| step("remove link", name, e))
}

/// Brings a link up. Every container has one to bring up, its loopback, and most want nothing else of netlink: two calls of
/// netdevice(7) do it without a runtime.
pub fn up(at: Option<&Process>, name: &str) -> Result<()> {
    inside(at, || set_up(name))?.map_err(|e| step("set link up", name, e))
}

fn set_up(name: &str) -> io::Result<()> {
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    // SAFETY: the structure is plain numbers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays the NUL that ends the name.
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    let call = |number: libc::Ioctl, request: &mut libc::ifreq| {
        // SAFETY: both requests take a pointer to an ifreq that lives across the call (netdevice(7)).
        let answer = unsafe { libc::ioctl(socket.as_raw_fd(), number, std::ptr::from_mut(request)) };
        if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    call(libc::SIOCGIFFLAGS, &mut request)?;
    // SAFETY: the kernel has just filled in this member of the union, and every bit pattern of it is a number.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    request.ifr_ifru.ifru_flags = flags | libc::IFF_UP as libc::c_short;
    call(libc::SIOCSIFFLAGS, &mut request)
}

/// Gives a link an address. There already is no error.
pub fn add_address(at: Option<&Process>, link: &str, address: IpNet) -> Result<()> {
    let failed = |e| step("add address", format!("{address} to {link}"), e);
    let index = inside(at, || index_of(link))?.map_err(failed)?;
    let add = async |handle: Handle| {
        let mut request = handle.address().add(index, address.addr(), address.prefix_len());
        if address.addr().is_ipv6() {
            // Drydock gives each address out once; without this the address could not be used for a second.
            request.message_mut().header.flags |= AddressHeaderFlags::Nodad;
        }
        done(request.execute().await, Some(libc::EEXIST))
    };
    request(at, add, failed)
}

/// Adds a route, `None` being the default one, which takes the place of the one that is there. There already is no error.
pub fn add_route(at: Option<&Process>, to: Option<IpNet>, via: IpAddr) -> Result<()> {
    let shown = to.map_or_else(|| "default".to_owned(), |to| to.to_string());
    let wrong = |_| Error::invalid(format!("a route to {shown} cannot lead over {via}"));
    let route = match (to, via) {
        (None, IpAddr::V4(via)) => RouteMessageBuilder::<Ipv4Addr>::new().gateway(via).build(),
        (None, IpAddr::V6(via)) => RouteMessageBuilder::<Ipv6Addr>::new().gateway(via).build(),
        (Some(to), via) => {
            let route = RouteMessageBuilder::<IpAddr>::new().destination_prefix(to.network(), to.prefix_len()).map_err(wrong)?;
            route.gateway(via).map_err(wrong)?.build()
        }
    };
    let failed = |e| step("add route", format!("{shown} via {via}"), e);
    request(at, async |handle| done(handle.route().add(route).replace().execute().await, Some(libc::EEXIST)), failed)
}

/// Writes a network sysctl, `net.ipv4.ip_forward`, or with slashes where a link's name has a dot in it.
pub fn sysctl(at: Option<&Process>, key: &str, value: &str) -> Result<()> {
    let relative = if key.contains('/') { key.to_owned() } else { key.replace('.', "/") };
    if !relative.starts_with("net/") || relative.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(Error::invalid(format!("{key:?} is not a network sysctl")));
    }
    // /proc/sys/net shows the namespace of the thread that opens it.
    inside(at, || std::fs::write(format!("/proc/sys/{relative}"), value))?.map_err(|e| step("write sysctl", format!("{key}={value}"), e))
}

/// `02:42:ac:1e:00:02` as bytes.
fn parse_mac(text: &str) -> Result<Vec<u8>> {
    let bytes: Option<Vec<u8>> =
        text.split(':').map(|part| (part.len() == 2).then(|| u8::from_str_radix(part, 16).ok()).flatten()).collect();
    bytes.filter(|b| b.len() == 6).ok_or_else(|| Error::invalid(format!("{text:?} is not a MAC address")))
}

/// The index of a link in the namespace of this thread.
fn index_of(name: &str) -> io::Result<u32> {
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    Ok(rustix::net::netdevice::name_to_index(socket.as_fd(), name)?)
}

/// The network namespace of a process, and of no other that has got its pid meanwhile.
fn namespace_of(child: &Process) -> Result<File> {
    let path = format!("/proc/{}/ns/net", child.pid);
    let namespace = File::open(&path).map_err(|e| step("open", path.as_str(), e))?;
    // Alive after the file was opened means that it was opened of this very process.
    if process::alive(child)? {
        Ok(namespace)
    } else {
        Err(Error::new(ErrorKind::NotRunning, format!("process {} has ended", child.pid)).op("open").subject(path))
    }
}

/// Runs something in the network namespace of a process, or in this thread's own.
pub fn inside<T>(at: Option<&Process>, work: impl FnOnce() -> T) -> Result<T> {
    let Some(child) = at else { return Ok(work()) };
    let there = namespace_of(child)?;
    let path = "/proc/thread-self/ns/net";
    let home = File::open(path).map_err(|e| step("open", path, e))?;
    let back = Back(home);
    move_into_link_name_space(there.as_fd(), Some(LinkNameSpaceType::Network)).map_err(|e| step("setns", child.pid.to_string(), e))?;
    let result = work();
    drop(back);
    Ok(result)
}

/// Brings the thread back, also when what it does elsewhere panics.
struct Back(File);

impl Drop for Back {
    fn drop(&mut self) {
        if let Err(error) = move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network)) {
            // Going on would change the container's network for the host's.
            eprintln!("drydock: cannot return to the host's network namespace: {error}");
            std::process::abort();
        }
    }
}

/// Sends requests over a socket of the right namespace.
fn request(at: Option<&Process>, work: impl AsyncFnOnce(Handle) -> io::Result<()>, failed: impl FnOnce(io::Error) -> Error) -> Result<()> {
    // One thread, this one: the runtime lives no longer than the request.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().build() {
        Ok(runtime) => runtime,
        Err(e) => return Err(failed(e)),
    };
    let entered = runtime.enter();
    let (connection, handle, _) = match inside(at, new_connection)? {
        Ok(connection) => connection,
        Err(e) => return Err(failed(e)),
    };
    drop(entered);
    let result = runtime.block_on(async {
        tokio::spawn(connection);
        work(handle).await
    });
    result.map_err(failed)
}

/// The kernel's answer as an errno; one that says that the work is done already is no error.
fn done(result: std::result::Result<(), rtnetlink::Error>, already: Option<i32>) -> io::Result<()> {
    match result {
        Ok(()) => Ok(()),
        Err(rtnetlink::Error::NetlinkError(message)) => {
            let error = message.to_io();
            if already.is_some() && error.raw_os_error() == already { Ok(()) } else { Err(error) }
        }
        Err(other) => Err(io::Error::other(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mac_addresses_are_six_pairs() {
        assert_eq!(parse_mac("02:42:ac:1e:00:02").expect("reads"), [2, 0x42, 0xac, 0x1e, 0, 2]);
        for bad in ["", "02:42:ac:1e:00", "02:42:ac:1e:00:02:03", "02:42:ac:1e:00:0g", "2:42:ac:1e:00:02"] {
            assert!(parse_mac(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_network_sysctls_are_written() {
        for bad in ["kernel.core_pattern", "net..x", "net/../kernel/core_pattern", "net/ipv4/../../kernel/x", "", "vm.swappiness"] {
            assert_eq!(sysctl(None, bad, "x").expect_err("refused").kind(), ErrorKind::InvalidInput, "{bad}");
        }
    }
}

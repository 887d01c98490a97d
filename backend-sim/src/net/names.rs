//! The name server of containers: a datagram to 127.0.0.11 is answered from the records, as the question comes.

use crate::process::sched::Wait;
use crate::store::Reading;
use crate::sys::Address;
use crate::world::World;
use drydock_core::engine::answer_name;
use drydock_core::id::ContainerId;
use drydock_core::network::dns::{self, Answer};
use std::net::IpAddr;

/// DNS's own port.
const PORT: u16 = 53;

impl World {
    /// Answers a datagram of this socket, if it goes to a name server that is there; `false` if it goes anywhere else.
    pub(super) fn answer_name(&mut self, socket: u32, ns: u32, (ip, port): (IpAddr, u16), message: &[u8]) -> bool {
        if ip != IpAddr::V4(dns::ADDRESS) || port != PORT {
            return false;
        }
        let Some(container) = self.net.names.get(&ns).map(ContainerId::new) else { return false };
        let turn = self.net.turns;
        self.net.turns += 1;
        let answer = answer_name(&Reading(&self.records), &container, message, turn, false);
        // Beyond the host is nobody who could be asked.
        let reply = match answer {
            Answer::Reply(reply) => Some(reply),
            Answer::Forward => dns::failure(message),
            Answer::Drop => None,
        };
        if let (Some(reply), Ok(s)) = (reply, self.socket_mut(socket)) {
            s.datagrams.push_back((reply, Address::Inet(ip, port)));
            self.wake(Wait::Socket(socket));
        }
        true
    }
}

//! Networks: subnets and leases, endpoints, published ports.

pub mod ports;

use crate::id::{ContainerId, NetworkId};
use crate::kernel::Protocol;
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// What kind of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// A bridge of the host's with an address, masquerade and published ports.
    Bridge,
    /// The host's own network namespace.
    Host,
    /// Loopback only.
    None,
}

/// A network as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRecord {
    /// Its id.
    pub id: NetworkId,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub driver: Driver,
    /// The host's bridge: `drydock0`.
    pub bridge: String,
    /// The subnet, for bridges.
    pub subnet: Option<IpNet>,
    /// The bridge's address, and so the containers' default route.
    pub gateway: Option<IpAddr>,
    /// No way out.
    pub internal: bool,
    /// Whether containers may talk to each other.
    pub icc: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Options of its driver, as they were given.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Whether it was made to be attached to by hand, which makes a difference in swarms only.
    #[serde(default)]
    pub attachable: bool,
    /// When it was made.
    pub created: crate::time::Timestamp,
}

/// `network create`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRequest {
    /// Its name.
    pub name: String,
    /// Its driver; empty for `bridge`.
    pub driver: String,
    /// Its subnet; `None` for one that is free.
    pub subnet: Option<Ipv4Net>,
    /// The bridge's address; `None` for the subnet's first.
    pub gateway: Option<Ipv4Addr>,
    /// No way out.
    pub internal: bool,
    /// See [`NetworkRecord::attachable`].
    pub attachable: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Options of its driver.
    pub options: BTreeMap<String, String>,
}

/// A container's place in a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Whose.
    pub container: ContainerId,
    /// In which network.
    pub network: NetworkId,
    /// The container's address with the subnet's prefix length.
    pub address: IpNet,
    /// The link's MAC address: `02:42:` and the address, as Docker derives it.
    pub mac: String,
    /// The host's end of the pair: `veth` and seven hexadecimal digits.
    pub host_link: String,
    /// The name inside: `eth0`.
    pub link: String,
}

/// One published port, after allocation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Publish {
    /// Transport.
    pub protocol: Protocol,
    /// The host's address; unspecified for every one.
    pub host_ip: IpAddr,
    /// The host's port.
    pub host_port: u16,
    /// The container's port.
    pub container_port: u16,
}

/// One published port as asked for: `[[IP:]HOST:]CONTAINER[/PROTO]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PortRequest {
    /// Transport.
    pub protocol: Protocol,
    /// The host's address; `None` for every one.
    pub host_ip: Option<IpAddr>,
    /// Inclusive range to take a host port from; `None` for one of the kernel's ephemeral ports.
    pub host_ports: Option<(u16, u16)>,
    /// The container's port.
    pub container_port: u16,
}

/// What went through a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkCounters {
    /// Bytes into the container.
    pub received: u64,
    /// Bytes out of the container.
    pub sent: u64,
}

//! Networks: subnets and leases, endpoints, published ports.

pub mod dns;
pub mod filter;
pub mod link_env;
pub mod names;
pub mod ports;

use crate::error::{Error, Result};
use crate::id::{ContainerId, NetworkId};
use crate::kernel::Protocol;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    /// What more was said of its addresses.
    #[serde(default)]
    pub pool: Pool,
    /// Whether it is a configuration only, or made from one.
    #[serde(default)]
    pub configuration: Configuration,
    /// When it was made.
    pub created: crate::time::Timestamp,
}

/// What a network has to do with `--config-only` and `--config-from`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Configuration {
    /// Nothing.
    #[default]
    Own,
    /// It is one itself: what others are made from, and nothing that a container could be on.
    Only {
        /// Those that are made from it speak IPv6.
        ipv6: bool,
    },
    /// It was made from the one of this name.
    From(String),
}

/// What a network's addresses are taken from, beside its first subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pool {
    /// A person chose the subnet, so that a person may choose addresses in it.
    pub chosen: bool,
    /// The part of the subnet that addresses are leased from.
    pub range: Option<Ipv4Net>,
    /// Addresses that are somebody else's, by the names they were given.
    pub reserved: BTreeMap<String, IpAddr>,
    /// The IPv6 subnet.
    pub subnet6: Option<Ipv6Net>,
    /// The part of it that addresses are leased from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range6: Option<Ipv6Net>,
    /// The bridge's IPv6 address.
    pub gateway6: Option<Ipv6Addr>,
}

impl NetworkRecord {
    /// Whether names are looked up on it: on every network that a person made (Docker: "user-defined").
    pub fn has_names(&self) -> bool {
        self.driver == Driver::Bridge && self.name != "bridge"
    }

    /// Whether it is only what others are made from.
    pub fn is_configuration(&self) -> bool {
        matches!(self.configuration, Configuration::Only { .. })
    }
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
    /// The part of the subnet that addresses are leased from.
    #[serde(default)]
    pub range: Option<Ipv4Net>,
    /// Addresses that are somebody else's.
    #[serde(default)]
    pub reserved: BTreeMap<String, IpAddr>,
    /// IPv6 too: with the subnet below, or one that is made up.
    #[serde(default)]
    pub ipv6: bool,
    /// Its IPv6 subnet.
    #[serde(default)]
    pub subnet6: Option<Ipv6Net>,
    /// The bridge's IPv6 address; `None` for the subnet's first.
    #[serde(default)]
    pub gateway6: Option<Ipv6Addr>,
    /// The part of the IPv6 subnet that addresses are leased from.
    #[serde(default)]
    pub range6: Option<Ipv6Net>,
    /// Nothing but a configuration, which other networks are made from.
    #[serde(default)]
    pub config_only: bool,
    /// The network that is such a configuration; empty for none.
    #[serde(default)]
    pub config_from: String,
}

/// What is asked of a container's place in a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// The network's name or id as it was asked for.
    pub network: String,
    /// Further names of the container there.
    pub aliases: Vec<String>,
    /// Names by which this container alone knows others: `CONTAINER[:NAME]`.
    pub links: Vec<String>,
    /// Its IPv4 address; `None` for one that is free.
    pub address: Option<Ipv4Addr>,
    /// Its IPv6 address; `None` for one that follows from the other.
    pub address6: Option<Ipv6Addr>,
    /// Further addresses of the link itself (RFC 3927, RFC 4291 2.5.6), as they were asked for: read when the container starts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub link_local: Vec<String>,
    /// Its hardware address; empty for one that follows from the address.
    pub mac: String,
    /// Options for the network's driver, which has none to know.
    pub options: BTreeMap<String, String>,
    /// The place with the highest one has the default route.
    pub priority: i64,
    /// The network's id, once it was on it.
    pub id: Option<NetworkId>,
}

impl Place {
    /// A place in this network, nothing asked of it.
    pub fn on(network: &str) -> Self {
        Self { network: network.to_owned(), ..Self::default() }
    }

    /// [`Place::link_local`] with the prefix lengths that such addresses have.
    ///
    /// # Errors
    /// A text that is no address, or an address that is not the link's own, in Docker's words.
    pub fn link_local(&self) -> Result<Vec<IpNet>> {
        let read = |text: &String| {
            let address = text
                .parse()
                .map_err(|_| Error::invalid(format!("Invalid link-local IP address: [{}]", self.link_local.join(" ").escape_debug())))?;
            let prefix = match address {
                IpAddr::V4(v4) if v4.is_link_local() => 16,
                IpAddr::V6(v6) if v6.is_unicast_link_local() => 64,
                _ => return Err(Error::invalid(format!("invalid link local IP address: {address}"))),
            };
            IpNet::new(address, prefix).map_err(|_| Error::invalid(format!("invalid link local IP address: {address}")))
        };
        self.link_local.iter().map(read).collect()
    }
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
    /// The network's name.
    #[serde(default)]
    pub name: String,
    /// The network's way out; none on an internal one.
    #[serde(default)]
    pub gateway: Option<IpAddr>,
    /// Its IPv6 address with the subnet's prefix length.
    #[serde(default)]
    pub address6: Option<Ipv6Net>,
    /// The network's way out for IPv6.
    #[serde(default)]
    pub gateway6: Option<Ipv6Addr>,
    /// Further addresses of the link itself, see [`Place::link_local`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link_local: Vec<IpNet>,
    /// See [`Place::priority`].
    #[serde(default)]
    pub priority: i64,
    /// The container's default route and its published ports are here.
    #[serde(default)]
    pub leads: bool,
}

impl Endpoint {
    /// Whether the container's ports are open here: where its default route is, if that is a way out. On a network without one nothing
    /// is published, whatever was asked for.
    pub fn publishes(&self) -> bool {
        self.leads && (self.gateway.is_some() || self.gateway6.is_some())
    }

    /// Which of its addresses serves a port of this address of the host's: one of the same family, where it has one.
    pub fn asked_at(&self, host: IpAddr) -> IpAddr {
        self.addresses().find(|own| own.is_ipv4() == host.is_ipv4()).unwrap_or_else(|| self.address.addr())
    }

    /// Its addresses, IPv4 first.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        std::iter::once(self.address.addr()).chain(self.address6.map(|a| IpAddr::V6(a.addr())))
    }
}

/// In which order a container's places count: those with a way out first, then by priority, then those with both families, then by
/// the network's name (libnetwork, `Endpoint.Less`).
fn rank(endpoint: &Endpoint) -> (bool, std::cmp::Reverse<i64>, bool, &str) {
    (endpoint.gateway.is_none(), std::cmp::Reverse(endpoint.priority), endpoint.gateway6.is_none(), &endpoint.name)
}

/// Marks the place that has the published ports and, where its network has a way out, the default route.
pub fn choose_leader(endpoints: &mut [Endpoint]) {
    let leader = endpoints.iter().min_by(|a, b| rank(a).cmp(&rank(b))).map(|e| e.network.clone());
    for endpoint in endpoints {
        endpoint.leads = Some(&endpoint.network) == leader.as_ref();
    }
}

/// The places in the order in which names are looked up.
pub fn ranked(endpoints: &[Endpoint]) -> Vec<&Endpoint> {
    let mut all: Vec<&Endpoint> = endpoints.iter().collect();
    all.sort_by(|a, b| rank(a).cmp(&rank(b)));
    all
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

//! Options of `run` and `create` about networks.

use super::network::{ipv4, ipv6};
use clap::Args;
use drydock_core::container::{ContainerConfig, NetworkMode};
use drydock_core::network::Place;
use drydock_core::{Error, Result};

/// One `--network`: a name, or `name=NAME,alias=ALIAS,ip=IP…`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attachment {
    place: Place,
}

/// Reads one, in the words of Docker's client.
fn attachment(text: &str) -> std::result::Result<Attachment, String> {
    let mut place = Place::default();
    if !text.contains('=') {
        text.clone_into(&mut place.network);
        return Ok(Attachment { place });
    }
    for field in text.split(',') {
        let (key, value) = field.split_once('=').filter(|(k, _)| !k.is_empty()).ok_or_else(|| format!("invalid field {field}"))?;
        let wrong = |e: Error| e.message().to_owned();
        match key.to_ascii_lowercase().as_str() {
            "name" => value.clone_into(&mut place.network),
            "alias" => place.aliases.push(value.to_owned()),
            "ip" => place.address = ipv4(value).map_err(wrong)?,
            "ip6" => place.address6 = ipv6(value).map_err(wrong)?,
            "link-local-ip" => place.link_local.push(value.to_owned()),
            "mac-address" => value.clone_into(&mut place.mac),
            "gw-priority" => place.priority = value.parse().map_err(|_| format!("invalid gw-priority: {value}"))?,
            "driver-opt" => {
                let (name, value) = value.split_once('=').ok_or("invalid key value pair format in driver options")?;
                place.options.insert(name.to_owned(), value.to_owned());
            }
            key => return Err(format!("invalid field key {key}")),
        }
    }
    if place.network.is_empty() {
        return Err("network name/id is not specified".to_owned());
    }
    Ok(Attachment { place })
}

/// Which networks a container is on, and as what.
#[derive(Args, Debug, Clone)]
pub(crate) struct Networking {
    /// IPv4 address (e.g., 172.30.100.104)
    #[arg(long, value_name = "string")]
    pub ip: Option<String>,
    /// IPv6 address (e.g., 2001:db8::33)
    #[arg(long, value_name = "string")]
    pub ip6: Option<String>,
    /// Add link to another container
    #[arg(long, value_name = "list")]
    pub link: Vec<String>,
    /// Container IPv4/IPv6 link-local addresses
    #[arg(long, value_name = "list")]
    pub link_local_ip: Vec<String>,
    /// Container MAC address (e.g., 92:d0:c6:0a:29:33)
    #[arg(long, value_name = "string")]
    pub mac_address: Option<String>,
    /// Connect a container to a network
    #[arg(long, alias = "net", value_name = "network", value_parser = attachment)]
    pub network: Vec<Attachment>,
    /// Add network-scoped alias for the container
    #[arg(long, alias = "net-alias", value_name = "list")]
    pub network_alias: Vec<String>,
}

fn of_ones_own(name: &str) -> bool {
    matches!(NetworkMode::parse(name), NetworkMode::Named(name) if name != "bridge")
}

impl Networking {
    /// Puts them into a configuration. What belongs to one place is the first network's.
    pub fn apply(&self, config: &mut ContainerConfig) -> Result<()> {
        let mut places: Vec<Place> = self.network.iter().map(|a| a.place.clone()).collect();
        if places.is_empty() {
            places.push(Place::on("default"));
        }
        let own = places.iter().filter(|p| of_ones_own(&p.network)).count();
        if own > 0 && own < places.len() {
            return Err(Error::invalid("conflicting options: cannot attach both user-defined and non-user-defined network-modes"));
        }
        for (at, place) in places.iter().enumerate() {
            if places[..at].iter().any(|p| p.network == place.network) {
                return Err(Error::invalid(format!("network \"{}\" is specified multiple times", place.network.escape_debug())));
            }
        }
        let Some(first) = places.first_mut() else { return Ok(()) };
        let twice = |given: bool, there: bool, what: &str| {
            if given && there { Err(Error::invalid(format!("conflicting options: cannot specify both {what}"))) } else { Ok(()) }
        };
        let (ip, ip6) = (ipv4(self.ip.as_deref().unwrap_or_default())?, ipv6(self.ip6.as_deref().unwrap_or_default())?);
        twice(!self.network_alias.is_empty(), !first.aliases.is_empty(), "--network-alias and per-network alias")?;
        twice(ip.is_some(), first.address.is_some(), "--ip and per-network IPv4 address")?;
        twice(ip6.is_some(), first.address6.is_some(), "--ip6 and per-network IPv6 address")?;
        let mac = self.mac_address.clone().unwrap_or_default();
        twice(!mac.is_empty(), !first.mac.is_empty(), "--mac-address and per-network MAC address")?;
        let own = "--link-local-ip and per-network link-local IP addresses";
        twice(!self.link_local_ip.is_empty(), !first.link_local.is_empty(), own)?;
        first.link_local.extend(self.link_local_ip.iter().cloned());
        first.aliases.extend(self.network_alias.iter().cloned());
        first.links.extend(self.link.iter().cloned());
        first.address = first.address.or(ip);
        first.address6 = first.address6.or(ip6);
        if !mac.is_empty() {
            first.mac = mac;
        }
        if places.iter().any(|p| !p.aliases.is_empty() && !of_ones_own(&p.network)) {
            return Err(Error::invalid("network-scoped aliases are only supported for user-defined networks"));
        }
        config.network = NetworkMode::parse(places.first().map(|p| p.network.as_str()).unwrap_or_default());
        for place in &mut places {
            if matches!(place.network.as_str(), "" | "default") {
                "bridge".clone_into(&mut place.network);
            }
        }
        // What asks for nothing but a network is said by the mode alone.
        places.retain(|p| *p != Place::on(&p.network) || places_beside(config, &p.network));
        config.places = places;
        Ok(())
    }
}

/// Whether a place is on another network than the one of the mode.
fn places_beside(config: &ContainerConfig, network: &str) -> bool {
    matches!(&config.network, NetworkMode::Named(mode) if mode != network)
}

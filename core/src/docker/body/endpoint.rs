//! A place in a network, as `EndpointsConfig` and `POST /networks/NAME/connect` ask for it.

use crate::error::{Error, Result};
use crate::network::Place;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Endpoint {
    #[serde(rename = "IPAMConfig")]
    ipam: Option<Ipam>,
    links: Option<Vec<String>>,
    aliases: Option<Vec<String>>,
    mac_address: String,
    driver_opts: Option<BTreeMap<String, String>>,
    gw_priority: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ipam {
    #[serde(rename = "IPv4Address")]
    v4: String,
    #[serde(rename = "IPv6Address")]
    v6: String,
    #[serde(rename = "LinkLocalIPs")]
    link_local: Option<Vec<String>>,
}

/// What a body asks of a place in this network. What a client sends back of an inspection, and nobody can ask for, is passed over.
///
/// # Errors
/// An address that is none.
pub fn place(network: &str, body: Value) -> Result<Place> {
    let asked: Endpoint = if body.is_null() { Endpoint::default() } else { super::read(body)? };
    let ipam = asked.ipam.unwrap_or_default();
    let wrong = |family: &str, text: &str| Error::invalid(format!("invalid {family} address: {}", text.escape_debug()));
    Ok(Place {
        network: network.to_owned(),
        aliases: asked.aliases.unwrap_or_default(),
        links: asked.links.unwrap_or_default(),
        address: if ipam.v4.is_empty() { None } else { Some(ipam.v4.parse().map_err(|_| wrong("IPv4", &ipam.v4))?) },
        address6: if ipam.v6.is_empty() { None } else { Some(ipam.v6.parse().map_err(|_| wrong("IPv6", &ipam.v6))?) },
        link_local: ipam.link_local.unwrap_or_default(),
        mac: asked.mac_address,
        options: asked.driver_opts.unwrap_or_default(),
        priority: asked.gw_priority,
        id: None,
    })
}

/// The body that asks for a place: the inverse of [`place`]. Links on the default network are asked for elsewhere.
pub fn endpoint_config(place: &Place) -> Value {
    let mut ipam = serde_json::Map::new();
    ipam.extend(place.address.map(|ip| ("IPv4Address".to_owned(), json!(ip.to_string()))));
    ipam.extend(place.address6.map(|ip| ("IPv6Address".to_owned(), json!(ip.to_string()))));
    ipam.extend((!place.link_local.is_empty()).then(|| ("LinkLocalIPs".to_owned(), json!(place.link_local))));
    json!({
        "IPAMConfig": if ipam.is_empty() { Value::Null } else { Value::Object(ipam) },
        "Links": if place.network == "bridge" || place.links.is_empty() { Value::Null } else { json!(place.links) },
        "Aliases": if place.aliases.is_empty() { Value::Null } else { json!(place.aliases) },
        "MacAddress": place.mac,
        "DriverOpts": if place.options.is_empty() { Value::Null } else { json!(place.options) },
        "GwPriority": place.priority,
    })
}

//! Networks.

use super::json::text;
use super::{DockerEngine, Parameters, part, read};
use drydock_core::docker::body::endpoint_config;
use drydock_core::id::NetworkId;
use drydock_core::network::{NetworkRecord, NetworkRequest, Place};
use drydock_core::{Error, Result};
use serde_json::{Map, json};

impl DockerEngine {
    pub(super) fn list_networks(&self) -> Result<Vec<NetworkRecord>> {
        let list = self.get("/networks", Parameters::new())?;
        let mut all: Vec<NetworkRecord> = list.as_array().into_iter().flatten().filter_map(read::network).collect();
        let order = |name: &str| ["bridge", "host", "none"].iter().position(|known| *known == name).unwrap_or(3);
        all.sort_by_key(|network| (order(&network.name), network.created));
        Ok(all)
    }

    pub(super) fn network_named(&self, name: &str) -> Result<NetworkRecord> {
        let object = self.get(&format!("/networks/{}", part(name)), Parameters::new())?;
        let kind = text(&object, "Driver");
        read::network(&object).ok_or_else(|| Error::unsupported(format!("networks of the driver {}", kind.escape_debug())))
    }

    pub(super) fn make_network(&self, request: &NetworkRequest) -> Result<NetworkId> {
        let mut pool = Map::new();
        let mut pool6 = Map::new();
        let say = |pool: &mut Map<String, serde_json::Value>, name: &str, value: Option<String>| {
            pool.extend(value.map(|value| (name.to_owned(), value.into())));
        };
        say(&mut pool, "Subnet", request.subnet.map(|s| s.to_string()));
        say(&mut pool, "Gateway", request.gateway.map(|ip| ip.to_string()));
        say(&mut pool, "IPRange", request.range.map(|r| r.to_string()));
        say(&mut pool6, "Subnet", request.subnet6.map(|s| s.to_string()));
        say(&mut pool6, "IPRange", request.range6.map(|r| r.to_string()));
        say(&mut pool6, "Gateway", request.gateway6.map(|ip| ip.to_string()));
        for (name, ip) in &request.reserved {
            let of = if ip.is_ipv4() { &mut pool } else { &mut pool6 };
            if let Some(all) = of.entry("AuxiliaryAddresses").or_insert_with(|| json!({})).as_object_mut() {
                all.insert(name.clone(), ip.to_string().into());
            }
        }
        let pools: Vec<_> = [pool, pool6].into_iter().filter(|p| !p.is_empty()).collect();
        let mut body = json!({
            "Name": request.name,
            "CheckDuplicate": true,
            "Driver": if request.driver.is_empty() { "bridge" } else { &request.driver },
            "EnableIPv6": request.ipv6,
            "Internal": request.internal,
            "Attachable": request.attachable,
            "ConfigOnly": request.config_only,
            "IPAM": { "Driver": "default", "Config": pools },
            "Options": request.options,
            "Labels": request.labels,
        });
        if !request.config_from.is_empty() {
            body["ConfigFrom"] = json!({ "Network": request.config_from });
        }
        Ok(NetworkId::new(text(&self.post_json("/networks/create", Parameters::new(), &body)?, "Id")))
    }

    /// The object as the engine shows it.
    pub(super) fn inspect_network(&self, name: &str) -> Result<serde_json::Value> {
        self.get(&format!("/networks/{}", part(name)), Parameters::new())
    }

    pub(super) fn connect_network(&self, network: &str, container: &str, place: &Place) -> Result<()> {
        let body = json!({ "Container": container, "EndpointConfig": endpoint_config(place) });
        self.post_json(&format!("/networks/{}/connect", part(network)), Parameters::new(), &body).map(drop)
    }

    pub(super) fn disconnect_network(&self, network: &str, container: &str, force: bool) -> Result<()> {
        let body = json!({ "Container": container, "Force": force });
        self.post_json(&format!("/networks/{}/disconnect", part(network)), Parameters::new(), &body).map(drop)
    }

    pub(super) fn delete_network(&self, name: &str) -> Result<()> {
        self.delete(&format!("/networks/{}", part(name)), Parameters::new()).map(drop)
    }
}

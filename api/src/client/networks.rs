//! Networks.

use super::json::text;
use super::{DockerEngine, Parameters, part, read};
use drydock_core::id::NetworkId;
use drydock_core::network::{NetworkRecord, NetworkRequest};
use drydock_core::{Error, Result};
use serde_json::{Map, json};

impl DockerEngine {
    pub(super) fn list_networks(&self) -> Result<Vec<NetworkRecord>> {
        let list = self.get("/networks", Parameters::new())?;
        let mut all: Vec<NetworkRecord> = list.as_array().into_iter().flatten().filter_map(read::network).collect();
        let order = |name: &str| ["bridge", "host", "none"].iter().position(|known| *known == name).unwrap_or(3);
        all.sort_by(|a, b| (order(&a.name), a.created).cmp(&(order(&b.name), b.created)));
        Ok(all)
    }

    pub(super) fn network_named(&self, name: &str) -> Result<NetworkRecord> {
        let object = self.get(&format!("/networks/{}", part(name)), Parameters::new())?;
        let kind = text(&object, "Driver");
        read::network(&object).ok_or_else(|| Error::unsupported(format!("networks of the driver {}", kind.escape_debug())))
    }

    pub(super) fn make_network(&self, request: &NetworkRequest) -> Result<NetworkId> {
        let mut pool = Map::new();
        if let Some(subnet) = request.subnet {
            pool.insert("Subnet".to_owned(), subnet.to_string().into());
        }
        if let Some(gateway) = request.gateway {
            pool.insert("Gateway".to_owned(), gateway.to_string().into());
        }
        let pools = if pool.is_empty() { json!([]) } else { json!([pool]) };
        let body = json!({
            "Name": request.name,
            "CheckDuplicate": true,
            "Driver": if request.driver.is_empty() { "bridge" } else { &request.driver },
            "Internal": request.internal,
            "Attachable": request.attachable,
            "IPAM": { "Driver": "default", "Config": pools },
            "Options": request.options,
            "Labels": request.labels,
        });
        Ok(NetworkId::new(text(&self.post_json("/networks/create", Parameters::new(), &body)?, "Id")))
    }

    pub(super) fn delete_network(&self, name: &str) -> Result<()> {
        self.delete(&format!("/networks/{}", part(name)), Parameters::new()).map(drop)
    }
}

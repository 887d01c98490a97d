//! A network as `docker network inspect` shows it.

use super::container::endpoint_id;
use crate::engine::ContainerSummary;
use crate::network::{Driver, NetworkRecord};
use serde_json::{Map, Value, json};

/// The object of one network; `containers` are those that may be on it.
pub fn network(record: &NetworkRecord, containers: &[ContainerSummary]) -> Value {
    let driver = match record.driver {
        Driver::Bridge => "bridge",
        Driver::Host => "host",
        Driver::None => "null",
    };
    let mut pool = Map::new();
    if let Some(subnet) = record.subnet {
        pool.insert("Subnet".to_owned(), json!(subnet.to_string()));
        if let Some(gateway) = record.gateway {
            pool.insert("Gateway".to_owned(), json!(gateway.to_string()));
        }
    }
    let pools = if pool.is_empty() { Vec::new() } else { vec![Value::Object(pool)] };
    let mut on_it = Map::new();
    for container in containers {
        for endpoint in container.endpoints.iter().filter(|e| e.network == record.id) {
            let place = json!({
                "Name": container.name,
                "EndpointID": endpoint_id(endpoint),
                "MacAddress": endpoint.mac,
                "IPv4Address": endpoint.address.to_string(),
                "IPv6Address": "",
            });
            on_it.insert(container.id.to_string(), place);
        }
    }
    json!({
        "Name": record.name,
        "Id": record.id.as_str(),
        "Created": record.created.rfc3339(),
        "Scope": "local",
        "Driver": driver,
        "EnableIPv4": record.driver == Driver::Bridge,
        "EnableIPv6": false,
        "IPAM": { "Driver": "default", "Options": if record.driver == Driver::Bridge { json!({}) } else { Value::Null }, "Config": pools },
        "Internal": record.internal,
        "Attachable": record.attachable,
        "Ingress": false,
        "ConfigFrom": { "Network": "" },
        "ConfigOnly": false,
        "Containers": on_it,
        "Options": record.options,
        "Labels": record.labels,
    })
}

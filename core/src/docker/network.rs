//! A network as `docker network inspect` shows it.

use super::container::endpoint_id;
use crate::engine::ContainerSummary;
use crate::network::{Configuration, Driver, NetworkRecord};
use serde_json::{Map, Value, json};

/// The object of one network; `containers` are those that may be on it.
pub fn network(record: &NetworkRecord, containers: &[ContainerSummary]) -> Value {
    let from = if let Configuration::From(name) = &record.configuration { name.as_str() } else { "" };
    let has_addresses = record.driver == Driver::Bridge || record.is_configuration();
    let mut pool = Map::new();
    if let Some(subnet) = record.subnet {
        pool.insert("Subnet".to_owned(), json!(subnet.to_string()));
        if let Some(gateway) = record.gateway {
            pool.insert("Gateway".to_owned(), json!(gateway.to_string()));
        }
        if let Some(range) = record.pool.range {
            pool.insert("IPRange".to_owned(), json!(range.to_string()));
        }
    }
    let mut pool6 = Map::new();
    if let Some(subnet) = record.pool.subnet6 {
        pool6.insert("Subnet".to_owned(), json!(subnet.to_string()));
        pool6.extend(record.pool.range6.map(|range| ("IPRange".to_owned(), json!(range.to_string()))));
        pool6.extend(record.pool.gateway6.map(|ip| ("Gateway".to_owned(), json!(ip.to_string()))));
    }
    for (name, ip) in &record.pool.reserved {
        let of = if ip.is_ipv4() { &mut pool } else { &mut pool6 };
        if let Value::Object(all) = of.entry("AuxiliaryAddresses").or_insert_with(|| json!({})) {
            all.insert(name.clone(), json!(ip.to_string()));
        }
    }
    let pools: Vec<Value> = [pool, pool6].into_iter().filter(|p| !p.is_empty()).map(Value::Object).collect();
    let mut on_it = Map::new();
    for container in containers {
        for endpoint in container.endpoints.iter().filter(|e| e.network == record.id) {
            let place = json!({
                "Name": container.name,
                "EndpointID": endpoint_id(endpoint),
                "MacAddress": endpoint.mac,
                "IPv4Address": endpoint.address.to_string(),
                "IPv6Address": endpoint.address6.map(|a| a.to_string()).unwrap_or_default(),
            });
            on_it.insert(container.id.to_string(), place);
        }
    }
    json!({
        "Name": record.name,
        "Id": record.id.as_str(),
        "Created": record.created.rfc3339(),
        "Scope": "local",
        "Driver": record.driver.name(),
        "EnableIPv4": has_addresses,
        "EnableIPv6": record.pool.subnet6.is_some() || record.configuration == Configuration::Only { ipv6: true },
        "IPAM": { "Driver": "default", "Options": if has_addresses { json!({}) } else { Value::Null }, "Config": pools },
        "Internal": record.internal,
        "Attachable": record.attachable,
        "Ingress": false,
        "ConfigFrom": { "Network": from },
        "ConfigOnly": record.is_configuration(),
        "Containers": on_it,
        "Options": record.options,
        "Labels": record.labels,
    })
}

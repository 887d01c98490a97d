//! Networks that are a configuration only, and networks that are made from one: `network create --config-only` and `--config-from`.

use super::LocalEngine;
use crate::error::{Error, ErrorKind, Result};
use crate::id::NetworkId;
use crate::network::{Configuration, Driver, NetworkRecord, NetworkRequest, Pool};
use ipnet::IpNet;
use std::net::IpAddr;

fn refused(words: &str) -> Error {
    Error::new(ErrorKind::Denied, words)
}

/// Why no container can be on a configuration.
pub(super) fn no_endpoint() -> Error {
    refused("cannot create endpoint on configuration-only network")
}

/// Refuses what cannot be said of a configuration, or beside one (libnetwork, `network.validateConfiguration`).
pub(super) fn check(request: &NetworkRequest) -> Result<()> {
    if request.config_only && (request.internal || request.attachable) {
        return Err(refused(
            "configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable \
             | scope ] are not supported.",
        ));
    }
    if request.config_from.is_empty() {
        return Ok(());
    }
    if request.config_only {
        return Err(refused("a configuration network cannot depend on another configuration network"));
    }
    let addressed = request.subnet.is_some() || request.gateway.is_some() || request.range.is_some() || !request.reserved.is_empty();
    let addressed6 = request.ipv6 || request.subnet6.is_some() || request.gateway6.is_some() || request.range6.is_some();
    if addressed || addressed6 || !request.labels.is_empty() {
        return Err(refused("user specified configurations are not supported if the network depends on a configuration network"));
    }
    if !request.options.is_empty() {
        return Err(refused("network driver options are not supported if the network depends on a configuration network"));
    }
    Ok(())
}

impl LocalEngine {
    /// Keeps a configuration as it was asked for: nothing of it is leased or made.
    pub(super) fn make_configuration(&self, request: &NetworkRequest) -> Result<NetworkId> {
        let record = NetworkRecord {
            id: NetworkId::new(self.new_id()),
            name: request.name.clone(),
            driver: Driver::None,
            bridge: String::new(),
            subnet: request.subnet.map(IpNet::V4),
            gateway: request.gateway.map(IpAddr::V4),
            internal: false,
            icc: true,
            labels: request.labels.clone(),
            options: request.options.clone(),
            attachable: false,
            pool: Pool {
                chosen: request.subnet.is_some() || request.subnet6.is_some(),
                range: request.range,
                reserved: request.reserved.clone(),
                subnet6: request.subnet6,
                range6: request.range6,
                gateway6: request.gateway6,
            },
            configuration: Configuration::Only { ipv6: request.ipv6 },
            created: self.time(),
        };
        self.keep_network(&record)?;
        Ok(record.id)
    }

    /// What is asked for together with what its configuration says; `None` where it has none.
    pub(super) fn from_configuration(request: &NetworkRequest, all: &[NetworkRecord]) -> Result<Option<NetworkRequest>> {
        let from = request.config_from.as_str();
        if from.is_empty() {
            return Ok(None);
        }
        let named = all.iter().find(|n| n.name == from && n.is_configuration());
        let Some((of, Configuration::Only { ipv6 })) = named.map(|n| (n, &n.configuration)) else {
            let message = format!("configuration network \"{}\" does not exist", from.escape_debug());
            return Err(Error::not_found(message).subject(from));
        };
        let v4 = |ip: IpAddr| if let IpAddr::V4(ip) = ip { Some(ip) } else { None };
        Ok(Some(NetworkRequest {
            subnet: of.subnet.and_then(|net| if let IpNet::V4(net) = net { Some(net) } else { None }),
            gateway: of.gateway.and_then(v4),
            range: of.pool.range,
            reserved: of.pool.reserved.clone(),
            ipv6: *ipv6,
            subnet6: of.pool.subnet6,
            gateway6: of.pool.gateway6,
            range6: of.pool.range6,
            labels: of.labels.clone(),
            options: of.options.clone(),
            ..request.clone()
        }))
    }
}

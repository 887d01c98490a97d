//! Networks.

use crate::body;
use crate::error::Answer;
use crate::query::Query;
use crate::routes::image::conditions;
use crate::server::Shared;
use crate::stream::{empty, json_answer, ok};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use drydock_core::docker;
use drydock_core::docker::body::place;
use drydock_core::engine::Engine;
use drydock_core::network::NetworkRequest;
use drydock_core::network::filter::{check, passes};
use drydock_core::{Error, Result};
use ipnet::IpNet;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/networks", get(list))
        .route("/networks/", get(list))
        .route("/networks/create", post(create))
        .route("/networks/prune", post(prune))
        .route("/networks/{id}", get(inspect).delete(remove))
        .route("/networks/{id}/connect", post(connect))
        .route("/networks/{id}/disconnect", post(disconnect))
}

async fn list(State(server): State<Shared>, query: Query) -> Answer {
    let filters = query.filters()?;
    check(filters.0.iter().flat_map(|(key, values)| values.iter().map(move |value| (key.as_str(), value.as_str()))))?;
    let objects = server
        .ask(move |engine| {
            let running = engine.containers(false)?;
            let mut all = engine.networks()?;
            all.retain(|network| {
                passes(
                    network,
                    &|key| filters.of(key).to_vec(),
                    running.iter().any(|c| c.endpoints.iter().any(|e| e.network == network.id)),
                )
            });
            // A list does not say who is on a network.
            Ok(all.iter().map(|network| docker::network(network, &[])).collect::<Vec<_>>())
        })
        .await?;
    ok(&Value::Array(objects))
}

async fn inspect(State(server): State<Shared>, Path(name): Path<String>) -> Answer {
    let object = server
        .ask(move |engine| {
            let network = engine.network(&name)?;
            Ok(docker::network(&network, &engine.containers(false)?))
        })
        .await?;
    ok(&object)
}

/// Docker's `NetworkCreate`, as far as it is understood.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Create {
    name: String,
    driver: Option<String>,
    internal: bool,
    attachable: bool,
    #[serde(rename = "EnableIPv6")]
    enable_ipv6: Option<bool>,
    ingress: bool,
    config_only: bool,
    config_from: Option<ConfigFrom>,
    scope: String,
    #[serde(rename = "EnableIPv4")]
    enable_ipv4: Option<bool>,
    #[serde(rename = "IPAM")]
    ipam: Option<Ipam>,
    options: Option<BTreeMap<String, String>>,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ConfigFrom {
    network: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Ipam {
    driver: Option<String>,
    config: Option<Vec<Pool>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Pool {
    subnet: Option<String>,
    gateway: Option<String>,
    #[serde(rename = "IPRange")]
    ip_range: Option<String>,
    auxiliary_addresses: Option<BTreeMap<String, String>>,
}

impl Create {
    fn request(self) -> Result<NetworkRequest> {
        let off = |what: &str| Error::unsupported(what);
        if self.ingress || !matches!(self.scope.as_str(), "" | "local") {
            return Err(off("networks of a swarm"));
        }
        if self.enable_ipv4 == Some(false) && !self.config_only {
            return Err(off("a network without IPv4"));
        }
        let ipam = self.ipam.unwrap_or_default();
        if let Some(driver) = ipam.driver.filter(|d| !matches!(d.as_str(), "" | "default")) {
            return Err(Error::not_found(format!(
                "could not find plugin {} in v1 plugin registry: plugin not found",
                driver.escape_debug()
            )));
        }
        let mut request = NetworkRequest {
            name: self.name,
            driver: self.driver.unwrap_or_default(),
            internal: self.internal,
            attachable: self.attachable,
            labels: self.labels.unwrap_or_default(),
            options: self.options.unwrap_or_default(),
            ipv6: self.enable_ipv6 == Some(true),
            config_only: self.config_only,
            config_from: self.config_from.map(|from| from.network).unwrap_or_default(),
            ..NetworkRequest::default()
        };
        for pool in ipam.config.unwrap_or_default() {
            pool.put(&mut request)?;
        }
        Ok(request)
    }
}

impl Pool {
    /// One subnet with what belongs to it.
    fn put(self, request: &mut NetworkRequest) -> Result<()> {
        let wrong = |what: &str, text: &str| Error::invalid(format!("invalid {what}: {}", text.escape_debug()));
        let given = |text: Option<String>| text.filter(|t| !t.is_empty());
        if let Some(text) = given(self.subnet) {
            let taken = match text.parse().map_err(|_| wrong("subnet", &text))? {
                IpNet::V4(subnet) => request.subnet.replace(subnet).is_some(),
                IpNet::V6(subnet) => request.subnet6.replace(subnet).is_some(),
            };
            if taken {
                return Err(Error::invalid("bridge driver doesn't support multiple subnets"));
            }
        }
        if let Some(text) = given(self.gateway) {
            match text.parse().map_err(|_| wrong("gateway", &text))? {
                IpAddr::V4(ip) => request.gateway = Some(ip),
                IpAddr::V6(ip) => request.gateway6 = Some(ip),
            }
        }
        if let Some(text) = given(self.ip_range) {
            match text.parse().map_err(|_| wrong("range", &text))? {
                IpNet::V4(range) => request.range = Some(range),
                IpNet::V6(range) => request.range6 = Some(range),
            }
        }
        for (name, text) in self.auxiliary_addresses.unwrap_or_default() {
            request.reserved.insert(name, text.parse().map_err(|_| wrong("auxiliary address", &text))?);
        }
        Ok(())
    }
}

async fn create(State(server): State<Shared>, headers: HeaderMap, body: Body) -> Answer {
    let create: Create = body::json(&headers, body).await?;
    let request = create.request()?;
    let id = server.ask(move |engine| engine.create_network(&request)).await?;
    Ok(json_answer(StatusCode::CREATED, &json!({ "Id": id.as_str(), "Warning": "" })))
}

async fn remove(State(server): State<Shared>, Path(name): Path<String>) -> Answer {
    server.ask(move |engine| engine.remove_network(&name)).await?;
    empty(StatusCode::NO_CONTENT)
}

async fn prune(State(server): State<Shared>, query: Query) -> Answer {
    let filters = query.filters()?;
    filters.only(&["label", "label!", "until"])?;
    let pruned = server.ask(move |engine: &dyn Engine| engine.prune_networks(&conditions(engine, &filters)?)).await?;
    let names = if pruned.removed.is_empty() { Value::Null } else { json!(pruned.removed) };
    ok(&json!({ "NetworksDeleted": names }))
}

/// `POST /networks/NAME/connect`
async fn connect(State(server): State<Shared>, Path(name): Path<String>, headers: HeaderMap, body: Body) -> Answer {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Connect {
        container: String,
        endpoint_config: Value,
    }
    let connect: Connect = body::json(&headers, body).await?;
    let place = place(&name, connect.endpoint_config)?;
    server.ask(move |engine| engine.connect(&name, &connect.container, &place)).await?;
    empty(StatusCode::OK)
}

/// `POST /networks/NAME/disconnect`
async fn disconnect(State(server): State<Shared>, Path(name): Path<String>, headers: HeaderMap, body: Body) -> Answer {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Disconnect {
        container: String,
        force: bool,
    }
    let disconnect: Disconnect = body::json(&headers, body).await?;
    server.ask(move |engine| engine.disconnect(&name, &disconnect.container, disconnect.force)).await?;
    empty(StatusCode::OK)
}

//! Networks.

use crate::body;
use crate::error::{Answer, ApiError};
use crate::query::{Filters, Query};
use crate::routes::image::conditions;
use crate::server::Shared;
use crate::stream::{empty, json_answer, ok};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use drydock_core::docker;
use drydock_core::engine::Engine;
use drydock_core::network::{Driver, NetworkRecord, NetworkRequest};
use drydock_core::{Error, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/networks", get(list))
        .route("/networks/", get(list))
        .route("/networks/create", post(create))
        .route("/networks/prune", post(prune))
        .route("/networks/{id}", get(inspect).delete(remove))
        .route("/networks/{id}/connect", post(connect))
        .route("/networks/{id}/disconnect", post(connect))
}

const FILTERS: [&str; 7] = ["driver", "id", "label", "name", "scope", "type", "dangling"];

async fn list(State(server): State<Shared>, query: Query) -> Answer {
    let filters = query.filters()?;
    filters.only(&FILTERS)?;
    for kind in filters.of("type") {
        if !matches!(kind.as_str(), "custom" | "builtin") {
            return Err(ApiError::bad(format!("invalid filter: 'type'='{}'", kind.escape_debug())));
        }
    }
    let objects = server
        .ask(move |engine| {
            let running = engine.containers(false)?;
            let mut all = engine.networks()?;
            all.retain(|network| fits(network, &filters, running.iter().any(|c| c.endpoints.iter().any(|e| e.network == network.id))));
            // A list does not say who is on a network.
            Ok(all.iter().map(|network| docker::network(network, &[])).collect::<Vec<_>>())
        })
        .await?;
    ok(&Value::Array(objects))
}

fn fits(network: &NetworkRecord, filters: &Filters, used: bool) -> bool {
    let builtin = matches!(network.name.as_str(), "bridge" | "host" | "none");
    let driver = match network.driver {
        Driver::Bridge => "bridge",
        Driver::Host => "host",
        Driver::None => "null",
    };
    let any = |key: &str, test: &dyn Fn(&str) -> bool| {
        let values = filters.of(key);
        values.is_empty() || values.iter().any(|value| test(value))
    };
    any("driver", &|d| d == driver)
        && any("id", &|id| network.id.as_str().contains(id))
        && any("name", &|name| network.name.contains(name))
        && any("scope", &|scope| scope == "local")
        && any("type", &|kind| (kind == "builtin") == builtin)
        && any("dangling", &|wanted| matches!(wanted, "true" | "1") == (!builtin && !used))
        && filters.of("label").iter().all(|wanted| match wanted.split_once('=') {
            Some((key, value)) => network.labels.get(key).is_some_and(|v| v == value),
            None => network.labels.contains_key(wanted),
        })
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
    #[serde(rename = "IPAM")]
    ipam: Option<Ipam>,
    options: Option<BTreeMap<String, String>>,
    labels: Option<BTreeMap<String, String>>,
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
}

impl Create {
    fn request(self) -> Result<NetworkRequest> {
        let off = |what: &str| Error::unsupported(what);
        if self.ingress || self.config_only {
            return Err(off("networks of a swarm"));
        }
        if self.enable_ipv6 == Some(true) {
            return Err(off("networks with IPv6"));
        }
        let ipam = self.ipam.unwrap_or_default();
        if let Some(driver) = ipam.driver.filter(|d| !matches!(d.as_str(), "" | "default")) {
            return Err(Error::not_found(format!(
                "could not find plugin {} in v1 plugin registry: plugin not found",
                driver.escape_debug()
            )));
        }
        let mut pools = ipam.config.unwrap_or_default().into_iter().filter(|p| p.subnet.is_some() || p.gateway.is_some());
        let pool = pools.next().unwrap_or_default();
        if pools.next().is_some() || pool.ip_range.is_some_and(|r| !r.is_empty()) {
            return Err(off("networks with several subnets or a range of addresses"));
        }
        let wrong = |what: &str, text: &str| Error::invalid(format!("invalid {what}: {}", text.escape_debug()));
        let given = |text: Option<String>| text.filter(|t| !t.is_empty());
        let subnet = given(pool.subnet).map(|t| t.parse().map_err(|_| wrong("subnet", &t))).transpose()?;
        let gateway = given(pool.gateway).map(|t| t.parse().map_err(|_| wrong("gateway", &t))).transpose()?;
        Ok(NetworkRequest {
            name: self.name,
            driver: self.driver.unwrap_or_default(),
            subnet,
            gateway,
            internal: self.internal,
            attachable: self.attachable,
            labels: self.labels.unwrap_or_default(),
            options: self.options.unwrap_or_default(),
        })
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

/// `POST /networks/NAME/connect` and `disconnect`: a container keeps the network that it was made with.
async fn connect(State(server): State<Shared>, Path(name): Path<String>, headers: HeaderMap, body: Body) -> Answer {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Connect {
        container: String,
    }
    let connect: Connect = body::json(&headers, body).await?;
    server
        .ask(move |engine| {
            engine.network(&name)?;
            engine.container(&connect.container)?;
            Err::<(), _>(Error::unsupported("connecting a container to another network, or disconnecting it"))
        })
        .await?;
    empty(StatusCode::OK)
}

//! Volumes.

use crate::body;
use crate::error::Answer;
use crate::query::Query;
use crate::routes::image::conditions;
use crate::server::Shared;
use crate::stream::{empty, json_answer, ok};
use crate::version::ApiVersion;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use drydock_core::container::volume::VolumeRequest;
use drydock_core::docker;
use drydock_core::engine::{DiskUsage, Engine};
use drydock_core::{ErrorKind, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/volumes", get(list))
        .route("/volumes/create", post(create))
        .route("/volumes/prune", post(prune))
        .route("/volumes/{name}", get(inspect).delete(remove))
}

async fn list(State(server): State<Shared>, query: Query) -> Answer {
    let filters = query.filters()?;
    filters.only(&["dangling", "driver", "label", "name"])?;
    let pairs: Vec<(String, String)> =
        filters.0.iter().flat_map(|(key, values)| values.iter().map(move |value| (key.clone(), value.clone()))).collect();
    let all = server.ask(move |engine| engine.volumes(&pairs)).await?;
    ok(&json!({ "Volumes": all.iter().map(docker::volume).collect::<Vec<_>>(), "Warnings": null }))
}

/// Docker's `VolumeCreateOptions`, as far as it is understood.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Create {
    name: Option<String>,
    driver: Option<String>,
    driver_opts: Option<BTreeMap<String, String>>,
    labels: Option<BTreeMap<String, String>>,
}

async fn create(State(server): State<Shared>, headers: HeaderMap, body: Body) -> Answer {
    let create: Create = body::json(&headers, body).await?;
    let request = VolumeRequest {
        name: create.name.unwrap_or_default(),
        driver: create.driver.unwrap_or_default(),
        options: create.driver_opts.unwrap_or_default(),
        labels: create.labels.unwrap_or_default(),
    };
    let made = server.ask(move |engine| engine.volume_create(&request)).await?;
    Ok(json_answer(StatusCode::CREATED, &docker::volume(&made)))
}

async fn inspect(State(server): State<Shared>, Path(name): Path<String>) -> Answer {
    let found = server.ask(move |engine| engine.volume(&name)).await?;
    ok(&docker::volume(&found))
}

async fn remove(State(server): State<Shared>, Path(name): Path<String>, query: Query) -> Answer {
    let force = query.flag("force");
    server.ask(move |engine| engine.volume_remove(&name, force)).await?;
    empty(StatusCode::NO_CONTENT)
}

async fn prune(State(server): State<Shared>, version: ApiVersion, query: Query) -> Answer {
    let filters = query.filters()?;
    filters.only(&["all", "label", "label!"])?;
    // Before 1.42 those with a name went too.
    let all = !version.since(42) || filters.of("all").iter().any(|value| matches!(value.as_str(), "1" | "true"));
    let pruned = server.ask(move |engine| engine.prune_volumes(all, &conditions(engine, &filters)?)).await?;
    ok(&json!({ "VolumesDeleted": pruned.removed, "SpaceReclaimed": pruned.reclaimed }))
}

/// The volumes of `GET /system/df`.
pub(crate) fn used(engine: &dyn Engine, usage: &DiskUsage) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for volume in &usage.volumes {
        let found = match engine.volume(&volume.name) {
            // Removed since it was measured.
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            found => found?,
        };
        let mut object = docker::volume(&found);
        if let Value::Object(fields) = &mut object {
            fields.insert("UsageData".to_owned(), json!({ "RefCount": volume.links, "Size": volume.size }));
        }
        all.push(object);
    }
    Ok(all)
}

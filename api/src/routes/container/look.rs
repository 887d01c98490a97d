//! Looking at containers: the list, one of them, its processes.

use crate::error::Answer;
use crate::query::Query;
use crate::server::Shared;
use crate::stream::ok;
use axum::extract::{Path, State};
use drydock_core::docker;
use drydock_core::engine::ListRequest;
use serde_json::{Value, json};

/// `GET /containers/json`
pub(super) async fn list(State(server): State<Shared>, query: Query) -> Answer {
    let limit = query.number("limit")?.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
    let filters = query.filters()?;
    let request = ListRequest {
        all: query.flag("all"),
        last: limit,
        filters: filters.0.iter().flat_map(|(key, values)| values.iter().map(|v| (key.clone(), v.clone()))).collect(),
        sizes: query.flag("size"),
    };
    let all = server
        .ask(move |engine| {
            let (facts, now) = (engine.facts(), engine.now());
            Ok(engine.list(&request)?.iter().map(|c| docker::listed_container(c, &facts, now)).collect::<Value>())
        })
        .await?;
    ok(&all)
}

/// `GET /containers/{id}/json`
pub(super) async fn inspect(State(server): State<Shared>, Path(id): Path<String>, query: Query) -> Answer {
    let sizes = query.flag("size");
    let object = server
        .ask(move |engine| {
            let record = engine.container(&id)?;
            let sizes = sizes.then(|| engine.sizes(record.id.as_str())).transpose()?;
            Ok(docker::container(&record, engine, sizes))
        })
        .await?;
    ok(&object)
}

/// `GET /containers/{id}/top`
pub(super) async fn top(State(server): State<Shared>, Path(id): Path<String>, query: Query) -> Answer {
    let options: Vec<String> = query.get("ps_args").split_whitespace().map(str::to_owned).collect();
    let table = server.ask(move |engine| engine.process_table(&id, &options)).await?;
    ok(&json!(table))
}

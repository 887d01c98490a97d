//! Names of images, and their end: tag, remove, prune.

use super::repository_and_tag;
use crate::error::{Answer, ApiError};
use crate::query::{Filters, Query};
use crate::server::{Server, Shared};
use crate::stream::{empty, ok};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use drydock_core::docker::time::moment;
use drydock_core::engine::{Engine, PruneFilters, prune_filters};
use serde_json::{Value, json};

/// `POST /images/NAME/tag`
pub(super) async fn tag(server: &Server, name: &str, query: &Query) -> Answer {
    let target = repository_and_tag(query.get("repo"), query.get("tag"))?;
    if target.is_empty() {
        return Err(ApiError::bad("invalid reference format"));
    }
    let name = name.to_owned();
    server.ask(move |engine| engine.tag(&name, &target)).await?;
    empty(StatusCode::CREATED)
}

/// `DELETE /images/NAME`
pub(super) async fn remove(State(server): State<Shared>, Path(name): Path<String>, query: Query) -> Answer {
    let (force, prune) = (query.flag("force"), !query.flag("noprune"));
    if name.trim().is_empty() {
        return Err(ApiError::bad("image name cannot be blank"));
    }
    let lines = server.ask(move |engine| engine.remove_image(&name, force, prune)).await?;
    ok(&went(&lines))
}

/// `POST /images/prune`
pub(super) async fn prune(State(server): State<Shared>, query: Query) -> Answer {
    let filters = query.filters()?;
    filters.only(&["dangling", "label", "label!", "until"])?;
    let all = match filters.of("dangling") {
        [] => false,
        [one] if matches!(one.as_str(), "1" | "true") => false,
        [one] if matches!(one.as_str(), "0" | "false") => true,
        other => return Err(ApiError::bad(format!("invalid filter 'dangling=[{}]'", other.join(" ").escape_debug()))),
    };
    let pruned = server.ask(move |engine| engine.prune_images(all, &conditions(engine, &filters)?)).await?;
    let gone = if pruned.removed.is_empty() { Value::Null } else { went(&pruned.removed) };
    ok(&json!({ "ImagesDeleted": gone, "SpaceReclaimed": pruned.reclaimed }))
}

/// What every kind of prune may be narrowed by.
///
/// # Errors
/// A moment that is none, or two of them.
pub(crate) fn conditions(engine: &dyn Engine, filters: &Filters) -> drydock_core::Result<PruneFilters> {
    let own = filters.0.iter().filter(|(key, _)| ["label", "label!", "until"].contains(&key.as_str()));
    let pairs: Vec<(String, String)> = own.flat_map(|(key, values)| values.iter().map(move |v| (key.clone(), v.clone()))).collect();
    prune_filters(&pairs, &|text| moment(text, engine.now()))
}

/// `Untagged: busybox:latest` as an object.
fn went(lines: &[String]) -> Value {
    let one = |line: &String| {
        let (what, name) = line.split_once(": ").unwrap_or(("Deleted", line));
        let key = if what.eq_ignore_ascii_case("untagged") { "Untagged" } else { "Deleted" };
        json!({ key: name })
    };
    lines.iter().map(one).collect()
}

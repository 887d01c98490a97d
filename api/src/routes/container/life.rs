//! A container's life: start, stop, kill and the like, and its removal.

use super::{prune_filters, signal};
use crate::body;
use crate::error::{Answer, ApiError};
use crate::query::Query;
use crate::server::{Server, Shared};
use crate::stream::{empty, ok};
use crate::version::ApiVersion;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use drydock_core::container::Status;
use drydock_core::docker::body::container_update;
use drydock_core::engine::{Engine, RemoveOptions};
use drydock_core::kernel::Signal;
use drydock_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

/// `POST /containers/{id}/start`: 304 where it runs already. Whoever attached before is joined to its first byte.
pub(super) async fn start(State(server): State<Shared>, Path(id): Path<String>) -> Answer {
    let started = server.clone().ask(move |engine| begin(&server, engine, &id)).await?;
    empty(if started { StatusCode::NO_CONTENT } else { StatusCode::NOT_MODIFIED })
}

fn begin(server: &Server, engine: &dyn Engine, name: &str) -> Result<bool> {
    let record = engine.container(name)?;
    if record.state.status == Status::Running {
        return Ok(false);
    }
    let id = record.id.as_str();
    let waiting = server.pending.take(id);
    let attaches: Vec<_> = waiting.iter().map(|w| w.attach.clone()).collect();
    // Dropping those who wait, where nothing was started, tells them.
    let Some(joined) = engine.start_joined(name, &attaches)? else { return Ok(false) };
    for (waiting, attachment) in waiting.into_iter().zip(joined) {
        // One who left meanwhile takes no connection.
        let _ = waiting.tell.send(attachment);
    }
    Ok(true)
}

/// How long to wait before SIGKILL.
fn grace(query: &Query) -> Result<Option<i64>, ApiError> {
    query.number("t")
}

/// `POST /containers/{id}/stop`: 304 where it does not run.
pub(super) async fn stop(State(server): State<Shared>, Path(id): Path<String>, query: Query) -> Answer {
    let (signal, grace) = (signal(&query)?, grace(&query)?);
    let stopped = server.ask(move |engine| {
        let runs = matches!(engine.container(&id)?.state.status, Status::Running | Status::Paused | Status::Restarting);
        if runs { engine.stop(&id, signal, grace).map(|()| true) } else { Ok(false) }
    });
    empty(if stopped.await? { StatusCode::NO_CONTENT } else { StatusCode::NOT_MODIFIED })
}

/// `POST /containers/{id}/restart`
pub(super) async fn restart(State(server): State<Shared>, Path(id): Path<String>, query: Query) -> Answer {
    let (signal, grace) = (signal(&query)?, grace(&query)?);
    server.ask(move |engine| engine.restart(&id, signal, grace)).await?;
    empty(StatusCode::NO_CONTENT)
}

/// `POST /containers/{id}/kill`
pub(super) async fn kill(State(server): State<Shared>, Path(id): Path<String>, query: Query) -> Answer {
    let signal = signal(&query)?.unwrap_or(Signal::KILL);
    server
        .ask(move |engine| {
            engine.kill(&id, signal)?;
            // A client that killed it finds it dead.
            if signal == Signal::KILL {
                match engine.wait(&id, Some(std::time::Duration::from_secs(10))) {
                    Err(e) if !matches!(e.kind(), ErrorKind::TimedOut | ErrorKind::NotFound) => return Err(e),
                    _ => {}
                }
            }
            Ok(())
        })
        .await?;
    empty(StatusCode::NO_CONTENT)
}

/// `POST /containers/{id}/pause`
pub(super) async fn pause(State(server): State<Shared>, Path(id): Path<String>) -> Answer {
    server.ask(move |engine| engine.pause(&id)).await?;
    empty(StatusCode::NO_CONTENT)
}

/// `POST /containers/{id}/unpause`
pub(super) async fn unpause(State(server): State<Shared>, Path(id): Path<String>) -> Answer {
    server.ask(move |engine| engine.unpause(&id)).await?;
    empty(StatusCode::NO_CONTENT)
}

/// `POST /containers/{id}/rename`
pub(super) async fn rename(State(server): State<Shared>, Path(id): Path<String>, query: Query) -> Answer {
    let asked = query.get("name");
    // Of a slash alone the refusal says that it is no name, not that nothing was said.
    let new = if asked.trim_start_matches('/').is_empty() { asked } else { asked.trim_start_matches('/') }.to_owned();
    server
        .ask(move |engine| {
            if new.is_empty() {
                return Err(Error::invalid("Neither old nor new names may be empty"));
            }
            engine.rename(&id, &new)
        })
        .await?;
    empty(StatusCode::NO_CONTENT)
}

/// `POST /containers/{id}/update`
pub(super) async fn update(
    State(server): State<Shared>,
    Path(id): Path<String>,
    version: ApiVersion,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let mut asked: Value = body::json(&headers, body).await?;
    match asked.get_mut("PidsLimit") {
        // Clients before 1.40 send it without meaning it.
        Some(most) if !version.since(40) => *most = Value::Null,
        // Zero and less takes the limit away.
        Some(most) if most.as_i64().is_some_and(|most| most <= 0) => *most = json!(-1),
        _ => {}
    }
    let change = container_update(asked)?;
    server.ask(move |engine| engine.update(&id, &change)).await?;
    ok(&json!({ "Warnings": [] }))
}

/// `DELETE /containers/{id}`
pub(super) async fn remove(State(server): State<Shared>, Path(id): Path<String>, query: Query) -> Answer {
    if query.flag("link") {
        return Err(ApiError::bad(format!("Cannot get parent link for {}: there are no links", id.escape_debug())));
    }
    let options = RemoveOptions { force: query.flag("force"), volumes: query.flag("v") };
    let shared = server.clone();
    server
        .ask(move |engine| {
            let full = engine.container(&id)?.id;
            engine.remove(&id, options)?;
            // Nobody starts it any more.
            drop(shared.pending.take(full.as_str()));
            Ok(())
        })
        .await?;
    empty(StatusCode::NO_CONTENT)
}

/// `POST /containers/prune`
pub(super) async fn prune(State(server): State<Shared>, query: Query) -> Answer {
    let filters = prune_filters(&server, &query)?;
    let pruned = server.ask(move |engine| engine.prune_containers(&filters)).await?;
    let removed = if pruned.removed.is_empty() { Value::Null } else { json!(pruned.removed) };
    ok(&json!({ "ContainersDeleted": removed, "SpaceReclaimed": pruned.reclaimed }))
}

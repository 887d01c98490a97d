//! Files of a container: `/changes`, `/export` and `/archive`.

use crate::body::BodyReader;
use crate::error::{Answer, ApiError};
use crate::query::Query;
use crate::server::Shared;
use crate::stream::{Late, empty, ok, streamed};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use drydock_core::engine::{Engine, PathStat};
use drydock_core::image::changeset::ChangeKind;
use drydock_core::time::Timestamp;
use drydock_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use std::io::Read as _;

/// The header that says what is at a path.
const STAT: &str = "x-docker-container-path-stat";

/// `GET /containers/{id}/changes`
pub(super) async fn changes(State(server): State<Shared>, Path(id): Path<String>) -> Answer {
    let all = server.ask(move |engine| engine.diff(&id)).await?;
    let kind = |kind: &ChangeKind| match kind {
        ChangeKind::Changed => 0,
        ChangeKind::Added => 1,
        ChangeKind::Deleted => 2,
    };
    let list: Value = all.iter().map(|c| json!({ "Path": c.path, "Kind": kind(&c.kind) })).collect();
    ok(if all.is_empty() { &Value::Null } else { &list })
}

/// `GET /containers/{id}/export`
pub(super) async fn export(State(server): State<Shared>, Path(id): Path<String>) -> Answer {
    streamed(&server, "application/x-tar", Late::Cut, move |engine, writer| engine.export(&id, writer)).await
}

/// Go's bits of a file's mode.
fn mode(stat: &PathStat) -> u32 {
    let kind = match stat.kind {
        'd' => 1 << 31,
        'l' => 1 << 27,
        'b' => 1 << 26,
        'c' => (1 << 26) | (1 << 21),
        'p' => 1 << 25,
        's' => 1 << 24,
        _ => 0,
    };
    let special = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    let special = special.into_iter().filter(|(bit, _)| stat.mode & bit != 0).fold(0, |all, (_, bit)| all | bit);
    kind | special | (stat.mode & 0o777)
}

/// What a stat looks like in its header. A link says the path that it means from the container's root.
fn described(stat: &PathStat, path: &str) -> String {
    let (seconds, nanoseconds) = stat.mtime;
    let since = u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(u64::from(nanoseconds));
    let target = match stat.link.as_str() {
        "" => String::new(),
        link if link.starts_with('/') => link.to_owned(),
        link => joined(path, link),
    };
    let object = json!({
        "name": stat.name,
        "size": if stat.kind == 'd' { 4096 } else { stat.size },
        "mode": mode(stat),
        "mtime": Timestamp(since).rfc3339(),
        "linkTarget": target,
    });
    base64::engine::general_purpose::STANDARD.encode(object.to_string())
}

/// A path relative to the directory of another.
fn joined(path: &str, link: &str) -> String {
    let above = path.trim_end_matches('/').rsplit_once('/').map_or("", |(above, _)| above);
    let mut names: Vec<&str> = Vec::new();
    for name in above.split('/').chain(link.split('/')) {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

/// The path that is asked for, from the root.
fn path(query: &Query) -> std::result::Result<String, ApiError> {
    match query.get("path") {
        "" => Err(ApiError::bad("bad parameter: 'path' cannot be empty")),
        path if path.starts_with('/') => Ok(path.to_owned()),
        path => Ok(format!("/{path}")),
    }
}

/// A path that ends like a directory means what its last link leads to.
fn follows(path: &str) -> bool {
    path.ends_with('/') || path.ends_with("/.")
}

fn stat(engine: &dyn Engine, id: &str, path: &str) -> Result<(String, PathStat)> {
    let stat = engine.stat_path(id, path, follows(path)).map_err(|e| no_directory(engine, id, path, e))?;
    Ok((described(&stat, path), stat))
}

/// The words for a path that ends as a directory's does and is a file's.
fn no_directory(engine: &dyn Engine, id: &str, path: &str, error: Error) -> Error {
    let file = path.trim_end_matches("/.").trim_end_matches('/');
    if error.kind() == ErrorKind::NotFound && file.len() < path.len() && engine.stat_path(id, file, true).is_ok_and(|s| !s.is_dir()) {
        return Error::invalid(format!("{}: not a directory", path.escape_debug()));
    }
    error
}

fn with_stat(mut response: Response, header: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(header) {
        response.headers_mut().insert(STAT, value);
    }
    response
}

/// `HEAD /containers/{id}/archive`
pub(super) async fn head(State(server): State<Shared>, Path(id): Path<String>, query: Query) -> Answer {
    let path = path(&query)?;
    let (header, _) = server.ask(move |engine| stat(engine, &id, &path)).await?;
    Ok(with_stat(empty(StatusCode::OK)?, &header))
}

/// `GET /containers/{id}/archive`
pub(super) async fn get(State(server): State<Shared>, Path(id): Path<String>, query: Query) -> Answer {
    let path = path(&query)?;
    let (name, place) = (id.clone(), path.clone());
    let (header, _) = server.ask(move |engine| stat(engine, &name, &place)).await?;
    let response = streamed(&server, "application/x-tar", Late::Cut, move |engine, writer| {
        let mut archive = engine.copy_out(&id, &path, follows(&path), None)?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n =
                archive.read(&mut buffer).map_err(|e| Error::new(ErrorKind::System, "the container's files cannot be read").source(e))?;
            if n == 0 {
                return Ok(());
            }
            let piece = bytes::Bytes::copy_from_slice(buffer.get(..n).unwrap_or_default());
            writer.send(piece).map_err(|e| Error::new(ErrorKind::Interrupted, "the client went away").source(e))?;
        }
    });
    Ok(with_stat(response.await?, &header))
}

/// `PUT /containers/{id}/archive`
pub(super) async fn put(State(server): State<Shared>, Path(id): Path<String>, query: Query, body: Body) -> Answer {
    let path = path(&query)?;
    let as_user = query.flag("copyUIDGID");
    let mut archive = BodyReader::new(body);
    let put = move |engine: &dyn Engine| {
        let copied = engine.copy_in(&id, &path, &mut archive, as_user);
        copied.map_err(|e| archive.blame(no_directory(engine, &id, &path, e)))
    };
    server.ask(put).await?;
    empty(StatusCode::OK)
}

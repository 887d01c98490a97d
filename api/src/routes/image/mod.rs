//! Images. Names have slashes in them, so the operations on one image are told by how the path ends.

mod archive;
mod change;
pub(crate) use change::conditions;
mod commit;
mod list;
mod transfer;

use crate::error::{Answer, ApiError};
use crate::query::Query;
use crate::server::{Server, Shared};
use crate::stream::ok;
use crate::version::ApiVersion;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use drydock_core::docker;
use drydock_core::image::reference::Reference;
use serde_json::{Value, json};

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/images/json", get(list::list))
        .route("/images/create", post(transfer::create))
        .route("/images/search", get(transfer::search))
        .route("/images/get", get(archive::get))
        .route("/images/load", post(archive::load))
        .route("/images/prune", post(change::prune))
        .route("/images/{*rest}", get(one).post(act).delete(change::remove))
        .route("/commit", post(commit::commit))
}

/// What is asked about one image.
async fn one(State(server): State<Shared>, Path(rest): Path<String>, version: ApiVersion, query: Query, headers: HeaderMap) -> Answer {
    if let Some(name) = rest.strip_suffix("/json") {
        return inspect(&server, name, version, &headers).await;
    }
    if let Some(name) = rest.strip_suffix("/history") {
        let name = name.to_owned();
        let steps = server.ask(move |engine| engine.history(&name)).await?;
        return ok(&steps.iter().map(docker::past).collect());
    }
    match rest.strip_suffix("/get") {
        Some(name) => archive::save(&server, vec![name.to_owned()], &query).await,
        None => Err(ApiError::no_page()),
    }
}

/// What is done with one image.
async fn act(State(server): State<Shared>, Path(rest): Path<String>, query: Query, headers: HeaderMap, _: Body) -> Answer {
    if let Some(name) = rest.strip_suffix("/tag") {
        return change::tag(&server, name, &query).await;
    }
    match rest.strip_suffix("/push") {
        Some(name) => transfer::push(&server, name, &query, &headers).await,
        None => Err(ApiError::no_page()),
    }
}

/// `GET /images/NAME/json`
async fn inspect(server: &Server, name: &str, version: ApiVersion, headers: &HeaderMap) -> Answer {
    let name = name.to_owned();
    // docker-compose 1 asks in whatever version the server has, and cannot make a container anew without what went with 1.45.
    let agent = headers.get(axum::http::header::USER_AGENT).and_then(|value| value.to_str().ok());
    let old_compose = agent.is_some_and(|agent| agent.starts_with("docker-compose/1."));
    let record = server.ask(move |engine| engine.image(&name)).await?;
    let mut object = docker::image(&record);
    if let Value::Object(fields) = &mut object {
        if !version.since(44) {
            fields.insert("VirtualSize".to_owned(), json!(record.size));
        }
        if !version.since(45) || old_compose {
            fields.insert("Container".to_owned(), json!(""));
            let config = fields.get("Config").cloned().unwrap_or(Value::Null);
            fields.insert("ContainerConfig".to_owned(), config);
        }
    }
    ok(&object)
}

/// `repo` and `tag` of a query as one reference; empty where there is no `repo`.
///
/// # Errors
/// Docker's words for what is no reference.
fn repository_and_tag(repo: &str, tag: &str) -> Result<String, ApiError> {
    if repo.is_empty() {
        return Ok(String::new());
    }
    let reference = Reference::parse(repo)?;
    if reference.digest.is_some() {
        return Err(ApiError::bad("cannot import digest reference"));
    }
    let repository = reference.repository();
    let full = match tag {
        "" => format!("{repository}:{}", reference.tag.as_deref().unwrap_or(drydock_core::image::reference::DEFAULT_TAG)),
        tag => format!("{repository}:{tag}"),
    };
    Reference::parse(&full)?;
    Ok(full)
}

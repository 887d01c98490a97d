//! `POST /containers/create`

use crate::body;
use crate::error::{Answer, ApiError};
use crate::query::Query;
use crate::server::Shared;
use crate::stream::json_answer;
use crate::version::ApiVersion;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use drydock_core::docker::body::container_config;
use serde_json::{Value, json};

/// Makes a container. What of it Docker's clients send and nobody knows is passed over.
pub(super) async fn create(State(server): State<Shared>, version: ApiVersion, query: Query, headers: HeaderMap, body: Body) -> Answer {
    let mut asked: Value = body::json(&headers, body).await?;
    platform(&server, query.get("platform"))?;
    if let Some(host) = asked.get_mut("HostConfig").and_then(Value::as_object_mut) {
        // Clients before 1.40 expect what was the default then.
        if !version.since(40) && host.get("IpcMode").and_then(Value::as_str).unwrap_or_default().is_empty() {
            host.insert("IpcMode".to_owned(), "shareable".into());
        }
        // Zero and less is no limit.
        if host.get("PidsLimit").and_then(Value::as_i64).is_some_and(|most| most <= 0) {
            host.insert("PidsLimit".to_owned(), Value::Null);
        }
        linked(&server, host.get("Links")).await?;
        for from in host.get("VolumesFrom").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if from.is_empty() {
                // The engine has words for that.
                continue;
            }
            let name = from.split(':').next().unwrap_or(from).to_owned();
            let there = server.ask(move |engine| engine.container(&name)).await;
            if let Err(missing) = there {
                return Err(missing.with_status(StatusCode::BAD_REQUEST));
            }
        }
    }
    let config = container_config(asked, query.given("name"))?;
    let id = server.ask(move |engine| engine.create(&config)).await?;
    Ok(json_answer(StatusCode::CREATED, &json!({ "Id": id.as_str(), "Warnings": [] })))
}

/// Refuses links to containers that there are not, in Docker's words; other links are refused as what there is not.
async fn linked(server: &Shared, links: Option<&Value>) -> Result<(), ApiError> {
    for link in links.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        let name = link.split(':').next().unwrap_or(link).to_owned();
        let shown = name.escape_debug().to_string();
        if server.ask(move |engine| engine.container(&name)).await.is_err() {
            return Err(ApiError::bad(format!("could not get container for {shown}: No such container: {shown}")));
        }
    }
    Ok(())
}

/// Refuses a platform that this host is not.
fn platform(server: &Shared, asked: &str) -> Result<(), ApiError> {
    if asked.is_empty() {
        return Ok(());
    }
    let mut parts = asked.split('/');
    let (os, machine) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if os != "linux" {
        let words = format!("\"{}\": unknown operating system or architecture: invalid argument", asked.escape_debug());
        return Err(ApiError::new(StatusCode::NOT_FOUND, words));
    }
    let own = server.engine.facts().architecture;
    let same = |name: &str| match name {
        "x86_64" | "x86-64" => "amd64".to_owned(),
        "aarch64" => "arm64".to_owned(),
        other => other.to_owned(),
    };
    if machine.is_empty() || same(machine) == same(&own) {
        return Ok(());
    }
    let shown = asked.escape_debug();
    Err(ApiError::new(StatusCode::NOT_FOUND, format!("image was found but does not match the specified platform: wanted {shown}")))
}

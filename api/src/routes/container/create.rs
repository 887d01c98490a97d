//! `POST /containers/create`

use crate::body;
use crate::error::{Answer, ApiError};
use crate::query::Query;
use crate::server::Shared;
use crate::stream::json_answer;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use drydock_core::docker::body::container_config;
use serde_json::{Value, json};

/// Makes a container. What of it Docker's clients send and nobody knows is passed over.
pub(super) async fn create(State(server): State<Shared>, query: Query, headers: HeaderMap, body: Body) -> Answer {
    let asked: Value = body::json(&headers, body).await?;
    platform(&server, query.get("platform"))?;
    let config = container_config(asked, query.given("name"))?;
    let id = server.ask(move |engine| engine.create(&config)).await?;
    Ok(json_answer(StatusCode::CREATED, &json!({ "Id": id.as_str(), "Warnings": [] })))
}

/// Refuses a platform that this host is not.
fn platform(server: &Shared, asked: &str) -> Result<(), ApiError> {
    if asked.is_empty() {
        return Ok(());
    }
    let mut parts = asked.split('/');
    let (os, machine) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if os != "linux" {
        return Err(ApiError::bad(format!("\"{}\": unknown operating system or architecture: invalid argument", asked.escape_debug())));
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

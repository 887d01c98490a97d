//! What registries say about an image.

use crate::auth;
use crate::error::{Answer, ApiError};
use crate::server::Shared;
use crate::stream::ok;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use serde_json::{Value, json};

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new().route("/distribution/{*rest}", get(inspect))
}

/// `GET /distribution/NAME/json`
async fn inspect(State(server): State<Shared>, Path(rest): Path<String>, headers: HeaderMap) -> Answer {
    let Some(name) = rest.strip_suffix("/json").map(str::to_owned) else { return Err(ApiError::no_page()) };
    let access = auth::access(&headers, &server.settings);
    let own = server.ask(|engine| Ok(engine.facts().architecture)).await?;
    // Whoever may not look is not told whether there is anything to see.
    let manifest = server.ask(move |engine| engine.remote_manifest(&name, &access)).await.map_err(|e| match e.status() {
        StatusCode::FORBIDDEN => e.with_status(StatusCode::UNAUTHORIZED),
        _ => e,
    })?;
    let document: Value = serde_json::from_slice(&manifest.bytes).unwrap_or(Value::Null);
    let platforms: Vec<Value> = match document.get("manifests").and_then(Value::as_array) {
        Some(all) => all.iter().filter_map(|m| m.get("platform").cloned()).collect(),
        // A manifest of its own does not say; its configuration would, and the engine pulls for its own platform.
        None => vec![json!({ "architecture": own, "os": "linux" })],
    };
    ok(&json!({
        "Descriptor": { "mediaType": manifest.media_type, "digest": manifest.digest.as_str(), "size": manifest.bytes.len() },
        "Platforms": platforms,
    }))
}

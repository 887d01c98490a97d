//! What is off here, as on an engine that is in no swarm and has no plugins.

use crate::error::{Answer, ApiError};
use crate::server::Shared;
use crate::stream::ok;
use axum::Router;
use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::routing::{any, get};
use serde_json::json;

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    let mut router = Router::new()
        .route("/plugins", get(async || ok(&json!([]))))
        .route("/plugins/{*rest}", any(plugin))
        .route("/swarm", get(inactive))
        .route("/swarm/{action}", any(swarm));
    for collection in ["/nodes", "/services", "/tasks", "/secrets", "/configs"] {
        router = router.route(collection, get(inactive)).route(&format!("{collection}/{{*rest}}"), any(inactive));
    }
    router
}

/// Docker's words.
async fn inactive() -> Answer {
    Err(ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.",
    ))
}

async fn swarm(Path(action): Path<String>, method: Method) -> Answer {
    match (method, action.as_str()) {
        (Method::POST, "init" | "join") => Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, "this engine has no swarm mode")),
        (Method::POST, "leave") => Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "This node is not part of a swarm")),
        (Method::POST, "update" | "unlock") | (Method::GET, "unlockkey") => inactive().await,
        _ => Err(ApiError::no_page()),
    }
}

async fn plugin(Path(rest): Path<String>, method: Method) -> Answer {
    let (name, action) = rest.rsplit_once('/').unwrap_or((rest.as_str(), ""));
    let missing = |name: &str| Err(ApiError::new(StatusCode::NOT_FOUND, format!("plugin \"{}\" not found", name.escape_debug())));
    match (method, action) {
        (Method::GET, "json") | (Method::POST, "enable" | "disable" | "upgrade" | "push" | "set") => missing(name),
        (Method::DELETE, _) => missing(&rest),
        _ if matches!(rest.as_str(), "privileges" | "pull" | "create") => {
            Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, "this engine has no plugins"))
        }
        _ => Err(ApiError::no_page()),
    }
}

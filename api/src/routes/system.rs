//! The engine itself: ping and version.

use crate::error::Answer;
use crate::server::Shared;
use crate::stream::ok;
use crate::version::{NEWEST, OLDEST};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::json;

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new().route("/_ping", get(ping)).route("/version", get(version))
}

/// `GET` and `HEAD /_ping`: `OK`, and in the headers what a client needs to agree on a version.
async fn ping(method: Method) -> Response {
    let mut response = if method == Method::HEAD { "" } else { "OK" }.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    // The builder of `POST /build`; clients that find a 2 here insist on BuildKit's own protocol.
    headers.insert("builder-version", HeaderValue::from_static("1"));
    headers.insert("swarm", HeaderValue::from_static("inactive"));
    response
}

/// `GET /version`
async fn version(State(server): State<Shared>) -> Answer {
    let facts = server.ask(|engine| Ok(engine.facts())).await?;
    let version = env!("CARGO_PKG_VERSION");
    ok(&json!({
        "Platform": { "Name": "Drydock" },
        "Components": [{
            "Name": "Engine",
            "Version": version,
            "Details": {
                "ApiVersion": NEWEST.to_string(), "Arch": facts.architecture, "Experimental": "false", "Host": facts.host,
                "KernelVersion": facts.release, "MinAPIVersion": OLDEST.to_string(), "Os": "linux",
            },
        }],
        "Version": version,
        "ApiVersion": NEWEST.to_string(),
        "MinAPIVersion": OLDEST.to_string(),
        "GitCommit": "",
        "GoVersion": "",
        "Os": "linux",
        "Arch": facts.architecture,
        "KernelVersion": facts.release,
        "BuildTime": "",
    }))
}

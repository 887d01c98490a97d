//! The engine itself: ping, version, info, what is on disk, and whether a registry knows somebody.

use crate::auth::AuthConfig;
use crate::body;
use crate::error::{Answer, ApiError};
use crate::query::Query;
use crate::server::Shared;
use crate::stream::ok;
use crate::version::{ApiVersion, NEWEST, OLDEST};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use drydock_core::docker;
use drydock_core::engine::DiskUsage;
use drydock_core::registry::endpoint;
use serde_json::{Value, json};

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/_ping", get(ping))
        .route("/version", get(version))
        .route("/info", get(info))
        .route("/auth", post(auth))
        .route("/system/df", get(disk))
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

/// `GET /info`
async fn info(State(server): State<Shared>) -> Answer {
    let (info, now) = server.ask(|engine| Ok((engine.info()?, engine.now()))).await?;
    let mut object = docker::info(&info, now, server.settings.debug);
    if let Value::Object(fields) = &mut object {
        fields.insert("Labels".to_owned(), json!(server.settings.labels));
        let cidrs = std::iter::once("127.0.0.0/8").chain(server.settings.insecure_registries.iter().map(String::as_str));
        if let Some(Value::Object(registries)) = fields.get_mut("RegistryConfig") {
            registries.insert("InsecureRegistryCIDRs".to_owned(), cidrs.filter(|name| name.contains('/')).collect());
            // As Docker lists them: each ends with a slash.
            let mirrors =
                server.settings.registry_mirrors.iter().map(|m| json!(format!("{}/", m.trim_end_matches('/')))).collect::<Vec<_>>();
            if let (false, Some(hub)) = (mirrors.is_empty(), registries.get_mut("IndexConfigs").and_then(|all| all.get_mut("docker.io"))) {
                hub["Mirrors"] = json!(mirrors);
                registries.insert("Mirrors".to_owned(), json!(mirrors));
            }
        }
    }
    ok(&object)
}

/// `POST /auth`
async fn auth(State(server): State<Shared>, headers: HeaderMap, body: Body) -> Answer {
    let config: AuthConfig = body::json(&headers, body).await?;
    let host = endpoint::server(config.serveraddress.as_deref().unwrap_or_default());
    let access = server.settings.access(config.credentials());
    server.ask(move |engine| engine.login(&host, &access)).await.map_err(|e| match e.status() {
        StatusCode::FORBIDDEN => e.with_status(StatusCode::UNAUTHORIZED),
        _ => e,
    })?;
    ok(&json!({ "Status": "Login Succeeded", "IdentityToken": "" }))
}

/// `GET /system/df`
async fn disk(State(server): State<Shared>, version: ApiVersion, query: Query) -> Answer {
    let mut kinds = query.all("type");
    if let Some(wrong) = kinds.iter().find(|k| !["container", "image", "volume", "build-cache"].contains(&k.as_str())) {
        return Err(ApiError::bad(format!("unknown object type: {}", wrong.escape_debug())));
    }
    if !version.since(42) {
        kinds.clear();
    }
    let wants = move |kind: &str| kinds.is_empty() || kinds.iter().any(|k| k == kind);
    let object = server
        .ask(move |engine| {
            let usage: DiskUsage = engine.disk_usage()?;
            let (facts, now) = (engine.facts(), engine.now());
            let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
            let images = usage.images.iter().map(|one| docker::listed_image(&one.image, signed(one.shared), signed(one.containers)));
            let containers = usage.containers.iter().map(|(summary, sizes)| {
                let mut summary = summary.clone();
                summary.sizes = Some(*sizes);
                docker::listed_container(&summary, &facts, now)
            });
            let cache = if wants("build-cache") { engine.build_cache()? } else { Vec::new() };
            let cache = cache.iter().map(|entry| {
                json!({
                    "ID": entry.id, "Type": entry.kind, "Description": entry.description, "InUse": false, "Shared": entry.shared,
                    "Size": entry.size, "CreatedAt": entry.created.rfc3339(), "LastUsedAt": entry.used.rfc3339(), "UsageCount": 1,
                    "Parents": [],
                })
            });
            let list = |kind: &str, all: Vec<Value>| if wants(kind) { Value::Array(all) } else { Value::Null };
            Ok(json!({
                "LayersSize": if wants("image") { usage.layers } else { 0 },
                "Images": list("image", images.collect()),
                "Containers": list("container", containers.collect()),
                "Volumes": list("volume", super::volume::used(engine, &usage)?),
                "BuildCache": list("build-cache", cache.collect()),
            }))
        })
        .await?;
    ok(&object)
}

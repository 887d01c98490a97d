//! Builds and their cache.

mod lines;

use crate::auth;
use crate::body::BodyReader;
use crate::error::{Answer, ApiError};
use crate::query::Query;
use crate::server::Shared;
use crate::stream::{Late, empty, ok, streamed};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use drydock_core::build::cache::CacheFrom;
use drydock_core::build::request::{BuildRequest, Surface};
use drydock_core::container::NetworkMode;
use drydock_core::engine::PruneCache;
use drydock_core::image::decompress;
use drydock_core::limits::units::parse_duration;
use drydock_core::registry::platform::Platform;
use drydock_core::{Error, ErrorKind};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/build", post(build))
        .route("/build/prune", post(prune))
        .route("/build/cancel", post(cancel))
        .route("/session", post(session))
}

/// `POST /build`: the classic builder's requests and words, over the same builder as the command line's.
async fn build(State(server): State<Shared>, query: Query, headers: HeaderMap, body: Body) -> Answer {
    let mut request = request(&query)?;
    if !request.platform.is_empty() {
        Platform::parse(&request.platform, &server.engine.facts().architecture)?;
    }
    request.access = auth::access_by_host(&headers, &server.settings);
    let quiet = query.flag("q");
    let mut reader = BodyReader::new(body);
    streamed(&server, "application/json", Late::Line, move |engine, writer| {
        let tags = request.tags.clone();
        let told = lines::Lines::new(writer, quiet);
        let built = decompress(&mut reader).and_then(|mut context| {
            let surface = Surface::plain(&mut *context, &told);
            engine.build(&request, surface)
        });
        let (writer, lost) = told.end(built.as_ref().ok().and_then(|built| built.image.as_ref()));
        let built = built.map_err(|e| reader.blame(lines::in_dockers_words(e)))?;
        if lost {
            return Err(Error::new(ErrorKind::Interrupted, "the client went away"));
        }
        let id = built.image.as_ref().map(|id| id.as_str()).unwrap_or_default();
        let mut say =
            |object: &Value| writer.line(object).map_err(|e| Error::new(ErrorKind::Interrupted, "the client went away").source(e));
        if quiet {
            return say(&json!({ "stream": format!("{id}\n") }));
        }
        say(&json!({ "aux": { "ID": id } }))?;
        if !built.unused.is_empty() {
            let words = built.unused.join(" ");
            say(&json!({ "stream": format!("[Warning] One or more build-args [{words}] were not consumed\n") }))?;
        }
        let short = built.image.as_ref().map(|id| id.short()).unwrap_or_default();
        say(&json!({ "stream": format!("Successfully built {short}\n") }))?;
        for tag in tags {
            let reference = drydock_core::image::reference::Reference::parse(&tag)?;
            say(&json!({ "stream": format!("Successfully tagged {}\n", reference.familiar()) }))?;
        }
        Ok(())
    })
    .await
}

/// The parameters as the engine's request.
fn request(query: &Query) -> Result<BuildRequest, ApiError> {
    if query.get("version") == "2" {
        return Err(ApiError::bad("this engine has the classic builder: set DOCKER_BUILDKIT=0"));
    }
    if !query.get("remote").is_empty() {
        return Err(Error::unsupported("a build context from an address").into());
    }
    if query.flag("squash") {
        return Err(ApiError::bad("squash is only supported with experimental mode"));
    }
    let network = match query.get("networkmode") {
        "" | "default" => None,
        "none" => Some(NetworkMode::None),
        "host" => Some(NetworkMode::Host),
        name => Some(match name.strip_prefix("container:") {
            Some(container) => NetworkMode::Container(container.to_owned()),
            None => NetworkMode::Named(name.to_owned()),
        }),
    };
    let caches: Vec<String> = parameter(query, "cachefrom")?;
    let arguments: BTreeMap<String, Option<String>> = parameter(query, "buildargs")?;
    let ulimits: Vec<Ulimit> = parameter(query, "ulimits")?;
    let positive = |name: &str| Ok::<_, ApiError>(query.number(name)?.filter(|n| *n > 0).and_then(|n| u64::try_from(n).ok()));
    let file = query.get("dockerfile");
    Ok(BuildRequest {
        file: if file.is_empty() { "Dockerfile".to_owned() } else { file.to_owned() },
        tags: query.all("t").into_iter().filter(|t| !t.is_empty()).collect(),
        arguments: arguments.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        labels: parameter(query, "labels")?,
        target: query.get("target").to_owned(),
        no_cache: query.flag("nocache"),
        cache_from: caches.into_iter().filter(|name| !name.is_empty()).map(CacheFrom::Image).collect(),
        pull: query.flag("pull"),
        network,
        platform: query.get("platform").to_owned(),
        extra_hosts: query.all("extrahosts").into_iter().filter(|h| !h.is_empty()).collect(),
        ulimits: ulimits.iter().map(|u| format!("{}={}:{}", u.name, u.soft, u.hard)).collect(),
        resources: drydock_core::limits::Resources { memory: positive("memory")?, ..Default::default() },
        shm_size: positive("shmsize")?,
        ..BuildRequest::default()
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ulimit {
    name: String,
    #[serde(default)]
    soft: i64,
    #[serde(default)]
    hard: i64,
}

/// A parameter that is JSON; what it is without being given, where it is empty or null.
fn parameter<T: serde::de::DeserializeOwned + Default>(query: &Query, name: &str) -> Result<T, ApiError> {
    let text = query.get(name);
    if text.is_empty() {
        return Ok(T::default());
    }
    let read: Result<Option<T>, _> = serde_json::from_str(text);
    read.map(Option::unwrap_or_default).map_err(|e| ApiError::bad(format!("error reading build {name}: {e}")))
}

/// `POST /build/prune`
async fn prune(State(server): State<Shared>, query: Query) -> Answer {
    let filters = query.filters()?;
    filters.only(&["until", "unused-for", "id", "type", "inuse", "shared", "private", "parent", "mutable", "immutable", "description"])?;
    let mut which = PruneCache { all: query.flag("all"), ..PruneCache::default() };
    for text in filters.of("until").iter().chain(filters.of("unused-for")) {
        let nanoseconds = parse_duration(text)?;
        which.unused_for = Some(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0)));
    }
    for name in ["keep-storage", "reserved-space"] {
        which.keep = which.keep.or(query.number(name)?.filter(|n| *n > 0).and_then(|n| u64::try_from(n).ok()));
    }
    let (gone, freed) = server.ask(move |engine| engine.prune_build_cache(&which)).await?;
    let ids: Vec<&str> = gone.iter().map(|entry| entry.id.as_str()).collect();
    let ids = if ids.is_empty() { Value::Null } else { json!(ids) };
    ok(&json!({ "CachesDeleted": ids, "SpaceReclaimed": freed }))
}

/// `POST /build/cancel`: only builds of BuildKit have an id to be cancelled by.
async fn cancel(query: Query) -> Answer {
    if query.get("id").is_empty() {
        return Err(ApiError::bad("build ID not provided"));
    }
    empty(StatusCode::OK)
}

/// `POST /session`: what BuildKit's clients open.
async fn session(headers: HeaderMap) -> Answer {
    match headers.get(header::UPGRADE).and_then(|value| value.to_str().ok()) {
        None => Err(ApiError::bad("no upgrade in the request")),
        Some(protocol) if !protocol.eq_ignore_ascii_case("h2c") => {
            Err(ApiError::bad(format!("protocol {} not supported", protocol.escape_debug())))
        }
        Some(_) => {
            Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, "this engine has the classic builder and no sessions: set DOCKER_BUILDKIT=0"))
        }
    }
}

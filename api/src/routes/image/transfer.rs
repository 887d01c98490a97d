//! Registries: pull, import, push, search.

use super::repository_and_tag;
use crate::auth;
use crate::body::BodyReader;
use crate::error::{Answer, ApiError};
use crate::progress;
use crate::query::Query;
use crate::server::{Server, Shared};
use crate::stream::{Late, ok, streamed};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use drydock_core::engine::ImportRequest;
use drydock_core::image::reference::Reference;
use drydock_core::registry::{PullRequest, PushRequest, SearchRequest};
use drydock_core::{Error, ErrorKind};
use serde_json::{Value, json};

/// `POST /images/create`: pulls, or makes an image of an archive.
pub(super) async fn create(State(server): State<Shared>, query: Query, headers: HeaderMap, body: Body) -> Answer {
    match (query.get("fromImage"), query.get("fromSrc")) {
        ("", "") => Err(ApiError::bad("one of fromImage and fromSrc is needed")),
        ("", source) => import(&server, source, &query, body).await,
        (image, _) => pull(&server, image, &query, &headers).await,
    }
}

async fn pull(server: &Server, image: &str, query: &Query, headers: &HeaderMap) -> Answer {
    let image = image.trim_end_matches(':');
    let tag = query.get("tag");
    let asked = match tag {
        "" => image.to_owned(),
        digest if digest.contains(':') => format!("{image}@{digest}"),
        tag => format!("{image}:{tag}"),
    };
    let reference = Reference::parse(&asked)?;
    // A name alone means every tag.
    let all_tags = reference.familiar_repository() == asked || reference.repository() == asked;
    let request = PullRequest {
        reference: asked,
        all_tags,
        platform: Some(query.get("platform").to_owned()).filter(|p| !p.is_empty()),
        access: auth::access(headers, &server.settings),
    };
    streamed(server, "application/json", Late::Line, move |engine, writer| {
        let pulled = engine.pull(&request, &mut |progress| {
            // The pull goes on without its audience, as Docker's does not: what is begun is of use to the next one.
            let _ = writer.line(&progress::object(&progress));
        });
        pulled.map(drop).map_err(not_there)
    })
    .await
}

/// A registry that lets nobody in and one that has nothing look alike from outside; Docker answers 404 for both.
fn not_there(error: Error) -> Error {
    if error.kind() == ErrorKind::Denied { error.with_kind(ErrorKind::NotFound) } else { error }
}

async fn import(server: &Server, source: &str, query: &Query, body: Body) -> Answer {
    let reference = repository_and_tag(query.get("repo"), query.get("tag"))?;
    let request = ImportRequest {
        reference,
        changes: query.all("changes"),
        message: query.get("message").to_owned(),
        platform: Some(query.get("platform").to_owned()).filter(|p| !p.is_empty()),
        address: if source == "-" { String::new() } else { source.to_owned() },
    };
    let mut reader = BodyReader::new(body);
    streamed(server, "application/json", Late::Line, move |engine, writer| {
        if !request.address.is_empty() {
            let _ = writer.line(&json!({ "status": format!("Downloading from {}", request.address) }));
        }
        let id = engine.import(&mut reader, &request).map_err(|e| reader.blame(e))?;
        // The image is there, whoever still listens.
        let _ = writer.line(&json!({ "status": id.as_str() }));
        Ok(())
    })
    .await
}

/// The platform of a push, which comes as JSON: since 1.46 an image of several can be pushed as one of them.
fn platform(text: &str) -> Result<Option<String>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let wanted: Value =
        serde_json::from_str(text).map_err(|e| ApiError::bad(format!("failed to parse platform: {}", e.to_string().escape_debug())))?;
    let words = ["os", "architecture", "variant"].map(|key| wanted.get(key).and_then(Value::as_str).unwrap_or_default());
    Ok(Some(words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("/")).filter(|name| !name.is_empty()))
}

/// `POST /images/NAME/push`
pub(super) async fn push(server: &Server, name: &str, query: &Query, headers: &HeaderMap) -> Answer {
    let tag = query.get("tag");
    let reference = Reference::parse(name)?;
    let all_tags = tag.is_empty() && (reference.familiar_repository() == name || reference.repository() == name);
    let asked = if tag.is_empty() { name.to_owned() } else { repository_and_tag(name, tag)? };
    let platform = platform(query.get("platform"))?;
    let access = auth::access(headers, &server.settings);
    let request = PushRequest { reference: asked, all_tags, platform, access };
    streamed(server, "application/json", Late::Line, move |engine, writer| {
        // Docker answers before it asks the registry: what is wrong comes as a line.
        engine.push(&request, &mut |progress| {
            let _ = writer.line(&progress::object(&progress));
            if let Some(aux) = progress::pushed(&progress.status) {
                let _ = writer.line(&aux);
            }
        })?;
        Ok(())
    })
    .await
}

/// `GET /images/search`
pub(super) async fn search(State(server): State<Shared>, query: Query, headers: HeaderMap) -> Answer {
    let filters = query.filters()?;
    filters.only(&["stars", "is-official", "is-automated"])?;
    let wrong = |key: &str, value: &str| ApiError::bad(format!("invalid filter '{key}=[{}]'", value.escape_debug()));
    let mut least = 0;
    for value in filters.of("stars") {
        least = least.max(value.parse::<u64>().map_err(|_| wrong("stars", value))?);
    }
    let truth = |key: &str| match filters.of(key).last().map(String::as_str) {
        None => Ok(None),
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(other) => Err(wrong(key, other)),
    };
    let (official, automated) = (truth("is-official")?, truth("is-automated")?);
    let limit = match query.number("limit")?.unwrap_or(0) {
        0 => 25,
        n @ 1..=100 => usize::try_from(n).unwrap_or(100),
        n => return Err(ApiError::bad(format!("limit {n} is outside the range of [1, 100]"))),
    };
    let term = query.get("term").to_owned();
    let access = auth::access(&headers, &server.settings);
    let mut found = server.ask(move |engine| engine.search(&SearchRequest { term, limit, access })).await?;
    // No image has been marked as automated for years (Docker 25: "always false").
    found.retain(|f| f.star_count >= least && official.is_none_or(|o| f.is_official == o) && automated != Some(true));
    let objects = found.iter().map(|f| {
        json!({
            "star_count": f.star_count, "is_official": f.is_official, "name": f.name, "is_automated": false,
            "description": f.description,
        })
    });
    ok(&Value::Array(objects.collect()))
}

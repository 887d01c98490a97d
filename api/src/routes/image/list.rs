//! `GET /images/json`

use crate::error::{Answer, ApiError};
use crate::query::{Filters, Query};
use crate::server::Shared;
use crate::stream::ok;
use crate::version::ApiVersion;
use axum::extract::State;
use drydock_core::docker::{self, time::moment};
use drydock_core::engine::{Engine, ImageSummary};
use drydock_core::id::ImageId;
use drydock_core::image::pattern::{fits, split_tag};
use drydock_core::{Error, Result};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const FILTERS: [&str; 6] = ["dangling", "label", "before", "since", "until", "reference"];

pub(super) async fn list(State(server): State<Shared>, version: ApiVersion, query: Query) -> Answer {
    let mut filters = query.filters()?;
    filters.only(&FILTERS)?;
    // Before filters there was a parameter of its own.
    if let (false, Some(pattern)) = (version.since(25), query.given("filter").filter(|f| !f.is_empty())) {
        filters.0.entry("reference".to_owned()).or_default().push(pattern.to_owned());
    }
    let dangling = match filters.of("dangling").last().map(String::as_str) {
        None => None,
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Some(true),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Some(false),
        Some(other) => return Err(ApiError::bad(format!("invalid filter 'dangling=[{}]'", other.escape_debug()))),
    };
    let (all, sizes) = (query.flag("all"), query.flag("shared-size"));
    let objects = server
        .ask(move |engine| {
            let images = select(engine, all, dangling, &filters)?;
            let shared: BTreeMap<ImageId, u64> = match sizes {
                false => BTreeMap::new(),
                true => engine.disk_usage()?.images.into_iter().map(|usage| (usage.image.id, usage.shared)).collect(),
            };
            let shared = |id: &ImageId| shared.get(id).map_or(-1, |bytes| i64::try_from(*bytes).unwrap_or(i64::MAX));
            Ok(images.iter().map(|image| object(image, shared(&image.id), version)).collect::<Vec<_>>())
        })
        .await?;
    ok(&Value::Array(objects))
}

/// One entry, as this version of the API has it.
pub(crate) fn object(image: &ImageSummary, shared: i64, version: ApiVersion) -> Value {
    let mut object = docker::listed_image(image, shared, -1);
    if let Value::Object(fields) = &mut object {
        if !version.since(44) {
            fields.insert("VirtualSize".to_owned(), json!(image.size));
        }
        if !version.since(43) && image.tags.is_empty() && image.digests.is_empty() {
            fields.insert("RepoTags".to_owned(), json!(["<none>:<none>"]));
            fields.insert("RepoDigests".to_owned(), json!(["<none>@<none>"]));
        }
    }
    object
}

fn select(engine: &dyn Engine, all: bool, dangling: Option<bool>, filters: &Filters) -> Result<Vec<ImageSummary>> {
    let mut images = engine.images()?;
    let created = |key: &str| filters.of(key).iter().map(|name| engine.image(name).map(|i| i.created)).collect::<Result<Vec<_>>>();
    let (before, since) = (created("before")?, created("since")?);
    let now = engine.now();
    let until = match filters.of("until") {
        [] => None,
        [one] => Some(moment(one, now)?),
        _ => return Err(Error::invalid("more than one until filter specified")),
    };
    let parents: BTreeSet<ImageId> = images.iter().filter_map(|i| i.parent.clone()).collect();
    images.retain(|i| {
        let bare = i.tags.is_empty() && i.digests.is_empty();
        // What other images were made from and nobody named is left out, unless all are asked for.
        (all || !bare || !parents.contains(&i.id))
            && dangling.is_none_or(|d| bare == d)
            && filters.of("label").iter().all(|wanted| match wanted.split_once('=') {
                Some((key, value)) => i.labels.get(key).is_some_and(|v| v == value),
                None => i.labels.contains_key(wanted),
            })
            && before.iter().all(|t| i.created < *t)
            && since.iter().all(|t| i.created > *t)
            && until.is_none_or(|t| i.created < t)
    });
    let patterns = filters.of("reference");
    if patterns.is_empty() {
        return Ok(images);
    }
    let wanted = |repository: &str, tag: &str| patterns.iter().any(|pattern| fits(pattern, repository, tag));
    for image in &mut images {
        // Only the names that were asked for are shown.
        image.tags.retain(|full| {
            let (repository, tag) = split_tag(full);
            wanted(repository, tag)
        });
        image.digests.retain(|full| full.split_once('@').is_some_and(|(repository, _)| wanted(repository, "<none>")));
    }
    images.retain(|i| !i.tags.is_empty() || !i.digests.is_empty());
    Ok(images)
}

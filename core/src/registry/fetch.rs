//! Reading manifests and lists. Whatever has a digest is held against it, and whatever says what it is against what it is.

use super::auth::Scope;
use super::client::{Call, Client, Refused, body};
use super::limits;
use super::request::RemoteManifest;
use super::transport::{Method, Response};
use super::url::Url;
use crate::error::{Error, Result};
use crate::id::Digest;
use crate::image::{Blob, manifest};
use serde::Deserialize;

/// The kinds of documents that are understood, in the order of preference.
const KINDS: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// Whether a document of this kind names other documents.
pub fn is_index(media_type: &str) -> bool {
    media_type.contains("image.index") || media_type.contains("manifest.list")
}

/// The address of a repository's thing: `/v2/NAME/manifests/latest`.
pub fn address(client: &Client<'_>, repository: &str, kind: &str, which: &str) -> Url {
    client.base().at(&format!("/v2/{repository}/{kind}/{which}"))
}

/// A manifest or index by tag or digest. `wanted`: what names it, if something does, with its size.
pub fn manifest(client: &Client<'_>, repository: &str, which: &str, wanted: Option<&Blob>) -> Result<RemoteManifest, Refused> {
    let scope = Scope::pull(repository);
    let mut call = Call::new(Method::Get, address(client, repository, "manifests", which), &scope);
    for kind in KINDS {
        call = call.header("Accept", kind);
    }
    let response = client.expect(&call, &[200])?;
    read_manifest(response, which, wanted).map_err(Refused::Error)
}

fn read_manifest(response: Response, which: &str, wanted: Option<&Blob>) -> Result<RemoteManifest> {
    let wrong = |what: String| Error::invalid(format!("invalid manifest for {which}: {what}"));
    let said = response.header("docker-content-digest").map(Digest::parse).transpose().map_err(|e| wrong(e.message().to_owned()))?;
    let kind = response.header("content-type").and_then(|t| t.split(';').next()).unwrap_or_default().trim().to_owned();
    if kind.starts_with("application/vnd.docker.distribution.manifest.v1") {
        return Err(wrong(format!("{kind} is of the first, abandoned kind")).hint("push the image again with a newer client"));
    }
    let bytes = body(response, limits::MANIFEST, "the manifest")?;
    let digest = Digest::of(&bytes);
    let by_digest = Digest::parse(which).ok();
    for (name, claimed) in
        [("its header says", said.as_ref()), ("it was asked for as", by_digest.as_ref()), ("an index names it", wanted.map(|w| &w.digest))]
    {
        if let Some(claimed) = claimed.filter(|claimed| **claimed != digest) {
            return Err(wrong(format!("its digest is {digest}, and {name} {claimed}")));
        }
    }
    if let Some(size) = wanted.map(|w| w.size).filter(|size| *size != bytes.len() as u64) {
        return Err(wrong(format!("it has {} bytes, and an index says {size}", bytes.len())));
    }
    let value = manifest::strict(&bytes)?;
    let own = value.get("mediaType").and_then(serde_json::Value::as_str);
    // Registries that serve files name no kind; then the document must say what it is.
    let media_type = if KINDS.contains(&kind.as_str()) { kind.clone() } else { own.unwrap_or_default().to_owned() };
    if !KINDS.contains(&media_type.as_str()) {
        return Err(wrong(format!("it is of the kind \"{}\", which is none of an image", super::problem::line(&kind))));
    }
    if own.is_some_and(|own| own != media_type) {
        return Err(wrong("its media type is not what it was sent as".to_owned()));
    }
    // Read as what it says it is, whoever reads it: a document that is both is refused (CVE-2021-41190).
    if is_index(&media_type) {
        manifest::index(&bytes)?;
    } else {
        manifest::manifest(&bytes)?;
    }
    Ok(RemoteManifest { media_type, digest, bytes })
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Catalogue {
    #[serde(default)]
    repositories: Option<Vec<String>>,
}

/// Every tag of a repository (distribution-spec "Listing Tags").
pub fn tags(client: &Client<'_>, repository: &str) -> Result<Vec<String>, Refused> {
    let scope = Scope::pull(repository);
    let first = client.base().at(&format!("/v2/{repository}/tags/list"));
    pages(client, first, &scope, limits::TAGS, &mut |bytes| {
        let page: Tags = serde_json::from_slice(bytes).map_err(|_| Error::invalid("the registry's list of tags cannot be read"))?;
        Ok(page.tags.unwrap_or_default())
    })
}

/// The registry's repositories, at most so many (the distribution project's "Listing Repositories").
pub fn catalogue(client: &Client<'_>, most: usize) -> Result<Vec<String>, Refused> {
    let scope = Scope(vec!["registry:catalog:*".to_owned()]);
    let first = client.base().at("/v2/_catalog?n=1000");
    pages(client, first, &scope, most, &mut |bytes| {
        let page: Catalogue = serde_json::from_slice(bytes).map_err(|_| Error::invalid("the registry's catalogue cannot be read"))?;
        Ok(page.repositories.unwrap_or_default())
    })
}

/// Follows `Link: <…>; rel="next"` (RFC 8288) until there is none, to no other host and never twice to the same page.
fn pages(
    client: &Client<'_>,
    first: Url,
    scope: &Scope,
    most: usize,
    read: &mut dyn FnMut(&[u8]) -> Result<Vec<String>>,
) -> Result<Vec<String>, Refused> {
    let endless = || Refused::Error(Error::invalid(format!("the registry's list at {} has no end", first.shown())));
    let mut all: Vec<String> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    let mut next = Some(first.clone());
    while let Some(url) = next {
        if seen.len() >= limits::PAGES || !seen.insert(url.target().to_owned()) {
            return Err(endless());
        }
        let response = client.expect(&Call::new(Method::Get, url.clone(), scope), &[200])?;
        let link = response.header("link").and_then(following).map(|link| url.join(link)).transpose().map_err(Refused::Error)?;
        let bytes = body(response, limits::PAGE, "the registry's list").map_err(Refused::Error)?;
        all.extend(read(&bytes).map_err(Refused::Error)?);
        if all.len() > most {
            return Err(endless());
        }
        next = link.filter(|link| link.same_origin(client.base()));
    }
    Ok(all)
}

fn following(link: &str) -> Option<&str> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    parameters.replace([' ', '"'], "").contains("rel=next").then_some(target)
}

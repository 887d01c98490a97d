//! The registry's half of the distribution specification.

use super::{Answered, Asked, Registry};
use drydock_core::id::Digest;
use drydock_core::image::manifest;
use serde_json::json;

/// The kind of bytes that nothing is known of.
const BYTES: &str = "application/octet-stream";

impl Registry {
    /// Answers a request, with the truth or a lie, and notes it.
    pub fn serve(&mut self, asked: &Asked) -> Answered {
        self.log.push(asked.clone());
        let mut answer = self.truth(asked);
        if let Some(lie) = self.lies.iter_mut().find(|lie| lie.is_on(asked)) {
            lie.times -= 1;
            answer = lie.tell(answer);
        }
        if asked.method == "HEAD" {
            answer.claimed = answer.claimed.or(Some(answer.body.len() as u64));
            answer.body.clear();
        }
        answer
    }

    fn truth(&mut self, asked: &Asked) -> Answered {
        let path = asked.path();
        match path {
            "/" => return Answered::status(200),
            "/token" => return self.token(asked),
            _ if self.files.contains_key(path) => return self.file(asked),
            "/v1/search" if self.searchable => return self.search(asked),
            _ => {}
        }
        let Some(rest) = path.strip_prefix("/v2/") else { return Answered::status(404) };
        if let Some(refusal) = self.challenge(asked) {
            return refusal;
        }
        if rest.is_empty() {
            return Answered::json(200, &json!({})).header("docker-distribution-api-version", "registry/2.0");
        }
        if rest == "_catalog" {
            let names: Vec<String> = self.repositories.keys().cloned().collect();
            return self.list(asked, &names, |page| json!({"repositories": page}));
        }
        if let Some(name) = rest.strip_suffix("/tags/list") {
            let Some(repository) = self.repositories.get(name) else { return unknown(name) };
            let tags: Vec<String> = repository.tags.keys().cloned().collect();
            return self.list(asked, &tags, |page| json!({"name": name, "tags": page}));
        }
        if let Some((name, which)) = rest.rsplit_once("/manifests/") {
            return self.manifests(asked, name, which);
        }
        if let Some((name, which)) = rest.split_once("/blobs/uploads") {
            return self.uploads(asked, name, which.trim_start_matches('/'));
        }
        match rest.rsplit_once("/blobs/") {
            Some((name, digest)) => self.blob(asked, name, digest),
            None => Answered::problem(404, "NAME_INVALID", "invalid repository name"),
        }
    }

    /// A file, unless whoever asks has it (RFC 9110 section 13.1.2).
    fn file(&self, asked: &Asked) -> Answered {
        let Some(answer) = self.files.get(asked.path()) else { return Answered::status(404) };
        let tag = answer.headers.iter().find(|(name, _)| name == "etag").map(|(_, tag)| tag.as_str());
        if tag.is_some() && asked.header("if-none-match") == tag { Answered::status(304) } else { answer.clone() }
    }

    fn list(&self, asked: &Asked, all: &[String], shape: impl Fn(&[String]) -> serde_json::Value) -> Answered {
        let asked_for = asked.parameter("n").and_then(|n| n.parse::<usize>().ok());
        let most = if self.page > 0 { self.page } else { usize::MAX };
        let size = asked_for.unwrap_or(most).min(most).max(1);
        let last = asked.parameter("last").unwrap_or_default();
        let rest: Vec<String> = all.iter().filter(|name| **name > last).cloned().collect();
        let page = rest.get(..size.min(rest.len())).unwrap_or_default();
        let answer = Answered::json(200, &shape(page));
        match page.last().filter(|_| rest.len() > page.len()) {
            Some(last) => answer.header("link", format!("<{}?last={last}&n={size}>; rel=\"next\"", asked.path())),
            None => answer,
        }
    }

    fn manifests(&mut self, asked: &Asked, name: &str, which: &str) -> Answered {
        match asked.method.as_str() {
            "GET" | "HEAD" => {
                let Some(repository) = self.repositories.get(name) else { return unknown(name) };
                let digest = Digest::parse(which).ok().or_else(|| repository.tags.get(which).cloned());
                let found = digest.and_then(|digest| repository.manifests.get(&digest).map(|(kind, bytes)| (digest, kind, bytes)));
                match found {
                    Some((digest, kind, bytes)) => {
                        Answered::status(200).body(kind, bytes.clone()).header("docker-content-digest", digest.as_str())
                    }
                    None => Answered::problem(404, "MANIFEST_UNKNOWN", "manifest unknown"),
                }
            }
            "PUT" => {
                let digest = Digest::of(&asked.body);
                if Digest::parse(which).is_ok_and(|wanted| wanted != digest) {
                    return Answered::problem(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
                }
                let kind = asked.header("content-type").unwrap_or_default().to_owned();
                if let Err(refusal) = self.complete(name, &kind, &asked.body) {
                    return refusal;
                }
                let tag = Digest::parse(which).is_err().then_some(which);
                self.put_manifest(name, tag, &kind, &asked.body);
                Answered::status(201)
                    .header("docker-content-digest", digest.as_str())
                    .header("location", format!("/v2/{name}/manifests/{digest}"))
            }
            _ => Answered::problem(405, "UNSUPPORTED", "The operation is unsupported."),
        }
    }

    /// Whether everything that a manifest names is there.
    fn complete(&self, name: &str, kind: &str, bytes: &[u8]) -> Result<(), Answered> {
        let invalid = |_| Answered::problem(400, "MANIFEST_INVALID", "manifest invalid");
        let repository = self.repositories.get(name).cloned().unwrap_or_default();
        let missing = |what: &Digest| Answered::problem(400, "MANIFEST_BLOB_UNKNOWN", &format!("blob unknown to registry: {what}"));
        if kind.contains("index") || kind.contains("manifest.list") {
            let entries = manifest::index(bytes).map_err(invalid)?;
            return match entries.iter().find(|entry| !repository.manifests.contains_key(&entry.blob.digest)) {
                Some(entry) => Err(missing(&entry.blob.digest)),
                None => Ok(()),
            };
        }
        let document = manifest::manifest(bytes).map_err(invalid)?;
        match document.layers.iter().chain([&document.config]).find(|blob| !repository.blobs.contains(&blob.digest)) {
            Some(blob) => Err(missing(&blob.digest)),
            None => Ok(()),
        }
    }

    fn blob(&self, asked: &Asked, name: &str, digest: &str) -> Answered {
        let has = Digest::parse(digest).ok().filter(|digest| self.repositories.get(name).is_some_and(|r| r.blobs.contains(digest)));
        let Some(bytes) = has.and_then(|digest| self.blobs.get(&digest)) else {
            return Answered::problem(404, "BLOB_UNKNOWN", "blob unknown to registry");
        };
        if asked.method != "GET" && asked.method != "HEAD" {
            return Answered::problem(405, "UNSUPPORTED", "The operation is unsupported.");
        }
        let start = asked.header("range").and_then(|r| r.strip_prefix("bytes=")).and_then(|r| r.strip_suffix('-')?.parse::<usize>().ok());
        match start {
            Some(start) if start < bytes.len() => {
                let range = format!("bytes {start}-{}/{}", bytes.len() - 1, bytes.len());
                let rest = bytes.get(start..).unwrap_or_default();
                Answered::status(206).body(BYTES, rest).header("content-range", range)
            }
            Some(_) => Answered::status(416),
            None => Answered::status(200).body(BYTES, bytes.clone()).header("docker-content-digest", digest),
        }
    }

    fn search(&self, asked: &Asked) -> Answered {
        let words = asked.parameter("q").unwrap_or_default().to_lowercase();
        let most = asked.parameter("n").and_then(|n| n.parse::<usize>().ok()).unwrap_or(25);
        let mut found: Vec<_> = self
            .repositories
            .iter()
            .filter(|(name, repository)| name.contains(&words) || repository.description.to_lowercase().contains(&words))
            .map(|(name, repository)| {
                let familiar = name.strip_prefix("library/").unwrap_or(name);
                (repository.stars, familiar, repository)
            })
            .collect();
        found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        let rows: Vec<_> = found
            .iter()
            .take(most)
            .map(|(stars, name, r)| json!({"name": name, "description": r.description, "star_count": stars, "is_official": r.official}))
            .collect();
        Answered::json(200, &json!({"query": words, "num_results": rows.len(), "results": rows}))
    }
}

pub(super) fn unknown(name: &str) -> Answered {
    Answered::problem(404, "NAME_UNKNOWN", &format!("repository name not known to registry: {name}"))
}

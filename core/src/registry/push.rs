//! Sending blobs and manifests (distribution-spec "Push").

use super::auth::Scope;
use super::client::{Call, Client, Payload, body};
use super::fetch::address;
use super::limits;
use super::problem::Problem;
use super::transport::{Method, Response};
use super::url::Url;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Digest;
use crate::image::Blob;
use std::io::Read;

/// How a blob got there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// It was there.
    Exists,
    /// It was in another repository of the registry, and is in this one too now.
    Mounted(String),
    /// It was sent.
    Sent,
}

/// Opens a blob from an offset on.
pub type Open<'a> = &'a dyn Fn(u64) -> Result<Box<dyn Read + 'a>>;

/// Whether a repository has a blob.
fn has(client: &Client<'_>, repository: &str, scope: &Scope, blob: &Blob) -> Result<bool> {
    let call = Call::new(Method::Head, address(client, repository, "blobs", blob.digest.as_str()), scope);
    let response = client.send(&call)?;
    match response.status {
        200 => Ok(response.header("content-length").and_then(|l| l.parse::<u64>().ok()).is_none_or(|size| size == blob.size)),
        // Whoever may not look may still be allowed to send.
        404 | 401 | 403 => Ok(false),
        _ => Err(Problem::read(response, Method::Head, &call.url).error()),
    }
}

/// Sends a blob unless it is there. `from`: other repositories of the registry that have it.
pub fn blob(client: &Client<'_>, repository: &str, blob: &Blob, from: &[String], open: Open<'_>, tell: &dyn Fn(u64)) -> Result<Arrived> {
    let scope = from.iter().fold(Scope::push(repository), |scope, source| scope.and_pull(source));
    if has(client, repository, &scope, blob)? {
        return Ok(Arrived::Exists);
    }
    let uploads = client.base().at(&format!("/v2/{repository}/blobs/uploads/"));
    let mut begun = None;
    for source in from {
        let url = uploads.with("mount", blob.digest.as_str()).with("from", source);
        let response = client.send(&Call::new(Method::Post, url.clone(), &scope))?;
        match response.status {
            201 => return Ok(Arrived::Mounted(source.clone())),
            202 => {
                begun = Some(response);
                break;
            }
            // It is not there, or may not be read: then it is sent.
            _ => {}
        }
    }
    let begun = match begun {
        Some(response) => response,
        None => client.expect(&Call::new(Method::Post, uploads.clone(), &scope), &[202])?,
    };
    upload(client, &scope, &uploads, begun, blob, open, tell)?;
    Ok(Arrived::Sent)
}

fn location(client: &Client<'_>, from: &Url, response: &Response) -> Result<Url> {
    let nowhere = || Error::invalid(format!("the registry {} does not say where to send", client.base().authority()));
    let to = from.join(response.header("location").ok_or_else(nowhere)?)?;
    if to.same_origin(client.base()) {
        return Ok(to);
    }
    // Behind a proxy that speaks TLS some registries name themselves with the scheme that they are spoken to inside.
    if to.host() == client.base().host() && client.base().is_tls() && !to.is_tls() {
        return Ok(client.base().at(to.target()));
    }
    Err(Error::invalid(format!("the registry {} wants blobs sent to {}", client.base().authority(), to.shown())))
}

fn upload(
    client: &Client<'_>,
    scope: &Scope,
    uploads: &Url,
    begun: Response,
    blob: &Blob,
    open: Open<'_>,
    tell: &dyn Fn(u64),
) -> Result<()> {
    let mut url = location(client, uploads, &begun)?;
    let least = begun.header("oci-chunk-min-length").and_then(|l| l.parse::<u64>().ok()).unwrap_or(0);
    let chunk = limits::CHUNK.max(least);
    let (mut at, mut failures) = (0, 0);
    while at < blob.size {
        let length = chunk.min(blob.size - at);
        let source = || open(at).map(|r| Box::new(Told { inner: r.take(length), at, tell }) as Box<dyn Read + '_>);
        let call = Call {
            payload: Payload::Stream(&source, length),
            // A part of it may have arrived: the registry is asked before anything is sent again.
            again: false,
            ..Call::new(Method::Patch, url.clone(), scope)
        }
        .header("Content-Type", "application/octet-stream")
        .header("Content-Range", format!("{at}-{}", at + length - 1));
        let outcome = client.send(&call);
        match outcome {
            Ok(response) if response.status == 202 || response.status == 204 => {
                url = location(client, &url, &response)?;
                at += length;
                tell(at);
            }
            Ok(response) if !super::retry::is_passing(response.status) && response.status != 416 => {
                return Err(Problem::read(response, Method::Patch, &url).error());
            }
            failed => {
                failures += 1;
                if failures >= limits::TRIES {
                    return match failed {
                        Ok(response) => Err(Problem::read(response, Method::Patch, &url).error()),
                        Err(error) => Err(error),
                    };
                }
                client.clock().sleep(super::retry::pause(client.clock(), failures + 1));
                (url, at) = received(client, scope, &url, blob, failed)?;
            }
        }
    }
    let finish = url.with("digest", blob.digest.as_str());
    let response = client.expect(&Call::new(Method::Put, finish, scope), &[201, 204])?;
    check_digest(&response, &blob.digest)
}

/// How much of an upload the registry has (distribution-spec, GET of the location: 204 with `Range: 0-LAST`).
fn received(client: &Client<'_>, scope: &Scope, url: &Url, blob: &Blob, failed: Result<Response>) -> Result<(Url, u64)> {
    let response = client.send(&Call::new(Method::Get, url.clone(), scope))?;
    if response.status != 204 {
        return Err(match failed {
            Err(error) => error,
            Ok(response) => Problem::read(response, Method::Patch, url).error(),
        });
    }
    let range = response.header("range").unwrap_or("0-0").trim_start_matches("bytes=");
    let last = range.split_once('-').and_then(|(_, last)| last.trim().parse::<u64>().ok()).unwrap_or(0);
    // `0-0` is what registries answer that have nothing yet.
    let at = if last == 0 { 0 } else { last + 1 };
    if at > blob.size {
        return Err(Error::invalid(format!("the registry says that it has {at} bytes of blob {}, which has {}", blob.digest, blob.size)));
    }
    let url = if response.header("location").is_some() { location(client, url, &response)? } else { url.clone() };
    Ok((url, at))
}

fn check_digest(response: &Response, digest: &Digest) -> Result<()> {
    match response.header("docker-content-digest") {
        Some(said) if said != digest.as_str() => {
            let said = super::problem::line(said);
            Err(Error::new(ErrorKind::Corrupt, format!("what was sent as {digest} arrived as \"{said}\"")))
        }
        _ => Ok(()),
    }
}

/// Sends a manifest under a tag or its digest.
pub fn manifest(client: &Client<'_>, repository: &str, which: &str, media_type: &str, bytes: &[u8]) -> Result<Digest> {
    let (scope, digest) = (Scope::push(repository), Digest::of(bytes));
    let call = Call { payload: Payload::Bytes(bytes), ..Call::new(Method::Put, address(client, repository, "manifests", which), &scope) }
        .header("Content-Type", media_type);
    let response = client.expect(&call, &[200, 201])?;
    check_digest(&response, &digest)?;
    // The body says nothing, and a connection whose body was read can be used again.
    let _ = body(response, limits::PROBLEM, "the answer");
    Ok(digest)
}

struct Told<'a, R> {
    inner: R,
    at: u64,
    tell: &'a dyn Fn(u64),
}

impl<R: Read> Read for Told<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let before = self.at;
        self.at += count as u64;
        if self.at >> 19 != before >> 19 {
            (self.tell)(self.at);
        }
        Ok(count)
    }
}

//! Registries, as the engine reaches them: pull, push, log in, search.

use super::http::{Answer, Body};
use super::images::halves;
use super::json::{flag, number, text};
use super::{DockerEngine, Parameters, failure, image_part, lines, read};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use drydock_core::id::Digest;
use drydock_core::image::reference::Reference;
use drydock_core::registry::platform::Platform;
use drydock_core::registry::{Access, Credentials, Found, Progress, PullRequest, Pulled, PushRequest, SearchRequest};
use drydock_core::{Error, Result};
use serde_json::{Value, json};

/// Docker's `AuthConfig`.
pub(super) fn auth_config(access: &Access, server: &str) -> Value {
    match &access.credentials {
        Credentials::None => json!({}),
        Credentials::Basic { username, password } => {
            json!({ "username": username, "password": password.reveal(), "serveraddress": server })
        }
        Credentials::Identity(token) => json!({ "identitytoken": token.reveal(), "serveraddress": server }),
    }
}

/// The field that says who asks. dockerd wants one even where nobody does.
fn who(access: &Access, server: &str) -> Vec<(&'static str, String)> {
    vec![("X-Registry-Auth", URL_SAFE.encode(auth_config(access, server).to_string()))]
}

/// A host as Docker's clients call it.
fn server_name(host: &str) -> &str {
    if host == "docker.io" { "https://index.docker.io/v1/" } else { host }
}

/// Passes progress on; answers every line that was about the whole, and what was said in fields.
fn told(answer: Answer, tell: &mut dyn FnMut(Progress)) -> Result<(Vec<String>, Vec<Value>)> {
    let (mut said, mut fields) = (Vec::new(), Vec::new());
    lines(answer, &mut |line| {
        if let Some(aux) = line.get("aux") {
            fields.push(aux.clone());
            return Ok(());
        }
        let detail = line.get("progressDetail").filter(|d| d.get("current").is_some());
        let bytes = detail.map(|d| (number(d, "current"), number(d, "total")));
        let progress = Progress { id: text(line, "id"), status: text(line, "status"), bytes };
        if progress.id.is_empty() || progress.status.starts_with("Pulling from") {
            said.push(progress.status.clone());
        }
        tell(progress);
        Ok(())
    })?;
    Ok((said, fields))
}

pub(super) fn only_here(access: &Access) -> Result<()> {
    if !access.mirrors.is_empty() {
        return Err(failure::no_operation("ask a mirror for one image: that is a setting of the engine's"));
    }
    if access.insecure.is_empty() {
        return Ok(());
    }
    Err(failure::no_operation("talk to one registry without TLS: that is a setting of the engine's"))
}

impl DockerEngine {
    pub(super) fn pull_images(&self, request: &PullRequest, tell: &mut dyn FnMut(Progress)) -> Result<Vec<Pulled>> {
        only_here(&request.access)?;
        let reference = Reference::parse(&request.reference)?;
        let tag = match (&reference.digest, &reference.tag) {
            _ if request.all_tags => String::new(),
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.clone().unwrap_or_else(|| "latest".to_owned()),
        };
        let parameters = Parameters::new()
            .with("fromImage", reference.familiar_repository())
            .with("tag", tag)
            .with_some("platform", request.platform.as_deref());
        let fields = who(&request.access, server_name(&reference.host));
        let answer = self.ask("POST", "/images/create", parameters, fields, Body::None)?;
        let (said, _) = told(answer, tell)?;
        let digest = said.iter().rev().find_map(|line| Digest::parse(line.strip_prefix("Digest: ")?).ok());
        let fresh = said.iter().any(|line| line.starts_with("Status: Downloaded newer image"));
        let names: Vec<String> = if request.all_tags {
            let repository = format!("{}:", reference.familiar_repository());
            self.list_images()?.into_iter().flat_map(|image| image.tags).filter(|tag| tag.starts_with(&repository)).collect()
        } else {
            vec![reference.familiar()]
        };
        let pulled = |name: &String| {
            let image = read::image(&self.inspect_image(name)?);
            let digest = digest.clone().map_or_else(|| Digest::parse(image.id.as_str()), Ok)?;
            Ok(Pulled { reference: Reference::parse(name)?.to_string(), digest, image: image.id, fresh })
        };
        names.iter().map(pulled).collect()
    }

    pub(super) fn push_images(&self, request: &PushRequest, tell: &mut dyn FnMut(Progress)) -> Result<Vec<Digest>> {
        only_here(&request.access)?;
        let reference = Reference::parse(&request.reference)?;
        if reference.digest.is_some() {
            return Err(Error::invalid("cannot push a digest reference"));
        }
        if request.platform.is_some() && !self.version.since(46) {
            let words = format!("\"--platform\" requires API version 1.46, but the Docker daemon API version is {}", self.version);
            return Err(Error::unsupported(words).code(super::failure::NO_OPERATION));
        }
        let (repository, tag) = halves(&request.reference)?;
        let tag = if request.all_tags { String::new() } else { tag };
        let parameters = Parameters::new().with_some("tag", (!tag.is_empty()).then_some(tag));
        let platform = match &request.platform {
            Some(text) => {
                let wanted = Platform::parse(text, &self.known_facts().architecture)?;
                Some(json!({ "os": wanted.os, "architecture": wanted.architecture, "variant": wanted.variant }).to_string())
            }
            None => None,
        };
        let parameters = parameters.with_some("platform", platform);
        let fields = who(&request.access, server_name(&reference.host));
        let answer = self.ask("POST", &format!("/images/{}/push", image_part(&repository)), parameters, fields, Body::None)?;
        let (_, aux) = told(answer, tell)?;
        Ok(aux.iter().filter_map(|a| Digest::parse(&text(a, "Digest")).ok()).collect())
    }

    pub(super) fn check_login(&self, server: &str, access: &Access) -> Result<()> {
        self.post_json("/auth", Parameters::new(), &auth_config(access, server_name(server))).map(drop)
    }

    pub(super) fn search_registry(&self, request: &SearchRequest) -> Result<Vec<Found>> {
        only_here(&request.access)?;
        let parameters = Parameters::new().with("term", &request.term);
        // None is the engine's own number.
        let parameters = parameters.with_some("limit", (request.limit > 0).then(|| request.limit.to_string()));
        let fields = who(&request.access, "https://index.docker.io/v1/");
        let list = self.ask("GET", "/images/search", parameters, fields, Body::None)?.json()?;
        let found = |f: &Value| Found {
            name: text(f, "name"),
            description: text(f, "description"),
            star_count: number(f, "star_count"),
            is_official: flag(f, "is_official"),
        };
        Ok(list.as_array().into_iter().flatten().map(found).collect())
    }
}

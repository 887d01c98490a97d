//! Builds, by the classic builder's request: the one that every engine since 1.24 has.

use super::http::Body;
use super::json::text;
use super::{DockerEngine, Parameters, failure, lines};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use drydock_core::build::cache::CacheFrom;
use drydock_core::build::progress::{Event, Progress};
use drydock_core::build::request::{BuildRequest, Built, Output, Surface};
use drydock_core::container::NetworkMode;
use drydock_core::container::ulimit;
use drydock_core::id::ImageId;
use drydock_core::image::tar::{Entry, Kind, Writer};
use drydock_core::io::Stream;
use drydock_core::time::Timestamp;
use drydock_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};
use std::io::Read;

/// The Dockerfile's name in a context that has it from elsewhere.
const FILE: &str = ".dockerfile.drydock";

/// The instructions whose results a cache can hold.
const LAYERS: [&str; 4] = ["RUN ", "COPY ", "ADD ", "WORKDIR "];

/// Turns the lines of the classic builder into what builds tell here.
struct Steps<'a> {
    progress: &'a dyn Progress,
    at: Timestamp,
    step: u32,
    total: usize,
    cached: usize,
    /// Whether the step that is open is one of those that are counted.
    counts: bool,
    open: bool,
    image: Option<String>,
    /// What has no line end yet.
    partial: String,
}

impl Steps<'_> {
    fn end(&mut self, error: Option<String>) {
        if std::mem::take(&mut self.open) {
            self.progress.tell(Event::Ended { step: self.step, at: self.at, error, canceled: false });
        }
    }

    fn line(&mut self, line: &str) {
        // `Step 2/4 : RUN make`
        if let Some((place, name)) = line.strip_prefix("Step ").and_then(|rest| rest.split_once(" : ")) {
            self.end(None);
            // Only what makes layers can be found in a cache: the rest is done in no time.
            self.counts = LAYERS.iter().any(|word| name.to_ascii_uppercase().starts_with(word));
            (self.step, self.total, self.open) = (self.step + 1, self.total + usize::from(self.counts), true);
            self.progress.tell(Event::Began { step: self.step, name: format!("[{place}] {}", name.trim_end()), at: self.at });
        } else if line.trim() == "---> Using cache" {
            self.cached += usize::from(self.counts);
            self.progress.tell(Event::Cached { step: self.step });
        } else if let Some(id) = line.strip_prefix("Successfully built ") {
            self.image.get_or_insert_with(|| id.trim().to_owned());
            self.end(None);
        } else if self.open && !line.trim_start().starts_with("---> ") && !line.starts_with("Removing intermediate container") {
            let bytes = line.as_bytes().to_vec();
            self.progress.tell(Event::Output { step: self.step, stream: Stream::Stdout, bytes, at: self.at });
        }
    }
}

/// What the classic builder has no parameter for.
fn refuse(request: &BuildRequest, surface: &Surface<'_>) -> Result<()> {
    let other = [
        (!request.secrets.is_empty(), "take secrets for a build (--secret)"),
        (!request.ssh.is_empty(), "pass an SSH agent to a build (--ssh)"),
        (!request.no_cache_filter.is_empty(), "leave single stages out of the cache (--no-cache-filter)"),
        (!request.cache_to.is_empty() || !surface.caches.is_empty(), "carry build caches"),
        (request.output != Output::Image, "write what was built elsewhere (--output)"),
    ];
    other.iter().find(|(asked, _)| *asked).map_or(Ok(()), |(_, what)| Err(failure::no_operation(what)))
}

fn network(mode: &NetworkMode) -> String {
    match mode {
        NetworkMode::Named(name) => name.clone(),
        NetworkMode::None => "none".to_owned(),
        NetworkMode::Host => "host".to_owned(),
        NetworkMode::Container(name) => format!("container:{name}"),
    }
}

fn parameters(request: &BuildRequest, file: &str) -> Parameters {
    let resources = &request.resources;
    let image = |from: &CacheFrom| match from {
        CacheFrom::Image(name) | CacheFrom::Registry(name) => Some(name.clone()),
        CacheFrom::Layout(_) => None,
    };
    let caches: Vec<String> = request.cache_from.iter().filter_map(image).collect();
    let number = |n: Option<u64>| n.map(|n| n.to_string());
    let ulimit = |text: &String| {
        let name = text.split_once('=').map_or(text.as_str(), |(name, _)| name);
        ulimit::parse(text).ok().map(|l| json!({ "Name": name, "Hard": l.hard(), "Soft": l.soft() }))
    };
    let ulimits: Vec<Value> = request.ulimits.iter().filter_map(ulimit).collect();
    let object = |map: &std::collections::BTreeMap<String, String>| (!map.is_empty()).then(|| json!(map).to_string());
    let base = Parameters::new()
        .with("dockerfile", file)
        .with("rm", "1")
        .with_flag("forcerm", !request.keep_failed)
        .with_flag("nocache", request.no_cache)
        .with_flag("pull", request.pull)
        .with_flag("squash", request.squash)
        .with_some("buildargs", object(&request.arguments))
        .with_some("labels", object(&request.labels))
        .with_some("target", (!request.target.is_empty()).then_some(&request.target))
        .with_some("cachefrom", (!caches.is_empty()).then(|| json!(caches).to_string()))
        .with_some("platform", (!request.platform.is_empty()).then_some(&request.platform))
        .with_some("networkmode", request.network.as_ref().map(network))
        .with_some("memory", number(resources.memory))
        .with_some("memswap", resources.memory_swap.map(|n| n.to_string()))
        .with_some("cpushares", number(resources.cpu_shares))
        .with_some("cpuperiod", number(resources.cpu_period))
        .with_some("cpuquota", resources.cpu_quota.map(|n| n.to_string()))
        .with_some("cpusetcpus", resources.cpuset_cpus.as_deref())
        .with_some("shmsize", number(request.shm_size))
        .with_some("ulimits", (!ulimits.is_empty()).then(|| json!(ulimits).to_string()));
    let base = request.tags.iter().fold(base, |p, tag| p.with("t", tag));
    request.extra_hosts.iter().fold(base, |p, host| p.with("extrahosts", host))
}

/// The context with the Dockerfile before it, where that is not in it.
fn with_file(request: &BuildRequest) -> Result<(Vec<u8>, String)> {
    let Some(text) = &request.dockerfile else { return Ok((Vec::new(), request.file.clone())) };
    // A name that could be the context's own is taken for that: what stands there later is the same file.
    let own = !request.file.is_empty() && !request.file.starts_with('/') && !request.file.split('/').any(|part| part == "..");
    let name = if own { request.file.as_str() } else { FILE };
    let mut front = Vec::new();
    // Without the end of an archive: the context goes on.
    Writer::new(&mut front).append(&Entry::new(name, Kind::File), text)?;
    Ok((front, name.to_owned()))
}

impl DockerEngine {
    pub(super) fn build_image(&self, request: &BuildRequest, surface: Surface<'_>) -> Result<Built> {
        refuse(request, &surface)?;
        request.access.values().try_for_each(super::registries::only_here)?;
        let (front, file) = with_file(request)?;
        let mut fields = Vec::new();
        if !request.access.is_empty() {
            let all: Map<String, Value> = request
                .access
                .iter()
                .map(|(host, access)| {
                    let server = if host == "docker.io" { "https://index.docker.io/v1/" } else { host };
                    (server.to_owned(), super::registries::auth_config(access, server))
                })
                .collect();
            fields.push(("X-Registry-Config", URL_SAFE.encode(Value::Object(all).to_string())));
        }
        let mut context = front.as_slice().chain(surface.context);
        let body = Body::Bytes("application/x-tar", &mut context);
        let answer = self.ask("POST", "/build", parameters(request, &file), fields, body)?;
        let mut steps = Steps {
            progress: surface.progress,
            at: self.time(),
            step: 0,
            total: 0,
            cached: 0,
            counts: false,
            open: false,
            image: None,
            partial: String::new(),
        };
        let mut unused = Vec::new();
        let read = lines(answer, &mut |line| {
            if let Some(id) = line.pointer("/aux/ID").and_then(Value::as_str) {
                steps.image = Some(id.to_owned());
            }
            let said = text(line, "stream");
            if let Some((_, rest)) = said.split_once("One or more build-args [") {
                unused = rest.split(']').next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
                return Ok(());
            }
            steps.partial.push_str(&said);
            // dockerd sends the end of a line by itself.
            while let Some(end) = steps.partial.find('\n') {
                let line: String = steps.partial.drain(..=end).collect();
                steps.line(&line);
            }
            Ok(())
        });
        let rest = std::mem::take(&mut steps.partial);
        if !rest.is_empty() {
            steps.line(&rest);
        }
        steps.end(read.as_ref().err().map(|e| e.message().to_owned()));
        read?;
        let image = steps.image.take().ok_or_else(|| Error::new(ErrorKind::System, "the engine does not say what it built"))?;
        let image = if image.starts_with("sha256:") { image } else { text(&self.inspect_image(&image)?, "Id") };
        Ok(Built { image: Some(ImageId::new(image)), unused, cached: (steps.cached, steps.total) })
    }
}

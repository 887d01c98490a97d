//! The flags of `build`, and the request they make.

use super::inputs::Inputs;
use crate::command::container_options::{host_line, limit};
use crate::failure::Failure;
use crate::session::Session;
use clap::Args;
use drydock_core::build::cache::{self, CacheFrom, CacheTo};
use drydock_core::build::request::{BuildRequest, Secret};
use drydock_core::container::NetworkMode;
use drydock_core::image::reference::Reference;
use drydock_core::limits::{Resources, units};
use std::collections::BTreeMap;
use std::io::Read as _;

/// The largest secret.
const LARGEST_SECRET: u64 = 500 * 1024;

#[derive(Args)]
pub(super) struct BuildArgs {
    /// Add a custom host-to-IP mapping (format: "host:ip")
    #[arg(long, value_name = "strings", value_parser = host_line)]
    pub(super) add_host: Vec<String>,
    /// Allow extra privileged entitlement (e.g., "network.host")
    #[arg(long, value_name = "stringArray")]
    pub(super) allow: Vec<String>,
    /// Add annotation to the image
    #[arg(long, value_name = "stringArray", hide = true)]
    pub(super) annotation: Vec<String>,
    /// Attestation parameters (format: "type=sbom,generator=image")
    #[arg(long, value_name = "stringArray", hide = true)]
    pub(super) attest: Vec<String>,
    /// Set build-time variables
    #[arg(long, value_name = "stringArray")]
    pub(super) build_arg: Vec<String>,
    /// Additional build contexts (e.g., name=path)
    #[arg(long, value_name = "stringArray", hide = true)]
    pub(super) build_context: Vec<String>,
    /// Override the configured builder instance
    #[arg(long, value_name = "string", hide = true)]
    pub(super) builder: Option<String>,
    /// External cache sources (e.g., "type=local,src=path/to/dir")
    #[arg(long, value_name = "stringArray")]
    pub(super) cache_from: Vec<String>,
    /// Cache export destinations (e.g., "type=local,dest=path/to/dir")
    #[arg(long, value_name = "stringArray")]
    pub(super) cache_to: Vec<String>,
    /// Set method for evaluating build ("check")
    #[arg(long, value_name = "string")]
    pub(super) call: Option<String>,
    /// Set the parent cgroup for the "RUN" instructions during build
    #[arg(long, value_name = "string")]
    pub(super) cgroup_parent: Option<String>,
    /// Shorthand for "--call=check"
    #[arg(long)]
    pub(super) check: bool,
    /// Compress the build context using gzip
    #[arg(long, hide = true)]
    pub(super) compress: bool,
    /// Limit the CPU CFS (Completely Fair Scheduler) period of RUN
    #[arg(long, value_name = "int")]
    pub(super) cpu_period: Option<u64>,
    /// Limit the CPU CFS (Completely Fair Scheduler) quota of RUN
    #[arg(long, value_name = "int")]
    pub(super) cpu_quota: Option<i64>,
    /// CPU shares (relative weight) of RUN
    #[arg(short = 'c', long, value_name = "int")]
    pub(super) cpu_shares: Option<u64>,
    /// CPUs in which to allow execution of RUN (0-3, 0,1)
    #[arg(long, value_name = "string")]
    pub(super) cpuset_cpus: Option<String>,
    /// MEMs in which to allow execution of RUN (0-3, 0,1)
    #[arg(long, value_name = "string")]
    pub(super) cpuset_mems: Option<String>,
    /// Skip image verification
    #[arg(long, hide = true)]
    pub(super) disable_content_trust: bool,
    /// Name of the Dockerfile (default: "PATH/Dockerfile")
    #[arg(short, long, value_name = "string")]
    pub(super) file: Option<String>,
    /// Always remove intermediate containers
    #[arg(long, hide = true)]
    pub(super) force_rm: bool,
    /// Write the image ID to a file
    #[arg(long, value_name = "string")]
    pub(super) iidfile: Option<String>,
    /// Container isolation technology
    #[arg(long, value_name = "string", hide = true)]
    pub(super) isolation: Option<String>,
    /// Set metadata for an image
    #[arg(long, value_name = "stringArray")]
    pub(super) label: Vec<String>,
    /// Shorthand for "--output=type=docker"
    #[arg(long)]
    pub(super) load: bool,
    /// Memory limit of RUN
    #[arg(short, long, value_name = "bytes")]
    pub(super) memory: Option<String>,
    /// Swap limit of RUN equal to memory plus swap: -1 to enable unlimited swap
    #[arg(long, value_name = "bytes", allow_hyphen_values = true)]
    pub(super) memory_swap: Option<String>,
    /// Write build result metadata to a file
    #[arg(long, value_name = "string")]
    pub(super) metadata_file: Option<String>,
    /// Set the networking mode for the "RUN" instructions during build
    #[arg(long, value_name = "string")]
    pub(super) network: Option<String>,
    /// Do not use cache when building the image
    #[arg(long)]
    pub(super) no_cache: bool,
    /// Do not cache specified stages
    #[arg(long, value_name = "stringArray")]
    pub(super) no_cache_filter: Vec<String>,
    /// Output destination (format: "type=local,dest=path")
    #[arg(short, long, value_name = "stringArray")]
    pub(super) output: Vec<String>,
    /// Set target platform for build
    #[arg(long, value_name = "stringArray")]
    pub(super) platform: Vec<String>,
    /// Set type of progress output ("auto", "plain", "tty", "quiet", "rawjson"). Use plain to show container output
    #[arg(long, value_name = "string")]
    pub(super) progress: Option<String>,
    /// Shorthand for "--attest=type=provenance"
    #[arg(long, value_name = "string", hide = true)]
    pub(super) provenance: Option<String>,
    /// Always attempt to pull all referenced images
    #[arg(long)]
    pub(super) pull: bool,
    /// Shorthand for "--output=type=registry"
    #[arg(long)]
    pub(super) push: bool,
    /// Suppress the build output and print image ID on success
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Remove intermediate containers after a successful build
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "bool")]
    pub(super) rm: Option<bool>,
    /// Shorthand for "--attest=type=sbom"
    #[arg(long, value_name = "string", hide = true)]
    pub(super) sbom: Option<String>,
    /// Security options of RUN
    #[arg(long, value_name = "strings", hide = true)]
    pub(super) security_opt: Vec<String>,
    /// Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")
    #[arg(long, value_name = "stringArray")]
    pub(super) secret: Vec<String>,
    /// Shared memory size for build containers
    #[arg(long, value_name = "bytes")]
    pub(super) shm_size: Option<String>,
    /// Squash newly built layers into a single new layer
    #[arg(long)]
    pub(super) squash: bool,
    /// SSH agent socket to expose to the build (format: "default|<id>[=<socket>]")
    #[arg(long, value_name = "stringArray")]
    pub(super) ssh: Vec<String>,
    /// Name and optionally a tag (format: "name:tag")
    #[arg(short, long, value_name = "stringArray")]
    pub(super) tag: Vec<String>,
    /// Set the target build stage to build
    #[arg(long, value_name = "string")]
    pub(super) target: Option<String>,
    /// Ulimit options
    #[arg(long, value_name = "ulimit", value_parser = limit)]
    pub(super) ulimit: Vec<String>,
}

/// `KEY=value` pairs; a key alone takes its value from the client's environment, or is nothing without one.
fn pairs(list: &[String], session: &Session<'_>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for text in list {
        match text.split_once('=') {
            Some((key, value)) => drop(all.insert(key.to_owned(), value.to_owned())),
            None => {
                if let Some(value) = session.environment.variable(text) {
                    all.insert(text.clone(), value);
                }
            }
        }
    }
    all
}

fn bytes(flag: &str, text: Option<&String>) -> Result<Option<u64>, Failure> {
    text.map(|t| units::parse_bytes(t).map_err(|e| Failure::Flag(format!("invalid argument {t:?} for \"{flag}\" flag: {}", e.message()))))
        .transpose()
}

/// The value of a key of `key=value,key=value`.
pub(super) fn value<'a>(text: &'a str, keys: &[&str]) -> Option<&'a str> {
    text.split(',').filter_map(|part| part.split_once('=')).find(|(key, _)| keys.contains(key)).map(|(_, value)| value)
}

fn secret(text: &str, session: &mut Session<'_>) -> Result<(String, Secret), Failure> {
    let wrong = |why: String| Failure::said(format!("ERROR: failed to build: could not parse secrets: [{text}]: {why}"));
    for part in text.split(',') {
        let key = part.split('=').next().unwrap_or_default();
        if !["id", "src", "source", "env", "type"].contains(&key) {
            return Err(wrong(format!("unexpected key '{key}' in '{part}'")));
        }
    }
    let id = value(text, &["id"]).ok_or_else(|| wrong("secret missing ID".to_owned()))?.to_owned();
    let variable = value(text, &["env"]).or_else(|| value(text, &["src", "source"]).filter(|_| value(text, &["type"]) == Some("env")));
    let name = variable.map(str::to_owned);
    let path = value(text, &["src", "source"]).filter(|_| name.is_none()).map(str::to_owned);
    let content = match (name, path) {
        (Some(name), _) => {
            session.environment.variable(&name).ok_or_else(|| wrong(format!("the environment has no variable {name}")))?.into_bytes()
        }
        (None, Some(path)) => read_secret(&path, session)?,
        (None, None) => match session.environment.variable(&id) {
            Some(value) => value.into_bytes(),
            None => read_secret(&id, session)?,
        },
    };
    Ok((id, Secret { content }))
}

fn read_secret(path: &str, session: &mut Session<'_>) -> Result<Vec<u8>, Failure> {
    let source = session.environment.source(path)?;
    let mut content = Vec::new();
    source.reader.take(LARGEST_SECRET + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LARGEST_SECRET {
        return Err(Failure::said(format!("ERROR: failed to build: the secret {path} is larger than {LARGEST_SECRET} bytes")));
    }
    Ok(content)
}

fn ssh(text: &str, session: &Session<'_>) -> Result<(String, String), Failure> {
    let (id, socket) = text.split_once('=').map_or((text, None), |(id, s)| (id, Some(s.to_owned())));
    let socket = socket.or_else(|| session.environment.variable("SSH_AUTH_SOCK").filter(|s| !s.is_empty()));
    let socket = socket.ok_or_else(|| {
        Failure::said("ERROR: failed to build: invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set".to_owned())
    })?;
    Ok((id.to_owned(), socket))
}

/// What would change the result, or where it is kept, must not be passed over in silence.
fn refuse(args: &BuildArgs) -> Result<(), Failure> {
    let on = |text: &Option<String>| text.as_deref().is_some_and(|t| !matches!(t, "false" | "0" | "disabled=true" | ""));
    let refused = [
        ("--annotation", !args.annotation.is_empty(), "an image can say the same with --label"),
        ("--attest", args.attest.iter().any(|a| !a.contains("disabled=true")), "what an image was built from is in drydock history"),
        ("--build-context", !args.build_context.is_empty(), "copy from an image with COPY --from, or put the files into the context"),
        ("--builder", args.builder.as_deref().is_some_and(|b| !b.is_empty() && b != "default"), "there is one builder, and no daemon"),
        ("--cgroup-parent", args.cgroup_parent.as_deref().is_some_and(|c| !c.is_empty()), "limit a step with -m or --cpu-quota"),
        ("--provenance", on(&args.provenance), "what an image was built from is in drydock history"),
        ("--sbom", on(&args.sbom), "what an image was built from is in drydock history"),
    ];
    if let Some((flag, _, help)) = refused.iter().find(|(_, given, _)| *given) {
        return Err(Failure::said(format!("ERROR: failed to build: {flag} is not supported ({help})")));
    }
    match args.allow.iter().flat_map(|a| a.split(',')).find(|a| *a != "network.host") {
        Some(other) => Err(Failure::said(format!("ERROR: failed to build: --allow {other} is not supported (network.host is)"))),
        None => Ok(()),
    }
}

/// The one platform.
fn platform(args: &BuildArgs) -> Result<String, Failure> {
    let all: Vec<&str> = args.platform.iter().flat_map(|p| p.split(',')).map(str::trim).filter(|p| !p.is_empty()).collect();
    match all.as_slice() {
        [] => Ok(String::new()),
        [one] => Ok((*one).to_owned()),
        several => Err(Failure::said(format!(
            "ERROR: failed to build: multiple platforms are not supported: {} (build for one, this host's own)",
            several.join(", ")
        ))),
    }
}

/// The request that the flags make.
pub(super) fn request(args: &BuildArgs, inputs: &Inputs, session: &mut Session<'_>) -> Result<BuildRequest, Failure> {
    if args.isolation.as_deref().is_some_and(|i| !i.is_empty() && i != "default") {
        let isolation = args.isolation.as_deref().unwrap_or_default();
        return Err(Failure::said(format!("ERROR: failed to build: unsupported isolation {isolation:?}: Linux has the default one only")));
    }
    refuse(args)?;
    let network = match args.network.as_deref() {
        None | Some("default") => None,
        Some("none") => Some(NetworkMode::None),
        Some("host") => Some(NetworkMode::Host),
        Some(name) => Some(match name.strip_prefix("container:") {
            Some(container) => NetworkMode::Container(container.to_owned()),
            None => NetworkMode::Named(name.to_owned()),
        }),
    };
    let mut arguments = pairs(&args.build_arg, session);
    if !arguments.contains_key("SOURCE_DATE_EPOCH")
        && let Some(epoch) = session.environment.variable("SOURCE_DATE_EPOCH").filter(|v| !v.is_empty())
    {
        arguments.insert("SOURCE_DATE_EPOCH".to_owned(), epoch);
    }
    let mut secrets = BTreeMap::new();
    for text in &args.secret {
        let (id, content) = secret(text, session)?;
        secrets.insert(id, content);
    }
    let mut access = BTreeMap::new();
    let (mut cache_from, mut cache_to, mut hosts) = (Vec::new(), Vec::new(), inputs.registries());
    let invalid = |e: drydock_core::Error| Failure::said(format!("ERROR: failed to build: {e}"));
    for text in &args.cache_from {
        let from = cache::parse_from(text).map_err(invalid)?.0;
        if let CacheFrom::Image(name) | CacheFrom::Registry(name) = &from {
            hosts.extend(Reference::parse(name).map(|r| r.host));
        }
        cache_from.push(from);
    }
    for text in &args.cache_to {
        let to = cache::parse_to(text).map_err(invalid)?.0;
        if let CacheTo::Registry { reference, .. } = &to {
            hosts.extend(Reference::parse(reference).map(|r| r.host));
        }
        cache_to.push(to);
    }
    for host in hosts {
        access.insert(host.clone(), crate::command::login::access(session, &host, &[])?);
    }
    Ok(BuildRequest {
        access,
        dockerfile: inputs.dockerfile.clone(),
        file: inputs.file.clone(),
        ignore: inputs.ignore.clone(),
        tags: args.tag.clone(),
        arguments,
        labels: args.label.iter().map(|l| l.split_once('=').unwrap_or((l, ""))).map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        target: args.target.clone().unwrap_or_default(),
        no_cache: args.no_cache,
        no_cache_filter: args.no_cache_filter.iter().flat_map(|f| f.split(',')).map(str::to_ascii_lowercase).collect(),
        pull: args.pull,
        network,
        secrets,
        ssh: args.ssh.iter().map(|text| ssh(text, session)).collect::<Result<_, _>>()?,
        platform: platform(args)?,
        cache_from,
        cache_to,
        security_opt: args.security_opt.clone(),
        resources: Resources {
            memory: bytes("-m, --memory", args.memory.as_ref())?,
            memory_swap: args.memory_swap.as_deref().map(units::parse_swap).transpose()?.filter(|s| *s != 0),
            cpu_period: args.cpu_period.filter(|p| *p > 0),
            cpu_quota: args.cpu_quota.filter(|q| *q > 0),
            cpu_shares: args.cpu_shares.filter(|s| *s > 0),
            cpuset_cpus: args.cpuset_cpus.clone().filter(|c| !c.is_empty()),
            cpuset_mems: args.cpuset_mems.clone().filter(|m| !m.is_empty()),
            ..Resources::default()
        },
        extra_hosts: args.add_host.clone(),
        ulimits: args.ulimit.clone(),
        shm_size: bytes("--shm-size", args.shm_size.as_ref())?,
        squash: args.squash,
        ..BuildRequest::default()
    })
}

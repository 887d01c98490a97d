//! From what a person asked for to an OCI runtime configuration (runtime-spec 1.2): pure, as Docker fills one in.

mod device;
mod environment;
pub(crate) mod mounts;
mod security;
mod sysctl;

pub use device::{Granted, parse_device, parse_rule};
pub use environment::exec_environment;
pub(crate) use mounts::asked;
pub use sysctl::allowed_sysctls;

use super::layout::Layout;
use super::user::Identity;
use super::{ContainerConfig, ContainerRecord, NamespaceMode, NetworkMode, UserRange, defaults, ulimit};
use crate::error::{Error, ErrorKind, Result};
use crate::image::ImageDefaults;
use crate::kernel::{Facts, NamespaceKind, Process};
use oci_spec::OciSpecError;
use oci_spec::runtime as oci;
use std::collections::BTreeMap;

/// An annotation that asks for Drydock's init as process 1.
pub const INIT: &str = "org.drydock.init";
/// Annotations that name when a process was born whose namespaces are joined: this and its pid. A path below /proc alone could
/// by now be another process's.
pub const BORN: &str = "org.drydock.born.";

/// A namespace that is another process's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// Which kind.
    pub kind: NamespaceKind,
    /// Whose.
    pub of: Process,
}

/// Everything that a configuration follows from.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The container.
    pub record: &'a ContainerRecord,
    /// What its image says.
    pub image: &'a ImageDefaults,
    /// Its user, resolved.
    pub identity: &'a Identity,
    /// The host.
    pub facts: &'a Facts,
    /// The name it has on its network.
    pub hostname: &'a str,
    /// Devices of the host that it gets, under the paths they have in it.
    pub devices: &'a [Granted],
    /// Paths to mask that only this host has.
    pub masked: &'a [String],
    /// Namespaces of other containers, for every [`NamespaceMode::Container`] and [`NetworkMode::Container`] asked for.
    pub joins: &'a [Join],
}

/// The `user[:group]` that a container's program runs as, before it is resolved.
pub fn user<'a>(record: &'a ContainerRecord, image: &'a ImageDefaults) -> &'a str {
    if record.config.user.is_empty() { &image.user } else { &record.config.user }
}

/// The configuration of a container.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] with Docker's words for what cannot be; [`ErrorKind::Unsupported`] for what this host or Drydock has not.
pub fn specification(request: &Request<'_>) -> Result<oci::Spec> {
    let Request { record, facts, .. } = *request;
    let config = &record.config;
    check_range(config)?;
    let place = Layout::of(facts);
    let mut annotations = BTreeMap::new();
    if config.init {
        annotations.insert(INIT.to_owned(), "true".to_owned());
    }
    annotations.extend(config.annotations.iter().map(|(key, value)| (key.clone(), value.clone())));
    for join in request.joins {
        annotations.insert(format!("{BORN}{}", join.of.pid), join.of.born.to_string());
    }
    let root = oci::RootBuilder::default().path(place.merged(&record.id)).readonly(config.read_only).build().map_err(incomplete)?;
    let mut spec = oci::SpecBuilder::default()
        .version("1.2.0")
        .root(root)
        .mounts(mounts::mounts(request)?)
        .process(process(request)?)
        .linux(linux(request)?)
        .build()
        .map_err(incomplete)?;
    let own_uts = config.uts == NamespaceMode::Private;
    spec.set_hostname(own_uts.then(|| request.hostname.to_owned()));
    spec.set_domainname((own_uts && !config.domainname.is_empty()).then(|| config.domainname.clone()));
    spec.set_annotations(Some(annotations.into_iter().collect()));
    Ok(spec)
}

fn process(request: &Request<'_>) -> Result<oci::Process> {
    let Request { record, image, identity, facts, .. } = *request;
    let config = &record.config;
    let options = security::Options::parse(&config.security_opt)?;
    let rlimits = config.ulimits.iter().map(|text| ulimit::parse(text)).collect::<Result<Vec<_>>>()?;
    let workdir = [&config.workdir, &image.working_dir].into_iter().find(|w| !w.is_empty()).map_or("/", String::as_str);
    let mut process = oci::ProcessBuilder::default()
        .terminal(config.tty)
        .user(process_user(identity)?)
        .args(record.args.clone())
        .env(environment::environment(record, request.hostname, identity))
        .cwd(super::mounts::clean(workdir))
        .capabilities(capability_sets(defaults::capabilities(&config.cap_add, &config.cap_drop, config.privileged, facts.capabilities)?)?)
        .no_new_privileges(options.no_new_privileges)
        .build()
        .map_err(incomplete)?;
    process.set_rlimits(Some(rlimits).filter(|limits| !limits.is_empty()));
    process.set_oom_score_adj(config.resources.oom_score_adj);
    Ok(process)
}

/// Puts a user that was resolved later into a configuration, with the environment that follows from who it is.
pub fn settle(mut spec: oci::Spec, record: &ContainerRecord, identity: &Identity, hostname: &str) -> Result<oci::Spec> {
    if let Some(process) = spec.process_mut() {
        process.set_user(process_user(identity)?);
        process.set_env(Some(environment::environment(record, hostname, identity)));
    }
    Ok(spec)
}

/// A user as the configuration has one. The primary group is among the additional ones (CVE-2022-36109).
pub fn process_user(identity: &Identity) -> Result<oci::User> {
    oci::UserBuilder::default().uid(identity.uid).gid(identity.gid).additional_gids(identity.groups.clone()).build().map_err(incomplete)
}

/// The same capabilities as the most there can be, and in force; none to inherit, none ambient (CVE-2022-24769).
pub fn capability_sets(set: oci::Capabilities) -> Result<oci::LinuxCapabilities> {
    let none = oci::Capabilities::default;
    oci::LinuxCapabilitiesBuilder::default()
        .bounding(set.clone())
        .effective(set.clone())
        .permitted(set)
        .inheritable(none())
        .ambient(none())
        .build()
        .map_err(incomplete)
}

fn linux(request: &Request<'_>) -> Result<oci::Linux> {
    let Request { record, facts, .. } = *request;
    let config = &record.config;
    let options = security::Options::parse(&config.security_opt)?;
    if options.writable_cgroups && config.cgroupns == NamespaceMode::Host {
        // The groups seen there are everybody's.
        return Err(Error::invalid("option 'WritableCgroups' conflicts with 'HostConfig.CgroupnsMode': the namespace must be private"));
    }
    let open = config.privileged || options.unconfined_paths;
    let paths = |asked: &Option<Vec<String>>, list: &[&str]| match asked {
        _ if open => Vec::new(),
        Some(asked) => asked.clone(),
        None => list.iter().map(|p| (*p).to_owned()).collect(),
    };
    let mut masked: Vec<String> = paths(&config.masked_paths, &defaults::MASKED_PATHS);
    if !open && config.masked_paths.is_none() {
        masked.extend_from_slice(request.masked);
    }
    let resources = oci::LinuxResourcesBuilder::default().devices(device::rules(config, request.devices)?).build().map_err(incomplete)?;
    let mut linux = oci::LinuxBuilder::default()
        .namespaces(namespaces(request)?)
        .resources(resources)
        .cgroups_path(Layout::of(facts).cgroup_in(config.resources.cgroup_parent.as_deref(), &record.id))
        .devices(device::nodes(request.devices)?)
        .masked_paths(masked)
        .readonly_paths(paths(&config.readonly_paths, &defaults::READ_ONLY_PATHS))
        .build()
        .map_err(incomplete)?;
    linux.set_sysctl(Some(sysctl::sysctls(config)?.into_iter().collect()));
    if let Some(range) = range(config) {
        let mapping =
            oci::LinuxIdMappingBuilder::default().container_id(0u32).host_id(range.start).size(range.size).build().map_err(incomplete)?;
        linux.set_uid_mappings(Some(vec![mapping]));
        linux.set_gid_mappings(Some(vec![mapping]));
    }
    linux.set_seccomp(security::filter(config, &options, facts, &Layout::of(facts).refused_calls(&record.id))?);
    Ok(linux)
}

/// The ids of a user namespace of its own, if the container has one.
///
/// # Errors
/// None here; [`check_range`] refuses what does not go with one.
fn range(config: &ContainerConfig) -> Option<UserRange> {
    config.user_range.filter(|_| config.userns != NamespaceMode::Host)
}

/// Refuses what a container with ids of its own cannot have, in Docker's words.
fn check_range(config: &ContainerConfig) -> Result<()> {
    if range(config).is_none() {
        return Ok(());
    }
    let refused = |words: &str| Err(Error::invalid(words));
    if config.privileged {
        return refused(
            "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode",
        );
    }
    if config.network == NetworkMode::Host {
        return refused("cannot share the host's network namespace when user namespaces are enabled");
    }
    if config.pid == NamespaceMode::Host {
        return refused("cannot share the host PID namespace when user namespaces are enabled");
    }
    Ok(())
}

/// Every namespace of its own, but those shared with the host, which are left out, and those of another, which are named.
fn namespaces(request: &Request<'_>) -> Result<Vec<oci::LinuxNamespace>> {
    use oci::LinuxNamespaceType as Type;
    let config = &request.record.config;
    let network = match &config.network {
        NetworkMode::Host => NamespaceMode::Host,
        NetworkMode::Container(name) => NamespaceMode::Container(name.clone()),
        NetworkMode::None | NetworkMode::Named(_) => NamespaceMode::Private,
    };
    if matches!(config.uts, NamespaceMode::Container(_)) {
        return Err(Error::invalid("--uts: invalid UTS mode"));
    }
    if !matches!(config.cgroupns, NamespaceMode::Private | NamespaceMode::Host) {
        return Err(Error::invalid("--cgroupns: invalid CGROUP mode"));
    }
    let modes = [
        (Type::Ipc, NamespaceKind::Ipc, "ipc", &config.ipc),
        (Type::Uts, NamespaceKind::Uts, "uts", &config.uts),
        (Type::Network, NamespaceKind::Network, "net", &network),
        (Type::Pid, NamespaceKind::Pid, "pid", &config.pid),
        (Type::Cgroup, NamespaceKind::Cgroup, "cgroup", &config.cgroupns),
        (Type::Mount, NamespaceKind::Mount, "mnt", &NamespaceMode::Private),
    ];
    let mut all = Vec::new();
    if range(config).is_some() {
        all.push(oci::LinuxNamespaceBuilder::default().typ(Type::User).build().map_err(incomplete)?);
    }
    for (typ, kind, file, mode) in modes {
        let builder = oci::LinuxNamespaceBuilder::default().typ(typ);
        match mode {
            NamespaceMode::Host => {}
            NamespaceMode::Private | NamespaceMode::Shareable | NamespaceMode::None => all.push(builder.build().map_err(incomplete)?),
            NamespaceMode::Container(name) => {
                let join = request.joins.iter().find(|join| join.kind == kind);
                let of = &join
                    .ok_or_else(|| Error::new(ErrorKind::NotRunning, format!("cannot join {file} of a non running container: {name}")))?
                    .of;
                all.push(builder.path(format!("/proc/{}/ns/{file}", of.pid)).build().map_err(incomplete)?);
            }
        }
    }
    Ok(all)
}

/// A builder lacks a field: a defect of this module and not of a request.
fn incomplete(error: OciSpecError) -> Error {
    Error::new(ErrorKind::System, "the runtime configuration is incomplete").source(error)
}

#[cfg(test)]
pub(crate) mod tests;

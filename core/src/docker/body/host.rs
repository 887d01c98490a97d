//! `HostConfig`: what a client asks of the host.

use super::limits::Limits;
use super::mounts::{Mount, request, tmpfs};
use crate::container::log::LogConfig;
use crate::container::{ContainerConfig, NamespaceMode, NetworkMode, RestartPolicy, defaults, mounts, restart};
use crate::error::{Error, Result};
use crate::io::Size;
use crate::network::{PortRequest, ports};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[allow(clippy::struct_excessive_bools, reason = "Docker's own switches")]
pub(super) struct HostConfig {
    binds: Vec<String>,
    log_config: Log,
    network_mode: String,
    port_bindings: BTreeMap<String, Vec<Binding>>,
    restart_policy: Restart,
    auto_remove: bool,
    volume_driver: String,
    volumes_from: Vec<String>,
    mounts: Vec<Mount>,
    console_size: Vec<u16>,
    annotations: BTreeMap<String, String>,
    cap_add: Vec<String>,
    cap_drop: Vec<String>,
    cgroupns_mode: String,
    dns: Vec<String>,
    dns_options: Vec<String>,
    dns_search: Vec<String>,
    extra_hosts: Vec<String>,
    group_add: Vec<String>,
    ipc_mode: String,
    pub(super) links: Vec<String>,
    pid_mode: String,
    privileged: bool,
    publish_all_ports: bool,
    readonly_rootfs: bool,
    security_opt: Vec<String>,
    storage_opt: BTreeMap<String, String>,
    tmpfs: BTreeMap<String, String>,
    #[serde(rename = "UTSMode")]
    uts_mode: String,
    userns_mode: String,
    shm_size: i64,
    sysctls: BTreeMap<String, String>,
    runtime: String,
    isolation: String,
    masked_paths: Option<Vec<String>>,
    readonly_paths: Option<Vec<String>>,
    init: bool,
    #[serde(flatten)]
    limits: Limits,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Log {
    r#type: String,
    config: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Binding {
    host_ip: String,
    host_port: String,
}

/// A restart policy.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Restart {
    name: String,
    maximum_retry_count: i64,
}

impl Restart {
    /// Whether one is named.
    pub fn is_given(&self) -> bool {
        !self.name.is_empty()
    }

    /// Reads it.
    pub fn policy(&self) -> Result<RestartPolicy> {
        match (self.name.as_str(), self.maximum_retry_count) {
            ("", 0) => Ok(RestartPolicy::No),
            ("on-failure", count) if count < 0 => Err(Error::invalid("maximum retry count cannot be negative")),
            (name, 0) => restart::parse(name),
            (name, count) => restart::parse(&format!("{name}:{count}")),
        }
    }
}

/// Reads the mode of a namespace: `host`, and `container:NAME` where that can be joined. Others are refused with these words.
fn namespace(mode: &str, joined: bool, words: &str) -> Result<NamespaceMode> {
    match mode {
        "" | "private" => Ok(NamespaceMode::Private),
        "host" => Ok(NamespaceMode::Host),
        other => match other.strip_prefix("container:").filter(|c| joined && !c.is_empty()) {
            Some(container) => Ok(NamespaceMode::Container(container.to_owned())),
            None => Err(Error::invalid(format!("{words}: {}", other.escape_debug()))),
        },
    }
}

fn bound(port: &str, binding: &Binding) -> Result<Vec<PortRequest>> {
    let host = match binding.host_ip.as_str() {
        "" => format!("{}:{port}", binding.host_port),
        ip if ip.contains(':') => format!("[{ip}]:{}:{port}", binding.host_port),
        ip => format!("{ip}:{}:{port}", binding.host_port),
    };
    ports::parse(&host).map_err(|e| match e.message().strip_prefix("invalid hostPort: ") {
        Some(_) => Error::invalid(format!("invalid port specification: \"{}\"", binding.host_port.escape_debug())),
        None => e,
    })
}

impl HostConfig {
    /// Puts it into a configuration.
    pub fn apply(self, config: &mut ContainerConfig) -> Result<()> {
        if !self.storage_opt.is_empty() {
            return Err(Error::invalid("--storage-opt is supported only for overlay over xfs with 'pquota' mount option"));
        }
        if !matches!(self.volume_driver.as_str(), "" | "local") {
            let name = self.volume_driver.escape_debug();
            return Err(Error::not_found(format!("error looking up volume plugin {name}: plugin \"{name}\" not found")));
        }
        config.resources = self.limits.resources()?;
        config.ulimits = self.limits.ulimits()?;
        config.devices = self.limits.devices();
        config.device_rules.clone_from(&self.limits.device_cgroup_rules);
        self.limits.refuse_unknown()?;
        for (port, bindings) in &self.port_bindings {
            // Docker takes a port without a binding for one that is bound to any.
            let any = [Binding::default()];
            for binding in if bindings.is_empty() { &any[..] } else { bindings } {
                config.ports.extend(bound(port, binding)?);
            }
        }
        for bind in &self.binds {
            if bind.starts_with(['.', '~']) {
                return Err(Error::invalid(format!("invalid volume specification: '{}'", bind.escape_debug())));
            }
            config.mounts.push(mounts::parse_volume(bind, "/")?);
        }
        for mount in self.mounts {
            config.mounts.push(request(mount)?);
        }
        for (target, options) in &self.tmpfs {
            config.mounts.push(tmpfs(target, options)?);
        }
        config.network = NetworkMode::parse(&self.network_mode);
        config.restart = self.restart_policy.policy()?;
        config.log = LogConfig { driver: self.log_config.r#type, options: self.log_config.config };
        config.auto_remove = self.auto_remove;
        config.volumes_from = self.volumes_from;
        if let ([rows, cols], true) = (self.console_size.as_slice(), config.tty) {
            config.console_size = (*rows > 0 || *cols > 0).then_some(Size { rows: *rows, cols: *cols });
        }
        config.annotations = self.annotations;
        (config.cap_add, config.cap_drop) = (self.cap_add, self.cap_drop);
        (config.dns, config.dns_options, config.dns_search) = (self.dns, self.dns_options, self.dns_search);
        config.extra_hosts = self.extra_hosts;
        config.groups = self.group_add;
        config.pid = namespace(&self.pid_mode, true, "invalid PID mode")?;
        config.uts = namespace(&self.uts_mode, false, "invalid UTS mode")?;
        config.userns = namespace(&self.userns_mode, false, "invalid userns mode")?;
        config.cgroupns = namespace(&self.cgroupns_mode, false, "invalid cgroup namespace mode")?;
        config.ipc = match self.ipc_mode.as_str() {
            "shareable" => NamespaceMode::Shareable,
            "none" => NamespaceMode::None,
            other => namespace(other, true, "Invalid IPC mode")?,
        };
        config.privileged = self.privileged;
        config.publish_all = self.publish_all_ports;
        config.read_only = self.readonly_rootfs;
        config.security_opt = self.security_opt;
        // The client's own way of saying `systempaths=unconfined`.
        let none = |paths: &Option<Vec<String>>| paths.as_ref().is_some_and(Vec::is_empty);
        if none(&self.masked_paths) && none(&self.readonly_paths) {
            config.security_opt.push("systempaths=unconfined".to_owned());
        } else {
            // Who asks for Docker's own, as an inspection shows them, asks for nothing.
            let chosen = |paths: Option<Vec<String>>, own: &[&str]| paths.filter(|paths| paths != own);
            config.masked_paths = chosen(self.masked_paths, &defaults::MASKED_PATHS);
            config.readonly_paths = chosen(self.readonly_paths, &defaults::READ_ONLY_PATHS);
            for path in config.masked_paths.iter().chain(&config.readonly_paths).flatten() {
                if !path.starts_with('/') || path.contains('\0') {
                    return Err(Error::invalid(format!("invalid path to mask: {}", path.escape_debug())));
                }
            }
        }
        config.shm_size = match self.shm_size {
            0 => None,
            size => Some(u64::try_from(size).map_err(|_| Error::invalid("SHM size can not be less than 0"))?),
        };
        config.sysctls = self.sysctls;
        // Clients that read an inspection and create from it send the engine's own name.
        config.runtime = self.runtime;
        config.isolation = self.isolation;
        config.init = self.init;
        Ok(())
    }
}

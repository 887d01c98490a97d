//! Sysctls: only those of the container's own namespaces, so that none reaches the host (CVE-2022-0811).

use crate::container::{ContainerConfig, NamespaceMode, NetworkMode};
use crate::error::{Error, Result};
use std::collections::BTreeMap;

/// Sysctls of the ipc namespace that have no prefix of their own (namespaces(7)).
const IPC: [&str; 8] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

/// Whether every sysctl that is asked for is one that a container may have.
///
/// # Errors
/// As when it is made.
pub fn allowed_sysctls(config: &ContainerConfig) -> Result<()> {
    sysctls(config).map(drop)
}

/// The sysctls to set: Docker's two for networks of their own, and those asked for.
///
/// # Errors
/// `sysctl '…' is not allowed`, and Docker's words for one whose namespace is the host's.
pub(super) fn sysctls(config: &ContainerConfig) -> Result<BTreeMap<String, String>> {
    let own_network = matches!(config.network, NetworkMode::Named(_) | NetworkMode::None);
    let mut all = BTreeMap::new();
    if own_network {
        // Any user may listen on any port, and ping, as Docker has it since 20.10.
        all.insert("net.ipv4.ip_unprivileged_port_start".to_owned(), "0".to_owned());
        // Groups that the namespace does not know cannot be named in it.
        let last = super::range(config).map_or(i32::MAX as u32, |range| range.size - 1);
        all.insert("net.ipv4.ping_group_range".to_owned(), format!("0 {last}"));
    }
    for (key, value) in &config.sysctls {
        let shown = key.escape_debug();
        let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        let refused = || Error::invalid(format!("sysctl '{shown}' is not allowed"));
        if !plain || key.split('.').any(str::is_empty) || value.contains(['\n', '\0']) {
            return Err(refused());
        }
        if key.starts_with("net.") {
            if config.network == NetworkMode::Host {
                return Err(Error::invalid(format!("sysctl '{shown}' not allowed in host network namespace")));
            }
        } else if IPC.contains(&key.as_str()) || key.starts_with("fs.mqueue.") {
            if config.ipc == NamespaceMode::Host {
                return Err(Error::invalid(format!("sysctl '{shown}' not allowed in host ipc namespace")));
            }
        } else {
            return Err(refused());
        }
        all.insert(key.clone(), value.clone());
    }
    Ok(all)
}

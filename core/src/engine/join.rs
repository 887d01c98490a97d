//! Namespaces of other containers: whose process a container joins, found when it starts.

use super::LocalEngine;
use crate::container::{ContainerConfig, ContainerRecord, NamespaceMode, NetworkMode, Status};
use crate::error::{Error, Result};
use crate::host::Joined;
use crate::kernel::Process;
use oci_spec::runtime::Spec;

impl LocalEngine {
    /// Refuses to create what joins a container that does not exist.
    pub(super) fn check_joins(&self, config: &ContainerConfig) -> Result<()> {
        if let NetworkMode::Container(name) = &config.network {
            self.resolve(name)?;
            if !config.hostname.is_empty() {
                return Err(Error::invalid("conflicting options: hostname and the network mode"));
            }
            if !config.ports.is_empty() || config.publish_all {
                return Err(Error::invalid("conflicting options: port publishing and the container type network mode"));
            }
        }
        if !config.hostname.is_empty() && config.uts == NamespaceMode::Host {
            return Err(Error::invalid("conflicting options: hostname and the UTS mode"));
        }
        for mode in [&config.pid, &config.ipc, &config.uts] {
            if let NamespaceMode::Container(name) = mode {
                self.resolve(name)?;
            }
        }
        Ok(())
    }

    /// What is known of a container only when it starts.
    pub(super) fn joined(&self, record: &ContainerRecord) -> Result<Joined> {
        let pid = match &record.config.pid {
            NamespaceMode::Container(name) => Some(self.process_to_join(name)?),
            _ => None,
        };
        let ipc = match &record.config.ipc {
            NamespaceMode::Container(name) => Some(self.memory_to_join(name)?),
            _ => None,
        };
        let network = match &record.config.network {
            NetworkMode::Container(name) => Some(self.running_process(name)?),
            _ => None,
        };
        Ok(Joined { hostname: self.hostname_of(record)?, network, pid, ipc })
    }

    /// The host name inside: asked for, that of the container whose network it shares, the host's own where its UTS namespace or
    /// network is, or the short id.
    pub(super) fn hostname_of(&self, record: &ContainerRecord) -> Result<String> {
        let of_host = record.config.uts == NamespaceMode::Host || record.config.network == NetworkMode::Host;
        Ok(match (record.config.hostname.as_str(), &record.config.network) {
            ("", NetworkMode::Container(name)) => self.hostname_of(&self.settled(name)?)?,
            ("", _) if of_host => self.kernel().facts().hostname.clone(),
            ("", _) => record.id.short().to_owned(),
            (name, _) => name.to_owned(),
        })
    }

    fn running_process(&self, name: &str) -> Result<Process> {
        let other = self.settled(name)?;
        match (other.state.status, other.state.process) {
            (Status::Running | Status::Paused, Some(process)) => Ok(process),
            _ => Err(Error::conflict(format!("cannot join network of a non running container: {}", other.id)).subject(other.id.as_str())),
        }
    }

    /// The first process of a container whose pid namespace is joined.
    fn process_to_join(&self, name: &str) -> Result<Process> {
        let other = self.settled(name)?;
        match (other.state.status, other.state.process) {
            (Status::Running | Status::Paused, Some(process)) => Ok(process),
            _ => Err(Error::conflict(format!("container {} is not running", other.id)).subject(other.id.as_str())),
        }
    }

    /// The first process of a container whose ipc namespace is joined. It must have said that others may.
    fn memory_to_join(&self, name: &str) -> Result<Process> {
        let other = self.settled(name)?;
        let refused = |why: String| Error::conflict(format!("can't join IPC of container {}: {why}", other.id)).subject(other.id.as_str());
        let process = self.process_to_join(name).map_err(|e| refused(e.message().to_owned()))?;
        match other.config.ipc {
            NamespaceMode::Shareable => Ok(process),
            _ => Err(refused("non-shareable IPC (hint: use IpcMode:shareable for the donor container)".to_owned())),
        }
    }

    /// The OCI configuration of a container that is about to start.
    pub(super) fn specification(&self, record: &ContainerRecord) -> Result<Spec> {
        let image = self.image_record(&record.image)?.ok_or_else(|| super::images::no_such_image(record.image.as_str()))?;
        self.host.planning.specify(record, &image, &self.joined(record)?)
    }
}

//! Changing a container that exists: its limits, its restart policy, its published ports, its mounts. A running one is changed by its
//! supervisor, which holds its ports and decides about its restarts; one that does not run is only written down anew.

use super::LocalEngine;
use super::events::Happening;
use super::live_mounts::MountChange;
use crate::container::{ContainerConfig, ContainerRecord, MountRequest, RestartPolicy, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use crate::kernel::Request;
use crate::limits::{Resources, revise};
use crate::network::PortRequest;
use crate::store::Change;
use serde::{Deserialize, Serialize};

/// What to change. What is not named stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerUpdate {
    /// Limits; `None` and zero leave one alone.
    pub resources: Resources,
    /// What happens when it ends.
    pub restart: Option<RestartPolicy>,
    /// Ports to publish besides those that are.
    pub publish_add: Vec<PortRequest>,
    /// Ports not to publish any more: by the container's port and protocol, and by the host's address and port where they are given.
    pub publish_remove: Vec<PortRequest>,
    /// Mounts to make besides those that are.
    pub mount_add: Vec<MountRequest>,
    /// Mounts to take away, by their targets. Of a volume only the use ends.
    pub mount_remove: Vec<String>,
}

impl ContainerUpdate {
    /// Whether it names nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn ports(&self) -> bool {
        !self.publish_add.is_empty() || !self.publish_remove.is_empty()
    }
}

fn refused(id: &ContainerId, error: &Error) -> Error {
    Error::new(error.kind(), format!("Cannot update container {id}: {}", error.message())).subject(id.as_str())
}

fn runs(status: Status) -> bool {
    matches!(status, Status::Running | Status::Paused | Status::Restarting)
}

impl LocalEngine {
    /// Changes a container, whatever state it is in.
    pub(super) fn update_container(&self, asked: &str, change: &ContainerUpdate) -> Result<()> {
        loop {
            let record = self.settled(asked)?;
            let id = &record.id;
            // What is refused is refused before anybody is asked to do it.
            self.revised(&record, change)?;
            if runs(record.state.status) {
                match self.kernel().request(id, &Request::Update(Box::new(change.clone()))) {
                    // It has just ended: what is left to change is its record.
                    Err(e) if e.kind() == ErrorKind::NotRunning => self.host.clock.sleep(super::local::GLANCE),
                    other => return other,
                }
                continue;
            }
            let _guard = self.lock_container(id)?;
            let Some(record) = self.settle_locked(id)? else {
                return Err(super::resolve::no_such(asked));
            };
            if !runs(record.state.status) {
                let (config, mounts) = self.revised(&record, change)?;
                let forgotten = self.prepare_mounts(&record, &mounts)?;
                return self.write_update(id, &config, &forgotten);
            }
        }
    }

    /// The supervisor's half: changes what the container holds on the host, then its record.
    pub(crate) fn update_supervised(&self, id: &ContainerId, change: &ContainerUpdate) -> Result<()> {
        let record = self.record(id)?;
        let (config, mounts) = self.revised(&record, change)?;
        let holds = record.state.process.is_some();
        let forgotten = self.prepare_mounts(&record, &mounts)?;
        if let Some(process) = &record.state.process {
            self.remount(&record, process, &mounts).map_err(|e| refused(id, &e))?;
        }
        let done = self.update_rest(&record, change, &config, holds);
        if let (Err(_), Some(process)) = (&done, &record.state.process) {
            // An update is made whole or not at all.
            self.remount_as_before(&record, process, &mounts);
        }
        done?;
        self.write_update(id, &config, &forgotten)
    }

    /// Ports and limits.
    fn update_rest(&self, record: &ContainerRecord, change: &ContainerUpdate, config: &ContainerConfig, holds: bool) -> Result<()> {
        let id = &record.id;
        let before = if change.ports() && holds { Some(self.republish(record, change)?) } else { None };
        if holds && config.resources != record.config.resources {
            let changed = self.host.limits.change(id, &config.resources).map_err(|e| refused(id, &e));
            if changed.is_err() {
                // The ports go back to what they were: an update is made whole or not at all.
                if let Some(before) = before {
                    let _ = self.publish_as_before(&before);
                }
                return changed;
            }
        }
        Ok(())
    }

    /// Writes an update down.
    fn write_update(&self, id: &ContainerId, config: &ContainerConfig, forgotten: &[Change]) -> Result<()> {
        let also = [super::create::promise(config), forgotten].concat();
        self.change(id, &[Happening::plain("update")], &also, &mut |record| {
            record.config.resources.clone_from(&config.resources);
            record.config.restart = config.restart;
            record.config.ports.clone_from(&config.ports);
            record.config.mounts.clone_from(&config.mounts);
            Ok(())
        })
        .map(drop)
    }

    /// The configuration after an update, or why there can be none.
    fn revised(&self, record: &ContainerRecord, change: &ContainerUpdate) -> Result<(ContainerConfig, MountChange)> {
        let id = &record.id;
        if matches!(record.state.status, Status::Removing | Status::Dead) {
            return Err(refused(id, &Error::conflict("Container is marked for removal and cannot be \"update\".")));
        }
        let mut config = record.config.clone();
        config.resources = revise(&config.resources, &change.resources).map_err(|e| refused(id, &e))?;
        if let Some(policy) = change.restart {
            if config.auto_remove && policy != RestartPolicy::No {
                let why = Error::invalid("Restart policy cannot be updated because AutoRemove is enabled for the container");
                return Err(refused(id, &why));
            }
            config.restart = policy;
        }
        config.ports = self.revised_ports(record, change)?;
        let mounts = self.mount_change(record, change)?;
        config.mounts = Self::revised_mounts(record, &mounts);
        if change.resources != Resources::default() {
            // The values given are judged, and the whole they make with those that stay.
            self.host.planning.check(&ContainerConfig { resources: change.resources.clone(), ..config.clone() })?;
            self.host.planning.check(&config)?;
        }
        Ok((config, mounts))
    }
}

//! Mounts of a container that lives: more of them, or fewer, without another start.
//!
//! Only binds, volumes and memory, and only such as were asked for. A mount that something in the container uses is not taken away,
//! and one that is added appears whole: it is put together where nobody sees it, and attached by one call.

use super::LocalEngine;
use super::update::ContainerUpdate;
use crate::container::mounts::{check_target, clean};
use crate::container::{ContainerConfig, ContainerRecord, MountKind, MountRequest, NamespaceMode};
use crate::error::{Error, Result};
use crate::kernel::{Process, Step};
use crate::store::Change;

/// The mounts that an update adds and takes away.
#[derive(Debug, Default)]
pub(super) struct MountChange {
    /// Added, volumes with their names.
    pub added: Vec<MountRequest>,
    /// Taken away.
    pub removed: Vec<MountRequest>,
}

impl LocalEngine {
    /// What an update means to a container's mounts, or why that cannot be.
    pub(super) fn mount_change(&self, record: &ContainerRecord, change: &ContainerUpdate) -> Result<MountChange> {
        let mut result = MountChange::default();
        for target in &change.mount_remove {
            let found = record.config.mounts.iter().find(|m| clean(&m.target) == clean(target));
            let found = found.ok_or_else(|| {
                Error::not_found(format!("No mount at '{}' of {}", target.escape_debug(), record.name))
                    .subject(record.id.as_str())
                    .code("no-such-mount")
            })?;
            if !result.removed.contains(found) {
                result.removed.push(found.clone());
            }
        }
        for asked in &change.mount_add {
            let mut mount = asked.clone();
            if mount.kind == MountKind::Image {
                return Err(
                    Error::unsupported("an image as a mount of a container that exists").hint("make the container anew with --mount")
                );
            }
            mount.target = check_target("bind", &mount.target)?;
            if mount.kind == MountKind::Volume && mount.source.is_empty() && !mount.read_only {
                mount.source = self.new_id();
            }
            result.added.push(mount);
        }
        if result.added.is_empty() {
            return Ok(result);
        }
        let root = self.layout().data_root().to_owned();
        if result.added.iter().any(|m| m.kind == MountKind::Bind && super::volumes::holds_or_is_in(&m.source, &root)) {
            // It would be busy for ever: what the engine unmounts there would stay mounted in the container.
            return Err(Error::unsupported("a bind that holds the engine's own directory, on a container that exists")
                .hint("make the container anew with -v"));
        }
        self.check_sources(&ContainerConfig { mounts: result.added.clone(), ..record.config.clone() })?;
        let stays = |m: &&MountRequest| !result.removed.contains(m);
        let taken = |target: &str| record.config.mounts.iter().filter(stays).any(|m| clean(&m.target) == target);
        match result.added.iter().find(|m| taken(&m.target)) {
            Some(twice) => Err(Error::invalid(format!("Duplicate mount point: {}", twice.target.escape_debug()))),
            None => Ok(result),
        }
    }

    /// The mounts of a configuration after a change.
    pub(super) fn revised_mounts(record: &ContainerRecord, change: &MountChange) -> Vec<MountRequest> {
        let kept = record.config.mounts.iter().filter(|m| !change.removed.contains(m));
        kept.chain(&change.added).cloned().collect()
    }

    /// Makes what added mounts need, and what is to be forgotten of removed ones once the record says so.
    pub(super) fn prepare_mounts(&self, record: &ContainerRecord, change: &MountChange) -> Result<Vec<Change>> {
        let mounts = Self::revised_mounts(record, change);
        if !change.added.is_empty() {
            let layers = self.image_record(&record.image)?.map(|image| image.layers).unwrap_or_default();
            let only_new =
                ContainerRecord { config: ContainerConfig { mounts: change.added.clone(), ..record.config.clone() }, ..record.clone() };
            self.make_sources(&only_new, &change.added, &layers)?;
            if record.state.process.is_some() {
                self.mount_volumes(&only_new)?;
            }
        }
        let gone = |m: &&MountRequest| m.kind == MountKind::Volume && !mounts.iter().any(|k| k.kind == m.kind && k.source == m.source);
        Ok(change.removed.iter().filter(gone).map(|m| Self::end_volume_use(&m.source, &record.id)).collect())
    }

    /// Changes the mounts of a container that runs: takes away first, so that a mount can be replaced. All of it or nothing.
    pub(super) fn remount(&self, record: &ContainerRecord, process: &Process, change: &MountChange) -> Result<()> {
        if record.config.user_range.is_some() && record.config.userns != NamespaceMode::Host {
            return Err(Error::unsupported("other mounts for a running container with ids of its own"));
        }
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        let result = (|| {
            for mount in &change.removed {
                self.kernel().perform(&Step::UnmountIn { of: process.clone(), target: mount.target.clone() }, None)?;
                removed.push(mount);
            }
            for mount in &change.added {
                self.mount_in(process, mount)?;
                added.push(mount);
            }
            Ok(())
        })();
        if result.is_err() {
            // The first error is the one that counts.
            for mount in added {
                let _ = self.kernel().perform(&Step::UnmountIn { of: process.clone(), target: mount.target.clone() }, None);
            }
            for mount in removed {
                let _ = self.mount_in(process, mount);
            }
        }
        result
    }

    /// Puts a change of mounts back.
    pub(super) fn remount_as_before(&self, record: &ContainerRecord, process: &Process, change: &MountChange) {
        let back = MountChange { added: change.removed.clone(), removed: change.added.clone() };
        // What cannot be put back is what it was changed to.
        let _ = self.remount(record, process, &back);
    }

    fn mount_in(&self, process: &Process, mount: &MountRequest) -> Result<()> {
        self.kernel().perform(&crate::plan::mount_in(process, mount, &self.layout())?, None)
    }
}

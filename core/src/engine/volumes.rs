//! What is mounted from the host: volumes and bound paths, made or missed when a container is created.

use super::LocalEngine;
use crate::container::mounts::clean;
use crate::container::{ContainerConfig, ContainerRecord, MountKind, MountRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::image::ImageRecord;
use crate::kernel::Step;
use crate::store::{Change, Table};
use std::collections::BTreeSet;

/// The mark of a volume that nobody named: it goes with its container if the container is removed with its volumes.
fn anonymous_key(name: &str) -> String {
    format!("volume/{name}")
}

impl LocalEngine {
    /// The mounts of a container: those asked for, every volume of the image that none of them replaces, and a name for each volume
    /// that has none.
    pub(super) fn mounts_of(&self, config: &ContainerConfig, image: &ImageRecord) -> Vec<MountRequest> {
        let mut all = config.mounts.clone();
        for target in image.defaults.volumes.keys() {
            if !all.iter().any(|mount| mount.target.trim_end_matches('/') == target.trim_end_matches('/')) {
                all.push(MountRequest {
                    kind: MountKind::Volume,
                    source: String::new(),
                    target: target.clone(),
                    read_only: false,
                    create_source: false,
                    propagation: String::new(),
                    size: None,
                    mode: None,
                    options: Vec::new(),
                });
            }
        }
        for mount in all.iter_mut().filter(|m| m.kind == MountKind::Volume && m.source.is_empty()) {
            mount.source = self.new_id();
        }
        all
    }

    /// Refuses targets that are no place to mount at, and a bound path that must exist and does not.
    pub(super) fn check_sources(&self, config: &ContainerConfig) -> Result<()> {
        let mut targets = BTreeSet::new();
        for mount in &config.mounts {
            let kind = match mount.kind {
                MountKind::Bind => "bind",
                MountKind::Volume => "volume",
                MountKind::Tmpfs => "tmpfs",
            };
            let shown = mount.target.escape_debug();
            if !mount.target.starts_with('/') {
                return Err(Error::invalid(format!(
                    "invalid mount config for type \"{kind}\": invalid mount path: '{shown}' mount path must be absolute"
                )));
            }
            let target = clean(&mount.target);
            if target == "/" {
                return Err(Error::invalid(format!(
                    "invalid mount config for type \"{kind}\": invalid specification: destination can't be '/'"
                )));
            }
            if !targets.insert(target) {
                return Err(Error::invalid(format!("Duplicate mount point: {shown}")));
            }
        }
        for mount in config.mounts.iter().filter(|m| m.kind == MountKind::Bind && !m.create_source) {
            if self.is_missing(&mount.source)? {
                return Err(Error::invalid(format!(
                    "invalid mount config for type \"bind\": bind source path does not exist: {}",
                    mount.source.escape_debug()
                )));
            }
        }
        Ok(())
    }

    fn is_missing(&self, path: &str) -> Result<bool> {
        match self.kernel().size(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(true),
            // It is there, and is something that has no length.
            Err(e) if e.kind() == ErrorKind::InvalidInput => Ok(false),
            Err(e) => Err(e),
            Ok(_) => Ok(false),
        }
    }

    /// Makes what a container's mounts need: its volumes, and bound directories that `-v` asks to be made.
    pub(super) fn make_sources(&self, record: &ContainerRecord, asked: &[MountRequest]) -> Result<()> {
        for mount in &record.config.mounts {
            match mount.kind {
                MountKind::Volume => {
                    if !asked.iter().any(|a| a.kind == MountKind::Volume && a.source == mount.source) {
                        self.store().commit(&[Change::Put(Table::Meta, anonymous_key(&mount.source), Vec::new())])?;
                    }
                    self.kernel().perform(&Step::MakeDir { path: self.layout().volume(&mount.source), mode: 0o755 }, None)?;
                }
                MountKind::Bind if mount.create_source && self.is_missing(&mount.source)? => {
                    self.kernel().perform(&Step::MakeDir { path: mount.source.clone(), mode: 0o755 }, None)?;
                }
                MountKind::Bind | MountKind::Tmpfs => {}
            }
        }
        Ok(())
    }

    /// Removes the volumes of a container that nobody named.
    pub(super) fn remove_volumes(&self, record: &ContainerRecord) -> Result<()> {
        for mount in record.config.mounts.iter().filter(|m| m.kind == MountKind::Volume) {
            let key = anonymous_key(&mount.source);
            if self.store().get(Table::Meta, &key)?.is_none() {
                continue;
            }
            let files = self.layout().volume(&mount.source);
            let path = files.trim_end_matches("/_data").to_owned();
            self.kernel().perform(&Step::RemoveTree { path }, None)?;
            self.store().commit(&[Change::Delete(Table::Meta, key)])?;
        }
        Ok(())
    }
}

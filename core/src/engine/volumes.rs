//! What is mounted from the host: volumes and bound paths, made or missed when a container is created.

use super::LocalEngine;
use crate::container::mounts::{check_target, check_volume_name, clean};
use crate::container::oci::mounts::IMAGE_ID;
use crate::container::volume::{VolumeRecord, VolumeRequest};
use crate::container::{ContainerConfig, ContainerRecord, MountKind, MountRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChainId, ContainerId};
use crate::image::ImageRecord;
use crate::kernel::{Entry, Step};
use crate::store::{Change, Table};
use std::collections::BTreeSet;

/// Whose mount a container has a volume by: all keys of one volume have the same beginning.
fn use_key(name: &str, id: &ContainerId) -> String {
    format!("volume-use/{name}/{id}")
}

/// For which container a volume's options may be mounted at its place.
fn mount_key(name: &str, id: &ContainerId) -> String {
    format!("volume-mount/{name}/{id}")
}

/// Whether one of two paths is below the other, or they are the same.
pub(super) fn holds_or_is_in(a: &str, b: &str) -> bool {
    let below = |inner: &str, outer: &str| {
        let outer = outer.trim_end_matches('/');
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    below(a, b) || below(b, a)
}

impl LocalEngine {
    /// The mounts of a container: those asked for, those of other containers that none of them replaces, every volume of the image
    /// likewise, and a name for each volume that has none.
    pub(super) fn mounts_of(&self, config: &ContainerConfig, image: &ImageRecord) -> Result<Vec<MountRequest>> {
        let mut all = config.mounts.clone();
        let layout = self.layout();
        let root = layout.data_root();
        // What a build binds from there goes with its step: nothing is ever mounted or unmounted below it.
        let of_build = config.labels.contains_key(super::build::LABEL);
        for mount in all.iter_mut().filter(|m| !of_build && m.kind == MountKind::Bind && m.propagation.is_empty()) {
            // What the engine unmounts below its own directories must go in the container too, or it is busy there for ever.
            if holds_or_is_in(&mount.source, root) {
                mount.propagation = "rslave".to_owned();
            }
        }
        let missing = |all: &[MountRequest], target: &str| !all.iter().any(|mount| clean(&mount.target) == clean(target));
        for text in &config.volumes_from {
            let mut theirs = self.mounts_from(text)?;
            theirs.retain(|mount| missing(&config.mounts, &mount.target));
            // Of two containers with a mount at one place, the later one's is taken.
            all.retain(|known| missing(&theirs, &known.target));
            all.extend(theirs);
        }
        for target in image.defaults.volumes.keys() {
            if missing(&all, target) {
                all.push(MountRequest { target: target.clone(), ..MountRequest::of(MountKind::Volume) });
            }
        }
        for mount in all.iter_mut().filter(|m| m.kind == MountKind::Volume && m.source.is_empty()) {
            mount.source = self.new_id();
        }
        for mount in all.iter_mut().filter(|m| m.kind == MountKind::Image && m.words(IMAGE_ID).next().is_none()) {
            self.look_up_image(mount)?;
        }
        Ok(all)
    }

    /// The binds and volumes of another container: `--volumes-from NAME[:ro|rw]`.
    fn mounts_from(&self, text: &str) -> Result<Vec<MountRequest>> {
        if text.is_empty() {
            return Err(Error::invalid("volumes-from specification cannot be an empty string"));
        }
        let (name, mode) = text.split_once(':').unwrap_or((text, "rw"));
        // Labels of SELinux may stand there too, and mean nothing where there is none.
        if !matches!(mode, "ro" | "rw" | "z" | "Z") {
            return Err(Error::invalid(format!("invalid mode: {}", mode.escape_debug())));
        }
        let other = self.settled(name)?;
        let mut mounts = other.config.mounts;
        mounts.retain(|mount| mount.kind != MountKind::Tmpfs);
        for mount in &mut mounts {
            mount.read_only |= mode == "ro";
        }
        Ok(mounts)
    }

    /// Refuses targets that are no place to mount at, and a bound path that must exist and does not.
    pub(super) fn check_sources(&self, config: &ContainerConfig) -> Result<()> {
        let mut targets = BTreeSet::new();
        for mount in &config.mounts {
            let target = check_target(mount.kind.name(), &mount.target)?;
            if mount.kind == MountKind::Volume && !mount.source.is_empty() {
                check_volume_name(&mount.source)?;
            }
            if mount.kind == MountKind::Volume && mount.source.is_empty() && mount.read_only {
                let message = "invalid mount config for type \"volume\": must not set ReadOnly mode when using anonymous volumes";
                return Err(Error::invalid(message).hint("nobody could ever write to it: name a volume that holds something"));
            }
            if !targets.insert(target) {
                return Err(Error::invalid(format!("Duplicate mount point: {}", mount.target.escape_debug())));
            }
        }
        let layout = self.layout();
        let root = layout.data_root();
        for mount in config.mounts.iter().filter(|m| m.kind == MountKind::Bind && holds_or_is_in(&m.source, root)) {
            if !matches!(mount.propagation.as_str(), "" | "rslave" | "rshared") {
                return Err(Error::invalid(format!(
                    "invalid mount config: must use either propagation mode \"rslave\" or \"rshared\" when mount source is within the daemon \
                     root, daemon root: \"{root}\", bind mount source: \"{}\", propagation: \"{}\"",
                    mount.source.escape_debug(),
                    mount.propagation.escape_debug(),
                )));
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

    /// Makes what a container's mounts need: its volumes, with the image's content in those that are empty, and bound directories
    /// that `-v` asks to be made.
    pub(super) fn make_sources(&self, record: &ContainerRecord, asked: &[MountRequest], layers: &[ChainId]) -> Result<()> {
        for mount in &record.config.mounts {
            match mount.kind {
                MountKind::Volume => self.make_volume(record, mount, asked, layers)?,
                MountKind::Bind if mount.create_source && self.is_missing(&mount.source)? => {
                    self.kernel().perform(&Step::MakeDir { path: mount.source.clone(), mode: 0o755 }, None)?;
                }
                MountKind::Bind | MountKind::Tmpfs | MountKind::Image => {}
            }
        }
        Ok(())
    }

    fn make_volume(&self, record: &ContainerRecord, mount: &MountRequest, asked: &[MountRequest], layers: &[ChainId]) -> Result<()> {
        let name = &mount.source;
        let _guard = self.lock(&format!("volume-{name}"))?;
        let named = asked.iter().any(|a| a.kind == MountKind::Volume && a.source == *name);
        let taken = Change::Put(Table::Meta, use_key(name, &record.id), Vec::new());
        let volume = self.have_volume(&VolumeRequest::of(mount), !named, &[taken])?;
        if mount.options.iter().any(|option| option == "nocopy") {
            return Ok(());
        }
        let layout = self.layout();
        let lower = layers.iter().rev().map(|layer| layout.layer(layer)).collect();
        self.mount_volume(&volume, &record.id)?;
        let into = match mount.words("volume-subpath").last() {
            // Only whole volumes are filled.
            Some(_) => return self.unmount_volume(name, &record.id),
            None => layout.volume(name),
        };
        let filled = self.kernel().perform(&Step::FillVolume { lower, path: mount.target.clone(), into }, None);
        filled.and(self.unmount_volume(name, &record.id))
    }

    /// Mounts what the options of a container's volumes say, and refuses subpaths that are not there. For the container's start.
    pub(super) fn mount_volumes(&self, record: &ContainerRecord) -> Result<()> {
        for mount in record.config.mounts.iter().filter(|m| m.kind == MountKind::Volume) {
            let name = &mount.source;
            let path = self.layout().volume(name);
            if self.is_missing(&path)? {
                // A power cut took it back, and left the record of it.
                self.kernel().perform(&Step::MakeDir { path, mode: 0o755 }, None)?;
            }
            if let Some(volume) = self.volume_record(name)?.filter(|v| !v.options.is_empty()) {
                let _guard = self.lock(&format!("volume-{name}"))?;
                self.mount_volume(&volume, &record.id)?;
            }
            let Some(sub) = mount.words("volume-subpath").last() else { continue };
            let path = format!("{}/{sub}", self.layout().volume(name));
            let refused = |why: &str| Error::invalid(format!("cannot access path {path}: {why}")).subject(path.clone());
            match self.kernel().entry(&path) {
                Ok(Entry::Directory { .. } | Entry::File) => {}
                Ok(_) => return Err(refused("neither a file nor a directory")),
                Err(e) if e.kind() == ErrorKind::NotFound => return Err(refused("no such file or directory")),
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Takes away what [`LocalEngine::mount_volumes`] mounted, unless another container has it too. Safe to repeat.
    pub(super) fn unmount_volumes(&self, record: &ContainerRecord) -> Result<()> {
        let mut outcome = Ok(());
        for mount in record.config.mounts.iter().filter(|m| m.kind == MountKind::Volume) {
            let name = &mount.source;
            if self.volume_record(name)?.is_some_and(|v| !v.options.is_empty()) {
                let _guard = self.lock(&format!("volume-{name}"))?;
                outcome = outcome.and(self.unmount_volume(name, &record.id));
            }
        }
        outcome
    }

    fn mount_volume(&self, volume: &VolumeRecord, id: &ContainerId) -> Result<()> {
        let Some(mount) = volume.mount() else { return Ok(()) };
        let path = self.layout().volume(&volume.name);
        // Written down first: whoever finds the container dead knows that there may be something to take away.
        self.store().commit(&[Change::Put(Table::Meta, mount_key(&volume.name, id), Vec::new())])?;
        self.kernel().perform(&Step::MountVolume { target: path.clone(), mount }, None).map_err(|e| {
            let words = format!("error while mounting volume '{path}': failed to mount local volume: {e}");
            Error::new(e.kind(), words).subject(volume.name.clone())
        })
    }

    fn unmount_volume(&self, name: &str, id: &ContainerId) -> Result<()> {
        let own = mount_key(name, id);
        if self.store().get(Table::Meta, &own)?.is_none() {
            return Ok(());
        }
        let users = self.store().scan(Table::Meta, &format!("volume-mount/{name}/"), "", 2)?;
        if users.iter().all(|(key, _)| *key == own) {
            self.kernel().perform(&Step::UnmountVolume { target: self.layout().volume(name) }, None)?;
        }
        self.store().commit(&[Change::Delete(Table::Meta, own)])
    }

    /// Removes the volumes of a container that nobody named and no other container has.
    pub(super) fn remove_volumes(&self, record: &ContainerRecord) -> Result<()> {
        for mount in record.config.mounts.iter().filter(|m| m.kind == MountKind::Volume) {
            let _guard = self.lock(&format!("volume-{}", mount.source))?;
            let anonymous = self.volume_record(&mount.source)?.is_some_and(|v| v.anonymous);
            if anonymous && !self.is_used_by_another(&mount.source, &record.id)? {
                self.take_volume_away(&mount.source)?;
            }
        }
        Ok(())
    }

    fn is_used_by_another(&self, name: &str, id: &ContainerId) -> Result<bool> {
        let users = self.store().scan(Table::Meta, &format!("volume-use/{name}/"), "", 2)?;
        Ok(users.iter().any(|(key, _)| *key != use_key(name, id)))
    }

    /// What ends a container's use of one volume.
    pub(super) fn end_volume_use(name: &str, id: &ContainerId) -> Change {
        Change::Delete(Table::Meta, use_key(name, id))
    }

    /// What ends a container's use of its volumes, for the batch that removes its record.
    pub(super) fn end_volume_uses(record: &ContainerRecord) -> Vec<Change> {
        let volumes = record.config.mounts.iter().filter(|m| m.kind == MountKind::Volume);
        volumes.map(|m| Self::end_volume_use(&m.source, &record.id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::holds_or_is_in;

    #[test]
    fn a_path_holds_what_is_below_it() {
        for (a, b, related) in [
            ("/", "/var/lib/d", true),
            ("/var", "/var/lib/d", true),
            ("/var/lib/d/x", "/var/lib/d", true),
            ("/var/lib/dd", "/var/lib/d", false),
            ("/srv", "/var/lib/d", false),
        ] {
            assert_eq!(holds_or_is_in(a, b), related, "{a}");
        }
    }
}

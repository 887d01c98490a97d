//! Files of a container from outside: `diff`, `export`, and `cp` in both directions, whether it runs or not.

use super::LocalEngine;
use super::events::Happening;
use crate::container::layout::Layout;
use crate::container::{ContainerRecord, MountKind, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::image::changeset::{Packer, PathChange, Walk, uncarried};
use crate::image::tar::Kind;
use crate::kernel::{Binding, Extract, Found, Guard, OpenTree, Tree};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};

/// What is at a path of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStat {
    /// Its name.
    pub name: String,
    /// What it is, in one letter of `ls -l`: `-`, `d`, `l`, `c`, `b`, `p`, `s`.
    pub kind: char,
    /// Bytes of content.
    pub size: u64,
    /// Permission bits with set-id and sticky bits.
    pub mode: u32,
    /// Owner and group.
    pub owner: (u32, u32),
    /// Modification time: seconds since 1970 and nanoseconds.
    pub mtime: (i64, u32),
    /// Where a symbolic link leads, as it says.
    pub link: String,
}

impl PathStat {
    /// What was found, under this name.
    pub fn of(name: &str, found: &Found) -> Self {
        let (kind, link) = match &found.kind {
            Some(Kind::Directory) => ('d', String::new()),
            Some(Kind::Symlink(to)) => ('l', String::from_utf8_lossy(to).into_owned()),
            Some(Kind::CharDevice(..)) => ('c', String::new()),
            Some(Kind::BlockDevice(..)) => ('b', String::new()),
            Some(Kind::Fifo) => ('p', String::new()),
            Some(_) => ('-', String::new()),
            None => ('s', String::new()),
        };
        let (size, mode, mtime) = (found.size, found.mode, found.mtime);
        Self { name: name.to_owned(), kind, size, mode, owner: (found.uid, found.gid), mtime, link }
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.kind == 'd'
    }
}

/// A container's root, and what keeps it as it is.
struct Root {
    tree: Box<dyn OpenTree>,
    _guard: Option<Box<dyn Guard>>,
}

/// An archive on its way out, and the root that it is read from.
struct Outgoing {
    archive: Packer,
    _root: Root,
}

impl Read for Outgoing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.archive.read(buffer)
    }
}

/// Docker's answer for a path that is not there.
fn no_such_path(record: &ContainerRecord, path: &str, error: Error) -> Error {
    if error.kind() == ErrorKind::NotFound {
        return Error::not_found(format!("Could not find the file {} in container {}", path.escape_debug(), record.name)).subject(path);
    }
    error
}

/// The last name of a path; `/` for the root.
fn last_name(path: &str) -> &str {
    match path.trim_end_matches('/').rsplit('/').find(|p| !p.is_empty() && *p != ".") {
        None | Some("..") => "/",
        Some(name) => name,
    }
}

fn check(path: &str) -> Result<()> {
    if path.contains('\0') || path.len() > 4096 {
        return Err(Error::invalid("the path contains a NUL byte, or is longer than 4096 bytes"));
    }
    Ok(())
}

impl LocalEngine {
    pub(super) fn changes_of(&self, name: &str) -> Result<Vec<PathChange>> {
        let record = self.settled(name)?;
        let image = self.image_record(&record.image)?.ok_or_else(|| super::images::no_such_image(record.image.as_str()))?;
        self.host.images.changes(&record.id, &image.layers)
    }

    pub(super) fn export_container(&self, name: &str, into: &mut dyn Write) -> Result<()> {
        let record = self.settled(name)?;
        let image = self.image_record(&record.image)?.ok_or_else(|| super::images::no_such_image(record.image.as_str()))?;
        let tree = self.host.images.open(&record.id, &image.layers, &[], false)?;
        send(Packer::new(Walk::whole(tree, b"")?), into)
    }

    pub(super) fn stat_in(&self, name: &str, path: &str, follow: bool) -> Result<PathStat> {
        check(path)?;
        let record = self.settled(name)?;
        let mut root = self.root_of(&record, false)?;
        let mut there = root.tree.below(path, follow).map_err(|e| no_such_path(&record, path, e))?;
        let found = there.look(b"")?.ok_or_else(|| no_such_path(&record, path, Error::not_found("")))?;
        Ok(PathStat::of(last_name(path), &found))
    }

    pub(super) fn copy_from(&self, name: &str, path: &str, follow: bool, called: Option<&str>) -> Result<Box<dyn Read>> {
        check(path)?;
        let record = self.settled(name)?;
        let mut root = self.root_of(&record, false)?;
        let there = root.tree.below(path, follow).map_err(|e| no_such_path(&record, path, e))?;
        // `DIR/.` is what is in it, and the root has no name of its own.
        let own = if path.ends_with("/.") || path == "." { "." } else { last_name(path) };
        let name = called.unwrap_or(if own == "/" { "." } else { own });
        self.tell_of(&record, &[Happening::plain("archive-path")])?;
        Ok(Box::new(Outgoing { archive: Packer::new(Walk::whole(there, name.as_bytes())?), _root: root }))
    }

    pub(super) fn copy_to(&self, name: &str, directory: &str, archive: &mut dyn Read, as_user: bool) -> Result<()> {
        check(directory)?;
        let record = self.settled(name)?;
        let owner = if as_user { self.owner_in(&record)? } else { None };
        if record.config.read_only && !self.in_writable_mount(&record, directory) {
            return Err(Error::new(ErrorKind::Denied, "container rootfs is marked read-only").subject(record.name));
        }
        let mut root = self.root_of(&record, true)?;
        let mut there = root.tree.below(directory, true).map_err(|e| no_such_path(&record, directory, e))?;
        if !there.look(b"")?.is_some_and(|found| found.is_dir()) {
            return Err(Error::invalid("extraction point is not a directory").subject(directory));
        }
        there.extract(&mut *crate::image::without_older(archive)?, &Extract { keep_kinds: true, owner })?;
        self.tell_of(&record, &[Happening::plain("extract-to-dir")])
    }

    /// The user and group that a container's processes are; `None` where nobody was named.
    fn owner_in(&self, record: &ContainerRecord) -> Result<Option<(u32, u32)>> {
        let image = self.image_record(&record.image)?.ok_or_else(|| super::images::no_such_image(record.image.as_str()))?;
        let asked = if record.config.user.is_empty() { &image.defaults.user } else { &record.config.user };
        if asked.is_empty() {
            return Ok(None);
        }
        let mut root = self.root_of(record, false)?;
        let mut text = |path: &str| -> Result<String> {
            let mut bytes = Vec::new();
            let there = root.tree.below(path, true);
            if let Ok(mut file) = there.and_then(|mut there| there.read(b"")) {
                file.by_ref().take(4 << 20).read_to_end(&mut bytes).map_err(|e| uncarried(e, "the container's users cannot be read"))?;
            }
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let (passwd, group) = (text("/etc/passwd")?, text("/etc/group")?);
        let identity = crate::container::user::resolve(asked, &[], &passwd, &group)?;
        Ok(Some((identity.uid, identity.gid)))
    }

    fn in_writable_mount(&self, record: &ContainerRecord, path: &str) -> bool {
        let path = format!("{}/", path.trim_end_matches('/'));
        record.config.mounts.iter().any(|m| !m.read_only && path.starts_with(&format!("{}/", m.target.trim_end_matches('/'))))
    }

    /// The root of a container: what its processes see if it runs, else its layers with its volumes in them.
    fn root_of(&self, record: &ContainerRecord, write: bool) -> Result<Root> {
        if let Some(tree) = self.live_root(record)? {
            return Ok(Root { tree, _guard: None });
        }
        // Nobody starts it while its writable directory is mounted here.
        let guard = self.lock_container(&record.id)?;
        let now = self.record(&record.id)?;
        if let Some(tree) = self.live_root(&now)? {
            return Ok(Root { tree, _guard: None });
        }
        let image = self.image_record(&record.image)?.ok_or_else(|| super::images::no_such_image(record.image.as_str()))?;
        let binds = bindings(&self.layout(), record);
        // Places to mount at are made when a container first starts. Before that whoever looks into its volumes needs them.
        let write = write || (now.state.status == Status::Created && !binds.is_empty());
        let tree = self.host.images.open(&record.id, &image.layers, &binds, write)?;
        Ok(Root { tree, _guard: Some(guard) })
    }

    fn live_root(&self, record: &ContainerRecord) -> Result<Option<Box<dyn OpenTree>>> {
        if !matches!(record.state.status, Status::Running | Status::Paused) {
            return Ok(None);
        }
        let Some(process) = record.state.process.clone() else { return Ok(None) };
        match self.kernel().tree(&Tree::Process { process }) {
            Ok(tree) => Ok(Some(tree)),
            // It ended a moment ago; its record does not say so yet.
            Err(e) if matches!(e.kind(), ErrorKind::NotRunning | ErrorKind::NotFound) => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// What of the host a container would see: volumes and bound paths. Memory, and an image's layers, are not stacked there until it starts.
fn bindings(layout: &Layout, record: &ContainerRecord) -> Vec<Binding> {
    let mounts = record.config.mounts.iter().filter(|m| matches!(m.kind, MountKind::Bind | MountKind::Volume));
    let mut all: Vec<Binding> = mounts
        .map(|m| Binding {
            source: if m.kind == MountKind::Volume { layout.volume(&m.source) } else { m.source.clone() },
            target: m.target.clone(),
            read_only: m.read_only,
        })
        .collect();
    // A mount below another comes after it.
    all.sort_by_key(|b| b.target.split('/').filter(|p| !p.is_empty()).count());
    all
}

fn send(mut archive: Packer, into: &mut dyn Write) -> Result<()> {
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let n = match archive.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(uncarried(e, "the container's files cannot be read")),
        };
        let bytes = buffer.get(..n).unwrap_or_default();
        into.write_all(bytes).map_err(|e| Error::new(ErrorKind::System, "the archive cannot be written").op("write").source(e))?;
    }
}

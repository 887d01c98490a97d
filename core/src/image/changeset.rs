//! What a container changed, as a list and as a layer; and trees as archives. One walk for both hosts.
//!
//! A writable directory of overlayfs says what was removed by devices 0:0 and by a mark on directories; a layer says it by names
//! (OCI image-spec layer.md "Representing Changes"). The same tree gives the same archive, byte for byte: entries are sorted, and
//! nothing of the moment goes in.

use super::tar::{self, Entry, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::{Found, OpenTree};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::io::Read;

/// Digest of an archive without entries: the layer of a container that changed nothing.
pub const EMPTY_LAYER: &str = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

/// What became of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ChangeKind {
    /// Changed; of a directory also: something in it changed.
    #[serde(rename = "C")]
    Changed,
    /// Added.
    #[serde(rename = "A")]
    Added,
    /// Deleted.
    #[serde(rename = "D")]
    Deleted,
}

impl ChangeKind {
    /// The letter that `diff` prints.
    pub fn letter(self) -> char {
        match self {
            Self::Changed => 'C',
            Self::Added => 'A',
            Self::Deleted => 'D',
        }
    }
}

/// One line of `diff`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathChange {
    /// What became of it.
    pub kind: ChangeKind,
    /// The absolute path in the container.
    pub path: String,
}

/// What a container's start makes where the image has nothing to mount on. Docker keeps these in a layer of their own, so that
/// nobody sees them as changes.
const MOUNT_POINTS: [&[u8]; 13] = [
    b".dockerenv",
    b"dev",
    b"dev/console",
    b"dev/mqueue",
    b"dev/pts",
    b"dev/shm",
    b"etc/hostname",
    b"etc/hosts",
    b"etc/mtab",
    b"etc/resolv.conf",
    b"proc",
    b"sys",
    b"sys/fs",
];

/// How a tree becomes an archive.
enum Style {
    /// As it is.
    Whole,
    /// A writable directory over these trees, from top to bottom: as a layer, nothing of which is younger than the moment given.
    Layer(Vec<Box<dyn OpenTree>>, Option<i64>),
}

struct Level {
    path: Vec<u8>,
    rest: std::vec::IntoIter<Found>,
    /// Nothing of the layers below is seen here.
    covered: bool,
}

/// Entries of a tree in the order of an archive.
pub struct Walk {
    tree: Box<dyn OpenTree>,
    style: Style,
    /// What the top of the tree is called in the archive, without a slash at its end.
    top: Vec<u8>,
    levels: Vec<Level>,
    ready: VecDeque<(Entry, Option<Vec<u8>>)>,
    links: BTreeMap<(u64, u64), Vec<u8>>,
}

fn join(above: &[u8], name: &[u8]) -> Vec<u8> {
    if above.is_empty() { name.to_vec() } else { [above, name].join(&b'/') }
}

fn shown(path: &[u8]) -> String {
    format!("/{}", String::from_utf8_lossy(path))
}

/// What the layers below show at a path; whiteouts and opaque directories in them count.
fn below(lower: &mut [Box<dyn OpenTree>], path: &[u8]) -> Result<Option<Found>> {
    for tree in lower {
        if let Some(found) = tree.look(path)? {
            return Ok(Some(found).filter(|f| !f.is_whiteout()));
        }
        // Something above it in this layer may end what shines through from further down.
        for (at, _) in path.iter().enumerate().filter(|(_, b)| **b == b'/') {
            let Some(above) = tree.look(path.get(..at).unwrap_or_default())? else { break };
            if above.opaque || !above.is_dir() {
                return Ok(None);
            }
        }
    }
    Ok(None)
}

/// Names that the layers below show in a directory.
fn names_below(lower: &mut [Box<dyn OpenTree>], path: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut names: BTreeMap<Vec<u8>, bool> = BTreeMap::new();
    for tree in lower {
        match tree.look(path)? {
            None => continue,
            Some(found) if !found.is_dir() => break,
            Some(found) => {
                for child in tree.list(path)? {
                    names.entry(child.name.clone()).or_insert(!child.is_whiteout());
                }
                if found.opaque {
                    break;
                }
            }
        }
    }
    Ok(names.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect())
}

/// Whether the start of a container made this, and nobody used it since: an empty place to mount on where the image has none.
fn is_mount_point(tree: &mut dyn OpenTree, lower: &mut [Box<dyn OpenTree>], path: &[u8], found: &Found) -> Result<bool> {
    if !MOUNT_POINTS.contains(&path) || found.is_whiteout() {
        return Ok(false);
    }
    let empty = match &found.kind {
        Some(Kind::Directory) => {
            let mut all = true;
            for child in tree.list(path)? {
                all &= is_mount_point(tree, lower, &join(path, &child.name), &child)?;
            }
            all
        }
        Some(Kind::File) => found.size == 0,
        Some(Kind::Symlink(to)) => path == b"etc/mtab" && to == b"/proc/mounts",
        _ => false,
    };
    if !empty {
        return Ok(false);
    }
    Ok(match below(lower, path)? {
        None => true,
        // The image of a container's own export has one already.
        Some(old) if path == b".dockerenv" => old.kind == Some(Kind::File) && old.size == 0,
        // A directory of the image that only came up because something was made in it.
        Some(old) => old.is_dir() && found.is_dir() && same_attributes(&old, found),
    })
}

fn same_attributes(a: &Found, b: &Found) -> bool {
    (a.mode, a.uid, a.gid, &a.xattrs, &a.kind) == (b.mode, b.uid, b.gid, &b.xattrs, &b.kind)
}

/// Whether a directory of the writable tree is there only for mount points: nothing else is in it, and it is as the image has it.
fn only_for_mount_points(tree: &mut dyn OpenTree, lower: &mut [Box<dyn OpenTree>], path: &[u8], found: &Found) -> Result<bool> {
    if !found.is_dir() || found.opaque || !MOUNT_POINTS.iter().any(|p| p.strip_prefix(path).is_some_and(|rest| rest.starts_with(b"/"))) {
        return Ok(false);
    }
    let children = tree.list(path)?;
    for child in &children {
        if !is_mount_point(tree, lower, &join(path, &child.name), child)? {
            return Ok(false);
        }
    }
    Ok(match below(lower, path)? {
        None => found.mode == 0o755 && (found.uid, found.gid) == (0, 0) && !children.is_empty(),
        Some(old) => same_attributes(&old, found) && (!children.is_empty() || old.mtime == found.mtime),
    })
}

impl Walk {
    /// A tree as it is; its top is called `name` in the archive, or is left out if that is empty.
    ///
    /// # Errors
    /// The tree's own.
    pub fn whole(mut tree: Box<dyn OpenTree>, name: &[u8]) -> Result<Self> {
        let top = tree.look(b"")?.ok_or_else(|| Error::not_found("nothing is there"))?;
        let mut walk = Self::new(tree, Style::Whole, name.to_vec());
        walk.begin(&top)?;
        Ok(walk)
    }

    /// The layer that a writable directory is over the trees below it, from top to bottom. Times later than `epoch` (seconds since
    /// 1970) become that.
    ///
    /// # Errors
    /// The trees' own.
    pub fn layer(mut upper: Box<dyn OpenTree>, lower: Vec<Box<dyn OpenTree>>, epoch: Option<i64>) -> Result<Self> {
        let top = upper.look(b"")?.ok_or_else(|| Error::not_found("the writable layer is not there"))?;
        let mut walk = Self::new(upper, Style::Layer(lower, epoch), Vec::new());
        walk.begin(&top)?;
        Ok(walk)
    }

    fn new(tree: Box<dyn OpenTree>, style: Style, top: Vec<u8>) -> Self {
        Self { tree, style, top, levels: Vec::new(), ready: VecDeque::new(), links: BTreeMap::new() }
    }

    fn begin(&mut self, top: &Found) -> Result<()> {
        if !self.top.is_empty() {
            let entry = self.entry(b"", top)?;
            self.ready.extend(entry);
        }
        if top.is_dir() {
            self.descend(Vec::new(), top.opaque)?;
        }
        Ok(())
    }

    fn descend(&mut self, path: Vec<u8>, covered: bool) -> Result<()> {
        let rest = self.tree.list(&path)?.into_iter();
        self.levels.push(Level { path, rest, covered });
        Ok(())
    }

    /// The next entry, and where its content is.
    ///
    /// # Errors
    /// The tree's own; [`ErrorKind::InvalidInput`] where a layer cannot hold what is there.
    pub fn next_entry(&mut self) -> Result<Option<(Entry, Option<Vec<u8>>)>> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Ok(Some(ready));
            }
            let Some(level) = self.levels.last_mut() else { return Ok(None) };
            let Some(found) = level.rest.next() else {
                self.levels.pop();
                continue;
            };
            let (path, covered) = (join(&level.path, &found.name), level.covered);
            self.take(&path, &found, covered)?;
        }
    }

    fn take(&mut self, path: &[u8], found: &Found, covered: bool) -> Result<()> {
        let mut covered = covered;
        if let Style::Layer(lower, _) = &mut self.style {
            if found.is_whiteout() {
                if !covered && below(lower, path)?.is_some() {
                    let (above, name) = split(path);
                    let hidden = join(above, &[b".wh.".as_slice(), name].concat());
                    self.ready.push_back((Entry::new(hidden, Kind::File), None));
                }
                return Ok(());
            }
            if found.name.starts_with(b".wh.") {
                return Err(Error::invalid(format!("{} cannot be in a layer: its name means that something was removed", shown(path))));
            }
            let (none, below): (&mut [_], &mut [_]) = (&mut [], lower);
            let lower = if covered { none } else { below };
            if is_mount_point(&mut *self.tree, lower, path, found)? || only_for_mount_points(&mut *self.tree, lower, path, found)? {
                return Ok(());
            }
            covered |= found.opaque;
        }
        let entry = self.entry(path, found)?;
        self.ready.extend(entry);
        if found.is_dir() {
            if found.opaque && matches!(self.style, Style::Layer(..)) {
                self.ready.push_back((Entry::new(join(path, b".wh..wh..opq"), Kind::File), None));
            }
            self.descend(path.to_vec(), covered)?;
        }
        Ok(())
    }

    /// What an archive says of one file. Sockets are left out.
    fn entry(&mut self, path: &[u8], found: &Found) -> Result<Option<(Entry, Option<Vec<u8>>)>> {
        let mut name = match (self.top.is_empty(), path.is_empty()) {
            (true, _) => path.to_vec(),
            (false, true) => self.top.clone(),
            (false, false) => join(&self.top, path),
        };
        let Some(mut kind) = found.kind.clone() else { return Ok(None) };
        if kind == Kind::Directory {
            name.push(b'/');
        } else if found.links > 1 {
            match self.links.get(&found.inode) {
                Some(first) => kind = Kind::HardLink(first.clone()),
                None => drop(self.links.insert(found.inode, name.clone())),
            }
        }
        if name.len() > 4096 {
            return Err(Error::invalid(format!("{}… cannot be archived: its path is longer than 4096 bytes", shown(&name[..64]))));
        }
        let content = (kind == Kind::File && found.size > 0).then(|| path.to_vec());
        let mtime = match &self.style {
            Style::Layer(_, Some(epoch)) if found.mtime.0 >= *epoch => (*epoch, 0),
            _ => found.mtime,
        };
        let size = if content.is_some() { found.size } else { 0 };
        let xattrs = if matches!(kind, Kind::HardLink(_)) { BTreeMap::new() } else { found.xattrs.clone() };
        Ok(Some((Entry { path: name, kind, size, mode: found.mode, uid: found.uid, gid: found.gid, mtime, xattrs }, content)))
    }

    fn read(&mut self, path: &[u8]) -> Result<Box<dyn Read>> {
        self.tree.read(path)
    }
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (path.get(..at).unwrap_or_default(), path.get(at + 1..).unwrap_or_default()),
        None => (&[], path),
    }
}

/// The archive of a walk, as a stream.
pub struct Packer {
    walk: Walk,
    /// Bytes that go out next: headers, padding, the end.
    head: VecDeque<u8>,
    content: Option<Box<dyn Read>>,
    /// Bytes of content still to come, and of the padding after them.
    left: u64,
    padding: usize,
    done: bool,
}

impl Packer {
    /// The archive of a walk from its first byte.
    pub fn new(walk: Walk) -> Self {
        Self { walk, head: VecDeque::new(), content: None, left: 0, padding: 0, done: false }
    }

    fn advance(&mut self) -> Result<()> {
        self.head.extend(std::iter::repeat_n(0, std::mem::take(&mut self.padding)));
        self.content = None;
        match self.walk.next_entry()? {
            None => {
                self.done = true;
                self.head.extend([0; 2 * tar::BLOCK]);
            }
            Some((entry, content)) => {
                self.head.extend(tar::heads(&entry));
                if let Some(path) = content {
                    self.content = Some(self.walk.read(&path)?);
                    self.left = entry.size;
                    self.padding = (tar::BLOCK - (entry.size % tar::BLOCK as u64) as usize) % tar::BLOCK;
                }
            }
        }
        Ok(())
    }
}

impl Read for Packer {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if buffer.is_empty() {
                return Ok(0);
            }
            if !self.head.is_empty() {
                return self.head.read(buffer);
            }
            if self.left > 0 {
                let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
                let place = buffer.get_mut(..most).unwrap_or_default();
                let mut n = match &mut self.content {
                    Some(content) => content.read(place)?,
                    None => 0,
                };
                if n == 0 {
                    // The file became shorter while it was read; its header has gone out, so zeros stand for the rest.
                    place.fill(0);
                    n = place.len();
                }
                self.left -= n as u64;
                return Ok(n);
            }
            if self.done {
                return Ok(0);
            }
            self.advance().map_err(carried)?;
        }
    }
}

/// An error of ours as one of a stream; [`uncarried`] takes it out again.
fn carried(error: Error) -> std::io::Error {
    let kind = match error.kind() {
        ErrorKind::InvalidInput => std::io::ErrorKind::InvalidData,
        ErrorKind::NotFound => std::io::ErrorKind::NotFound,
        ErrorKind::Denied => std::io::ErrorKind::PermissionDenied,
        _ => std::io::ErrorKind::Other,
    };
    std::io::Error::new(kind, error)
}

/// The error of ours that a stream of this module failed with, or one that says what could not be done.
pub fn uncarried(error: std::io::Error, what: &str) -> Error {
    match error.downcast::<Error>() {
        Ok(ours) => ours,
        Err(other) => Error::new(ErrorKind::System, what.to_owned()).source(other),
    }
}

/// What a writable directory changes of the trees below it, from top to bottom; sorted by path.
///
/// # Errors
/// The trees' own.
pub fn changes(upper: &mut dyn OpenTree, lower: &mut [Box<dyn OpenTree>]) -> Result<Vec<PathChange>> {
    let mut all = Vec::new();
    changes_in(upper, lower, b"", false, &mut all)?;
    Ok(all)
}

/// Answers whether anything changed in the directory.
fn changes_in(
    upper: &mut dyn OpenTree,
    lower: &mut [Box<dyn OpenTree>],
    directory: &[u8],
    covered: bool,
    all: &mut Vec<PathChange>,
) -> Result<bool> {
    let mut lines: BTreeMap<Vec<u8>, Vec<PathChange>> = BTreeMap::new();
    let children = upper.list(directory)?;
    if covered {
        // An opaque directory: what it had and has no more was deleted.
        for name in names_below(lower, directory)? {
            if !children.iter().any(|c| c.name == name) {
                let path = shown(&join(directory, &name));
                lines.insert(name, vec![PathChange { kind: ChangeKind::Deleted, path }]);
            }
        }
    }
    for found in children {
        let path = join(directory, &found.name);
        let line = |kind| PathChange { kind, path: shown(&path) };
        let old = below(lower, &path)?;
        if found.is_whiteout() {
            if old.is_some() {
                lines.insert(found.name, vec![line(ChangeKind::Deleted)]);
            }
            continue;
        }
        if is_mount_point(upper, lower, &path, &found)? || only_for_mount_points(upper, lower, &path, &found)? {
            continue;
        }
        let mut inside = Vec::new();
        let changed_inside = found.is_dir() && changes_in(upper, lower, &path, found.opaque && old.is_some(), &mut inside)?;
        let own = match &old {
            None => Some(ChangeKind::Added),
            Some(old) if !found.is_dir() || !old.is_dir() => Some(ChangeKind::Changed),
            // A directory's time changes with what is made and removed in it, and is no change of its own.
            Some(old) => (changed_inside || !same_attributes(old, &found)).then_some(ChangeKind::Changed),
        };
        let mut both: Vec<PathChange> = own.map(line).into_iter().collect();
        both.append(&mut inside);
        if !both.is_empty() {
            lines.insert(found.name, both);
        }
    }
    let any = !lines.is_empty();
    all.extend(lines.into_values().flatten());
    Ok(any)
}

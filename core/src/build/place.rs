//! Where COPY and ADD put files, and the layer that comes of it: the directories on the way as the image has them, then the files.

use super::key::Hashing;
use super::select::Item;
use super::walk::{join, resolve, shown};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Digest;
use crate::image::mode;
use crate::image::tar::{Entry, Kind, heads};
use crate::kernel::{Found, OpenTree};
use std::collections::{BTreeMap, VecDeque};
use std::io::Read;

/// Where an entry's content is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// There is none.
    None,
    /// In a tree, by its number: a path.
    Tree(usize, Vec<u8>),
    /// Here.
    Bytes(Vec<u8>),
}

/// How files are put.
#[derive(Clone, Debug, Default)]
pub struct How {
    /// Owner of everything; `None` keeps each one's own.
    pub owner: Option<(u32, u32)>,
    /// Mode of everything.
    pub mode: Option<Mode>,
    /// Times later than this become this: seconds since 1970.
    pub epoch: Option<i64>,
    /// The time of directories that are made.
    pub now: i64,
}

/// `--chmod`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mode(String);

impl Mode {
    /// Reads `755` or `u=rwX,go=rX`.
    pub fn parse(text: &str) -> Option<Self> {
        mode::apply(text, 0, false).map(|_| Self(text.to_owned()))
    }

    fn apply(&self, old: u32, is_dir: bool) -> u32 {
        mode::apply(&self.0, old, is_dir).unwrap_or(old)
    }
}

/// A layer being put together.
pub struct Layer<'a> {
    base: &'a mut dyn OpenTree,
    how: How,
    entries: BTreeMap<Vec<u8>, (Entry, Content)>,
    /// First name of each file that has several, by tree and number.
    links: BTreeMap<(usize, (u64, u64)), Vec<u8>>,
}

impl<'a> Layer<'a> {
    /// A layer over a tree.
    pub fn over(base: &'a mut dyn OpenTree, how: How) -> Self {
        Self { base, how, entries: BTreeMap::new(), links: BTreeMap::new() }
    }

    fn clamp(&self, mtime: (i64, u32)) -> (i64, u32) {
        match self.how.epoch {
            Some(epoch) if mtime.0 >= epoch => (epoch, 0),
            _ => mtime,
        }
    }

    /// What will be at a path, were the layer applied: what it puts there itself, or what the tree has.
    fn there(&mut self, path: &[u8]) -> Result<Option<Kind>> {
        if let Some((entry, _)) = self.entries.get(path) {
            return Ok(Some(entry.kind.clone()));
        }
        Ok(resolve(&mut *self.base, path, false)?.found.and_then(|f| f.kind))
    }

    /// The path that a directory really has, links followed; it and those above it are put into the layer, made if they are not
    /// there, with the owner given.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: a part of the path is no directory.
    pub fn directory(&mut self, path: &[u8]) -> Result<Vec<u8>> {
        let place = resolve(&mut *self.base, path, true)?;
        if place.found.as_ref().is_some_and(|f| !f.is_dir()) {
            return Err(Error::invalid(format!("cannot copy to non-directory: {}", shown(path))));
        }
        let mut so_far: Vec<u8> = Vec::new();
        for part in place.path.split(|b| *b == b'/').filter(|p| !p.is_empty()) {
            so_far = join(&so_far, part);
            if let Some((entry, _)) = self.entries.get(&so_far) {
                if entry.kind != Kind::Directory {
                    return Err(Error::invalid(format!("cannot copy to non-directory: {}", shown(&so_far))));
                }
                continue;
            }
            let entry = match self.base.look(&so_far)? {
                Some(found) => self.entry(&so_far, &found, (found.uid, found.gid)),
                None => {
                    let (uid, gid) = self.how.owner.unwrap_or((0, 0));
                    let mtime = self.clamp((self.how.now, 0));
                    Entry { uid, gid, mtime, ..Entry::new(slashed(&so_far), Kind::Directory) }
                }
            };
            self.entries.insert(so_far.clone(), (entry, Content::None));
        }
        Ok(place.path)
    }

    fn entry(&self, path: &[u8], found: &Found, owner: (u32, u32)) -> Entry {
        let kind = found.kind.clone().unwrap_or(Kind::File);
        let path = if kind == Kind::Directory { slashed(path) } else { path.to_vec() };
        let size = if kind == Kind::File { found.size } else { 0 };
        Entry {
            path,
            kind,
            size,
            mode: found.mode,
            uid: owner.0,
            gid: owner.1,
            mtime: self.clamp(found.mtime),
            xattrs: found.xattrs.clone(),
        }
    }

    /// Puts items of a tree below a directory. `keep_root` leaves that directory itself as it is.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: a directory in the place of a file, or the reverse.
    pub fn put(&mut self, tree: usize, items: &[Item], dest: &[u8]) -> Result<()> {
        for item in items {
            let to = join(dest, &item.to);
            if item.to.is_empty() && item.found.is_dir() {
                let is_new = resolve(&mut *self.base, &to, true)?.found.is_none() && !self.entries.contains_key(&to);
                let real = self.directory(&to)?;
                // A directory that the copy makes is like its source; one that is there stays as it is.
                if is_new {
                    self.like(&real, &item.found);
                }
                continue;
            }
            if item.found.is_dir() {
                let real = self.directory(&to)?;
                self.like(&real, &item.found);
                continue;
            }
            let (above, name) = split(&to);
            let name = name.to_vec();
            if name.starts_with(b".wh.") {
                return Err(Error::invalid(format!("{} cannot be in a layer: its name means that something was removed", shown(&to))));
            }
            let real = join(&self.directory(above)?, &name);
            if self.there(&real)? == Some(Kind::Directory) {
                return Err(Error::invalid(format!("cannot overwrite directory {} with a file", shown(&real))));
            }
            let mut entry = self.entry(&real, &item.found, self.how.owner.unwrap_or((item.found.uid, item.found.gid)));
            if let Some(mode) = &self.how.mode
                && !matches!(entry.kind, Kind::Symlink(_))
            {
                entry.mode = mode.apply(entry.mode, false);
            }
            let mut content =
                if entry.kind == Kind::File && entry.size > 0 { Content::Tree(tree, item.path.clone()) } else { Content::None };
            if item.found.links > 1 {
                match self.links.get(&(tree, item.found.inode)) {
                    // The first name must come first in the archive.
                    Some(first) if *first < real => {
                        entry.kind = Kind::HardLink(first.clone());
                        entry.size = 0;
                        entry.xattrs.clear();
                        content = Content::None;
                    }
                    _ => drop(self.links.insert((tree, item.found.inode), real.clone())),
                }
            }
            self.entries.insert(real, (entry, content));
        }
        Ok(())
    }

    fn like(&mut self, path: &[u8], found: &Found) {
        let owner = self.how.owner.unwrap_or((found.uid, found.gid));
        let mut entry = self.entry(path, found, owner);
        if let Some(mode) = &self.how.mode {
            entry.mode = mode.apply(entry.mode, true);
        }
        self.entries.insert(path.to_vec(), (entry, Content::None));
    }

    /// Puts one file whose content is at hand.
    ///
    /// # Errors
    /// As [`Layer::put`].
    pub fn file(&mut self, path: &[u8], content: Vec<u8>, mode: u32, mtime: i64) -> Result<()> {
        let (above, name) = split(path);
        let name = name.to_vec();
        let real = join(&self.directory(above)?, &name);
        if self.there(&real)? == Some(Kind::Directory) {
            return Err(Error::invalid(format!("cannot overwrite directory {} with a file", shown(&real))));
        }
        let (uid, gid) = self.how.owner.unwrap_or((0, 0));
        let mode = self.how.mode.as_ref().map_or(mode, |m| m.apply(mode, false));
        let mtime = self.clamp((mtime, 0));
        let entry = Entry { size: content.len() as u64, mode, uid, gid, mtime, ..Entry::new(real.clone(), Kind::File) };
        self.entries.insert(real, (entry, Content::Bytes(content)));
        Ok(())
    }

    /// Puts something of a tree as it is, where it is. Directories come before what is in them.
    pub fn keep(&mut self, tree: usize, path: &[u8], found: &Found) {
        let mut entry = self.entry(path, found, (found.uid, found.gid));
        let mut content = if entry.kind == Kind::File && entry.size > 0 { Content::Tree(tree, path.to_vec()) } else { Content::None };
        if found.links > 1 && !found.is_dir() {
            match self.links.get(&(tree, found.inode)) {
                Some(first) => {
                    entry.kind = Kind::HardLink(first.clone());
                    entry.size = 0;
                    entry.xattrs.clear();
                    content = Content::None;
                }
                None => drop(self.links.insert((tree, found.inode), path.to_vec())),
            }
        }
        self.entries.insert(path.to_vec(), (entry, content));
    }

    /// Says that what is below the layer at a path is not there any more (image-spec layer.md, whiteouts).
    pub fn removed(&mut self, path: &[u8]) {
        let (above, name) = split(path);
        let mark = join(above, &[b".wh.", name].concat());
        self.entries.insert(mark.clone(), (Entry::new(mark, Kind::File), Content::None));
    }

    /// The layer's entries in the order of their paths.
    pub fn finish(self) -> Vec<(Entry, Content)> {
        self.entries.into_values().collect()
    }
}

fn slashed(path: &[u8]) -> Vec<u8> {
    [path, b"/"].concat()
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

/// What items are, as one digest: their paths, kinds, modes, owners, links and content; not their times.
///
/// # Errors
/// Where content cannot be read.
pub fn digest(items: &[Item], content: &mut dyn FnMut(&Item) -> Result<Digest>) -> Result<Digest> {
    let mut hashing = Hashing::default();
    let mut field = |bytes: &[u8]| {
        hashing.feed(&(bytes.len() as u64).to_le_bytes());
        hashing.feed(bytes);
    };
    let mut seen: BTreeMap<(u64, u64), usize> = BTreeMap::new();
    for (number, item) in items.iter().enumerate() {
        let found = &item.found;
        field(&item.to);
        field(format!("{:?} {:o} {}:{} {:?}", found.kind, found.mode, found.uid, found.gid, found.xattrs).as_bytes());
        if found.links > 1 && !found.is_dir() {
            field(format!("link {}", seen.entry(found.inode).or_insert(number)).as_bytes());
        }
        if super::select::has_content(found) {
            field(content(item)?.as_str().as_bytes());
        }
    }
    Ok(hashing.finish())
}

/// A directory as a context: a tar archive without what is left out, everything root's.
///
/// # Errors
/// The tree's own.
pub fn context(mut tree: Box<dyn OpenTree>, ignore: &super::ignore::Ignore) -> Result<Packed> {
    let selected = super::select::select(&mut *tree, ".", false, ignore)?;
    let mut entries = Vec::with_capacity(selected.items.len());
    let mut links: BTreeMap<(u64, u64), Vec<u8>> = BTreeMap::new();
    for item in selected.items {
        let Some(mut kind) = item.found.kind.clone() else { continue };
        let path = match (&kind, item.to.is_empty()) {
            (_, true) => b"./".to_vec(),
            (Kind::Directory, false) => slashed(&item.to),
            _ => item.to.clone(),
        };
        if kind == Kind::File && item.found.links > 1 {
            match links.get(&item.found.inode) {
                Some(first) => kind = Kind::HardLink(first.clone()),
                None => drop(links.insert(item.found.inode, path.clone())),
            }
        }
        let content = if kind == Kind::File && item.found.size > 0 { Content::Tree(0, item.path) } else { Content::None };
        let size = if content == Content::None { 0 } else { item.found.size };
        entries.push((Entry { size, mode: item.found.mode, mtime: item.found.mtime, ..Entry::new(path, kind) }, content));
    }
    Ok(Packed::new(entries, vec![tree]))
}

/// A layer as a stream.
pub struct Packed {
    trees: Vec<Box<dyn OpenTree>>,
    entries: VecDeque<(Entry, Content)>,
    head: VecDeque<u8>,
    content: Option<Box<dyn Read>>,
    left: u64,
    padding: usize,
    ended: bool,
}

impl Packed {
    /// The archive of entries whose content is in these trees.
    pub fn new(entries: Vec<(Entry, Content)>, trees: Vec<Box<dyn OpenTree>>) -> Self {
        Self { trees, entries: entries.into(), head: VecDeque::new(), content: None, left: 0, padding: 0, ended: false }
    }

    fn advance(&mut self) -> Result<()> {
        self.head.extend(std::iter::repeat_n(0, std::mem::take(&mut self.padding)));
        self.content = None;
        let Some((entry, content)) = self.entries.pop_front() else {
            self.ended = true;
            self.head.extend([0; 1024]);
            return Ok(());
        };
        self.head.extend(heads(&entry));
        self.left = entry.size;
        self.padding = usize::try_from((512 - entry.size % 512) % 512).unwrap_or(0);
        self.content = match content {
            Content::None => None,
            Content::Bytes(bytes) => Some(Box::new(std::io::Cursor::new(bytes))),
            Content::Tree(tree, path) => Some(self.trees.get_mut(tree).ok_or_else(|| Error::not_found("no such tree"))?.read(&path)?),
        };
        Ok(())
    }
}

impl Read for Packed {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if into.is_empty() {
                return Ok(0);
            }
            if !self.head.is_empty() {
                return self.head.read(into);
            }
            if self.left > 0 {
                let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
                let n = match &mut self.content {
                    Some(content) => content.read(&mut into[..most])?,
                    None => 0,
                };
                if n == 0 {
                    let error = Error::new(ErrorKind::System, "a file became shorter while it was copied");
                    return Err(std::io::Error::other(error));
                }
                self.left -= n as u64;
                return Ok(n);
            }
            if self.ended {
                return Ok(0);
            }
            self.advance().map_err(std::io::Error::other)?;
        }
    }
}

//! A tar archive as a tree of files: the context, an archive that ADD extracts. Nothing is unpacked: the tree is an index of where
//! each file's bytes are, and no path in it can lead anywhere else.

use super::ignore::Ignore;
use super::key::Hashing;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Digest;
use crate::image::layer;
use crate::image::tar::{Entry, Kind, Reader};
use crate::kernel::{Extract, Found, OpenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The most entries of an archive.
const MOST: usize = 2_000_000;

/// Bytes that stay where they are and can be read again.
pub trait Bytes: Send + Sync {
    /// At most so many bytes from this place; none at the end.
    ///
    /// # Errors
    /// Where they cannot be read.
    fn read_at(&self, offset: u64, limit: usize) -> Result<Vec<u8>>;
}

impl Bytes for Vec<u8> {
    fn read_at(&self, offset: u64, limit: usize) -> Result<Vec<u8>> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        Ok(self[from..from.saturating_add(limit).min(self.len())].to_vec())
    }
}

/// A part of some bytes as a stream.
pub struct Part {
    bytes: Arc<dyn Bytes>,
    at: u64,
    left: u64,
    buffer: std::io::Cursor<Vec<u8>>,
}

impl Part {
    /// So many bytes from this place.
    pub fn new(bytes: Arc<dyn Bytes>, at: u64, left: u64) -> Self {
        Self { bytes, at, left, buffer: std::io::Cursor::default() }
    }
}

impl Read for Part {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = self.buffer.read(into)?;
        if n > 0 || self.left == 0 || into.is_empty() {
            return Ok(n);
        }
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(1 << 20);
        let part = self.bytes.read_at(self.at, wanted).map_err(std::io::Error::other)?;
        if part.is_empty() {
            self.left = 0;
            return Ok(0);
        }
        self.at += part.len() as u64;
        self.left -= part.len() as u64;
        self.buffer = std::io::Cursor::new(part);
        self.buffer.read(into)
    }
}

#[derive(Clone, Debug)]
struct Node {
    found: Found,
    at: u64,
    digest: Option<Digest>,
    children: BTreeMap<Vec<u8>, usize>,
}

/// The index of an archive.
pub struct Files {
    nodes: Vec<Node>,
    bytes: Arc<dyn Bytes>,
    /// Paths that were left out.
    ignored: BTreeSet<String>,
}

fn directory(name: &[u8]) -> Found {
    Found {
        name: name.to_vec(),
        kind: Some(Kind::Directory),
        size: 0,
        mode: 0o755,
        uid: 0,
        gid: 0,
        mtime: (0, 0),
        xattrs: BTreeMap::new(),
        inode: (0, 0),
        links: 1,
        opaque: false,
    }
}

/// Counts what goes by.
struct Counted<'a> {
    from: &'a dyn Bytes,
    at: Arc<std::sync::atomic::AtomicU64>,
    buffer: std::io::Cursor<Vec<u8>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let mut n = self.buffer.read(into)?;
        if n == 0 && !into.is_empty() {
            let next = self.at.load(Ordering::Relaxed);
            self.buffer = std::io::Cursor::new(self.from.read_at(next, 1 << 20).map_err(std::io::Error::other)?);
            n = self.buffer.read(into)?;
        }
        self.at.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Files {
    /// A tree with nothing in it.
    pub fn empty() -> Self {
        let root = Node { found: directory(b""), at: 0, digest: None, children: BTreeMap::new() };
        Self { nodes: vec![root], bytes: Arc::new(Vec::new()), ignored: BTreeSet::new() }
    }

    /// A tree with one file of root's in it, whose content is at hand.
    pub fn single(name: &[u8], bytes: Arc<dyn Bytes>, size: u64, mode: u32, mtime: i64) -> Self {
        let mut all = Self { bytes, ..Self::empty() };
        let found = Found { kind: Some(Kind::File), size, mode, mtime: (mtime, 0), ..directory(name) };
        all.add(0, name, found, 0, None);
        all
    }

    /// Reads an archive. With `owned` everything keeps its owner; else it is root's, as files of a context are.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: what is no archive, or holds a name that leads out of it.
    pub fn read(bytes: Arc<dyn Bytes>, owned: bool) -> Result<Self> {
        let mut all = Self { bytes: Arc::clone(&bytes), ..Self::empty() };
        let at = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let mut reader = Reader::new(Counted { from: &*bytes, at: Arc::clone(&at), buffer: std::io::Cursor::default() });
        while let Some(entry) = reader.next_entry()? {
            if all.nodes.len() > MOST {
                return Err(Error::invalid(format!("the archive has more than {MOST} entries")));
            }
            let offset = at.load(Ordering::Relaxed);
            if reader.is_sparse() {
                // Content is kept by where it is in the archive, and there the holes are not.
                return Err(Error::invalid(format!("invalid archive: the entry {} is a sparse file", entry.shown()))
                    .hint("pack the context without --sparse"));
            }
            let digest = match entry.kind {
                Kind::File => Some(digest(&mut reader)?),
                _ => None,
            };
            all.insert(&entry, offset, digest, owned)?;
        }
        Ok(all)
    }

    fn insert(&mut self, entry: &Entry, at: u64, digest: Option<Digest>, owned: bool) -> Result<()> {
        let wrong = |why: &str| Error::invalid(format!("invalid archive: the entry {}: {why}", entry.shown()));
        let parts = layer::parts(&entry.path).map_err(wrong)?;
        let Some((name, above)) = parts.split_last() else {
            if entry.kind == Kind::Directory {
                self.nodes[0].found.mode = entry.mode;
            }
            return Ok(());
        };
        let mut parent = 0;
        for part in above {
            parent = match self.nodes[parent].children.get(*part) {
                Some(next) if self.nodes[*next].found.is_dir() => *next,
                Some(next) => {
                    self.through(*next, &[above, &[*name]].concat()).ok_or_else(|| wrong("it is behind something that is no directory"))?
                }
                None => self.add(parent, part, directory(part), 0, None),
            };
        }
        if let Kind::HardLink(to) = &entry.kind {
            let to = layer::parts(to).map_err(wrong)?;
            let target = self.find(&to).filter(|n| !self.nodes[*n].found.is_dir()).ok_or_else(|| wrong("it is a link to nothing"))?;
            self.nodes[target].found.links += 1;
            self.nodes[parent].children.insert(name.to_vec(), target);
            return Ok(());
        }
        let found = Found {
            name: name.to_vec(),
            kind: Some(entry.kind.clone()),
            size: entry.size,
            mode: entry.mode,
            uid: if owned { entry.uid } else { 0 },
            gid: if owned { entry.gid } else { 0 },
            mtime: entry.mtime,
            xattrs: if owned {
                entry.xattrs.iter().filter(|(k, _)| layer::keeps_xattr(k.as_bytes())).map(|(k, v)| (k.clone(), v.clone())).collect()
            } else {
                BTreeMap::new()
            },
            inode: (0, 0),
            links: 1,
            opaque: false,
        };
        match self.nodes[parent].children.get(*name).copied() {
            // A directory that comes again takes on what it says now, and keeps what is in it.
            Some(old) if self.nodes[old].found.is_dir() && entry.kind == Kind::Directory => {
                let inode = self.nodes[old].found.inode;
                self.nodes[old].found = Found { inode, ..found };
            }
            _ => drop(self.add(parent, name, found, at, digest)),
        }
        Ok(())
    }

    fn add(&mut self, parent: usize, name: &[u8], mut found: Found, at: u64, digest: Option<Digest>) -> usize {
        let number = self.nodes.len();
        found.inode = (0, number as u64);
        self.nodes.push(Node { found, at, digest, children: BTreeMap::new() });
        self.nodes[parent].children.insert(name.to_vec(), number);
        number
    }

    /// The directory that a link in the archive leads to, by its own text, if it is in the archive.
    fn through(&self, link: usize, _path: &[&[u8]]) -> Option<usize> {
        let Some(Kind::Symlink(to)) = &self.nodes[link].found.kind else { return None };
        // Only what is written from the top or down from here; the rest is left to the tree it is put into.
        let to = layer::parts(to).ok()?;
        self.find(&to).filter(|n| self.nodes[*n].found.is_dir())
    }

    fn find(&self, parts: &[&[u8]]) -> Option<usize> {
        parts.iter().try_fold(0, |at, part| self.nodes[at].children.get(*part).copied())
    }

    fn at(&self, path: &[u8]) -> Option<usize> {
        self.find(&path.split(|b| *b == b'/').filter(|p| !p.is_empty()).collect::<Vec<_>>())
    }

    /// Takes out what a `.dockerignore` leaves out.
    pub fn leave_out(&mut self, ignore: &Ignore) {
        if !ignore.is_empty() {
            self.prune(0, "", ignore);
        }
    }

    /// Answers whether something is left below.
    fn prune(&mut self, node: usize, path: &str, ignore: &Ignore) {
        for (name, child) in self.nodes[node].children.clone() {
            let shown = String::from_utf8_lossy(&name);
            let below = if path.is_empty() { shown.into_owned() } else { format!("{path}/{shown}") };
            let out = ignore.excludes(&below);
            if self.nodes[child].found.is_dir() {
                self.prune(child, &below, ignore);
            }
            if out && self.nodes[child].children.is_empty() {
                self.nodes[node].children.remove(&name);
                self.ignored.insert(below);
            }
        }
    }

    /// Whether a path was left out.
    pub fn is_ignored(&self, path: &str) -> bool {
        self.ignored.contains(path)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.nodes[0].children.is_empty()
    }

    /// The digest of a file's content, known since the archive was read.
    pub fn digest(&self, path: &[u8]) -> Option<&Digest> {
        self.nodes[self.at(path)?].digest.as_ref()
    }

    /// The whole content of a small file at the top or below; `None` if there is no such file.
    ///
    /// # Errors
    /// Where it cannot be read, or is larger than `limit`.
    pub fn small(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let clean = crate::container::mounts::clean(&format!("/{path}"));
        let Some(node) = self.at(clean.as_bytes()).map(|n| &self.nodes[n]).filter(|n| n.found.kind == Some(Kind::File)) else {
            return Ok(None);
        };
        if node.found.size > limit {
            return Err(Error::invalid(format!("{path} is larger than {limit} bytes")));
        }
        let mut content = Vec::new();
        Part::new(Arc::clone(&self.bytes), node.at, node.found.size)
            .read_to_end(&mut content)
            .map_err(|e| Error::new(ErrorKind::System, format!("{path} cannot be read")).source(e))?;
        Ok(Some(content))
    }
}

fn digest(reader: &mut dyn Read) -> Result<Digest> {
    let mut hashing = Hashing::default();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = reader.read(&mut buffer).map_err(|e| crate::image::changeset::uncarried(e, "the archive cannot be read"))?;
        if n == 0 {
            return Ok(hashing.finish());
        }
        hashing.feed(&buffer[..n]);
    }
}

/// The tree of an index.
#[derive(Clone)]
pub struct View(pub Arc<Files>);

impl OpenTree for View {
    fn look(&mut self, path: &[u8]) -> Result<Option<Found>> {
        Ok(self.0.at(path).map(|n| self.0.nodes[n].found.clone()))
    }

    fn list(&mut self, path: &[u8]) -> Result<Vec<Found>> {
        let node = self.0.at(path).ok_or_else(|| Error::not_found("nothing is there"))?;
        let children = self.0.nodes[node].children.iter();
        // A hard link has the name it is found under.
        Ok(children.map(|(name, n)| Found { name: name.clone(), ..self.0.nodes[*n].found.clone() }).collect())
    }

    fn read(&mut self, path: &[u8]) -> Result<Box<dyn Read>> {
        let node = self.0.at(path).ok_or_else(|| Error::not_found("nothing is there"))?;
        let node = &self.0.nodes[node];
        Ok(Box::new(Part::new(Arc::clone(&self.0.bytes), node.at, node.found.size)))
    }

    fn below(&mut self, _: &str, _: bool) -> Result<Box<dyn OpenTree>> {
        Err(Error::unsupported("a part of an archive as a tree"))
    }

    fn extract(&mut self, _: &mut dyn Read, _: &Extract) -> Result<()> {
        Err(Error::unsupported("writing to an archive"))
    }
}

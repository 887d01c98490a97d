//! A student's stack of layers, in the place of overlayfs's.

use super::{Asked, unreadable};
use crate::wrapped::Between;
use drydock_core::image::tar::{Entry, Kind, Reader, Writer};
use drydock_core::kernel::{Kernel, Launch, Process, Step};
use drydock_core::plan::Planned;
use drydock_core::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};

/// More than any archive of a clause has, in bytes.
const ENOUGH: u64 = 64 << 20;

/// Has the root of every container made of its layers as somebody says: one layer, made by hand, takes the place of all.
pub(super) struct Stacking {
    asked: Arc<dyn Asked>,
    /// The archives of unpacked layers, by the directories that they were unpacked into.
    archives: Mutex<BTreeMap<String, String>>,
}

impl Stacking {
    pub(super) fn new(asked: Arc<dyn Asked>) -> Self {
        Self { asked, archives: Mutex::default() }
    }

    /// The layer that is to stand for these, from top to bottom, unpacked beside the container's own.
    fn flattened(&self, kernel: &dyn Kernel, lower: &[String], upper: &str) -> Result<String> {
        let archives = self.archives.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut layers = Vec::new();
        for directory in lower.iter().rev() {
            let archive = archives.get(directory).ok_or_else(|| Error::not_found(format!("the archive of the layer {directory}")))?;
            layers.push(entries(kernel, archive)?);
        }
        let archive = merged(&layers, &*self.asked)?;
        let into = format!("{}/of-the-student", upper.rsplit_once('/').map_or("", |(above, _)| above));
        // One that an earlier start made.
        kernel.perform(&Step::RemoveTree { path: into.clone() }, None)?;
        let taken = kernel.ingest(&mut archive.as_slice(), ENOUGH, &mut || Ok(None), &mut |_| Ok(()))?;
        let blob = format!("{}/blobs/sha256/{}", kernel.facts().data_root, taken.digest.hex());
        let unpack =
            Step::UnpackLayer { archive: blob.clone(), diff_id: taken.diff_id.as_str().to_owned(), into: into.clone(), ahead: None };
        let unpacked = kernel.perform(&unpack, None);
        // A blob that no image has is nobody's.
        kernel.perform(&Step::RemoveTree { path: blob }, None)?;
        unpacked.map(|()| into)
    }
}

impl Between for Stacking {
    fn perform(&self, kernel: &dyn Kernel, step: &Step, child: Option<&Process>) -> Result<()> {
        if let Step::UnpackLayer { archive, into, .. } = step {
            self.archives.lock().unwrap_or_else(PoisonError::into_inner).insert(into.clone(), archive.clone());
        }
        kernel.perform(step, child)
    }

    fn launch(&self, kernel: &dyn Kernel, launch: &Launch) -> Result<Process> {
        let mut launch = launch.clone();
        for Planned { step, .. } in &mut launch.inside {
            if let Step::MountOverlay { lower, upper, .. } = step {
                *lower = vec![self.flattened(kernel, lower, upper)?];
            }
        }
        kernel.launch(&launch)
    }
}

/// An archive's entries with their contents.
fn entries(kernel: &dyn Kernel, archive: &str) -> Result<Vec<(Entry, Vec<u8>)>> {
    let size = kernel.size(archive)?;
    let bytes = kernel.read(archive, 0, usize::try_from(size.min(ENOUGH)).unwrap_or(usize::MAX))?;
    let mut stream = bytes.as_slice();
    let mut reader = Reader::new(drydock_core::image::decompress(&mut stream)?);
    let mut all = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let mut content = Vec::new();
        let read = reader.by_ref().take(ENOUGH).read_to_end(&mut content);
        read.map_err(|e| Error::new(ErrorKind::System, "read a layer").source(e))?;
        all.push((entry, content));
    }
    Ok(all)
}

/// The name of an inode: the first of its names in its layer.
fn first_name(layer: &[(Entry, Vec<u8>)], at: usize) -> usize {
    match layer.get(at).map(|(entry, _)| &entry.kind) {
        Some(Kind::HardLink(to)) => {
            let same = |path: &[u8]| trimmed(path) == trimmed(to);
            layer.iter().take(at).rposition(|(entry, _)| same(&entry.path)).map_or(at, |first| first_name(layer, first))
        }
        _ => at,
    }
}

fn trimmed(path: &[u8]) -> &[u8] {
    let path = path.strip_prefix(b"./").unwrap_or(path);
    path.strip_suffix(b"/").unwrap_or(path)
}

/// A path as one archive or another has it: those of the suite are all of one hand, and those of the world are not.
fn spelled(path: &str, kind: &Kind, at: usize) -> String {
    let bare = path.trim_start_matches("./").trim_matches('/');
    let before = ["", "./", "/"].get(at % 3).copied().unwrap_or_default();
    format!("{before}{bare}{}", if *kind == Kind::Directory { "/" } else { "" })
}

/// The archive of the root that somebody makes of layers, the lowest first.
fn merged(layers: &[Vec<(Entry, Vec<u8>)>], asked: &dyn Asked) -> Result<Vec<u8>> {
    let mut question = String::new();
    // Every entry by its number, as the inode that it is a name of.
    let mut numbered: Vec<(usize, &(Entry, Vec<u8>))> = Vec::new();
    for layer in layers {
        question.push_str("layer\n");
        let base = numbered.len();
        for (at, (entry, _)) in layer.iter().enumerate() {
            let path = String::from_utf8(entry.path.clone()).ok().filter(|path| !path.contains('\n'));
            let path = path.ok_or_else(|| Error::invalid(format!("the lab has no word for the name {}", entry.shown())))?;
            let first = first_name(layer, at);
            let word = match &entry.kind {
                Kind::Directory => "dir",
                Kind::File | Kind::HardLink(_) => "file",
                Kind::Symlink(_) => "link",
                _ => "other",
            };
            question.push_str(&format!("{word} {}\n", spelled(&path, &entry.kind, at)));
            numbered.extend(layer.get(first).map(|inode| (base + first, inode)));
        }
    }
    let mut root: BTreeMap<String, usize> = BTreeMap::new();
    for line in asked.ask(&question)?.lines() {
        let (number, path) = line.split_once(' ').and_then(|(n, path)| Some((n.parse().ok()?, path))).ok_or_else(|| unreadable(line))?;
        if path.is_empty() || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(Error::invalid(format!("your root has the path \"{}\", which is not one below it", path.escape_debug())));
        }
        root.insert(path.to_owned(), number);
    }
    written(&root, &numbered)
}

fn written(root: &BTreeMap<String, usize>, numbered: &[(usize, &(Entry, Vec<u8>))]) -> Result<Vec<u8>> {
    let inode = |number: usize| numbered.get(number).ok_or_else(|| unreadable(&format!("entry {number}, which there is not")));
    let mut writer = Writer::new(Vec::new());
    let mut names: BTreeMap<usize, &String> = BTreeMap::new();
    for (path, number) in root {
        for (at, _) in path.match_indices('/') {
            let above = path.get(..at).unwrap_or_default();
            if let Some(there) = root.get(above)
                && inode(*there)?.1.0.kind != Kind::Directory
            {
                return Err(Error::invalid(format!("your root has {path} below {above}, which is no directory")));
            }
        }
        let (first, (entry, content)) = inode(*number)?;
        let is_file = entry.kind == Kind::File;
        let kind = match names.get(first).filter(|_| is_file) {
            Some(name) => Kind::HardLink(name.as_bytes().to_vec()),
            None => entry.kind.clone(),
        };
        names.entry(*first).or_insert(path);
        let content: &[u8] = if kind == Kind::File { content } else { &[] };
        // A name that says what is hidden would be read as saying so. As a file, which it is here, it is seen.
        let hidden = path.rsplit('/').next().is_some_and(|name| name.starts_with(".wh."));
        let shown = if hidden { path.replace(".wh.", "wh-") } else { path.clone() };
        writer.append(&Entry { path: shown.into_bytes(), kind, ..entry.clone() }, content)?;
    }
    writer.finish()
}

//! COPY, ADD and WORKDIR: layers that are put together from trees and archives. No container runs for them.

use super::stage::Made;
use super::{At, Build, Plan};
use crate::build::context::{Files, View};
use crate::build::dockerfile::Fault;
use crate::build::ignore::Ignore;
use crate::build::key::{Hashing, Key};
use crate::build::place::{self, Content, How, Layer, Mode, Packed};
use crate::build::select::{Item, Selected, nearest, select};
use crate::build::stages::From;
use crate::build::state::CopyStep;
use crate::build::walk::{self, resolve};
use crate::container::user;
use crate::engine::import::fill;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Digest;
use crate::image::tar::{Entry, Kind};
use crate::kernel::OpenTree;
use crate::store::{StoreExt as _, Table, put};
use std::io::Read as _;
use std::sync::Arc;

/// Entries of a layer, and the trees that their content is in.
pub(super) type Parts = (Vec<(Entry, Content)>, Vec<Box<dyn OpenTree>>);

impl Build<'_> {
    /// WORKDIR: the directory is made if it is not there, and belongs to the user.
    pub(super) fn workdir(&self, at: At<'_>, path: &str, made: &mut Made) -> Result<()> {
        let by = format!("WORKDIR {path}");
        let key = Key::new("workdir")
            .text("below", made.chain())
            .text("path", path)
            .text("user", &made.state.settings.user)
            .text("epoch", &format!("{:?}", self.epoch))
            .finish();
        if self.may_use_cache(at) && self.cached(at, made, &key, &by)? {
            return Ok(());
        }
        let mut base = self.tree(&made.layers)?;
        if resolve(&mut *base, path.as_bytes(), true)?.found.is_some_and(|f| f.is_dir()) {
            let now = self.engine.time();
            self.enter(&key, super::cache::Entry { layer: None, created: now, used: now, by: by.clone() }, None)?;
            self.nothing(made, &by);
            return Ok(());
        }
        let user = made.state.settings.user.clone();
        let owner = if user.is_empty() { None } else { Some(owner(&mut *base, &user)?) };
        let mut layer = Layer::over(&mut *base, How { owner, mode: None, epoch: self.epoch, now: self.now });
        layer.directory(path.as_bytes())?;
        let entries = layer.finish();
        self.layer(made, &mut Packed::new(entries, Vec::new()), &key, &by)
    }

    /// COPY and ADD.
    pub(super) fn copy(&self, at: At<'_>, copy: &CopyStep, made: &mut Made) -> Result<()> {
        let excludes = Ignore::of(copy.excludes.iter().map(String::as_str))?;
        let mode = match &copy.chmod {
            None => None,
            Some(text) => Some(Mode::parse(text).ok_or_else(|| {
                let fault =
                    Fault::new(copy.span, format!("invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777"));
                at.file.source.failure(&fault.help("write --chmod=755, or --chmod=u=rwX,go=rX"))
            })?),
        };
        let sources = self.sources(at, copy, &excludes)?;
        let (content, several) = (sources.digest.clone(), sources.named + copy.inline.len() > 1);
        if several && !copy.dest.ends_with('/') {
            let fault = Fault::new(
                copy.span,
                "When using COPY with more than one source file, the destination must be a directory and end with a /",
            );
            return Err(at.file.source.failure(&fault.help(format!("write {}/", copy.dest))));
        }
        let mut key = Key::new(if copy.add { "add" } else { "copy" });
        if !copy.link {
            key = key.text("below", made.chain());
        }
        let owner_key = match &copy.chown {
            None => String::new(),
            // By number it means the same everywhere; by name what the image below says.
            Some(spec) if copy.link => format!("{:?}", self.owner_of(at, made, spec, copy)?),
            Some(spec) => spec.clone(),
        };
        let key = key
            .text("content", content.as_str())
            .text("dest", &copy.dest)
            .text("owner", &owner_key)
            .text("mode", copy.chmod.as_deref().unwrap_or_default())
            .text("link", &copy.link.to_string())
            .text("unpack", &format!("{:?}", copy.unpack))
            .text("epoch", &format!("{:?}", self.epoch))
            .list("inline", copy.inline.iter().flat_map(|(name, content)| [name, content]))
            .finish();
        let _turn = at.plan.stages.turn(&key);
        if self.may_use_cache(at) && self.cached(at, made, &key, &copy.by)? {
            return Ok(());
        }
        let owner = copy.chown.as_ref().map(|spec| self.owner_of(at, made, spec, copy)).transpose()?;
        let how = How { owner, mode, epoch: self.epoch, now: self.now };
        let (entries, trees) = self.place(at, made, copy, sources, how).map_err(|e| at.located(copy.span, e))?;
        self.layer(made, &mut Packed::new(entries, trees), &key, &copy.by)
    }

    fn owner_of(&self, at: At<'_>, made: &Made, spec: &str, copy: &CopyStep) -> Result<(u32, u32)> {
        let mut base = self.tree(&made.layers)?;
        owner(&mut *base, spec).map_err(|e| at.located(copy.span, e))
    }

    /// Opens what a COPY takes from.
    pub(super) fn source_tree(&self, at: At<'_>, from: Option<&str>) -> Result<(Box<dyn OpenTree>, String)> {
        match at.source(from) {
            From::Context => Ok((Box::new(View(Arc::clone(&at.plan.context))), String::new())),
            From::Stage(stage) => {
                let stage = at.plan.wait(stage)?;
                Ok((self.tree(&stage.layers)?, format!("stack {}", stage.chain())))
            }
            From::Image(name) => {
                let made = self.base(&self.image(&name)?)?;
                Ok((self.tree(&made.layers)?, format!("stack {}", made.chain())))
            }
        }
    }

    /// Selects every source. The digest of their content is remembered for trees that never change.
    fn sources(&self, at: At<'_>, copy: &CopyStep, excludes: &Ignore) -> Result<Sources> {
        let (mut tree, identity) = self.source_tree(at, copy.from.as_deref()).map_err(|e| at.located(copy.span, e))?;
        let mut all = Sources { tree: None, all: Vec::new(), named: 0, digest: Digest::of(b"") };
        let mut hashing = Hashing::default();
        let memo = Key::new("memo")
            .text("tree", &identity)
            .list("sources", copy.sources.iter().map(|(s, _)| s))
            .list("excludes", &copy.excludes)
            .text("parents", &copy.parents.to_string())
            .finish();
        let memo = (!identity.is_empty()).then(|| format!("build/content/{memo}"));
        let known: Option<Digest> = memo.as_ref().map(|m| self.engine.store().load(Table::Meta, m)).transpose()?.flatten();
        for (source, span) in &copy.sources {
            let wrong = |e: Error| at.located(*span, e);
            if let Some(refused) = refused(source, copy) {
                return Err(wrong(refused));
            }
            if is_url(source) {
                let remote = self.remote(at, source, copy.checksum.as_deref(), copy.dest.ends_with('/')).map_err(wrong)?;
                hashing.feed(source.trim_end_matches('/').rsplit('/').next().unwrap_or_default().as_bytes());
                hashing.feed(remote.digest.as_str().as_bytes());
                all.named += 1;
                all.all.push(Source::Remote(remote));
                continue;
            }
            let selected = select(&mut *tree, source, copy.parents, excludes).map_err(|e| match e.kind() {
                ErrorKind::NotFound => wrong(self.missing(at.plan, &mut *tree, copy, source)),
                _ => wrong(e),
            })?;
            all.named += selected.named;
            if known.is_none() {
                let digest = place::digest(&selected.items, &mut |item| content(at.plan, &mut *tree, identity.is_empty(), item))?;
                hashing.feed(source.trim_end_matches('/').rsplit('/').next().unwrap_or_default().as_bytes());
                hashing.feed(digest.as_str().as_bytes());
            }
            all.all.push(Source::Files(selected));
        }
        all.digest = match known {
            Some(known) => known,
            None => {
                let digest = hashing.finish();
                if let Some(memo) = memo {
                    self.engine.store().commit(&[put(Table::Meta, &memo, &digest)?])?;
                }
                digest
            }
        };
        all.tree = Some(tree);
        Ok(all)
    }

    /// Says why nothing is there, as far as it can be told.
    fn missing(&self, plan: &Plan<'_>, tree: &mut dyn OpenTree, copy: &CopyStep, source: &str) -> Error {
        let clean = crate::container::mounts::clean(&format!("/{source}"));
        let clean = clean.trim_start_matches('/');
        let help = if copy.from.is_none() && (plan.context.is_ignored(clean) || plan.ignore.excludes(clean)) {
            Some(".dockerignore leaves it out".to_owned())
        } else if copy.from.is_none() && plan.context.is_empty() {
            Some("the build context is empty; is its directory the right one?".to_owned())
        } else {
            nearest(tree, source).map(|near| format!("did you mean {near}?"))
        };
        let verb = if copy.add { "ADD" } else { "COPY" };
        let message = match &copy.from {
            None => {
                format!("{verb} failed: file not found in build context or excluded by .dockerignore: stat {source}: file does not exist")
            }
            Some(from) => format!("{verb} failed: stat {source}: file does not exist in {from}"),
        };
        let error = Error::not_found(message).subject(source);
        match help {
            Some(help) => error.hint(help),
            None => error,
        }
    }

    /// Puts everything at its place.
    fn place(&self, at: At<'_>, made: &Made, copy: &CopyStep, sources: Sources, how: How) -> Result<Parts> {
        let mut base = if copy.link { self.tree(&[])? } else { self.tree(&made.layers)? };
        let mut trees: Vec<Box<dyn OpenTree>> = sources.tree.into_iter().collect();
        let mut all: Vec<(usize, Selected)> = Vec::new();
        for one in sources.all {
            match one {
                Source::Files(selected) => all.push((0, selected)),
                Source::Remote(remote) => {
                    let (tree, selected) = self.arrived(at, remote)?;
                    trees.push(tree);
                    all.push((trees.len() - 1, selected));
                }
            }
        }
        let dest = copy.dest.trim_matches('/').as_bytes().to_vec();
        let there = resolve(&mut *base, &dest, true)?;
        let is_dir = copy.dest.ends_with('/') || there.found.as_ref().is_some_and(|f| f.is_dir());
        let mut layer = Layer::over(&mut *base, how);
        for (tree, selected) in &all {
            // What was fetched is not extracted unless that is asked for.
            let extracts = if *tree == 0 { copy.unpack != Some(false) } else { copy.unpack == Some(true) };
            let mut plain: Vec<Item> = Vec::new();
            for item in &selected.items {
                // An archive is told by its content, as with Docker.
                let may_extract = copy.add && extracts && item.found.kind == Some(Kind::File) && !selected.directories;
                if may_extract && let Some(archive) = self.archive(&mut *trees[*tree], item)? {
                    let archive = Arc::new(archive);
                    let mut view = View(Arc::clone(&archive));
                    let inside = select(&mut view, ".", false, &Ignore::default())?;
                    trees.push(Box::new(view));
                    layer.put(trees.len() - 1, &inside.items, &dest)?;
                    continue;
                }
                plain.push(item.clone());
            }
            if plain.is_empty() {
                continue;
            }
            if selected.directories || copy.parents || is_dir {
                layer.put(*tree, &plain, &dest)?;
            } else {
                // One file, and a destination that is its new name.
                let name = dest.rsplit(|b| *b == b'/').next().unwrap_or_default().to_vec();
                let above = dest[..dest.len() - name.len()].to_vec();
                let above = above.strip_suffix(b"/").unwrap_or(&above).to_vec();
                for item in &mut plain {
                    item.to.clone_from(&name);
                }
                layer.put(*tree, &plain, &above)?;
            }
        }
        for (name, content) in &copy.inline {
            let to = if is_dir { walk::join(&dest, name.as_bytes()) } else { dest.clone() };
            layer.file(&to, content.clone().into_bytes(), 0o644, self.now)?;
        }
        Ok((layer.finish(), trees))
    }

    /// The files of an archive, if a file is one: tar, as it is or compressed, with something in it.
    fn archive(&self, tree: &mut dyn OpenTree, item: &Item) -> Result<Option<Files>> {
        if item.found.size < 32 {
            return Ok(None);
        }
        let mut start = [0; 600];
        let filled = {
            let mut reader = tree.read(&item.path)?;
            fill(&mut *reader, &mut start)?
        };
        let start = &start[..filled];
        if !crate::build::unpack::may_be_archive(start) {
            return Ok(None);
        }
        let mut reader = tree.read(&item.path)?;
        let mut plain = crate::image::decompress(&mut *reader)?;
        let mut head = [0; 512];
        // What cannot be decompressed is no archive.
        let filled = fill(&mut *plain, &mut head).unwrap_or(0);
        let first = crate::image::tar::Reader::new(&head[..filled]).next_entry();
        if filled < 512 || head.iter().all(|b| *b == 0) || (first.is_err() && !is_tar(&head)) {
            return Ok(None);
        }
        let (bytes, _) = self.held.keep(&mut head.chain(&mut *plain))?;
        let files = Files::read(bytes, true)?;
        Ok((!files.is_empty()).then_some(files))
    }
}

/// What one source came to.
enum Source {
    /// Files of the tree.
    Files(Selected),
    /// A URL.
    Remote(super::url::Remote),
}

fn is_url(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

/// What the sources of an instruction came to.
struct Sources {
    tree: Option<Box<dyn OpenTree>>,
    all: Vec<Source>,
    named: usize,
    digest: Digest,
}

fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

/// The digest of a file's content: known for files of the context, else read.
fn content(plan: &Plan<'_>, tree: &mut dyn OpenTree, is_context: bool, item: &Item) -> Result<Digest> {
    if is_context && let Some(known) = plan.context.digest(&item.path) {
        return Ok(known.clone());
    }
    let mut hashing = Hashing::default();
    let mut reader = tree.read(&item.path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = reader.read(&mut buffer).map_err(|e| crate::image::changeset::uncarried(e, "a file cannot be read"))?;
        if n == 0 {
            return Ok(hashing.finish());
        }
        hashing.feed(&buffer[..n]);
    }
}

/// User and group by name or number, as the image's own files have them. A user without a group has its number for both, if it is a
/// number (Docker: "the UID as the GID").
fn owner(tree: &mut dyn OpenTree, spec: &str) -> Result<(u32, u32)> {
    let passwd = walk::small(tree, "/etc/passwd")?;
    let groups = walk::small(tree, "/etc/group")?;
    if let Ok(number) = spec.parse::<u32>() {
        return Ok((number, number));
    }
    let identity = user::resolve(spec, &[], &passwd, &groups)?;
    Ok((identity.uid, identity.gid))
}

/// Sources that are not taken, and why.
fn refused(source: &str, copy: &CopyStep) -> Option<Error> {
    let is_url = is_url(source);
    let is_git = source.starts_with("git@")
        || source.starts_with("git://")
        || (is_url && source.split('#').next().is_some_and(|s| s.ends_with(".git")));
    if copy.add && is_git {
        return Some(
            Error::unsupported(format!("ADD of a git repository is not supported: {source}"))
                .hint("clone it beside the Dockerfile, and COPY it"),
        );
    }
    if let Some(checksum) = &copy.checksum {
        if !is_url {
            return Some(Error::invalid("checksum can't be specified for non-HTTP(S) sources").subject(checksum));
        }
        if copy.sources.len() > 1 {
            return Some(Error::invalid("checksum can't be specified with multiple sources").hint("write an ADD for each"));
        }
    }
    if copy.add && is_url {
        return None;
    }
    if !copy.add && is_url {
        return Some(Error::invalid(format!("source can't be a URL for COPY: {source}")).hint("write ADD"));
    }
    let mut depth = 0i32;
    for part in source.split('/') {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 && copy.from.is_none() {
            return Some(Error::invalid(format!("COPY failed: forbidden path outside the build context: {source} ()")).hint(
                "only what is in the context's directory can be copied: build from the directory above, with -f for the Dockerfile",
            ));
        }
    }
    None
}

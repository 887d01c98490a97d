//! Trees of files that are not the host's own, as the kernel seam opens them: directories, stacks of layers, roots of processes.

use super::errors::Named;
use crate::kernel::SimKernel;
use crate::sys::{Credentials, Errno, FileType, Propagation, Res};
use crate::vfs::{Body, Ctx, Inode, Loc, Mount, Node, cap};
use crate::world::{Shared, World};
use drydock_core::image::decompress;
use drydock_core::image::layer;
use drydock_core::image::tar::{Entry, Kind, Reader};
use drydock_core::kernel::{Binding, Extract, Found, MountFlags, OpenTree, Tree};
use drydock_core::time::Timestamp;
use drydock_core::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

/// A tree, by the place of its top.
struct SimTree {
    shared: Shared,
    /// Sees the tree as its root, and may do everything but look into other processes.
    ctx: Ctx,
    held: Option<Arc<Held>>,
}

/// A mount namespace that nobody is in; its mounts go when this is dropped.
struct Held {
    shared: Shared,
    ns: u32,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.lock().fs.drop_ns(self.ns);
    }
}

impl SimKernel {
    pub(super) fn open_tree(&self, tree: &Tree) -> Result<Box<dyn OpenTree>> {
        let shared = self.machine.shared.clone();
        let (top, held) = {
            let mut world = shared.lock();
            let ctx = world.kernel_ctx();
            match tree {
                Tree::Directory { path } => (world.walk(&ctx, path, true).named("open", path)?, None),
                Tree::Process { process } => {
                    let pid = world.living(process)?;
                    (world.ctx(pid).named("open", "root")?.root, None)
                }
                Tree::Stack { lower, upper, binds } => {
                    world.ns.next += 1;
                    let ns = world.ns.next;
                    let stacked = world.stack(&ctx, ns, lower, upper.as_ref(), binds);
                    if stacked.is_err() {
                        world.fs.drop_ns(ns);
                    }
                    (stacked?, Some(ns))
                }
            }
        };
        let held = held.map(|ns| Arc::new(Held { shared: shared.clone(), ns }));
        let ctx = inside(&shared.lock(), top);
        Ok(Box::new(SimTree { shared, ctx, held }))
    }
}

/// Whoever works in a tree: its top is their root, and links of proc that are more than text are closed to them.
fn inside(world: &World, top: Loc) -> Ctx {
    let all = (*world.kernel_ctx().creds).clone();
    let creds = Credentials { effective: all.effective & !(1 << cap::SYS_PTRACE), ..all };
    Ctx { root: top, cwd: top, creds: Arc::new(creds), pid: u32::MAX, umask: 0 }
}

impl World {
    fn stack(&mut self, ctx: &Ctx, ns: u32, lower: &[String], upper: Option<&(String, String)>, binds: &[Binding]) -> Result<Loc> {
        let (upper_dir, work) = (upper.map(|(u, _)| u.as_str()), upper.map(|(_, w)| w.as_str()));
        let (system, root) = self.overlay_of(ctx, lower, upper_dir, work).named("mount overlay", "a container's root")?;
        let mount = self.fs.attach(Mount {
            ns,
            parent: None,
            point: root,
            root,
            system,
            flags: MountFlags::default(),
            source: "overlay".to_owned(),
            propagation: Propagation::Private,
            group: 0,
        });
        let top = Loc { mount, node: root };
        let within = Ctx { root: top, cwd: top, ..ctx.clone() };
        for bind in binds {
            let from = self.walk(ctx, &bind.source, true).named("bind", &bind.source)?;
            let is_dir = self.kind(from.node).named("bind", &bind.source)? == FileType::Directory;
            let path = format!("/{}", bind.target.trim_start_matches('/'));
            let at = match self.walk(&within, &path, true) {
                // A tree that is only looked at is not changed.
                Err(_) if upper.is_none() => continue,
                Err(Errno::ENOENT) if is_dir => self.make_dirs(&within, &path, 0o755, (0, 0)),
                other => other,
            };
            let flags = MountFlags { read_only: bind.read_only, ..MountFlags::default() };
            at.and_then(|at| self.bind(from, at, true, flags)).named("bind", &bind.target)?;
        }
        Ok(top)
    }

    fn found(&mut self, ctx: &Ctx, name: &str, at: Loc) -> Res<Found> {
        let stat = self.attributes(at.node)?;
        let kind = match stat.kind {
            FileType::Regular => Some(Kind::File),
            FileType::Directory => Some(Kind::Directory),
            FileType::Symlink => Some(Kind::Symlink(self.link_target(ctx, at.node)?.into_bytes())),
            FileType::Char => Some(Kind::CharDevice(stat.rdev.0, stat.rdev.1)),
            FileType::Block => Some(Kind::BlockDevice(stat.rdev.0, stat.rdev.1)),
            FileType::Fifo => Some(Kind::Fifo),
            _ => None,
        };
        let inode = self.backing(at.node).and_then(|ino| self.fs.get(ino));
        let (opaque, xattrs) = inode.map_or((false, BTreeMap::new()), |i| (i.opaque, i.xattrs.clone()));
        let nanoseconds = stat.mtime.0;
        Ok(Found {
            name: name.as_bytes().to_vec(),
            size: if kind == Some(Kind::File) { stat.size } else { 0 },
            mode: stat.mode & 0o7777,
            uid: stat.uid,
            gid: stat.gid,
            mtime: (i64::try_from(nanoseconds / 1_000_000_000).unwrap_or(0), (nanoseconds % 1_000_000_000) as u32),
            xattrs,
            inode: (stat.dev, stat.ino),
            links: u64::from(stat.nlink),
            opaque: opaque && matches!(at.node, Node::Plain(_)),
            kind,
        })
    }

    /// What is at a path of a tree, no link of which is followed.
    fn plainly(&mut self, ctx: &Ctx, path: &[u8]) -> Res<Loc> {
        let path = std::str::from_utf8(path).map_err(|_| Errno::ENOENT)?;
        let mut at = ctx.root;
        for part in path.split('/').filter(|p| !p.is_empty()) {
            if self.kind(at.node)? != FileType::Directory {
                return Err(Errno::ENOTDIR);
            }
            let node = self.lookup(ctx, at.node, part)?;
            at = self.top(Loc { mount: at.mount, node });
        }
        Ok(at)
    }

    fn put_entry(&mut self, ctx: &Ctx, entry: &Entry, content: Vec<u8>, how: &Extract) -> Result<()> {
        let wrong = |what: &str| Error::invalid(format!("Error processing tar file: entry {:?}: {what}", entry.shown()));
        let parts = layer::parts(&entry.path).map_err(wrong)?;
        let text = |part: &[u8]| String::from_utf8(part.to_vec()).map_err(|_| wrong("its name is not UTF-8"));
        let words = parts.iter().map(|p| text(p)).collect::<Result<Vec<_>>>()?;
        let (uid, gid) = how.owner.unwrap_or((entry.uid, entry.gid));
        let seconds = u64::try_from(entry.mtime.0).unwrap_or(0);
        let time = Timestamp(seconds.saturating_mul(1_000_000_000).saturating_add(u64::from(entry.mtime.1)));
        let dress = |inode: &mut Inode| {
            (inode.mode, inode.uid, inode.gid) = (entry.mode & 0o7777, uid, gid);
            inode.times[1] = time;
            inode.xattrs =
                entry.xattrs.iter().filter(|(n, _)| layer::keeps_xattr(n.as_bytes())).map(|(n, v)| (n.clone(), v.clone())).collect();
        };
        let Some((name, above)) = words.split_last() else {
            if entry.kind == Kind::Directory {
                return self.change(ctx.root, |inode, _| dress(inode)).named("extract", "/");
            }
            return Err(wrong("it would replace the directory itself"));
        };
        let path = format!("/{}", words.join("/"));
        if !above.is_empty() {
            self.make_dirs(ctx, &format!("/{}", above.join("/")), 0o755, (0, 0)).named("mkdir", &path)?;
        }
        let is_dir = entry.kind == Kind::Directory;
        if let Ok(there) = self.walk(ctx, &path, false) {
            let was_dir = self.kind(there.node).named("extract", &path)? == FileType::Directory;
            if is_dir && was_dir {
                return self.change(there, |inode, _| dress(inode)).named("extract", &path);
            }
            if how.keep_kinds && was_dir {
                return Err(wrong(&format!("cannot overwrite directory \"{name}\" with non-directory \"{name}\"")));
            }
            if how.keep_kinds && is_dir {
                return Err(wrong(&format!("cannot overwrite non-directory \"{name}\" with directory \"{name}\"")));
            }
            self.remove_path(ctx, &path).named("extract", &path)?;
        }
        let body = match &entry.kind {
            Kind::File => Body::File(content),
            Kind::Directory => Body::Dir(BTreeMap::new()),
            Kind::Symlink(to) => Body::Link(text(to)?),
            Kind::CharDevice(0, 0) => return Err(wrong("a character device 0:0 would be taken for a whiteout")),
            Kind::CharDevice(..) => Body::Char,
            Kind::BlockDevice(..) => Body::Block,
            Kind::Fifo => Body::Fifo(None),
            Kind::HardLink(to) => {
                let to = text(&layer::parts(to).map_err(wrong)?.join(&b'/'))?;
                let from = self.walk(ctx, &format!("/{to}"), false).map_err(|_| wrong("what it links to is not there"))?;
                let (dir, name) = self.walk_parent(ctx, &path).named("link", &path)?;
                return self.hard_link(ctx, from, (dir, &name)).named("link", &path);
            }
        };
        let mut inode = Inode::new(body, 0, 0, 0, time);
        if let Kind::CharDevice(major, minor) | Kind::BlockDevice(major, minor) = entry.kind {
            inode.rdev = (major, minor);
        }
        dress(&mut inode);
        self.put_node(ctx, &path, inode).named("extract", &path).map(drop)
    }
}

fn absent(errno: Errno) -> bool {
    matches!(errno, Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::ENAMETOOLONG)
}

fn shown(path: &[u8]) -> String {
    format!("/{}", String::from_utf8_lossy(path))
}

impl OpenTree for SimTree {
    fn look(&mut self, path: &[u8]) -> Result<Option<Found>> {
        let mut world = self.shared.lock();
        let name = String::from_utf8_lossy(path.rsplit(|b| *b == b'/').next().unwrap_or_default()).into_owned();
        match world.plainly(&self.ctx, path) {
            Err(errno) if absent(errno) => Ok(None),
            at => at.and_then(|at| world.found(&self.ctx, &name, at)).map(Some).named("stat", &shown(path)),
        }
    }

    fn list(&mut self, path: &[u8]) -> Result<Vec<Found>> {
        let mut world = self.shared.lock();
        let mut all = || -> Res<Vec<Found>> {
            let at = world.plainly(&self.ctx, path)?;
            if !matches!(at.node, Node::Plain(_) | Node::Over(..)) {
                return Ok(Vec::new());
            }
            let names = world.entries(&self.ctx, at.node)?;
            let mut all = Vec::with_capacity(names.len());
            for entry in names {
                let node = world.lookup(&self.ctx, at.node, &entry.name)?;
                let place = world.top(Loc { mount: at.mount, node });
                all.push(world.found(&self.ctx, &entry.name, place)?);
            }
            Ok(all)
        };
        let mut all = all().named("list", &shown(path))?;
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    fn read(&mut self, path: &[u8]) -> Result<Box<dyn Read>> {
        let mut world = self.shared.lock();
        let bytes = world.plainly(&self.ctx, path).and_then(|at| world.file_content(&self.ctx, at)).named("open", &shown(path))?;
        Ok(Box::new(std::io::Cursor::new(bytes)))
    }

    fn below(&mut self, path: &str, follow: bool) -> Result<Box<dyn OpenTree>> {
        let mut world = self.shared.lock();
        let absolute = format!("/{}", path.trim_start_matches('/'));
        let top = world.walk(&self.ctx, &absolute, follow).map_err(|errno| match errno {
            Errno::ENOENT | Errno::ENOTDIR => Error::not_found(format!("{path}: no such file or directory")),
            other => Error::new(super::errors::kind(other), format!("open {path}")).op("open").subject(path).source(other),
        })?;
        let ctx = inside(&world, top);
        Ok(Box::new(Self { shared: self.shared.clone(), ctx, held: self.held.clone() }))
    }

    fn extract(&mut self, archive: &mut dyn Read, how: &Extract) -> Result<()> {
        if self.shared.lock().kind(self.ctx.root.node).named("stat", "/")? != FileType::Directory {
            return Err(Error::invalid("extraction point is not a directory"));
        }
        let mut reader = Reader::new(decompress(archive)?);
        let wrong = |e: Error| Error::invalid(format!("Error processing tar file: {}", e.message()));
        while let Some(entry) = reader.next_entry().map_err(wrong)? {
            if entry.size > super::LARGEST_FILE {
                return Err(Error::not_modelled(format!("a file of {} bytes", entry.size)));
            }
            let mut content = Vec::new();
            reader.read_to_end(&mut content).map_err(|e| Error::new(ErrorKind::InvalidInput, "the archive is cut off").source(e))?;
            self.shared.lock().put_entry(&self.ctx, &entry, content, how)?;
        }
        Ok(())
    }
}

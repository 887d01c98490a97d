//! Names in directories and attributes of files, as system calls.

use super::*;
use crate::vfs::Body;

impl Sys {
    /// stat(2)
    pub fn stat(&self, path: &str) -> Res<Stat> {
        self.struck("stat")?;
        self.at("stat", path, true, |w, _, at| w.attributes(at.node))
    }

    /// lstat(2): of the link itself.
    pub fn lstat(&self, path: &str) -> Res<Stat> {
        self.struck("lstat")?;
        self.at("lstat", path, false, |w, _, at| w.attributes(at.node))
    }

    /// Entries of a directory, sorted by name.
    pub fn readdir(&self, path: &str) -> Res<Vec<DirEntry>> {
        self.struck("readdir")?;
        self.at("readdir", path, true, |w, ctx, at| {
            let stat = w.attributes(at.node)?;
            if stat.kind != FileType::Directory {
                return Err(Errno::ENOTDIR);
            }
            ctx.creds.may(&stat, 4)?;
            w.entries(ctx, at.node)
        })
    }

    /// access(2) with the effective user: may it be read, written, executed?
    pub fn access(&self, path: &str, read: bool, write: bool, execute: bool) -> Res<()> {
        self.struck("access")?;
        self.at("access", path, true, |w, ctx, at| {
            let want = u32::from(read) * 4 + u32::from(write) * 2 + u32::from(execute);
            if write {
                w.check_writable(at)?;
            }
            ctx.creds.may(&w.attributes(at.node)?, want)
        })
    }

    /// mkdir(2)
    pub fn mkdir(&self, path: &str, mode: u32) -> Res<()> {
        self.struck("mkdir")?;
        // `/there/.` is there; other calls call it no name.
        let there = |e| if e == Errno::EINVAL && path.trim_end_matches('/').ends_with("/.") { Errno::EEXIST } else { e };
        self.make("mkdir", path, Body::Dir(Default::default()), mode).map_err(there)
    }

    /// unlink(2)
    pub fn unlink(&self, path: &str) -> Res<()> {
        self.struck("unlink")?;
        self.parent("unlink", path, |w, ctx, dir, name| {
            if path.ends_with('/') {
                return Err(Errno::ENOTDIR);
            }
            w.remove(ctx, dir, name, false)
        })
    }

    /// rmdir(2)
    pub fn rmdir(&self, path: &str) -> Res<()> {
        self.struck("rmdir")?;
        self.parent("rmdir", path, |w, ctx, dir, name| w.remove(ctx, dir, name, true)).map_err(|e| match e {
            Errno::EEXIST => Errno::EBUSY,
            other => other,
        })
    }

    /// rename(2)
    pub fn rename(&self, from: &str, to: &str) -> Res<()> {
        self.struck("rename")?;
        self.with(|w| {
            let ctx = w.ctx(self.pid)?;
            let (from_dir, from_name) = w.walk_parent(&ctx, from)?;
            let (to_dir, to_name) = w.walk_parent(&ctx, to)?;
            w.rename_node(&ctx, (from_dir, &from_name), (to_dir, &to_name))
        })
    }

    /// link(2)
    pub fn link(&self, from: &str, to: &str) -> Res<()> {
        self.struck("link")?;
        self.with(|w| {
            let ctx = w.ctx(self.pid)?;
            let source = w.walk(&ctx, from, false)?;
            let (dir, name) = w.walk_parent(&ctx, to)?;
            w.hard_link(&ctx, source, (dir, &name))
        })
    }

    /// symlink(2): `path` leads to `target`.
    pub fn symlink(&self, target: &str, path: &str) -> Res<()> {
        self.struck("symlink")?;
        if target.is_empty() {
            return Err(Errno::ENOENT);
        }
        self.make("symlink", path, Body::Link(target.to_owned()), 0o777)
    }

    /// readlink(2)
    pub fn readlink(&self, path: &str) -> Res<String> {
        self.struck("readlink")?;
        self.at("readlink", path, false, |w, ctx, at| match w.kind(at.node)? {
            FileType::Symlink => w.link_target(ctx, at.node),
            _ => Err(Errno::EINVAL),
        })
    }

    /// realpath(3): every link resolved.
    pub fn realpath(&self, path: &str) -> Res<String> {
        self.struck("realpath")?;
        self.at("realpath", path, true, |w, ctx, at| w.path_of(ctx.root, at).ok_or(Errno::ENOENT))
    }

    /// chmod(2)
    pub fn chmod(&self, path: &str, mode: u32) -> Res<()> {
        self.struck("chmod")?;
        self.at("chmod", path, true, |w, ctx, at| w.chmod_node(ctx, at, mode))
    }

    /// chown(2); `None` leaves as it is. `follow` as chown(2) or not as lchown(2).
    pub fn chown(&self, path: &str, uid: Option<u32>, gid: Option<u32>, follow: bool) -> Res<()> {
        self.struck("chown")?;
        self.at("chown", path, follow, |w, ctx, at| w.chown_node(ctx, at, uid, gid))
    }

    /// truncate(2)
    pub fn truncate(&self, path: &str, size: u64) -> Res<()> {
        self.struck("truncate")?;
        self.at("truncate", path, true, |w, ctx, at| {
            ctx.creds.may(&w.attributes(at.node)?, 2)?;
            w.check_writable(at)?;
            if w.kind(at.node)? == FileType::Directory {
                return Err(Errno::EISDIR);
            }
            let ino = w.writable(at.node)?;
            w.resize(ino, size)
        })
    }

    /// utimensat(2): access and modification time; `None` leaves as it is.
    pub fn utimens(&self, path: &str, atime: Option<Timestamp>, mtime: Option<Timestamp>) -> Res<()> {
        self.struck("utimens")?;
        self.at("utimens", path, true, |w, ctx, at| {
            let stat = w.attributes(at.node)?;
            if ctx.creds.owns(stat.uid).is_err() {
                ctx.creds.may(&stat, 2)?;
            }
            w.change(at, |inode, _| {
                inode.times[0] = atime.unwrap_or(inode.times[0]);
                inode.times[1] = mtime.unwrap_or(inode.times[1]);
            })
        })
    }

    /// mknod(2): FIFOs, and device nodes with CAP_MKNOD.
    pub fn mknod(&self, path: &str, kind: FileType, mode: u32, rdev: (u32, u32)) -> Res<()> {
        self.struck("mknod")?;
        let body = match kind {
            FileType::Regular => Body::File(Vec::new()),
            FileType::Fifo => Body::Fifo(None),
            FileType::Char => Body::Char,
            FileType::Block => Body::Block,
            FileType::Socket => Body::Socket(None),
            FileType::Directory | FileType::Symlink => return Err(Errno::EINVAL),
        };
        let device = matches!(kind, FileType::Char | FileType::Block);
        self.parent("mknod", path, |w, ctx, dir, name| {
            if device {
                ctx.creds.need(crate::vfs::cap::MKNOD)?;
            }
            let made = w.create(ctx, dir, name, body, mode)?;
            let ino = w.backing(made.node)?;
            w.fs.get_mut(ino)?.rdev = if device { rdev } else { (0, 0) };
            Ok(())
        })
    }

    /// chdir(2)
    pub fn chdir(&self, path: &str) -> Res<()> {
        self.struck("chdir")?;
        let to = self.at("chdir", path, true, |w, ctx, at| {
            let stat = w.attributes(at.node)?;
            if stat.kind != FileType::Directory {
                return Err(Errno::ENOTDIR);
            }
            ctx.creds.may(&stat, 1)?;
            Ok(at)
        })?;
        self.with(|w| w.proc_mut(self.pid).map(|p| p.cwd = to))
    }

    /// getcwd(2)
    pub fn getcwd(&self) -> Res<String> {
        self.struck("getcwd")?;
        self.with(|w| {
            let ctx = w.ctx(self.pid)?;
            w.path_of(ctx.root, ctx.cwd).ok_or(Errno::ENOENT)
        })
    }

    /// umask(2): sets it and answers the one before.
    pub fn umask(&self, mask: u32) -> u32 {
        self.with(|w| w.proc_mut(self.pid).map_or(0, |p| std::mem::replace(&mut p.umask, mask & 0o777)))
    }

    /// statfs(2)
    pub fn statfs(&self, path: &str) -> Res<FsStat> {
        self.struck("statfs")?;
        self.at("statfs", path, true, |w, _, at| w.statfs_at(at))
    }

    pub(super) fn at<T>(
        &self,
        op: &'static str,
        path: &str,
        follow: bool,
        call: impl FnOnce(&mut World, &crate::vfs::Ctx, crate::vfs::Loc) -> Res<T>,
    ) -> Res<T> {
        self.with(|w| {
            w.trace.note(w.now, || format!("call pid={} {op} {path}", self.pid));
            let ctx = w.ctx(self.pid)?;
            let at = w.walk(&ctx, path, follow)?;
            call(w, &ctx, at)
        })
    }

    fn parent<T>(
        &self,
        op: &'static str,
        path: &str,
        call: impl FnOnce(&mut World, &crate::vfs::Ctx, crate::vfs::Loc, &str) -> Res<T>,
    ) -> Res<T> {
        self.with(|w| {
            w.trace.note(w.now, || format!("call pid={} {op} {path}", self.pid));
            let ctx = w.ctx(self.pid)?;
            let (dir, name) = w.walk_parent(&ctx, path)?;
            call(w, &ctx, dir, &name)
        })
    }

    fn make(&self, op: &'static str, path: &str, body: Body, mode: u32) -> Res<()> {
        self.parent(op, path, |w, ctx, dir, name| w.create(ctx, dir, name, body, mode).map(drop))
    }
}

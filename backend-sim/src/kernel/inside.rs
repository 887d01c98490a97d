//! Steps of a new process: its mounts, its root, its identity.

use super::errors::Named;
use crate::file::{OpenFile, Target};
use crate::sys::{Disposition, Errno, FileType, Propagation, Res};
use crate::vfs::{Body, Ctx, Inode, Loc, Node};
use crate::world::World;
use drydock_core::container::{diagnose, mounts};
use drydock_core::kernel::{MountFlags, Process, tmpfs_has_mode};
use drydock_core::limits::CgroupMode;
use drydock_core::{Error, ErrorKind, Result};
use oci_spec::runtime::{Capability, LinuxCapabilities, PosixRlimit};
use std::sync::Arc;

impl World {
    /// The view of a process, as if `root` were its root: links inside cannot lead out.
    fn inside(&mut self, pid: u32, root: &str) -> Res<Ctx> {
        let ctx = self.ctx(pid)?;
        let at = self.walk(&ctx, root, true)?;
        Ok(Ctx { root: at, cwd: at, ..ctx })
    }

    /// A target inside `root` (or in the whole view without one), made if missing: a directory or an empty file.
    fn target(&mut self, pid: u32, root: Option<&str>, target: &str, dir: bool) -> Res<Loc> {
        let ctx = match root {
            Some(root) => self.inside(pid, root)?,
            None => self.ctx(pid)?,
        };
        self.make_target(&ctx, target, dir)
    }

    /// The same in a view.
    pub(super) fn make_target(&mut self, ctx: &Ctx, target: &str, dir: bool) -> Res<Loc> {
        let path = format!("/{}", target.trim_start_matches('/'));
        match self.walk(ctx, &path, true) {
            Ok(at) => Ok(at),
            Err(Errno::ENOENT) if dir => self.make_dirs(ctx, &path, 0o755, (0, 0)),
            Err(Errno::ENOENT) => {
                let (dir, name) = self.free_name(ctx, &path, 40)?;
                self.check_writable(dir)?;
                let inode = Inode::new(Body::File(Vec::new()), 0o644, 0, 0, self.timestamp());
                let node = self.add_node(dir.node, &name, inode)?;
                Ok(Loc { mount: dir.mount, node })
            }
            Err(error) => Err(error),
        }
    }

    /// The options of a tmpfs that is to hide what is at a path of a view: without a mode of its own it takes that of the directory there.
    pub(super) fn tmpfs_data(&mut self, ctx: &Ctx, target: &str, data: &str) -> Res<String> {
        if tmpfs_has_mode(data) {
            return Ok(data.to_owned());
        }
        match self.walk(ctx, &format!("/{}", target.trim_start_matches('/')), true) {
            Ok(at) => Ok(format!("mode={:o},{data}", self.attributes(at.node)?.mode & 0o7777)),
            Err(Errno::ENOENT) => Ok(data.to_owned()),
            Err(error) => Err(error),
        }
    }

    /// MS_REC|MS_PRIVATE on /
    pub(super) fn step_make_private(&mut self, pid: u32) -> Result<()> {
        let root = self.ctx(pid).named("make private", "/")?.root;
        self.set_propagation(root, Propagation::Private, true).named("make private", "/")
    }

    /// Mounts an overlay.
    pub(super) fn step_overlay(&mut self, pid: u32, lower: &[String], upper: &str, work: &str, target: &str) -> Result<()> {
        let mounted = (|| {
            let ctx = self.ctx(pid)?;
            let at = self.walk(&ctx, target, true)?;
            let (system, root) = self.overlay_of(&ctx, lower, Some(upper), Some(work))?;
            self.mount_at(at, system, root, MountFlags::default(), "overlay")
        })();
        mounted.named("mount overlay", target).map(drop)
    }

    /// Mounts a new file system.
    #[allow(clippy::too_many_arguments, reason = "the fields of one step")]
    pub(super) fn step_mount(
        &mut self,
        pid: u32,
        kind: &str,
        source: &str,
        root: Option<&str>,
        target: &str,
        flags: MountFlags,
        data: &str,
    ) -> Result<()> {
        if root.is_some() && !matches!(kind, "proc" | "sysfs") {
            self.not_in_proc(pid, root, target)?;
        }
        let mounted = (|| {
            if let (Some(root), "proc" | "sysfs") = (root, kind) {
                // What is written to /proc and /sys later must be the kernel's: a link there is refused (CVE-2019-19921).
                let ctx = self.inside(pid, root)?;
                if self.walk(&ctx, target, false).is_ok_and(|at| self.kind(at.node) == Ok(FileType::Symlink)) {
                    return Err(Errno::ELOOP);
                }
            }
            let ctx = self.ctx(pid)?;
            let data = match root {
                Some(root) if kind == "tmpfs" => self.inside(pid, root).and_then(|inside| self.tmpfs_data(&inside, target, data))?,
                _ => data.to_owned(),
            };
            let at = self.target(pid, root, target, true)?;
            let (system, node) = self.new_filesystem(&ctx, kind, &data)?;
            self.mount_at(at, system, node, flags, source)
        })();
        mounted.named("mount", target).map(drop)
    }

    /// Binds a file or directory.
    #[allow(clippy::too_many_arguments, reason = "the fields of one step")]
    pub(super) fn step_bind(
        &mut self,
        pid: u32,
        source: &str,
        root: Option<&str>,
        target: &str,
        recursive: bool,
        flags: MountFlags,
        propagation: Option<&str>,
    ) -> Result<()> {
        self.not_in_proc(pid, root, target)?;
        let bound = (|| {
            let ctx = self.ctx(pid)?;
            let from = self.walk(&ctx, source, true)?;
            let dir = self.kind(from.node)? == FileType::Directory;
            let at = self.target(pid, root, target, dir)?;
            let id = self.bind(from, at, recursive, flags)?;
            let wanted = match propagation {
                Some("shared" | "rshared") => Propagation::Shared,
                Some("slave" | "rslave") => Propagation::Slave,
                None | Some("private" | "rprivate" | "") => return Ok(()),
                Some(_) => return Err(Errno::EINVAL),
            };
            // The peers that the source had before this namespace was cut off from the host's.
            if let (Some(group), Some(mount)) = (self.peers.get(target).copied(), self.fs.mounts.get_mut(&id)) {
                (mount.group, mount.propagation) = (group, wanted);
                return Ok(());
            }
            let node = self.fs.mounts.get(&id).map(|m| m.root).ok_or(Errno::EINVAL)?;
            self.set_propagation(Loc { mount: id, node }, wanted, propagation.is_some_and(|p| p.starts_with('r')))
        })();
        bound.named("bind", &format!("{source} on {target}"))
    }

    /// Binds what another process sees.
    pub(super) fn step_bind_of(&mut self, pid: u32, of: &Process, source: &str, root: &str, target: &str) -> Result<()> {
        let other = self.living(of)?;
        let bound = (|| {
            let ctx = self.ctx(other)?;
            let kernel = Ctx { creds: Arc::clone(&self.kernel_creds), ..ctx };
            let from = self.walk(&kernel, source, true)?;
            let flags = self.fs.mounts.get(&from.mount).map(|m| m.flags).unwrap_or_default();
            let dir = self.kind(from.node)? == FileType::Directory;
            let at = self.target(pid, Some(root), target, dir)?;
            self.bind(from, at, false, flags).map(drop)
        })();
        bound.named("bind", &format!("{source} of process {} on {target}", of.pid))
    }

    /// Mounts the control groups as the process's own group sees them.
    pub(super) fn step_mount_cgroups(&mut self, pid: u32, root: &str, target: &str, read_only: bool) -> Result<()> {
        let mounted = (|| -> Res<()> {
            let at = self.target(pid, Some(root), target, true)?;
            let flags = MountFlags { read_only, nosuid: true, nodev: true, noexec: true, relatime: true, ..MountFlags::default() };
            if self.cgroups.mode == CgroupMode::V2 {
                let (system, node) = self.cgroup_system(pid, 0);
                return self.mount_at(at, system, node, flags, "cgroup").map(drop);
            }
            let (system, dir) = self.new_plain("tmpfs", 0o755, 0, 0);
            let id = self.mount_at(at, system, Node::Plain(dir), MountFlags { read_only: false, ..flags }, "tmpfs")?;
            let top = Loc { mount: id, node: Node::Plain(dir) };
            for (index, name) in crate::cgroup::V1.iter().enumerate() {
                let inode = Inode::new(Body::Dir(Default::default()), 0o755, 0, 0, self.timestamp());
                let point = self.add_node(top.node, name, inode)?;
                let (system, node) = self.own_cgroup_system(pid, u8::try_from(index + 1).unwrap_or(1));
                self.mount_at(Loc { mount: id, node: point }, system, node, flags, "cgroup")?;
                for part in name.split(',').filter(|_| name.contains(',')) {
                    let link = Inode::new(Body::Link((*name).to_owned()), 0o777, 0, 0, self.timestamp());
                    self.add_node(top.node, part, link)?;
                }
            }
            if let Some(m) = self.fs.mounts.get_mut(&id) {
                m.flags = flags;
            }
            Ok(())
        })();
        mounted.named("mount cgroups", target)
    }

    /// Makes any node inside a root, with its directory.
    pub(super) fn step_node(&mut self, pid: u32, root: &str, path: &str, inode: Inode, op: &'static str) -> Result<()> {
        let made = (|| {
            let ctx = self.inside(pid, root)?;
            let path = format!("/{}", path.trim_start_matches('/'));
            if op == "mknod"
                && self
                    .walk(&ctx, &path, false)
                    .is_ok_and(|at| !matches!(self.kind(at.node), Ok(FileType::Char | FileType::Block | FileType::Fifo)))
            {
                return Err(Errno::EEXIST);
            }
            let (above, _) = path.rsplit_once('/').unwrap_or(("", ""));
            if !above.is_empty() {
                self.make_dirs(&ctx, above, 0o755, (0, 0))?;
            }
            self.put_node(&ctx, &path, inode)
        })();
        if made.as_ref().err() == Some(&Errno::EEXIST) {
            let message = format!("a device is to be at {path}, and something else is there");
            return Err(Error::new(ErrorKind::Denied, message).op(op).subject(path).hint("the image or a volume brings it along"));
        }
        made.named(op, path).map(drop)
    }

    /// Refuses a place to mount at that is in a procfs, where a link of the image may have led (CVE-2019-16884).
    pub(super) fn not_in_proc(&mut self, pid: u32, root: Option<&str>, target: &str) -> Result<()> {
        let Some(root) = root else { return Ok(()) };
        let ctx = self.inside(pid, root).named("mount", target)?;
        let path = format!("/{}", target.trim_start_matches('/'));
        let kind = |world: &Self, at: Loc| {
            let system = world.fs.mounts.get(&at.mount).map(|m| m.system)?;
            world.fs.systems.get(&system).map(|s| s.kind.to_string())
        };
        match self.walk(&ctx, &path, true) {
            Ok(at) if kind(self, at).as_deref() == Some("proc") && !mounts::may_cover_proc(target) => Err(mounts::inside_proc(target)),
            _ => Ok(()),
        }
    }

    /// Makes a directory inside a root.
    pub(super) fn step_dir_inside(&mut self, pid: u32, root: &str, path: &str, mode: u32, owner: (u32, u32)) -> Result<()> {
        let made = (|| {
            let ctx = self.inside(pid, root)?;
            self.make_dirs(&ctx, &format!("/{}", path.trim_start_matches('/')), mode, owner)
        })();
        if made == Err(Errno::ENOTDIR) {
            return Err(Error::invalid(format!("Cannot mkdir: {path} is not a directory")).op("mkdir").subject(path));
        }
        made.named("mkdir", path).map(drop)
    }

    /// Opens a terminal of the process's own devpts as its standard streams.
    pub(super) fn step_terminal(&mut self, pid: u32, root: &str) -> Result<()> {
        let opened = (|| {
            let ctx = self.inside(pid, root)?;
            let pts = self.walk(&ctx, "/dev/pts", true)?;
            let system = self.fs.mounts.get(&pts.mount).map(|m| m.system).ok_or(Errno::EINVAL)?;
            if self.fs.systems.get(&system).is_none_or(|fs| fs.kind != "devpts") {
                return Err(Errno::ENODEV);
            }
            let used = |n: &u32| self.ttys.values().any(|t| t.system == system && t.number == *n);
            let number = (0..4096).find(|n| !used(n)).ok_or(Errno::ENOSPC)?;
            let parent = self.proc(pid)?.parent;
            let (rows, cols) = self.proc(pid)?.new_tty.unwrap_or((24, 80));
            let tty = self.add_tty(rows, cols, (system, number), Some(parent));
            let mut inode = Inode::new(Body::Char, 0o620, 0, 5, self.timestamp());
            inode.rdev = (136, number);
            let node = self.add_node(pts.node, &number.to_string(), inode)?;
            let place = Loc { mount: pts.mount, node };
            if let Some(t) = self.ttys.get_mut(&tty) {
                t.session = pid;
                t.foreground = pid;
            }
            let mut file = OpenFile::nowhere(Target::Tty(tty), true, true);
            file.place = Some(place);
            file.uses = 0;
            let file = self.add_file(file);
            self.replace_fds(pid, [(0, file), (1, file), (2, file)].into())?;
            let p = self.proc_mut(pid)?;
            (p.session, p.group, p.tty) = (pid, pid, Some(tty));
            let mounts = p.ns.mount;
            let own_mounts = mounts != self.ns.host.mount && self.ns.users.get(&mounts) == Some(&1);
            if own_mounts {
                let console = self.target(pid, Some(root), "/dev/console", false)?;
                self.bind(place, console, false, MountFlags::default())?;
            }
            Ok(())
        })();
        opened.named("terminal", root)
    }

    /// pivot_root(2), and the old root taken away.
    pub(super) fn step_pivot(&mut self, pid: u32, root: &str) -> Result<()> {
        let pivoted = (|| {
            let ctx = self.ctx(pid)?;
            let new = self.walk(&ctx, root, true)?;
            let ns = self.proc(pid)?.ns.mount;
            if self.fs.mounts.get(&new.mount).is_some_and(|m| m.root != new.node) {
                return Err(Errno::EINVAL);
            }
            self.pivot(pid, ns, ctx.root, new, None)?;
            let p = self.proc_mut(pid)?;
            (p.root, p.cwd) = (new, new);
            Ok(())
        })();
        pivoted.named("pivot_root", root)
    }

    /// Makes the root read-only.
    pub(super) fn step_read_only_root(&mut self, pid: u32) -> Result<()> {
        let root = self.ctx(pid).named("remount", "/")?.root;
        let flags = self.fs.mounts.get(&root.mount).map(|m| m.flags).unwrap_or_default();
        self.remount(root, MountFlags { read_only: true, ..flags }, true).named("remount", "/")
    }

    /// Hides a path.
    pub(super) fn step_mask(&mut self, pid: u32, path: &str) -> Result<()> {
        let mut false_null = false;
        let masked = (|| {
            let ctx = self.ctx(pid)?;
            let at = match self.walk(&ctx, path, true) {
                Ok(at) => at,
                Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(()),
                Err(error) => return Err(error),
            };
            if self.kind(at.node)? == FileType::Directory {
                let (system, root) = self.new_plain("tmpfs", 0o755, 0, 0);
                let flags = MountFlags { read_only: true, ..MountFlags::default() };
                return self.mount_at(at, system, Node::Plain(root), flags, "tmpfs").map(drop);
            }
            // The null device, and nothing that was put in its place (CVE-2025-31133).
            let null = self.walk(&ctx, "/dev/null", false)?;
            let found = self.attributes(null.node)?;
            if (found.kind, found.rdev) != (FileType::Char, (1, 3)) {
                false_null = true;
                return Err(Errno::EACCES);
            }
            self.bind(null, at, false, MountFlags::default()).map(drop)
        })();
        if false_null {
            let message = "/dev/null of the container is not the null device";
            return Err(Error::new(ErrorKind::Denied, message).op("mask").subject("/dev/null"));
        }
        masked.named("mask", path)
    }

    /// Makes a path read-only.
    pub(super) fn step_read_only(&mut self, pid: u32, path: &str) -> Result<()> {
        let done = (|| {
            let ctx = self.ctx(pid)?;
            let at = match self.walk(&ctx, path, true) {
                Ok(at) => at,
                Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(()),
                Err(error) => return Err(error),
            };
            let flags = self.fs.mounts.get(&at.mount).map(|m| m.flags).unwrap_or_default();
            self.bind(at, at, true, MountFlags { read_only: true, ..flags }).map(drop)
        })();
        done.named("read-only", path)
    }

    /// setrlimit(2)
    pub(super) fn step_rlimits(&mut self, pid: u32, limits: &[PosixRlimit]) -> Result<()> {
        let p = self.proc_mut(pid).named("setrlimit", "")?;
        for limit in limits {
            let name = limit.typ().to_string().trim_start_matches("RLIMIT_").to_ascii_lowercase();
            p.rlimits.insert(name, (limit.soft(), limit.hard()));
        }
        Ok(())
    }

    /// capset(2) and the bounding set.
    pub(super) fn step_capabilities(&mut self, pid: u32, sets: &LinuxCapabilities) -> Result<()> {
        let p = self.proc_mut(pid).named("capset", "")?;
        let old = &p.creds;
        let mut new = (**old).clone();
        new.bounding = bits(sets.bounding().iter().flatten()) & old.bounding;
        new.permitted = bits(sets.permitted().iter().flatten()) & old.bounding;
        new.inheritable = bits(sets.inheritable().iter().flatten()) & old.bounding;
        new.ambient = bits(sets.ambient().iter().flatten()) & new.permitted & new.inheritable;
        new.effective = bits(sets.effective().iter().flatten()) & new.permitted;
        new.keep_caps = true;
        p.creds = Arc::new(new);
        Ok(())
    }

    /// setgroups(2), setresgid(2), setresuid(2); what the bounding set and the user then have follows at execve(2).
    pub(super) fn step_user(&mut self, pid: u32, uid: u32, gid: u32, groups: &[u32], umask: Option<u32>) -> Result<()> {
        let p = self.proc_mut(pid).named("setuid", "")?;
        let mut new = (*p.creds).clone();
        (new.uid, new.euid, new.suid) = (uid, uid, uid);
        (new.gid, new.egid, new.sgid) = (gid, gid, gid);
        new.groups = groups.to_vec();
        // The kernel keeps them sorted (setgroups(2)).
        new.groups.sort_unstable();
        p.creds = Arc::new(new);
        p.umask = umask.unwrap_or(0o022);
        Ok(())
    }

    /// Changes to the working directory, as the user that the process has become.
    pub(super) fn step_chdir(&mut self, pid: u32, path: &str) -> Result<()> {
        let changed = (|| {
            let ctx = self.ctx(pid)?;
            let at = self.walk(&ctx, path, true)?;
            let stat = self.attributes(at.node)?;
            if stat.kind != FileType::Directory {
                return Err(Errno::ENOTDIR);
            }
            ctx.creds.may(&stat, 1)?;
            self.proc_mut(pid)?.cwd = at;
            Ok(())
        })();
        changed.map_err(|errno| {
            let why = errno.text().to_ascii_lowercase();
            let message = format!("chdir to cwd ({path:?}) set in config.json failed: {why}");
            Error::new(ErrorKind::CommandNotExecutable, message).op("chdir").subject(path)
        })
    }

    /// Gives the standard streams to a user.
    pub(super) fn step_own_streams(&mut self, pid: u32, uid: u32, gid: u32) -> Result<()> {
        let files: Vec<u32> = self.proc(pid).named("fchown", "")?.fds.range(0..=2).map(|(_, f)| *f).collect();
        for file in files {
            let Some(OpenFile { target: Target::Tty(_), place: Some(place), .. }) = self.files.get(&file) else { continue };
            let ino = self.backing(place.node).named("fchown", "")?;
            let inode = self.fs.get_mut(ino).named("fchown", "")?;
            (inode.uid, inode.gid) = (uid, if gid == 0 { inode.gid } else { gid });
        }
        Ok(())
    }

    /// execve(2) of a container's program, with the errors that the engine tells apart.
    pub(super) fn step_execute(
        &mut self,
        shared: &crate::world::Shared,
        pid: u32,
        args: &[String],
        env: &[String],
        init: bool,
    ) -> Result<()> {
        let name = args.first().cloned().unwrap_or_default();
        let mut searched = false;
        let found = (|| {
            let ctx = self.ctx(pid)?;
            let path = self.find_program(&ctx, &name, env)?;
            searched = true;
            let image = self.image_of(&ctx, &path, args.to_vec())?;
            // Signals that a container's program starts with are the default ones.
            self.proc_mut(pid)?.dispositions.retain(|_, d| *d == Disposition::Ignore);
            if init { self.become_init(shared, pid, image, env.to_vec()) } else { self.become_image(shared, pid, image, env.to_vec()) }
        })();
        found.map_err(|errno| {
            let (kind, text) = match errno {
                Errno::ENOENT if !name.contains('/') => {
                    (ErrorKind::CommandNotFound, format!("exec: \"{name}\": executable file not found in $PATH"))
                }
                Errno::EACCES if !name.contains('/') && !searched => {
                    (ErrorKind::CommandNotFound, format!("exec: \"{name}\": executable file not found in $PATH"))
                }
                // It is there: what it asks for is not.
                Errno::ENOENT if self.is_there(pid, &name) => {
                    (ErrorKind::CommandNotFound, format!("exec {name}: no such file or directory"))
                }
                Errno::ENOENT => (ErrorKind::CommandNotFound, format!("exec: \"{name}\": stat {name}: no such file or directory")),
                Errno::ENOEXEC => (ErrorKind::CommandNotExecutable, format!("exec {name}: exec format error")),
                Errno::EACCES if self.is_dir(pid, &name) => (ErrorKind::CommandNotExecutable, format!("exec: \"{name}\": is a directory")),
                Errno::ENOTDIR => (ErrorKind::CommandNotFound, format!("exec: \"{name}\": stat {name}: not a directory")),
                _ => (ErrorKind::CommandNotExecutable, format!("exec: \"{name}\": {}", errno.text().to_ascii_lowercase())),
            };
            let error = Error::new(kind, text).op("execve").subject(name.clone());
            match self.why_not(pid, &name, env) {
                Some(why) => error.hint(why),
                None => error,
            }
        })
    }

    /// Why a program cannot be executed, if what is in its file tells.
    fn why_not(&mut self, pid: u32, name: &str, env: &[String]) -> Option<String> {
        let ctx = self.ctx(pid).ok()?;
        let search = env.iter().rev().find_map(|e| e.strip_prefix("PATH=")).unwrap_or_default();
        let places: Vec<String> = match name.contains('/') {
            true => vec![name.to_owned()],
            false => search.split(':').filter(|d| d.starts_with('/')).map(|d| format!("{d}/{name}")).collect(),
        };
        let (path, at) = places.into_iter().find_map(|path| self.walk(&ctx, &path, true).ok().map(|at| (path, at)))?;
        let stat = self.attributes(at.node).ok()?;
        if stat.kind != FileType::Regular {
            return None;
        }
        if stat.mode & 0o111 == 0 {
            return Some(format!("{path} has no execute bit: chmod +x"));
        }
        let ino = self.backing(at.node).ok()?;
        let head = self.read_at(ino, 0, diagnose::HEAD).ok()?;
        diagnose::why(&head, "amd64", &mut |path| match self.walk(&ctx, path, true).and_then(|at| self.attributes(at.node)) {
            Ok(stat) if stat.kind == FileType::Directory => diagnose::Look::Directory,
            Ok(stat) if stat.mode & 0o111 == 0 => diagnose::Look::NotExecutable,
            Ok(_) => diagnose::Look::Fine,
            Err(_) => diagnose::Look::Missing,
        })
    }

    fn is_there(&mut self, pid: u32, path: &str) -> bool {
        self.ctx(pid).is_ok_and(|ctx| self.walk(&ctx, path, true).is_ok())
    }

    fn is_dir(&mut self, pid: u32, path: &str) -> bool {
        let Ok(ctx) = self.ctx(pid) else { return false };
        let at = self.walk(&ctx, path, true);
        at.is_ok_and(|at| self.kind(at.node) == Ok(FileType::Directory))
    }
}

/// Capabilities as a bit mask. The order of the set does not matter to it.
fn bits<'a>(set: impl Iterator<Item = &'a Capability>) -> u64 {
    set.fold(0, |mask, c| mask | 1 << number(*c))
}

fn number(capability: Capability) -> u32 {
    use Capability as C;
    let order = [
        C::Chown,
        C::DacOverride,
        C::DacReadSearch,
        C::Fowner,
        C::Fsetid,
        C::Kill,
        C::Setgid,
        C::Setuid,
        C::Setpcap,
        C::LinuxImmutable,
        C::NetBindService,
        C::NetBroadcast,
        C::NetAdmin,
        C::NetRaw,
        C::IpcLock,
        C::IpcOwner,
        C::SysModule,
        C::SysRawio,
        C::SysChroot,
        C::SysPtrace,
        C::SysPacct,
        C::SysAdmin,
        C::SysBoot,
        C::SysNice,
        C::SysResource,
        C::SysTime,
        C::SysTtyConfig,
        C::Mknod,
        C::Lease,
        C::AuditWrite,
        C::AuditControl,
        C::Setfcap,
        C::MacOverride,
        C::MacAdmin,
        C::Syslog,
        C::WakeAlarm,
        C::BlockSuspend,
        C::AuditRead,
        C::Perfmon,
        C::Bpf,
        C::CheckpointRestore,
    ];
    order.iter().position(|c| *c == capability).and_then(|i| u32::try_from(i).ok()).unwrap_or(63)
}

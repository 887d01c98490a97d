//! How a path becomes an open file, and an open file a descriptor.

use super::*;
use crate::file::{OpenFile, Target as Open};
use crate::process::sched::Wait;
use crate::vfs::proc::ProcNode;
use crate::vfs::walk::MAX_LINKS;
use crate::vfs::{Body, Ctx, Loc, Node};

/// A descriptor, and for a named pipe its inode and its pipe.
type Opened = (Fd, Option<(u32, u32)>);

impl World {
    /// The open file of a descriptor.
    pub fn file_of(&self, pid: u32, fd: Fd) -> Res<u32> {
        self.proc(pid)?.fds.get(&fd).copied().ok_or(Errno::EBADF)
    }

    /// Gives a process one more descriptor for an open file.
    pub fn give_fd(&mut self, pid: u32, fd: Fd, file: u32) -> Res<Fd> {
        self.files.get_mut(&file).ok_or(Errno::EBADF)?.uses += 1;
        self.proc_mut(pid)?.fds.insert(fd, file);
        Ok(fd)
    }

    /// Gives a process a new open file's first descriptor, the lowest free one. Closes the file if there is none.
    pub fn install_fd(&mut self, pid: u32, file: u32) -> Res<Fd> {
        match self.free_fd(pid, 0) {
            Ok(fd) => {
                self.proc_mut(pid)?.fds.insert(fd, file);
                Ok(fd)
            }
            Err(error) => {
                self.close_file(file);
                Err(error)
            }
        }
    }

    pub(super) fn open_path(&mut self, pid: u32, path: &str, flags: OpenFlags, mode: u32) -> Res<Opened> {
        self.free_fd(pid, 0)?;
        let ctx = self.ctx(pid)?;
        let walked = self.walk(&ctx, path, !(flags.nofollow || flags.exclusive));
        if walked == Err(Errno::ENOENT)
            && let Some(file) = self.descriptor_at(&ctx, path, flags)?
        {
            let fd = self.free_fd(pid, 0)?;
            return Ok((self.give_fd(pid, fd, file)?, None));
        }
        let at = match walked {
            Ok(_) if flags.create && flags.exclusive => return Err(Errno::EEXIST),
            Ok(at) => at,
            Err(Errno::ENOENT) if flags.create => {
                if path.ends_with('/') {
                    return Err(Errno::EISDIR);
                }
                let (dir, name) = self.walk_parent(&ctx, path)?;
                // A dangling link is made at its target, as Linux does; the last link is followed by hand.
                match self.lookup(&ctx, dir.node, &name) {
                    Ok(link) if !flags.exclusive && self.kind(link)? == FileType::Symlink => {
                        let target = self.link_target(&ctx, link)?;
                        let inner = Ctx { cwd: dir, ..ctx.clone() };
                        let (dir, name) = self.walk_parent(&inner, &target)?;
                        let at = self.create(&inner, dir, &name, Body::File(Vec::new()), mode)?;
                        return self.open_at(&ctx, pid, at, flags);
                    }
                    _ => {}
                }
                let at = self.create(&ctx, dir, &name, Body::File(Vec::new()), mode)?;
                // Whoever makes a file may write it whatever its mode says.
                return self.open_at(&ctx, pid, at, flags);
            }
            Err(error) => return Err(error),
        };
        let stat = self.attributes(at.node)?;
        if stat.kind == FileType::Symlink {
            return Err(Errno::ELOOP);
        }
        if flags.directory && stat.kind != FileType::Directory {
            return Err(Errno::ENOTDIR);
        }
        ctx.creds.may(&stat, u32::from(flags.read) * 4 + u32::from(flags.write || flags.truncate) * 2)?;
        if stat.kind == FileType::Directory && (flags.write || flags.create) {
            return Err(Errno::EISDIR);
        }
        let device = matches!(stat.kind, FileType::Char | FileType::Block | FileType::Fifo | FileType::Socket);
        if (flags.write || flags.truncate) && !device {
            self.check_writable(at)?;
        }
        self.open_at(&ctx, pid, at, flags)
    }

    /// The open file at the end of a path through proc's links of descriptors, where that is no place in a tree: `/dev/stdout` of a process
    /// that writes to a pipe. Linux opens the pipe again; here the end that is open already is had once more.
    fn descriptor_at(&mut self, ctx: &Ctx, path: &str, flags: OpenFlags) -> Res<Option<u32>> {
        if flags.nofollow || flags.exclusive {
            return Ok(None);
        }
        let (mut ctx, mut path) = (ctx.clone(), path.to_owned());
        for _ in 0..MAX_LINKS {
            let Ok((dir, name)) = self.walk_parent(&ctx, &path) else { return Ok(None) };
            let Ok(node) = self.lookup(&ctx, dir.node, &name) else { return Ok(None) };
            let node = self.top(Loc { mount: dir.mount, node }).node;
            if let Node::Proc(_, ProcNode::Fd(pid, fd)) = node {
                let id = self.file_of(pid, fd)?;
                let file = self.files.get(&id).ok_or(Errno::EBADF)?;
                let may = (file.read || !flags.read) && (file.write || !flags.write);
                return if may { Ok(file.place.is_none().then_some(id)) } else { Err(Errno::EACCES) };
            }
            if self.kind(node)? != FileType::Symlink {
                return Ok(None);
            }
            path = self.link_target(&ctx, node)?;
            ctx.cwd = dir;
        }
        Ok(None)
    }

    /// Opens a place whose rights were checked.
    fn open_at(&mut self, ctx: &Ctx, pid: u32, at: Loc, flags: OpenFlags) -> Res<Opened> {
        let stat = self.attributes(at.node)?;
        let mut fifo = None;
        let target = match (stat.kind, at.node) {
            (FileType::Directory, _) => Open::Dir,
            (_, Node::Proc(sb, p)) => Open::Computed(self.proc_read(ctx, sb, p)?.into_bytes()),
            (_, Node::Cgroup(_, c)) => {
                let ns = self.proc(pid).map_or(self.ns.host.pid, |p| p.ns.pid);
                // Files that can only be written are opened empty.
                Open::Computed(self.cgroup_read(c, ns).unwrap_or_default().into_bytes())
            }
            (_, Node::Net(n)) => Open::Computed(self.sysnet_read(n)?.into_bytes()),
            (FileType::Regular, _) => {
                if flags.write || flags.truncate {
                    let ino = self.writable(at.node)?;
                    if flags.truncate {
                        self.resize(ino, 0)?;
                    }
                }
                Open::File
            }
            (FileType::Fifo, _) => {
                let ino = self.backing(at.node)?;
                let existing = match &self.fs.get(ino)?.body {
                    Body::Fifo(Some(pipe)) if self.pipes.contains_key(pipe) => Some(*pipe),
                    _ => None,
                };
                let id = existing.unwrap_or_else(|| self.add_pipe(None));
                self.fs.get_mut(ino)?.body = Body::Fifo(Some(id));
                fifo = Some((ino, id));
                Open::Pipe { id, read: flags.read, write: flags.write }
            }
            (FileType::Char, node) => {
                if self.fs.mounts.get(&at.mount).is_some_and(|m| m.flags.nodev) {
                    return Err(Errno::EACCES);
                }
                let system = self.fs.get(self.backing(node)?)?.system;
                self.device_allowed(pid, 'c', stat.rdev, flags)?;
                self.open_device(pid, stat.rdev, system)?
            }
            (FileType::Block, _) => {
                self.device_allowed(pid, 'b', stat.rdev, flags)?;
                return Err(Errno::ENXIO);
            }
            (FileType::Socket, _) | (FileType::Symlink, _) => return Err(Errno::ENXIO),
        };
        let mut file = OpenFile::nowhere(target, flags.read, flags.write);
        file.place = Some(at);
        file.append = flags.append;
        file.nonblock = flags.nonblock;
        let id = self.add_file(file);
        if let Some((ino, _)) = fifo {
            self.wake(Wait::Fifo(ino));
        }
        Ok((self.install_fd(pid, id)?, fifo))
    }

    /// What the device rules of a process's control groups say: EPERM where they do not allow it.
    fn device_allowed(&self, pid: u32, kind: char, (major, minor): (u32, u32), flags: OpenFlags) -> Res<()> {
        let Ok(group) = self.cgroups.get(self.proc(pid)?.cgroup) else { return Ok(()) };
        let Some(rules) = &group.devices else { return Ok(()) };
        let wanted: String = [(flags.read, 'r'), (flags.write, 'w')].iter().filter(|(on, _)| *on).map(|(_, c)| *c).collect();
        let number = |text: &str, n: u32| text == "*" || text.parse() == Ok(n);
        let allows = |rule: &String| {
            let words: Vec<&str> = rule.split([' ', ':']).collect();
            let [of, a, b, access] = words.as_slice() else { return false };
            let fits = (*of == "a" || *of == kind.to_string()) && number(a, major) && number(b, minor);
            fits && wanted.chars().all(|c| access.contains(c))
        };
        if rules.iter().any(allows) { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// Opens a character device by its numbers (kernel documentation, admin-guide/devices.txt).
    fn open_device(&mut self, pid: u32, rdev: (u32, u32), system: u32) -> Res<Open> {
        match rdev {
            (1, 3 | 5 | 7 | 8 | 9) => Ok(Open::Device(rdev.0, rdev.1)),
            (5, 0) => self.proc(pid)?.tty.map(Open::Tty).ok_or(Errno::ENXIO),
            (5, 1) => self.proc(pid)?.tty.map(Open::Tty).ok_or(Errno::EIO),
            (136, number) => {
                let tty = self.ttys.iter().find(|(_, t)| t.number == number && t.system == system).map(|(id, _)| *id);
                tty.map(Open::Tty).ok_or(Errno::EIO)
            }
            _ => Err(Errno::ENXIO),
        }
    }
}

//! Descriptors: open, read, write, pipes and terminals, as system calls.

use super::*;
use crate::file::{OpenFile, Target as Open};
use crate::process::sched::{Wait, Who};
use crate::vfs::{Loc, Node};

impl Sys {
    /// open(2). `mode` is used when the file is made, and umask applies. Opening a FIFO waits for its other end.
    pub async fn open(&self, path: &str, flags: OpenFlags, mode: u32) -> Res<Fd> {
        self.struck("open")?;
        self.pay(500).await;
        self.note(|| format!("open {path}"));
        let (fd, fifo) = self.with(|w| w.open_path(self.pid, path, flags, mode))?;
        let Some((ino, pipe)) = fifo else { return Ok(fd) };
        if flags.nonblock {
            return Ok(fd);
        }
        let waited = self
            .block(move |w, pid| {
                let Some(p) = w.pipes.get(&pipe) else { return Some(Err(Errno::ENXIO)) };
                if p.readers > 0 && p.writers > 0 {
                    return Some(Ok(()));
                }
                w.wait_on(pid, Wait::Fifo(ino));
                None
            })
            .await;
        if let Err(error) = waited {
            self.close(fd)?;
            return Err(error);
        }
        Ok(fd)
    }

    /// read(2): at most `max` bytes; none is the end of the file. Waits until there is something; EINTR when a caught signal comes.
    pub async fn read(&self, fd: Fd, max: usize) -> Res<Vec<u8>> {
        self.struck("read")?;
        let read = self.block(move |w, pid| w.read_fd(pid, fd, max)).await;
        self.note(|| format!("read {fd} = {:?}", read.as_ref().map(Vec::len)));
        read
    }

    /// write(2): how much was written. Waits while a pipe is full. A pipe without readers raises SIGPIPE and answers EPIPE.
    pub async fn write(&self, fd: Fd, bytes: &[u8]) -> Res<usize> {
        self.struck("write")?;
        let written = self.block(move |w, pid| w.write_fd(pid, fd, bytes)).await;
        self.note(|| format!("write {fd} = {written:?}"));
        written
    }

    /// close(2)
    pub fn close(&self, fd: Fd) -> Res<()> {
        self.struck("close")?;
        self.with(|w| {
            let file = w.proc_mut(self.pid)?.fds.remove(&fd).ok_or(Errno::EBADF)?;
            w.close_file(file);
            Ok(())
        })
    }

    /// dup(2): the lowest free descriptor that is at least `least`.
    pub fn dup(&self, fd: Fd, least: Fd) -> Res<Fd> {
        self.struck("dup")?;
        self.with(|w| {
            let file = *w.proc(self.pid)?.fds.get(&fd).ok_or(Errno::EBADF)?;
            let to = w.free_fd(self.pid, least)?;
            w.give_fd(self.pid, to, file)
        })
    }

    /// dup2(2)
    pub fn dup2(&self, from: Fd, to: Fd) -> Res<()> {
        self.struck("dup2")?;
        self.with(|w| {
            let file = *w.proc(self.pid)?.fds.get(&from).ok_or(Errno::EBADF)?;
            if from == to {
                return Ok(());
            }
            let old = w.proc_mut(self.pid)?.fds.remove(&to);
            w.give_fd(self.pid, to, file)?;
            if let Some(old) = old {
                w.close_file(old);
            }
            Ok(())
        })
    }

    /// pipe(2): the end to read from and the end to write to.
    pub fn pipe(&self) -> Res<(Fd, Fd)> {
        self.struck("pipe")?;
        self.with(|w| {
            w.free_fd(self.pid, 0)?;
            let id = w.add_pipe(None);
            let read = w.add_file(OpenFile::nowhere(Open::Pipe { id, read: true, write: false }, true, false));
            let write = w.add_file(OpenFile::nowhere(Open::Pipe { id, read: false, write: true }, false, true));
            let first = w.install_fd(self.pid, read)?;
            let second = w.install_fd(self.pid, write)?;
            Ok((first, second))
        })
    }

    /// The descriptors that are open, in order.
    pub fn descriptors(&self) -> Vec<Fd> {
        self.with(|w| w.proc(self.pid).map(|p| p.fds.keys().copied().collect()).unwrap_or_default())
    }

    /// lseek(2)
    pub fn seek(&self, fd: Fd, offset: i64, whence: Whence) -> Res<u64> {
        self.struck("seek")?;
        self.with(|w| {
            let id = w.file_of(self.pid, fd)?;
            let size = w.file_size(id);
            let file = w.files.get_mut(&id).ok_or(Errno::EBADF)?;
            if !matches!(file.target, Open::File | Open::Computed(_) | Open::Dir | Open::Device(..)) {
                return Err(Errno::ESPIPE);
            }
            let base = match whence {
                Whence::Set => 0,
                Whence::Current => file.offset,
                Whence::End => size,
            };
            file.offset = base.checked_add_signed(offset).ok_or(Errno::EINVAL)?;
            Ok(file.offset)
        })
    }

    /// fstat(2)
    pub fn fstat(&self, fd: Fd) -> Res<Stat> {
        self.struck("fstat")?;
        self.with(|w| {
            let id = w.file_of(self.pid, fd)?;
            let file = w.files.get(&id).ok_or(Errno::EBADF)?;
            match (file.place, &file.target) {
                (Some(place), _) => w.attributes(place.node),
                (None, target) => Ok(anonymous_stat(target, id, w.timestamp())),
            }
        })
    }

    /// isatty(3)
    pub fn isatty(&self, fd: Fd) -> bool {
        self.terminal(fd).is_ok()
    }

    /// ttyname(3)
    pub fn ttyname(&self, fd: Fd) -> Res<String> {
        self.struck("ttyname")?;
        let id = self.terminal(fd)?;
        self.with(|w| w.ttys.get(&id).map(|t| format!("/dev/pts/{}", t.number)).ok_or(Errno::ENOTTY))
    }

    /// Rows and columns of a terminal (TIOCGWINSZ).
    pub fn window_size(&self, fd: Fd) -> Res<(u16, u16)> {
        self.struck("window_size")?;
        let id = self.terminal(fd)?;
        self.with(|w| w.ttys.get(&id).map(|t| t.size).ok_or(Errno::ENOTTY))
    }

    /// tcgetattr(3)
    pub fn termios(&self, fd: Fd) -> Res<Termios> {
        self.struck("termios")?;
        let id = self.terminal(fd)?;
        self.with(|w| w.ttys.get(&id).map(|t| t.termios).ok_or(Errno::ENOTTY))
    }

    /// tcsetattr(3)
    pub fn set_termios(&self, fd: Fd, settings: Termios) -> Res<()> {
        self.struck("set_termios")?;
        let id = self.terminal(fd)?;
        self.with(|w| w.ttys.get_mut(&id).map(|t| t.termios = settings).ok_or(Errno::ENOTTY))
    }

    /// tcsetpgrp(3): the foreground process group of a terminal.
    pub fn set_foreground(&self, fd: Fd, group: Pid) -> Res<()> {
        self.struck("set_foreground")?;
        let id = self.terminal(fd)?;
        self.with(|w| {
            let p = w.proc(self.pid)?;
            let (ns, session) = (p.ns.pid, p.session);
            let group = w.host_pid(ns, group)?;
            let tty = w.ttys.get_mut(&id).ok_or(Errno::ENOTTY)?;
            if tty.session != session {
                return Err(Errno::ENOTTY);
            }
            tty.foreground = group;
            Ok(())
        })
    }

    /// fsync(2). What was not synced a power cut may take back, on a forgetful host.
    pub fn fsync(&self, fd: Fd) -> Res<()> {
        self.struck("fsync")?;
        self.with(|w| match w.files.get(&w.file_of(self.pid, fd)?).map(|f| (&f.target, f.place)) {
            Some((Open::File | Open::Dir, place)) => {
                if let Some(ino) = place.and_then(|place| w.backing(place.node).ok()) {
                    w.fs.sync(ino);
                }
                Ok(())
            }
            _ => Err(Errno::EINVAL),
        })
    }

    /// poll(2): waits for the first that is ready; an empty answer is the timeout.
    pub async fn poll(&self, watch: &[Poll], timeout: Option<Duration>) -> Res<Vec<Poll>> {
        self.struck("poll")?;
        let end = timeout.map(|t| self.moment().after(t).0);
        let answer = self
            .block(move |w, pid| {
                let ready: Vec<Poll> = watch.iter().map(|p| w.poll_fd(pid, *p)).filter(|p| p.read || p.write).collect();
                if !ready.is_empty() || end.is_some_and(|end| w.now >= end) {
                    return Some(Ok(ready));
                }
                if let Some(end) = end {
                    w.set_timer(end, Who::Proc(pid));
                }
                None
            })
            .await;
        if let Some(end) = end {
            self.with(|w| w.clear_timer(end, self.pid));
        }
        answer
    }

    fn terminal(&self, fd: Fd) -> Res<u32> {
        self.with(|w| match w.files.get(&w.file_of(self.pid, fd)?).map(|f| &f.target) {
            Some(Open::Tty(id) | Open::Master(id)) => Ok(*id),
            _ => Err(Errno::ENOTTY),
        })
    }
}

fn anonymous_stat(target: &Open, id: u32, now: Timestamp) -> Stat {
    let kind = match target {
        Open::Pipe { .. } => FileType::Fifo,
        Open::Socket(_) => FileType::Socket,
        _ => FileType::Char,
    };
    let rdev = if let Open::Tty(n) = target { (136, *n) } else { (0, 0) };
    Stat { dev: 0, ino: u64::from(id), kind, mode: 0o600, nlink: 1, uid: 0, gid: 0, rdev, size: 0, atime: now, mtime: now, ctime: now }
}

impl World {
    fn file_size(&self, id: u32) -> u64 {
        let Some(file) = self.files.get(&id) else { return 0 };
        match (&file.target, file.place) {
            (Open::Computed(text), _) => text.len() as u64,
            (_, Some(place)) => self.backing(place.node).and_then(|i| self.fs.get(i)).map_or(0, |i| i.size()),
            _ => 0,
        }
    }

    fn read_fd(&mut self, pid: u32, fd: Fd, max: usize) -> Option<Res<Vec<u8>>> {
        let id = match self.file_of(pid, fd) {
            Ok(id) => id,
            Err(error) => return Some(Err(error)),
        };
        let file = self.files.get(&id)?;
        if !file.read {
            return Some(Err(Errno::EBADF));
        }
        let (offset, place, nonblock) = (file.offset, file.place, file.nonblock);
        let answer = match &file.target {
            Open::Dir => return Some(Err(Errno::EISDIR)),
            Open::File => {
                let read = place.ok_or(Errno::EBADF).and_then(|p| self.backing(p.node)).and_then(|i| self.read_at(i, offset, max));
                if let (Ok(bytes), Some(file)) = (&read, self.files.get_mut(&id)) {
                    file.offset += bytes.len() as u64;
                }
                return Some(read);
            }
            Open::Computed(text) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
                let bytes = text[start..start.saturating_add(max).min(text.len())].to_vec();
                if let Some(file) = self.files.get_mut(&id) {
                    file.offset += bytes.len() as u64;
                }
                return Some(Ok(bytes));
            }
            Open::Device(_, 3) => return Some(Ok(Vec::new())),
            Open::Device(_, 5 | 7) => return Some(Ok(vec![0; max])),
            Open::Device(..) => {
                let mut bytes = vec![0; max];
                self.random(&mut bytes);
                return Some(Ok(bytes));
            }
            Open::Pipe { id, .. } => {
                let id = *id;
                let read = self.pipe_read(id, max);
                if read.is_none() {
                    self.wait_on(pid, Wait::Pipe(id));
                }
                read.map(Ok)
            }
            Open::Tty(tty) => {
                let tty = *tty;
                let read = self.tty_read(tty, max);
                if read.is_none() {
                    self.wait_on(pid, Wait::Tty(tty));
                }
                read.map(Ok)
            }
            Open::Master(tty) => {
                let tty = *tty;
                let bytes = self.tty_drain(tty);
                if bytes.is_empty() && self.ttys.get(&tty).is_some_and(|t| !t.opened || t.slaves > 0) {
                    self.wait_on(pid, Wait::Tty(tty));
                    None
                } else {
                    Some(if bytes.is_empty() { Err(Errno::EIO) } else { Ok(bytes) })
                }
            }
            Open::Socket(socket) => {
                let socket = *socket;
                let read = self.socket_read(socket, max);
                if read.is_none() {
                    self.wait_on(pid, Wait::Socket(socket));
                }
                read
            }
        };
        answer.or_else(|| nonblock.then_some(Err(Errno::EAGAIN)))
    }

    fn write_fd(&mut self, pid: u32, fd: Fd, bytes: &[u8]) -> Option<Res<usize>> {
        let id = match self.file_of(pid, fd) {
            Ok(id) => id,
            Err(error) => return Some(Err(error)),
        };
        let file = self.files.get(&id)?;
        if !file.write {
            return Some(Err(Errno::EBADF));
        }
        let (offset, place, nonblock, append) = (file.offset, file.place, file.nonblock, file.append);
        let answer = match &file.target {
            Open::Dir => return Some(Err(Errno::EISDIR)),
            Open::File => return Some(self.write_file_at(id, place, if append { None } else { Some(offset) }, bytes)),
            Open::Computed(_) => return Some(self.write_computed(pid, place, bytes).map(|()| bytes.len())),
            Open::Device(_, 7) => return Some(Err(Errno::ENOSPC)),
            Open::Device(..) => return Some(Ok(bytes.len())),
            Open::Pipe { id, .. } => {
                let id = *id;
                let written = self.pipe_write(id, bytes);
                match written {
                    None => self.wait_on(pid, Wait::Pipe(id)),
                    Some(Err(Errno::EPIPE)) => self.send_signal(pid, Signal::from_number(13).unwrap_or(Signal::TERM)),
                    _ => {}
                }
                written
            }
            Open::Tty(tty) => {
                let tty = *tty;
                let written = self.tty_write(tty, bytes);
                if written.is_none() {
                    self.wait_on(pid, Wait::Tty(tty));
                }
                self.stir_tty(tty);
                written.map(Ok)
            }
            Open::Master(tty) => {
                let tty = *tty;
                self.tty_type(tty, bytes);
                Some(Ok(bytes.len()))
            }
            Open::Socket(socket) => {
                let socket = *socket;
                let written = self.socket_write(socket, bytes);
                match written {
                    None => self.wait_on(pid, Wait::Socket(socket)),
                    Some(Err(Errno::EPIPE)) => self.send_signal(pid, Signal::from_number(13).unwrap_or(Signal::TERM)),
                    _ => {}
                }
                written
            }
        };
        answer.or_else(|| nonblock.then_some(Err(Errno::EAGAIN)))
    }

    fn write_file_at(&mut self, id: u32, place: Option<Loc>, offset: Option<u64>, bytes: &[u8]) -> Res<usize> {
        let place = place.ok_or(Errno::EBADF)?;
        let ino = self.writable(place.node)?;
        let offset = match offset {
            Some(offset) => offset,
            None => self.fs.get(ino)?.size(),
        };
        self.write_at(ino, offset, bytes)?;
        if let Some(file) = self.files.get_mut(&id) {
            file.offset = offset + bytes.len() as u64;
        }
        Ok(bytes.len())
    }

    fn write_computed(&mut self, pid: u32, place: Option<Loc>, bytes: &[u8]) -> Res<()> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let ctx = self.ctx(pid)?;
        match place.ok_or(Errno::EBADF)?.node {
            Node::Cgroup(_, c) => {
                let ns = self.proc(pid)?.ns.pid;
                self.cgroup_write(c, &text, pid, ns)
            }
            Node::Proc(sb, p) => self.proc_write(&ctx, sb, p, &text),
            _ => Err(Errno::EIO),
        }
    }

    fn poll_fd(&mut self, pid: u32, want: Poll) -> Poll {
        let none = Poll { read: false, write: false, ..want };
        let Some(file) = self.file_of(pid, want.fd).ok().and_then(|id| self.files.get(&id)) else {
            // A descriptor that is not open is ready: the call on it will say so.
            return want;
        };
        match file.target {
            Open::Pipe { id, read, write } => {
                self.wait_on(pid, Wait::Pipe(id));
                let Some(pipe) = self.pipes.get(&id) else { return want };
                let can_read = read && (!pipe.data.is_empty() || pipe.writers == 0);
                let can_write = write && (pipe.data.len() < crate::process::pipe::CAPACITY || pipe.readers == 0);
                Poll { read: want.read && can_read, write: want.write && can_write, ..want }
            }
            Open::Tty(id) => {
                self.wait_on(pid, Wait::Tty(id));
                let can = self.ttys.get(&id).is_none_or(|t| !t.input.is_empty() || t.ends > 0 || !t.master);
                Poll { read: want.read && can, ..want }
            }
            Open::Master(id) => {
                self.wait_on(pid, Wait::Tty(id));
                let can = self.ttys.get(&id).is_none_or(|t| !t.output.is_empty() || (t.opened && t.slaves == 0));
                Poll { read: want.read && can, ..want }
            }
            Open::Socket(id) => {
                self.wait_on(pid, Wait::Socket(id));
                let (read, write) = self.socket_ready(id);
                Poll { read: want.read && read, write: want.write && write, ..none }
            }
            _ => want,
        }
    }
}

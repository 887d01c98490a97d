//! Files, directories, pipes and terminals, as system calls.

use super::*;

impl Sys {
    /// open(2). `mode` is used when the file is made, and umask applies. Opening a FIFO waits for its other end.
    pub async fn open(&self, path: &str, flags: OpenFlags, mode: u32) -> Res<Fd> {
        Err(Errno::ENOSYS)
    }

    /// read(2): at most `max` bytes; none is the end of the file. Waits until there is something; EINTR when a caught signal comes.
    pub async fn read(&self, fd: Fd, max: usize) -> Res<Vec<u8>> {
        Err(Errno::ENOSYS)
    }

    /// write(2): how much was written. Waits while a pipe is full. A pipe without readers raises SIGPIPE and answers EPIPE.
    pub async fn write(&self, fd: Fd, bytes: &[u8]) -> Res<usize> {
        Err(Errno::ENOSYS)
    }

    /// close(2)
    pub fn close(&self, fd: Fd) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// dup(2): the lowest free descriptor that is at least `least`.
    pub fn dup(&self, fd: Fd, least: Fd) -> Res<Fd> {
        Err(Errno::ENOSYS)
    }

    /// dup2(2)
    pub fn dup2(&self, from: Fd, to: Fd) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// pipe(2): the end to read from and the end to write to.
    pub fn pipe(&self) -> Res<(Fd, Fd)> {
        Err(Errno::ENOSYS)
    }

    /// The descriptors that are open, in order.
    pub fn descriptors(&self) -> Vec<Fd> {
        Vec::new()
    }

    /// lseek(2)
    pub fn seek(&self, fd: Fd, offset: i64, whence: Whence) -> Res<u64> {
        Err(Errno::ENOSYS)
    }

    /// stat(2)
    pub fn stat(&self, path: &str) -> Res<Stat> {
        Err(Errno::ENOSYS)
    }

    /// lstat(2): of the link itself.
    pub fn lstat(&self, path: &str) -> Res<Stat> {
        Err(Errno::ENOSYS)
    }

    /// fstat(2)
    pub fn fstat(&self, fd: Fd) -> Res<Stat> {
        Err(Errno::ENOSYS)
    }

    /// Entries of a directory, sorted by name.
    pub fn readdir(&self, path: &str) -> Res<Vec<DirEntry>> {
        Err(Errno::ENOSYS)
    }

    /// access(2) with the effective user: may it be read, written, executed?
    pub fn access(&self, path: &str, read: bool, write: bool, execute: bool) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// mkdir(2)
    pub fn mkdir(&self, path: &str, mode: u32) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// unlink(2)
    pub fn unlink(&self, path: &str) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// rmdir(2)
    pub fn rmdir(&self, path: &str) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// rename(2)
    pub fn rename(&self, from: &str, to: &str) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// link(2)
    pub fn link(&self, from: &str, to: &str) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// symlink(2): `path` leads to `target`.
    pub fn symlink(&self, target: &str, path: &str) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// readlink(2)
    pub fn readlink(&self, path: &str) -> Res<String> {
        Err(Errno::ENOSYS)
    }

    /// realpath(3): every link resolved.
    pub fn realpath(&self, path: &str) -> Res<String> {
        Err(Errno::ENOSYS)
    }

    /// chmod(2)
    pub fn chmod(&self, path: &str, mode: u32) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// chown(2); `None` leaves as it is. `follow` as chown(2) or not as lchown(2).
    pub fn chown(&self, path: &str, uid: Option<u32>, gid: Option<u32>, follow: bool) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// truncate(2)
    pub fn truncate(&self, path: &str, size: u64) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// utimensat(2): access and modification time; `None` leaves as it is.
    pub fn utimens(&self, path: &str, atime: Option<Timestamp>, mtime: Option<Timestamp>) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// mknod(2): FIFOs, and device nodes with CAP_MKNOD.
    pub fn mknod(&self, path: &str, kind: FileType, mode: u32, rdev: (u32, u32)) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// chdir(2)
    pub fn chdir(&self, path: &str) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// getcwd(2)
    pub fn getcwd(&self) -> Res<String> {
        Err(Errno::ENOSYS)
    }

    /// umask(2): sets it and answers the one before.
    pub fn umask(&self, mask: u32) -> u32 {
        0
    }

    /// isatty(3)
    pub fn isatty(&self, fd: Fd) -> bool {
        false
    }

    /// ttyname(3)
    pub fn ttyname(&self, fd: Fd) -> Res<String> {
        Err(Errno::ENOSYS)
    }

    /// Rows and columns of a terminal (TIOCGWINSZ).
    pub fn window_size(&self, fd: Fd) -> Res<(u16, u16)> {
        Err(Errno::ENOSYS)
    }

    /// tcgetattr(3)
    pub fn termios(&self, fd: Fd) -> Res<Termios> {
        Err(Errno::ENOSYS)
    }

    /// tcsetattr(3)
    pub fn set_termios(&self, fd: Fd, settings: Termios) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// tcsetpgrp(3): the foreground process group of a terminal.
    pub fn set_foreground(&self, fd: Fd, group: Pid) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// fsync(2)
    pub fn fsync(&self, fd: Fd) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// statfs(2)
    pub fn statfs(&self, path: &str) -> Res<FsStat> {
        Err(Errno::ENOSYS)
    }

    /// poll(2): waits for the first that is ready; an empty answer is the timeout.
    pub async fn poll(&self, watch: &[Poll], timeout: Option<Duration>) -> Res<Vec<Poll>> {
        Err(Errno::ENOSYS)
    }
}

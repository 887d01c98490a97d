//! Standard streams of a new process: the ends it gets, and the ends that stay with the one that launched it.

use crate::error::step;
use drydock_core::error::Result;
use drydock_core::kernel::Streams;
use rustix::fs::{FileType, Gid, Mode, OFlags, Uid};
use rustix::pipe::{PipeFlags, pipe_with};
use std::os::fd::{AsFd, OwnedFd};

/// What the launching process keeps.
#[derive(Debug, Default)]
pub struct Ends {
    /// Where to write standard input.
    pub stdin: Option<OwnedFd>,
    /// Where to read standard output.
    pub stdout: Option<OwnedFd>,
    /// Where to read standard error.
    pub stderr: Option<OwnedFd>,
    /// The terminal's master, which stands for all three.
    pub terminal: Option<OwnedFd>,
}

/// What the new process gets as descriptors 0, 1 and 2; `None` leaves one as it is.
#[derive(Debug, Default)]
pub struct Given([Option<OwnedFd>; 3]);

fn null(flags: OFlags) -> Result<OwnedFd> {
    rustix::fs::open("/dev/null", flags | OFlags::CLOEXEC, Mode::empty()).map_err(|e| step("open", "/dev/null", e))
}

/// Makes both halves. A terminal's are made by the new process itself, in the container's devpts.
pub fn make(streams: Streams) -> Result<(Ends, Given)> {
    let pipe = || pipe_with(PipeFlags::CLOEXEC).map_err(|e| step("pipe2", "", e));
    match streams {
        Streams::Inherit => Ok((Ends::default(), Given::default())),
        // Until SetTerminal has opened the terminal, nothing of the caller's streams is left to the new process.
        Streams::Null | Streams::Terminal { .. } => {
            let both = null(OFlags::RDWR)?;
            let copy = || both.try_clone().map_err(|e| step("dup", "/dev/null", e));
            Ok((Ends::default(), Given([Some(copy()?), Some(copy()?), Some(both)])))
        }
        Streams::Pipes { stdin } => {
            let (out_read, out_write) = pipe()?;
            let (err_read, err_write) = pipe()?;
            let (in_read, in_write) = if stdin { pipe().map(|(r, w)| (r, Some(w)))? } else { (null(OFlags::RDONLY)?, None) };
            let ends = Ends { stdin: in_write, stdout: Some(out_read), stderr: Some(err_read), terminal: None };
            Ok((ends, Given([Some(in_read), Some(out_write), Some(err_write)])))
        }
    }
}

impl Given {
    /// Gives the ends to a user of the host: who the container's root is there. What is everybody's, like /dev/null, stays as it is.
    pub fn own(&self, id: u32) -> Result<()> {
        for fd in self.0.iter().flatten() {
            let found = rustix::fs::fstat(fd).map_err(|e| step("fstat", "a standard stream", e))?;
            if FileType::from_raw_mode(found.st_mode) == FileType::Fifo {
                let (user, group) = (Some(Uid::from_raw(id)), Some(Gid::from_raw(id)));
                rustix::fs::fchown(fd, user, group).map_err(|e| step("fchown", "a standard stream", e))?;
            }
        }
        Ok(())
    }

    /// Puts the ends in place, in the new process. Each lies above 2, since the caller's own three are open.
    pub fn take(&self) -> Result<()> {
        let [stdin, stdout, stderr] = &self.0;
        let wrong = |e| step("dup2", "a standard stream", e);
        stdin.as_ref().map_or(Ok(()), |fd| rustix::stdio::dup2_stdin(fd.as_fd())).map_err(wrong)?;
        stdout.as_ref().map_or(Ok(()), |fd| rustix::stdio::dup2_stdout(fd.as_fd())).map_err(wrong)?;
        stderr.as_ref().map_or(Ok(()), |fd| rustix::stdio::dup2_stderr(fd.as_fd())).map_err(wrong)
    }
}

//! A health check's probe as its supervisor sees it: a second child, whose output is collected and whose exit is awaited.

use super::container::{Streams, reap};
use crate::kernel::LinuxKernel;
use crate::process::Child;
use drydock_core::container::health::KEPT_OUTPUT;
use drydock_core::error::Result;
use drydock_core::kernel::Process;
use rustix::event::{PollFd, PollFlags};

/// A probe that runs.
#[derive(Debug)]
pub struct Probing {
    child: Child,
    streams: Streams,
    output: Vec<u8>,
}

impl Probing {
    /// Takes over a probe that was launched by this process.
    pub fn of(kernel: &LinuxKernel, process: &Process) -> Result<Self> {
        let mut child = kernel.take(process)?;
        let streams = Streams::new(std::mem::take(&mut child.ends))?;
        Ok(Self { child, streams, output: Vec::new() })
    }

    /// What poll(2) has to watch: its exit, and what it writes.
    pub fn watched(&self) -> impl Iterator<Item = PollFd<'_>> {
        let ends = &self.streams.ends;
        let outputs = [&ends.stdout, &ends.stderr].into_iter().flatten();
        std::iter::once(PollFd::new(&self.child.pidfd, PollFlags::IN)).chain(outputs.map(|fd| PollFd::new(fd, PollFlags::IN)))
    }

    /// Reads what is there. What is more than is kept is read and dropped, so that the probe never waits for anybody.
    pub fn read(&mut self) -> bool {
        let output = &mut self.output;
        self.streams.read(&mut |_, bytes| {
            let room = (KEPT_OUTPUT + 1).saturating_sub(output.len());
            output.extend(bytes.iter().take(room));
        })
    }

    /// Its code and what it wrote, once it has ended. Nobody waits for what it left running in the background.
    pub fn end(mut self) -> Result<(i32, Vec<u8>)> {
        while self.read() {}
        reap(&self.child).map(|code| (code, self.output))
    }

    /// Ends it with its container.
    pub fn abandon(self) {
        let _ = rustix::process::pidfd_send_signal(&self.child.pidfd, rustix::process::Signal::KILL);
        let _ = reap(&self.child);
    }
}

//! Programs of the simulated host itself, beside the containers: its own shell.

use crate::file::{OpenFile, Target};
use crate::host::Machine;
use crate::kernel::Ends;
use crate::sys::{Errno, WaitStatus};
use std::sync::Arc;

/// What a program of the host left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; 128 and the number for a signal; -1 where it still waits for something that will never come.
    pub code: i32,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
}

impl Ran {
    /// Its standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

impl Machine {
    /// Runs a program as a child of process 1, until it ends or nothing can happen any more.
    pub(crate) fn run_on_host(self: &Arc<Self>, args: &[&str]) -> Ran {
        let mut ran = Ran { code: -1, stdout: Vec::new(), stderr: Vec::new() };
        let pid = match self.start_on_host(args) {
            Ok(pid) => pid,
            Err(errno) => {
                ran.code = if errno == Errno::ENOENT { 127 } else { 126 };
                ran.stderr = format!("{}: {errno}\n", args.first().unwrap_or(&"")).into_bytes();
                return ran;
            }
        };
        let ends = self.shared.lock().ends.get(&pid).copied().unwrap_or_default();
        self.run_until(None, &mut || {
            let mut world = self.shared.lock();
            collect(&mut ran, world.take_output(&ends));
            world.ended.contains_key(&pid)
        });
        let mut world = self.shared.lock();
        collect(&mut ran, world.take_output(&ends));
        match world.take_end(pid) {
            Some(exit) => ran.code = exit.code,
            None => world.exit_process(pid, WaitStatus::Signaled(drydock_core::kernel::Signal::KILL)),
        }
        world.drop_ends(pid);
        drop(world);
        self.bury();
        ran
    }

    fn start_on_host(self: &Arc<Self>, args: &[&str]) -> Result<u32, Errno> {
        let mut world = self.shared.lock();
        let ctx = world.kernel_ctx();
        let env = world.proc(1)?.env.clone();
        let path = world.find_program(&ctx, args.first().unwrap_or(&""), &env)?;
        let image = world.image_of(&ctx, &path, args.iter().map(|a| (*a).to_owned()).collect())?;
        let pid = world.fork_process(1)?;
        let p = world.proc_mut(pid)?;
        p.actor = false;
        (p.session, p.group) = (pid, pid);
        let mut null = OpenFile::nowhere(Target::Device(1, 3), true, true);
        null.uses = 0;
        let null = world.add_file(null);
        let mut fds = [(0, null)].into_iter().collect::<std::collections::BTreeMap<_, _>>();
        let mut ends = Ends::default();
        for (fd, end) in [(1, &mut ends.stdout), (2, &mut ends.stderr)] {
            let id = world.outside_pipe(1, false);
            *end = Some(id);
            let file = world.pipe_file(id, false);
            fds.insert(fd, file);
        }
        world.replace_fds(pid, fds)?;
        world.ends.insert(pid, ends);
        world.watched.insert(pid);
        world.become_image(&self.shared, pid, image, env)?;
        Ok(pid)
    }
}

fn collect(ran: &mut Ran, output: Vec<(drydock_core::io::Stream, Vec<u8>)>) {
    for (stream, bytes) in output {
        let to = if stream == drydock_core::io::Stream::Stdout { &mut ran.stdout } else { &mut ran.stderr };
        to.extend_from_slice(&bytes);
    }
}

//! Drydock's own init: runs the program as its child, passes signals on, and reaps.

use crate::process::exec::Image;
use crate::sys::{Disposition, Errno, Res, Spawn, Sys, Target, WaitFor};
use crate::world::{Shared, World};
use drydock_core::kernel::Signal;

impl World {
    /// Makes a process the init of its container.
    pub(super) fn become_init(&mut self, shared: &Shared, pid: u32, image: Image, env: Vec<String>) -> Res<()> {
        let sys = Sys::new(shared.clone(), pid);
        let ctx = self.ctx(pid)?;
        let path = self.path_of(ctx.root, image.file).ok_or(Errno::ENOENT)?;
        let fds = self.proc(pid)?.fds.keys().map(|fd| (*fd, *fd)).collect();
        let spawn = Spawn { program: path, args: image.args.clone(), env: env.clone(), fds, ..Spawn::default() };
        let p = self.proc_mut(pid)?;
        p.name = "drydock-init".to_owned();
        p.args = ["/sbin/drydock-init".to_owned(), "--".to_owned()].into_iter().chain(image.args).collect();
        p.env = env;
        *p.future = Some(Box::pin(run(sys, spawn)));
        self.make_ready(pid);
        Ok(())
    }
}

async fn run(sys: Sys, spawn: Spawn) -> i32 {
    for number in (1..=31).filter(|n| !matches!(n, 9 | 17 | 19)) {
        if let Ok(signal) = Signal::from_number(number) {
            // Only SIGKILL and SIGSTOP refuse, and they are not among these.
            let _ = sys.set_disposition(signal, Disposition::Catch);
        }
    }
    let child = match sys.spawn(spawn) {
        Ok(child) => child,
        Err(Errno::ENOENT) => return 127,
        Err(_) => return 126,
    };
    loop {
        match sys.wait(WaitFor::Any, false).await {
            Ok(Some((pid, status))) if pid == child => return status.code(),
            Ok(_) => {}
            Err(Errno::EINTR) => {
                while let Some(signal) = sys.take_signal() {
                    // The child may just have ended; then its end is what the next wait answers.
                    let _ = sys.kill(Target::Pid(child), Some(signal));
                }
            }
            Err(_) => return 1,
        }
    }
}

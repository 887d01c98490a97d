//! Processes and who they are, as system calls.

use super::*;
use crate::process::sched::Wait;
use crate::vfs::cap;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Sys {
    /// posix_spawn(3). Errors of finding and executing the program are answered here: ENOENT, EACCES, ENOEXEC.
    pub fn spawn(&self, spawn: Spawn) -> Res<Pid> {
        self.struck("spawn")?;
        let shared = self.shared.clone();
        self.with(|w| {
            let mut ctx = w.ctx(self.pid)?;
            if let Some(cwd) = &spawn.cwd {
                ctx.cwd = w.walk(&ctx, cwd, true)?;
            }
            let path = w.find_program(&ctx, &spawn.program, &spawn.env)?;
            let image = w.image_of(&ctx, &path, spawn.args)?;
            let own = &w.proc(self.pid)?.fds;
            let fds: BTreeMap<Fd, u32> =
                spawn.fds.iter().map(|(to, from)| own.get(from).map(|f| (*to, *f)).ok_or(Errno::EBADF)).collect::<Res<_>>()?;
            let child = w.fork_process(self.pid)?;
            w.replace_fds(child, fds)?;
            let (ns, group) = {
                let p = w.proc(self.pid)?;
                (p.ns.pid, spawn.group)
            };
            let joined = match group {
                Some(0) => Some(child),
                Some(pid) => Some(w.host_pid(ns, pid)?),
                None => None,
            };
            let p = w.proc_mut(child)?;
            p.cwd = ctx.cwd;
            p.group = joined.unwrap_or(p.group);
            for signal in &spawn.ignore {
                p.dispositions.insert(*signal, Disposition::Ignore);
            }
            if spawn.session {
                (p.session, p.group, p.tty) = (child, child, None);
            }
            let inner = p.pid_in(ns);
            w.become_image(&shared, child, image, spawn.env)?;
            Ok(inner)
        })
    }

    /// fork(2): the child is a copy of this process that runs what `child` makes, with its own `Sys`.
    pub fn fork_with(&self, child: Box<dyn FnOnce(Sys) -> Running + Send>) -> Res<Pid> {
        self.struck("fork_with")?;
        let (pid, inner) = self.with(|w| {
            let pid = w.fork_process(self.pid)?;
            let ns = w.proc(self.pid)?.ns.pid;
            Ok((pid, w.proc(pid)?.pid_in(ns)))
        })?;
        let future = child(Sys::new(self.shared.clone(), pid));
        self.with(|w| {
            w.trace.note(w.now, || format!("fork pid={} -> {pid}", self.pid));
            let p = w.proc_mut(pid)?;
            if p.alive() {
                *p.future = Some(future);
                w.make_ready(pid);
            }
            Ok(inner)
        })
    }

    /// execve(2). Answers only if it fails. The program is looked up in PATH of `env` if it has no slash.
    pub async fn exec(&self, program: &str, args: Vec<String>, env: Vec<String>) -> Errno {
        let shared = self.shared.clone();
        let tried = self.with(|w| {
            let ctx = w.ctx(self.pid)?;
            let path = w.find_program(&ctx, program, &env)?;
            let image = w.image_of(&ctx, &path, args)?;
            w.become_image(&shared, self.pid, image, env)
        });
        match tried {
            Ok(()) => std::future::pending().await,
            Err(errno) => errno,
        }
    }

    /// _exit(2): ends this process at once, whatever it was about to do.
    pub async fn exit(&self, code: i32) {
        self.with(|w| w.exit_process(self.pid, WaitStatus::Exited(code & 0xff)));
        std::future::pending().await
    }

    /// waitpid(2). With `no_hang` it answers `None` rather than wait.
    pub async fn wait(&self, which: WaitFor, no_hang: bool) -> Res<Option<(Pid, WaitStatus)>> {
        self.struck("wait")?;
        self.block(move |w, pid| match w.wait_child(pid, which) {
            Ok(None) if !no_hang => {
                w.wait_on(pid, Wait::Child(pid));
                None
            }
            answer => Some(answer),
        })
        .await
    }

    /// getpid(2)
    pub fn getpid(&self) -> Pid {
        self.with(|w| w.proc(self.pid).map_or(0, |p| p.pid_in(p.ns.pid)))
    }

    /// getppid(2): 0 where the parent is outside of the pid namespace.
    pub fn getppid(&self) -> Pid {
        self.with(|w| w.proc(self.pid).and_then(|p| Ok(w.proc(p.parent)?.pid_in(p.ns.pid))).unwrap_or(0))
    }

    /// getpgrp(2)
    pub fn getpgrp(&self) -> Pid {
        self.with(|w| w.proc(self.pid).map_or(0, |p| w.inner_pid(p.group, p.ns.pid)))
    }

    /// getsid(2)
    pub fn getsid(&self) -> Pid {
        self.with(|w| w.proc(self.pid).map_or(0, |p| w.inner_pid(p.session, p.ns.pid)))
    }

    /// setsid(2)
    pub fn setsid(&self) -> Res<Pid> {
        self.struck("setsid")?;
        self.with(|w| {
            let p = w.proc_mut(self.pid)?;
            if p.group == self.pid {
                return Err(Errno::EPERM);
            }
            (p.session, p.group, p.tty) = (self.pid, self.pid, None);
            Ok(p.pid_in(p.ns.pid))
        })
    }

    /// setpgid(2); 0 is the caller, or the group named like the process.
    pub fn setpgid(&self, pid: Pid, group: Pid) -> Res<()> {
        self.struck("setpgid")?;
        self.with(|w| {
            let p = w.proc(self.pid)?;
            let (ns, session, children) = (p.ns.pid, p.session, p.children.clone());
            let target = if pid == 0 { self.pid } else { w.host_pid(ns, pid)? };
            if target != self.pid && !children.contains(&target) {
                return Err(Errno::ESRCH);
            }
            let group = if group == 0 { target } else { w.host_pid(ns, group)? };
            let t = w.proc(target)?;
            let exists = group == target || w.procs.values().any(|p| p.group == group && p.session == session);
            if t.session == target || t.session != session || !exists {
                return Err(Errno::EPERM);
            }
            w.proc_mut(target)?.group = group;
            Ok(())
        })
    }

    /// Its users, groups and capabilities.
    pub fn credentials(&self) -> Credentials {
        self.with(|w| w.proc(self.pid).map(|p| (*p.creds).clone()).unwrap_or_default())
    }

    /// setresuid(2), setresgid(2), setgroups(2), capset(2) and the prctl(2)s at once, each checked as Linux does.
    pub fn set_credentials(&self, new: Credentials) -> Res<()> {
        self.struck("set_credentials")?;
        self.with(|w| {
            let p = w.proc_mut(self.pid)?;
            p.creds = Arc::new(changed(&p.creds, new)?);
            Ok(())
        })
    }

    /// The environment it was executed with.
    pub fn environ(&self) -> Vec<String> {
        self.with(|w| w.proc(self.pid).map(|p| p.env.clone()).unwrap_or_default())
    }

    /// The system's name, release and host name.
    pub fn uname(&self) -> Uname {
        self.with(|w| {
            let uts = w.proc(self.pid).ok().and_then(|p| w.ns.uts.get(&p.ns.uts)).cloned().unwrap_or_default();
            Uname {
                system: "Linux".to_owned(),
                node: uts.host,
                release: crate::kernel::RELEASE.to_owned(),
                version: crate::kernel::VERSION.to_owned(),
                machine: "x86_64".to_owned(),
                domain: if uts.domain.is_empty() { "(none)".to_owned() } else { uts.domain },
            }
        })
    }

    /// sethostname(2)
    pub fn set_hostname(&self, name: &str) -> Res<()> {
        self.struck("set_hostname")?;
        self.with(|w| {
            let p = w.proc(self.pid)?;
            p.creds.need(cap::SYS_ADMIN)?;
            if name.len() > 64 {
                return Err(Errno::EINVAL);
            }
            let ns = p.ns.uts;
            if let Some(uts) = w.ns.uts.get_mut(&ns) {
                name.clone_into(&mut uts.host);
            }
            Ok(())
        })
    }

    /// getrlimit(2): soft and hard limit; `u64::MAX` is none. `name` as `nofile`, `nproc`, `core`…
    pub fn rlimit(&self, name: &str) -> Res<(u64, u64)> {
        self.struck("rlimit")?;
        self.with(|w| {
            let default = crate::kernel::default_rlimit(name).ok_or(Errno::EINVAL)?;
            Ok(w.proc(self.pid)?.rlimits.get(name).copied().unwrap_or(default))
        })
    }

    /// setrlimit(2)
    pub fn set_rlimit(&self, name: &str, soft: u64, hard: u64) -> Res<()> {
        self.struck("set_rlimit")?;
        let (_, old) = self.rlimit(name)?;
        self.with(|w| {
            let p = w.proc_mut(self.pid)?;
            if soft > hard {
                return Err(Errno::EINVAL);
            }
            if hard > old {
                p.creds.need(cap::SYS_RESOURCE)?;
            }
            p.rlimits.insert(name.to_owned(), (soft, hard));
            Ok(())
        })
    }
}

impl World {
    /// A host pid as a namespace numbers it; 0 where it cannot be seen.
    pub fn inner_pid(&self, pid: u32, ns: u32) -> u32 {
        self.procs.get(&pid).map_or(0, |p| p.pid_in(ns))
    }
}

/// Checks a change of credentials (credentials(7), capabilities(7)).
fn changed(old: &Credentials, mut new: Credentials) -> Res<Credentials> {
    new.groups.sort_unstable();
    let users = [old.uid, old.euid, old.suid];
    let new_users = [new.uid, new.euid, new.suid];
    if new_users.iter().any(|u| !users.contains(u)) {
        old.need(cap::SETUID)?;
    }
    let groups = [old.gid, old.egid, old.sgid];
    if [new.gid, new.egid, new.sgid].iter().any(|g| !groups.contains(g)) || new.groups != old.groups {
        old.need(cap::SETGID)?;
    }
    let outside_permitted = new.permitted & !old.permitted != 0 || new.effective & !new.permitted != 0;
    let more_inherited = new.inheritable & !(old.inheritable | old.permitted) != 0;
    let wider_bound = new.bounding & !old.bounding != 0 || (new.bounding != old.bounding && !old.can(cap::SETPCAP));
    if outside_permitted || more_inherited || wider_bound || (old.no_new_privs && !new.no_new_privs) {
        return Err(Errno::EPERM);
    }
    if new.ambient & !(new.permitted & new.inheritable) != 0 {
        return Err(Errno::EPERM);
    }
    let had_root = users.contains(&0);
    if had_root && !new_users.contains(&0) && !old.keep_caps {
        (new.permitted, new.effective, new.ambient) = (0, 0, 0);
    }
    if old.euid == 0 && new.euid != 0 {
        new.effective = 0;
    }
    if old.euid != 0 && new.euid == 0 {
        new.effective = new.permitted;
    }
    Ok(new)
}

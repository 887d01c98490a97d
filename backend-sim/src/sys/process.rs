//! Processes, signals, time, memory and processors, as system calls.

use super::*;

impl Sys {
    /// posix_spawn(3). Errors of finding and executing the program are answered here: ENOENT, EACCES, ENOEXEC.
    pub fn spawn(&self, spawn: Spawn) -> Res<Pid> {
        Err(Errno::ENOSYS)
    }

    /// fork(2): the child is a copy of this process that runs what `child` makes, with its own `Sys`.
    pub fn fork_with(&self, child: Box<dyn FnOnce(Sys) -> Running + Send>) -> Res<Pid> {
        Err(Errno::ENOSYS)
    }

    /// execve(2). Answers only if it fails. The program is looked up in PATH of `env` if it has no slash.
    pub async fn exec(&self, program: &str, args: Vec<String>, env: Vec<String>) -> Errno {
        Errno::ENOSYS
    }

    /// _exit(2): ends this process at once, whatever it was about to do.
    pub async fn exit(&self, code: i32) {}

    /// waitpid(2). With `no_hang` it answers `None` rather than wait.
    pub async fn wait(&self, which: WaitFor, no_hang: bool) -> Res<Option<(Pid, WaitStatus)>> {
        Err(Errno::ENOSYS)
    }

    /// kill(2); `None` only asks whether it could.
    pub fn kill(&self, target: Target, signal: Option<Signal>) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// getpid(2)
    pub fn getpid(&self) -> Pid {
        0
    }

    /// getppid(2)
    pub fn getppid(&self) -> Pid {
        0
    }

    /// getpgrp(2)
    pub fn getpgrp(&self) -> Pid {
        0
    }

    /// getsid(2)
    pub fn getsid(&self) -> Pid {
        0
    }

    /// setsid(2)
    pub fn setsid(&self) -> Res<Pid> {
        Err(Errno::ENOSYS)
    }

    /// setpgid(2); 0 is the caller, or the group named like the process.
    pub fn setpgid(&self, pid: Pid, group: Pid) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// Its users, groups and capabilities.
    pub fn credentials(&self) -> Credentials {
        Default::default()
    }

    /// setresuid(2), setresgid(2), setgroups(2), capset(2) and the prctl(2)s at once, each checked as Linux does.
    pub fn set_credentials(&self, credentials: Credentials) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// umask, limits and the like aside: the environment it was executed with.
    pub fn environ(&self) -> Vec<String> {
        Vec::new()
    }

    /// The system's name, release and host name.
    pub fn uname(&self) -> Uname {
        Uname {
            system: String::new(),
            node: String::new(),
            release: String::new(),
            version: String::new(),
            machine: String::new(),
            domain: String::new(),
        }
    }

    /// sethostname(2)
    pub fn set_hostname(&self, name: &str) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// getrlimit(2): soft and hard limit; `u64::MAX` is none. `name` as `nofile`, `nproc`, `core`…
    pub fn rlimit(&self, name: &str) -> Res<(u64, u64)> {
        Err(Errno::ENOSYS)
    }

    /// setrlimit(2)
    pub fn set_rlimit(&self, name: &str, soft: u64, hard: u64) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// The virtual time.
    pub fn now(&self) -> Timestamp {
        Default::default()
    }

    /// Time since the simulated host booted.
    pub fn uptime(&self) -> Duration {
        Default::default()
    }

    /// Lets virtual time pass. EINTR when a caught signal comes.
    pub async fn sleep(&self, time: Duration) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// Uses this much processor time; how long that takes depends on who else runs, on weights and on quotas.
    pub async fn burn(&self, time: Duration) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// Takes memory and touches it. Over the control group's limit the kernel kills: then this never answers.
    pub async fn alloc(&self, bytes: u64) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// Gives memory back.
    pub fn free(&self, bytes: u64) {}

    /// Random bytes from the seed.
    pub fn random(&self, count: usize) -> Vec<u8> {
        Vec::new()
    }

    /// Says what happens on a signal from now on.
    pub fn set_disposition(&self, signal: Signal, what: Disposition) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// What happens on a signal.
    pub fn disposition(&self, signal: Signal) -> Disposition {
        Default::default()
    }

    /// A caught signal that came, if one did.
    pub fn take_signal(&self) -> Option<Signal> {
        None
    }

    /// Waits for a caught signal.
    pub async fn next_signal(&self) -> Signal {
        std::future::pending().await
    }

    /// Lets everybody else who can run do so first.
    pub async fn yield_now(&self) {}

    /// Says that the simulator does not model what was asked, so that the engine's call ends with the typed error that names it. Answers the exit status to end with.
    pub fn not_modelled(&self, what: &str) -> i32 {
        0
    }
}

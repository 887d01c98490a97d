//! Small settings of a new process: names, sysctls, limits, session, working directory.

use super::resolve;
use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use oci_spec::runtime::{PosixRlimit, PosixRlimitType};
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use std::io;
use std::os::fd::OwnedFd;

/// sethostname(2)
pub fn hostname(name: &str) -> Result<()> {
    rustix::system::sethostname(name.as_bytes()).map_err(|e| step("sethostname", name, e))
}

/// setdomainname(2)
pub fn domainname(name: &str) -> Result<()> {
    rustix::system::setdomainname(name.as_bytes()).map_err(|e| step("setdomainname", name, e))
}

/// setsid(2). A process that leads a session already has what was asked for.
pub fn new_session() -> Result<()> {
    match rustix::process::setsid() {
        Ok(_) => Ok(()),
        Err(Errno::PERM) if rustix::process::getsid(None) == Ok(rustix::process::getpid()) => Ok(()),
        Err(e) => Err(step("setsid", "", e)),
    }
}

/// Writes a file of procfs, reached without links and without leaving that procfs (CVE-2019-16884, CVE-2025-52881).
fn write(proc: &OwnedFd, path: &str, value: &str) -> Result<()> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let file = openat2(proc, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty(), resolve).map_err(|e| step("openat2 /proc", path, e))?;
    let written = rustix::io::write(&file, value.as_bytes()).map_err(|e| step("write /proc", path, e))?;
    if written == value.len() { Ok(()) } else { Err(Error::invalid(format!("/proc/{path} took only part of the value"))) }
}

/// Writes a sysctl of this process's namespaces. Dots in the key separate; so do slashes if the first separator is one (sysctl(8)).
pub fn sysctl(proc: &OwnedFd, key: &str, value: &str) -> Result<()> {
    let path = if key.find('/') < key.find('.') && key.contains('/') { key.to_owned() } else { key.replace('.', "/") };
    write(proc, &format!("sys/{path}"), value)
}

/// Writes the badness that the kernel adds when it must kill something for want of memory.
pub fn oom_score(proc: &OwnedFd, score: i32) -> Result<()> {
    write(proc, "self/oom_score_adj", &score.to_string())
}

/// setrlimit(2). Raising a hard limit needs CAP_SYS_RESOURCE; without it the limit is what this process may give at most.
pub fn rlimits(limits: &[PosixRlimit]) -> Result<()> {
    for limit in limits {
        let resource = resource(limit.typ());
        let mut wanted = libc::rlimit { rlim_cur: limit.soft(), rlim_max: limit.hard() };
        // SAFETY: the pointer is to a live structure that the call only reads.
        let mut answer = unsafe { libc::setrlimit(resource, &raw const wanted) };
        if answer != 0 && io::Error::last_os_error().raw_os_error() == Some(libc::EPERM) {
            let mut have = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: the pointer is to a live structure that the call fills in.
            if unsafe { libc::getrlimit(resource, &raw mut have) } != 0 {
                return Err(step("getrlimit", limit.typ().to_string(), io::Error::last_os_error()));
            }
            wanted.rlim_max = wanted.rlim_max.min(have.rlim_max);
            wanted.rlim_cur = wanted.rlim_cur.min(wanted.rlim_max);
            // SAFETY: as above.
            answer = unsafe { libc::setrlimit(resource, &raw const wanted) };
        }
        if answer != 0 {
            return Err(step("setrlimit", limit.typ().to_string(), io::Error::last_os_error()));
        }
    }
    Ok(())
}

fn resource(kind: PosixRlimitType) -> libc::__rlimit_resource_t {
    match kind {
        PosixRlimitType::RlimitCpu => libc::RLIMIT_CPU,
        PosixRlimitType::RlimitFsize => libc::RLIMIT_FSIZE,
        PosixRlimitType::RlimitData => libc::RLIMIT_DATA,
        PosixRlimitType::RlimitStack => libc::RLIMIT_STACK,
        PosixRlimitType::RlimitCore => libc::RLIMIT_CORE,
        PosixRlimitType::RlimitRss => libc::RLIMIT_RSS,
        PosixRlimitType::RlimitNproc => libc::RLIMIT_NPROC,
        PosixRlimitType::RlimitNofile => libc::RLIMIT_NOFILE,
        PosixRlimitType::RlimitMemlock => libc::RLIMIT_MEMLOCK,
        PosixRlimitType::RlimitAs => libc::RLIMIT_AS,
        PosixRlimitType::RlimitLocks => libc::RLIMIT_LOCKS,
        PosixRlimitType::RlimitSigpending => libc::RLIMIT_SIGPENDING,
        PosixRlimitType::RlimitMsgqueue => libc::RLIMIT_MSGQUEUE,
        PosixRlimitType::RlimitNice => libc::RLIMIT_NICE,
        PosixRlimitType::RlimitRtprio => libc::RLIMIT_RTPRIO,
        PosixRlimitType::RlimitRttime => libc::RLIMIT_RTTIME,
    }
}

/// Changes to the working directory.
///
/// Resolved without magic links, and checked again with getcwd(2), which marks a directory outside the root: a path like
/// `/proc/self/fd/7` must never end on a directory of the host (CVE-2024-21626).
pub fn change_dir(path: &str) -> Result<()> {
    let root = resolve::open_root("/")?;
    let failed = |e: Errno| cannot_enter(path, &std::io::Error::from(e));
    let at = resolve::open(&root, path, OFlags::PATH | OFlags::DIRECTORY).map_err(failed)?;
    rustix::process::fchdir(&at).map_err(failed)?;
    let here = rustix::process::getcwd(Vec::new()).map_err(|e| step("getcwd", path, e))?;
    if here.to_bytes().starts_with(b"/") {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Denied, format!("the working directory {path} is outside the container's root")).op("chdir").subject(path))
}

/// runc's words, which Docker passes on; its exit code is that of a program that cannot be executed.
fn cannot_enter(path: &str, error: &std::io::Error) -> Error {
    let text = error.to_string();
    let why = text.split(" (os error").next().unwrap_or_default().to_lowercase();
    Error::new(ErrorKind::CommandNotExecutable, format!("chdir to cwd ({path:?}) set in config.json failed: {why}"))
        .op("chdir")
        .subject(path)
}

//! Everything on the host that Drydock could leave behind, asked of the kernel and not of Drydock's own records.
//!
//! Two snapshots are equal when nothing was left between them. So a line names a thing and says nothing that changes by itself,
//! and what is read covers more than Drydock's: every mount, link and address of the namespaces that it works in.

use crate::cgroup::Hierarchies;
use crate::error::step;
use crate::firewall;
use drydock_core::container::layout::Layout;
use drydock_core::error::{ErrorKind, Result};
use drydock_core::kernel::Facts;
use drydock_core::observe::Snapshot;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Looks at the whole host.
pub fn snapshot(facts: &Facts, hierarchies: &Hierarchies) -> Result<Snapshot> {
    let all = Running::all()?;
    let cgroups = groups(hierarchies, &Layout::of(facts).groups())?;
    let processes = ours(&all, &facts.data_root, hierarchies, &cgroups)?;
    Ok(Snapshot {
        mounts: mounts()?,
        cgroups,
        network_namespaces: processes.iter().filter_map(|p| namespace(p.pid)).collect(),
        links: links()?.into_iter().map(|(link, _)| link).collect(),
        addresses: links()?.into_iter().filter_map(|(link, address)| address.map(|a| format!("{link} {a}"))).collect(),
        rules: match firewall::lines() {
            Ok(lines) => lines.into_iter().collect(),
            // No program to make rules with, so there are none.
            Err(e) if e.kind() == ErrorKind::Unsupported => BTreeSet::new(),
            Err(e) => return Err(e),
        },
        processes: processes.iter().map(|p| p.line()).collect(),
        descriptors: descriptors()?,
        files: [&facts.data_root, &facts.run_root]
            .into_iter()
            .map(|root| files(Path::new(root)))
            .collect::<Result<Vec<_>>>()?
            .concat()
            .into_iter()
            .collect(),
    })
}

/// Mount points with their file system's type (proc_pid_mountinfo(5)).
fn mounts() -> Result<BTreeSet<String>> {
    let path = "/proc/self/mountinfo";
    let text = std::fs::read_to_string(path).map_err(|e| step("read", path, e))?;
    let line = |line: &str| {
        let (before, after) = line.split_once(" - ")?;
        Some(format!("{} {}", before.split(' ').nth(4)?, after.split(' ').next()?))
    };
    Ok(text.lines().filter_map(line).collect())
}

/// Groups below that of all containers of this data root, by their path in any hierarchy.
fn groups(hierarchies: &Hierarchies, above: &str) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for root in hierarchies.roots() {
        let mut next = vec![root.join(above)];
        while let Some(group) = next.pop() {
            for child in children(&group)?.into_iter().filter(|c| c.is_dir()) {
                found.extend(child.strip_prefix(root).ok().map(|p| p.to_string_lossy().into_owned()));
                next.push(child);
            }
        }
    }
    Ok(found)
}

/// A process and its arguments. One that has ended has none: it is its parent's to reap, and holds nothing.
struct Running {
    pid: u32,
    arguments: Vec<String>,
}

/// Kills the process of a line of a snapshot, if it still is that one.
pub fn end(seen: &str) -> Result<()> {
    let number = seen.split(' ').next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
    let Some(pid) = i32::try_from(number).ok().and_then(Pid::from_raw) else { return Ok(()) };
    let held = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(held) => held,
        Err(Errno::SRCH) => return Ok(()),
        Err(e) => return Err(step("pidfd_open", seen, e)),
    };
    // Only after the descriptor holds the number are its arguments worth comparing.
    if Running::of(number).line() != seen {
        return Ok(());
    }
    match pidfd_send_signal(&held, Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(e) => Err(step("pidfd_send_signal", seen, e)),
    }
}

impl Running {
    fn of(pid: u32) -> Self {
        let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let arguments = bytes.split(|b| *b == 0).map(|a| String::from_utf8_lossy(a).into_owned());
        Self { pid, arguments: arguments.filter(|a| !a.is_empty()).collect() }
    }

    /// Its line in a snapshot.
    fn line(&self) -> String {
        format!("{} {}", self.pid, self.arguments.join(" "))
    }

    fn all() -> Result<Vec<Self>> {
        let pid = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
        let pids = children(Path::new("/proc"))?.iter().filter_map(pid).collect::<Vec<_>>();
        let all = pids.into_iter().filter(|pid| *pid != std::process::id()).map(Self::of);
        Ok(all.filter(|p| !p.arguments.is_empty()).collect())
    }

    fn is(&self, command: &str) -> bool {
        self.arguments.get(1).is_some_and(|a| a == command)
    }

    /// The data root and the container of a supervisor.
    fn supervises(&self) -> Option<(&str, &str)> {
        let root = self.arguments.iter().skip_while(|a| *a != "--data-root").nth(1)?;
        self.is(crate::SUPERVISE).then_some((root.as_str(), self.arguments.last()?.as_str()))
    }

    /// Who published the port that this process holds.
    fn serves(&self) -> Option<u32> {
        self.is(crate::PROXY).then(|| self.arguments.get(4)?.parse().ok()).flatten()
    }
}

/// Processes in these groups, and those that serve containers of this data root: supervisors, and what these have started.
fn ours<'a>(all: &'a [Running], data_root: &str, hierarchies: &Hierarchies, groups: &BTreeSet<String>) -> Result<Vec<&'a Running>> {
    let mut pids = BTreeSet::new();
    for group in groups {
        pids.extend(hierarchies.tasks(group)?.into_iter().map(|t| t.pid));
    }
    let supervisors = all.iter().filter(|p| p.supervises().is_some_and(|(root, _)| root == data_root)).map(|p| p.pid);
    let parents: BTreeSet<u32> = supervisors.chain([std::process::id()]).collect();
    Ok(all
        .iter()
        .filter(|p| pids.contains(&p.pid) || parents.contains(&p.pid) || p.serves().is_some_and(|by| parents.contains(&by)))
        .collect())
}

/// The network namespace of a process, if it is not this one's own.
fn namespace(pid: u32) -> Option<String> {
    let of = |who: &str| std::fs::read_link(format!("/proc/{who}/ns/net")).ok();
    let (its, own) = (of(&pid.to_string())?, of("self")?);
    (its != own).then(|| its.to_string_lossy().into_owned())
}

/// Links of this network namespace, and a line more for each address (getifaddrs(3)).
fn links() -> Result<Vec<(String, Option<String>)>> {
    let all = nix::ifaddrs::getifaddrs().map_err(|e| step("getifaddrs", "host", e))?;
    Ok(all
        .map(|entry| {
            let address = entry.address.as_ref().and_then(|a| {
                let v4 = a.as_sockaddr_in().map(|a| a.ip().to_string());
                v4.or_else(|| a.as_sockaddr_in6().map(|a| a.ip().to_string()))
            });
            let prefix = entry.netmask.as_ref().and_then(|mask| {
                let v4 = mask.as_sockaddr_in().map(|m| u32::from(m.ip()).count_ones());
                v4.or_else(|| mask.as_sockaddr_in6().map(|m| u128::from(m.ip()).count_ones()))
            });
            (entry.interface_name, address.map(|a| prefix.map_or_else(|| a.clone(), |p| format!("{a}/{p}"))))
        })
        .collect())
}

/// Open descriptors of this process.
fn descriptors() -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in children(Path::new("/proc/self/fd"))? {
        let Some(number) = entry.file_name().map(|n| n.to_string_lossy().into_owned()) else { continue };
        // The descriptor that the list itself was read through is closed by now.
        if let Ok(target) = std::fs::read_link(&entry) {
            let target = target.to_string_lossy().into_owned();
            // `socket:[1234]`: the number is another one for every socket there ever was.
            let kind = target.split_once(":[").map_or(target.as_str(), |(kind, _)| kind);
            found.insert(format!("{number} {kind}"));
        }
    }
    Ok(found)
}

/// Files below a root. The drawers that things lie in are no things: they stay when they are empty.
fn files(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut next = vec![root.to_path_buf()];
    let held = crate::lock::held();
    while let Some(directory) = next.pop() {
        for path in children(&directory)? {
            if is_cache(&path, root) {
                continue;
            }
            let is_directory = path.symlink_metadata().is_ok_and(|m| m.is_dir());
            let drawer = is_directory && (directory == root || path.ends_with("blobs/sha256"));
            if directory == root && path.ends_with("cache") {
                // What can be made again from what is there is no thing either.
                continue;
            }
            if !drawer && !comes_and_goes(&path, &held) {
                found.push(path.to_string_lossy().into_owned());
            }
            if is_directory && !is_whole(&path) {
                next.push(path);
            }
        }
    }
    Ok(found)
}

/// What SQLite keeps beside its database, and locks that somebody holds: that is no state of a container. The file of a lock that
/// nobody holds was left by a process that was killed.
fn comes_and_goes(path: &Path, held: &BTreeSet<u64>) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
    let is_held = || path.symlink_metadata().map_or(true, |m| held.contains(&m.ino()));
    name.ends_with(".db-wal") || name.ends_with(".db-shm") || (path.parent().is_some_and(|p| p.ends_with("locks")) && is_held())
}

/// What was worked out once, under the digest of what it was worked out from; it is kept for the next container on purpose.
fn is_cache(path: &Path, root: &Path) -> bool {
    path == root.join("cache")
}

/// Directories that are there whole or not at all, and may hold a whole system: layers, and a container's own files.
fn is_whole(path: &Path) -> bool {
    path.parent().is_some_and(|p| p.ends_with("layers")) || path.ends_with("upper") || path.ends_with("work")
}

/// What a directory holds; nothing, if it is not there.
fn children(directory: &Path) -> Result<Vec<PathBuf>> {
    let failed = |e: io::Error| step("read", directory.display().to_string(), e);
    match std::fs::read_dir(directory) {
        Ok(entries) => entries.map(|e| e.map(|e| e.path()).map_err(failed)).collect(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(failed(e)),
    }
}

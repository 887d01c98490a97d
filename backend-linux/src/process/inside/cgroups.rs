//! The control groups as the container sees them: its own group as the root of each hierarchy.

use super::mount;
use crate::error::step;
use drydock_core::error::Result;
use drydock_core::kernel::MountFlags;
use rustix::fs::{Mode, OFlags, mkdirat, openat, symlinkat};
use std::os::fd::OwnedFd;

/// Mounts what the host has: v2's tree alone, or a tmpfs with a directory for each v1 hierarchy.
///
/// The process is in its group and in a cgroup namespace of its own, so that each mount begins at that group.
pub fn mount(at: &OwnedFd, read_only: bool) -> Result<()> {
    let flags = MountFlags { nosuid: true, nodev: true, noexec: true, relatime: true, ..MountFlags::default() };
    let hierarchies = hierarchies()?;
    if hierarchies.is_empty() {
        return mount::file_system(at, "cgroup2", "cgroup", MountFlags { read_only, ..flags }, "");
    }
    // Kept as a descriptor from before it is attached, so that what goes into it cannot end up underneath it.
    let top = mount::detached("tmpfs", &[("mode", "755")], flags)?;
    mount::attach(&top, at)?;
    for hierarchy in &hierarchies {
        let name = hierarchy.directory.as_str();
        mkdirat(&top, name, Mode::from_raw_mode(0o755)).map_err(|e| step("mkdirat", name, e))?;
        let inner =
            openat(&top, name, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(|e| step("openat", name, e))?;
        mount::file_system(&inner, "cgroup", "cgroup", MountFlags { read_only, ..flags }, &hierarchy.options)?;
        if hierarchy.group != "/" {
            only_own(&top, hierarchy)?;
        }
        for alias in &hierarchy.aliases {
            symlinkat(name, &top, alias.as_str()).map_err(|e| step("symlinkat", alias, e))?;
        }
    }
    if read_only { mount::make_read_only(&top, "cgroup") } else { Ok(()) }
}

/// Leaves of a hierarchy only the process's own group. In the host's cgroup namespace a mount shows the whole of it, and other
/// containers' limits with it.
fn only_own(top: &OwnedFd, hierarchy: &Hierarchy) -> Result<()> {
    let name = hierarchy.directory.as_str();
    let open = |path: &str| {
        openat(top, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(|e| step("openat", path, e))
    };
    let own = mount::clone_open(&open(&format!("{name}{}", hierarchy.group))?, false)?;
    let whole = open(name)?;
    rustix::process::fchdir(&whole).map_err(|e| step("fchdir", name, e))?;
    rustix::mount::unmount(".", rustix::mount::UnmountFlags::DETACH).map_err(|e| step("umount2", name, e))?;
    mount::attach(&own, &open(name)?)
}

#[derive(Debug, PartialEq, Eq)]
struct Hierarchy {
    /// `cpu,cpuacct` or `systemd`.
    directory: String,
    /// What mount(2) is told: the controllers, or the name.
    options: String,
    /// The process's own group in it, as its cgroup namespace shows it: `/` in one of its own.
    group: String,
    /// One link a controller where several are mounted together.
    aliases: Vec<String>,
}

/// The v1 hierarchies with a controller or a name, as /proc/self/cgroup lists them (cgroups(7)).
fn hierarchies() -> Result<Vec<Hierarchy>> {
    let path = "/proc/self/cgroup";
    crate::small::read_text(path).map(|text| parse(&text)).map_err(|e| step("read", path, e))
}

fn parse(text: &str) -> Vec<Hierarchy> {
    let mut all: Vec<Hierarchy> = text
        .lines()
        .filter_map(|line| line.split_once(':')?.1.split_once(':'))
        .filter(|(controllers, _)| !controllers.is_empty())
        .map(|(controllers, group)| {
            let parts: Vec<&str> = controllers.split(',').collect();
            let aliases = if parts.len() > 1 { parts.iter().map(|&p| p.to_owned()).collect() } else { Vec::new() };
            let directory = controllers.trim_start_matches("name=").to_owned();
            Hierarchy { directory, options: controllers.to_owned(), group: group.to_owned(), aliases }
        })
        .collect();
    all.sort_by(|a, b| a.directory.cmp(&b.directory));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_v1_hierarchy_gets_a_directory_and_joint_ones_get_links() {
        let found = parse("9:name=systemd:/\n4:cpu,cpuacct:/x\n3:pids:/x\n0::/\n");
        let names: Vec<_> = found.iter().map(|h| (h.directory.as_str(), h.options.as_str(), h.aliases.len())).collect();
        assert_eq!(names, [("cpu,cpuacct", "cpu,cpuacct", 2), ("pids", "pids", 0), ("systemd", "name=systemd", 0)]);
        assert!(parse("0::/drydock/x\n").is_empty());
    }
}

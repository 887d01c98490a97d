//! Steps on the host: files and control groups.

use super::errors::Named;
use crate::sys::{Errno, WaitStatus};
use crate::vfs::Ctx;
use crate::vfs::cgroupfs::CgNode;
use crate::world::World;
use drydock_core::kernel::Signal;
use drydock_core::limits::CgroupMode;
use drydock_core::{Error, ErrorKind, Result};
use oci_spec::runtime::LinuxDeviceCgroup;

impl World {
    /// mkdir -p
    pub(super) fn step_make_dir(&mut self, ctx: &Ctx, path: &str, mode: u32) -> Result<()> {
        self.make_dirs(ctx, path, mode, (0, 0)).named("mkdir", path).map(drop)
    }

    /// fsync(2) of a directory: names given and taken before are on the disk.
    pub(super) fn step_sync_dir(&mut self, ctx: &Ctx, path: &str) -> Result<()> {
        match self.walk(ctx, path, true) {
            Ok(at) => {
                if let crate::vfs::Node::Plain(ino) = at.node {
                    self.fs.sync(ino);
                }
                Ok(())
            }
            Err(Errno::ENOENT) => Ok(()),
            Err(error) => Err(error).named("fsync", path),
        }
    }

    /// Writes a whole file; the directory must be there.
    pub(super) fn step_rewrite_file(&mut self, ctx: &Ctx, path: &str, content: &[u8]) -> Result<()> {
        let at = self.walk(ctx, path, false).named("write", path)?;
        let ino = self.writable(at.node).named("write", path)?;
        self.resize(ino, 0).named("write", path)?;
        self.write_at(ino, 0, content).named("write", path)
    }

    pub(super) fn step_write_file(&mut self, ctx: &Ctx, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        // Files of proc and of control groups are written in place.
        match self.walk(ctx, path, true) {
            Ok(at) if matches!(at.node, crate::vfs::Node::Proc(..) | crate::vfs::Node::Cgroup(..)) => {
                let text = String::from_utf8_lossy(content).into_owned();
                match at.node {
                    crate::vfs::Node::Proc(sb, p) => self.proc_write(ctx, sb, p, &text),
                    crate::vfs::Node::Cgroup(_, c) => self.cgroup_write(c, &text, ctx.pid, self.ns.host.pid),
                    _ => Err(Errno::EINVAL),
                }
                .named("write", path)
            }
            _ => self.put_file(ctx, path, mode, content).named("write", path).map(drop),
        }
    }

    /// Makes a group and those above it, with every controller that there is.
    pub(super) fn step_make_cgroup(&mut self, path: &str) -> Result<()> {
        let mut at = 0;
        for name in path.split('/').filter(|p| !p.is_empty()) {
            if self.cgroups.mode == CgroupMode::V2 {
                let all: Vec<String> = self.cgroups.controllers(at).into_iter().collect();
                self.cgroups.get_mut(at).named("cgroup", path)?.subtree.extend(all);
            }
            let known = self.cgroups.get(at).named("cgroup", path)?.children.get(name).copied();
            at = match known {
                Some(id) => id,
                None => self.cgroups.make(at, name).named("mkdir", path)?,
            };
        }
        Ok(())
    }

    /// Writes a file of a group.
    pub(super) fn step_write_cgroup(&mut self, path: &str, controller: &str, file: &str, value: &str) -> Result<()> {
        let subject = format!("{path}/{file}");
        let group = self.cgroups.find(path).ok_or(Errno::ENOENT).named("open", &subject)?;
        let hierarchy = if self.cgroups.mode == CgroupMode::V2 {
            0
        } else {
            let named = |name: &&str| name.split(',').any(|c| c == controller);
            let found = crate::cgroup::V1.iter().position(named).map(|i| i + 1);
            u8::try_from(found.ok_or_else(|| Error::unsupported(format!("the control group controller {controller}")))?).unwrap_or(0)
        };
        let dir = CgNode { hierarchy, group, file: None };
        let node = self.cgroup_lookup(dir, file).named("open", &subject)?;
        self.cgroup_write(node, value, 1, self.ns.host.pid).named("write", &subject)
    }

    /// The device rules of a group.
    pub(super) fn step_device_rules(&mut self, path: &str, rules: &[LinuxDeviceCgroup]) -> Result<()> {
        let group = self.cgroups.find(path).ok_or(Errno::ENOENT).named("open", path)?;
        let group = self.cgroups.get_mut(group).named("open", path)?;
        let number = |n: Option<i64>| n.filter(|n| *n >= 0).map_or("*".to_owned(), |n| n.to_string());
        for rule in rules {
            let kind = rule.typ().map(|t| t.as_str().to_owned()).unwrap_or_else(|| "a".to_owned());
            let access = rule.access().clone().unwrap_or_else(|| "rwm".to_owned());
            let text = format!("{kind} {}:{} {access}", number(rule.major()), number(rule.minor()));
            match (rule.allow(), kind.as_str()) {
                (false, "a") => group.devices = Some(Vec::new()),
                (true, "a") => group.devices = None,
                (true, _) => group.devices.get_or_insert_default().push(text),
                (false, _) => group.devices.get_or_insert_default().retain(|r| *r != text),
            }
        }
        Ok(())
    }

    /// Kills what is in a group, and removes it with what is below it.
    pub(super) fn step_remove_cgroup(&mut self, path: &str) -> Result<()> {
        let Some(group) = self.cgroups.find(path) else { return Ok(()) };
        for pid in self.cgroups.members_below(group) {
            self.exit_process(pid, WaitStatus::Signaled(Signal::KILL));
        }
        self.remove_group(group).named("rmdir", path)
    }

    fn remove_group(&mut self, group: u32) -> Result<(), Errno> {
        let children: Vec<u32> = self.cgroups.get(group)?.children.values().copied().collect();
        children.into_iter().try_for_each(|c| self.remove_group(c))?;
        self.cgroups.remove(group)
    }

    /// Freezes or thaws a group.
    pub(super) fn step_freeze(&mut self, path: &str, frozen: bool) -> Result<()> {
        let group =
            self.cgroups.find(path).ok_or_else(|| Error::new(ErrorKind::NotFound, format!("no control group {path}")).op("freeze"))?;
        self.freeze_group(group, frozen).named("freeze", path)
    }
}

//! Which step is carried out by what.

use super::errors::Named;
use crate::vfs::{Body, Ctx, Inode};
use crate::world::{Shared, World};
use drydock_core::kernel::{Step, Where};
use drydock_core::{Error, Result};
use std::sync::Arc;

impl World {
    /// Carries out one step: `child` is the process that it is about, or in which it is carried out.
    pub(super) fn carry_out(&mut self, ctx: &Ctx, shared: &Shared, step: &Step, child: Option<u32>) -> Result<()> {
        match step {
            Step::MakeDir { path, mode } => self.step_make_dir(ctx, path, *mode),
            Step::WriteFile { path, mode, content } => self.step_write_file(ctx, path, *mode, content.as_bytes()),
            Step::RewriteFile { path, content } => self.step_rewrite_file(ctx, path, content.as_bytes()),
            Step::WriteHidden { path, mode, uid, gid, content } => {
                let at = self.put_file(ctx, path, *mode, &content.0).named("write", path)?;
                let ino = self.writable(at.node).named("chown", path)?;
                let inode = self.fs.get_mut(ino).named("chown", path)?;
                (inode.uid, inode.gid) = (*uid, *gid);
                Ok(())
            }
            Step::RemoveTree { path } => self.remove_path(ctx, path).named("remove", path),
            Step::SyncDir { path } => self.step_sync_dir(ctx, path),
            Step::UnpackLayer { archive, diff_id, into, ahead: _ } => self.step_unpack(ctx, archive, diff_id, into),
            Step::FillVolume { lower, path, into } => self.step_fill_volume(ctx, lower, path, into),
            Step::MountVolume { target, mount } => self.step_mount_volume(ctx, target, mount),
            Step::UnmountVolume { target } => self.step_unmount_volume(ctx, target),
            Step::Unmount { path } => self.step_unmount_volume(ctx, path),
            Step::MountIn { of, kind, source, target, recursive, flags, data } => {
                self.step_mount_in(ctx, of, (kind, source, data), target, *recursive, *flags)
            }
            Step::UnmountIn { of, target } => self.step_unmount_in(of, target),
            Step::EndStray { seen } => self.step_end_stray(seen),
            Step::MakeCgroup { path } => self.step_make_cgroup(path),
            Step::WriteCgroup { path, controller, file, value } => self.step_write_cgroup(path, controller, file, value),
            Step::DeviceRules { path, rules } => self.step_device_rules(path, rules),
            Step::RemoveCgroup { path } => self.step_remove_cgroup(path),
            Step::Freeze { path, frozen } => self.step_freeze(path, *frozen),
            Step::AddBridge { name, address, mac } => self.step_add_bridge(name, *address, mac.as_deref()),
            Step::AddVeth { name, bridge, peer, rename, mac, isolated } => {
                self.step_add_veth(need(child)?, name, bridge, (peer, rename), mac, *isolated)
            }
            Step::RemoveLink { name } => {
                self.step_remove_link(name);
                Ok(())
            }
            Step::LinkUp { at, name } => self.step_link_up(self.space_of(*at, child)?, name),
            Step::AddAddress { at, link, address } => self.step_add_address(self.space_of(*at, child)?, link, *address),
            Step::AddRoute { at, to, via } => self.step_add_route(self.space_of(*at, child)?, *to, *via),
            Step::NetSysctl { at, key, value } => self.step_net_sysctl(self.space_of(*at, child)?, key, value),
            Step::AddRule { owner, rule } => self.step_add_rule(owner, rule),
            Step::RemoveRules { owner } => {
                self.step_remove_rules(owner);
                Ok(())
            }
            Step::ServeNames { container, servers: _ } => {
                let ns = self.space_of(Where::Child, child)?;
                // Whoever is asked from the host is one of the world outside, which answers no questions.
                self.net.names.retain(|_, served| served != container);
                self.net.names.insert(ns, container.clone());
                Ok(())
            }
            Step::StopNames { container } => {
                self.net.names.retain(|_, served| served != container);
                Ok(())
            }
            _ => self.carry_out_inside(shared, step, need(child)?),
        }
    }

    fn carry_out_inside(&mut self, shared: &Shared, step: &Step, pid: u32) -> Result<()> {
        let now = self.timestamp();
        match step {
            Step::MakePrivate => self.step_make_private(pid),
            Step::MountOverlay { lower, upper, work, target } => self.step_overlay(pid, lower, upper, work, target),
            Step::Mount { kind, source, root, target, flags, data } => {
                self.step_mount(pid, kind, source, root.as_deref(), target, *flags, data)
            }
            Step::Bind { source, root, target, recursive, flags, propagation } => {
                self.step_bind(pid, source, root.as_deref(), target, *recursive, *flags, propagation.as_deref())
            }
            Step::BindOf { of, source, root, target } => self.step_bind_of(pid, of, source, root, target),
            Step::MountCgroups { root, target, read_only } => self.step_mount_cgroups(pid, root, target, *read_only),
            Step::MakeNode { root, path, kind, major, minor, mode, uid, gid } => {
                let body = match kind {
                    'b' => Body::Block,
                    'p' => Body::Fifo(None),
                    _ => Body::Char,
                };
                let mut inode = Inode::new(body, *mode, *uid, *gid, now);
                inode.rdev = (*major, *minor);
                self.step_node(pid, root, path, inode, "mknod")
            }
            Step::MakeSymlink { root, path, to } => {
                self.step_node(pid, root, path, Inode::new(Body::Link(to.clone()), 0o777, 0, 0, now), "symlink")
            }
            Step::MakeDirInside { root, path, mode, uid, gid } => self.step_dir_inside(pid, root, path, *mode, (*uid, *gid)),
            Step::SetTerminal { root } => self.step_terminal(pid, root),
            Step::PivotRoot { root } => self.step_pivot(pid, root),
            Step::ReadOnlyRoot => self.step_read_only_root(pid),
            Step::MaskPath { path } => self.step_mask(pid, path),
            Step::ReadOnlyPath { path } => self.step_read_only(pid, path),
            Step::SetHostname { name } => self.set_sysctl(pid, "kernel/hostname", name).named("sethostname", name),
            Step::SetDomainname { name } => self.set_sysctl(pid, "kernel/domainname", name).named("setdomainname", name),
            Step::SetSysctl { key, value } => self.set_sysctl(pid, &key.replace('.', "/"), value).named("sysctl", key),
            Step::NewSession => {
                let p = self.proc_mut(pid).named("setsid", "")?;
                if p.session != pid {
                    (p.session, p.group, p.tty) = (pid, pid, None);
                }
                Ok(())
            }
            Step::SetRlimits { limits } => self.step_rlimits(pid, limits),
            Step::SetOomScore { score } => {
                self.proc_mut(pid).named("oom_score_adj", "")?.oom_score_adj = *score;
                Ok(())
            }
            Step::OwnStreams { uid, gid } => self.step_own_streams(pid, *uid, *gid),
            Step::SetCapabilities { sets } => self.step_capabilities(pid, sets),
            Step::SetUser { uid, gid, groups, umask } => self.step_user(pid, *uid, *gid, groups, *umask),
            Step::SetNoNewPrivs => {
                let p = self.proc_mut(pid).named("prctl", "no_new_privs")?;
                let mut creds = (*p.creds).clone();
                creds.no_new_privs = true;
                p.creds = Arc::new(creds);
                Ok(())
            }
            Step::SetSeccomp { .. } => {
                // Simulated programs make no system calls by number; that a filter is there is what can be seen of it.
                self.proc_mut(pid).named("seccomp", "")?.seccomp = true;
                Ok(())
            }
            Step::ChangeDir { path } => self.step_chdir(pid, path),
            Step::Execute { args, env, init } => self.step_execute(shared, pid, args, env, *init),
            other => Err(Error::not_modelled(format!("the step {}", other.name()))),
        }
    }

    fn space_of(&self, at: Where, child: Option<u32>) -> Result<u32> {
        match at {
            Where::Host => Ok(self.net.host),
            Where::Child => Ok(self.proc(need(child)?).named("setns", "")?.ns.net),
        }
    }
}

fn need(child: Option<u32>) -> Result<u32> {
    child.ok_or_else(|| Error::invalid("a step in a process that is not there"))
}

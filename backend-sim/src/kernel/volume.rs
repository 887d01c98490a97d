//! The content of an image copied into a new volume; and mounts of containers that run.

use super::errors::Named;
use crate::sys::{Errno, FileType, Res};
use crate::vfs::{Body, Ctx, Loc};
use crate::world::World;
use drydock_core::container::volume::VolumeMount;
use drydock_core::kernel::{MountFlags, Process};
use drydock_core::{Error, Result};
use std::sync::Arc;

/// Where the layers are looked at for as long as the copying takes.
const VIEW: &str = "/run/drydock/fill";

impl World {
    /// Copies what an overlay of `lower` shows at `path` into `into`, if that is empty.
    pub(super) fn step_fill_volume(&mut self, ctx: &Ctx, lower: &[String], path: &str, into: &str) -> Result<()> {
        let filled = (|| -> Res<()> {
            let to = self.walk(ctx, into, true)?;
            if !self.entries(ctx, to.node)?.is_empty() {
                return Ok(());
            }
            let at = self.make_dirs(ctx, VIEW, 0o700, (0, 0))?;
            let (system, root) = self.overlay_of(ctx, lower, None, None)?;
            let mount = self.mount_at(at, system, root, MountFlags { read_only: true, ..MountFlags::default() }, "overlay")?;
            let top = Loc { mount, node: root };
            let inside = Ctx { root: top, cwd: top, ..ctx.clone() };
            let copied = match self.walk(&inside, path, true) {
                Ok(from) if self.kind(from.node)? == FileType::Directory => self.copy_tree(&inside, from, to),
                Ok(_) | Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(()),
                Err(error) => Err(error),
            };
            self.unmount(top, true)?;
            self.remove_path(ctx, VIEW)?;
            copied
        })();
        filled.named("fill volume", into)
    }

    /// Mounts what a volume's options say at its directory.
    pub(super) fn step_mount_volume(&mut self, ctx: &Ctx, target: &str, mount: &VolumeMount) -> Result<()> {
        let mounted = (|| -> Res<()> {
            let at = self.walk(ctx, target, true)?;
            if self.is_mount_root(at) {
                return Ok(());
            }
            if let Some(recursive) = mount.bind {
                let from = self.walk(ctx, &mount.device, true)?;
                return self.bind(from, at, recursive, mount.flags).map(drop);
            }
            let (system, root) = self.new_filesystem(ctx, &mount.kind, &mount.data)?;
            self.mount_at(at, system, root, mount.flags, &mount.device).map(drop)
        })();
        mounted.named("mount", &mount.device)
    }

    /// Takes every mount at a volume's directory away.
    pub(super) fn step_unmount_volume(&mut self, ctx: &Ctx, target: &str) -> Result<()> {
        let gone = (|| -> Res<()> {
            loop {
                match self.walk(ctx, target, true) {
                    Ok(at) if self.is_mount_root(at) => self.unmount(at, true)?,
                    Ok(_) | Err(Errno::ENOENT) => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
        })();
        gone.named("umount", target)
    }

    /// Mounts in a running process's view: what the host has at a path, or new memory.
    pub(super) fn step_mount_in(
        &mut self,
        host: &Ctx,
        of: &Process,
        (kind, source, data): (&str, &str, &str),
        target: &str,
        recursive: bool,
        flags: MountFlags,
    ) -> Result<()> {
        let pid = self.living(of)?;
        self.not_in_proc(pid, Some("/"), target)?;
        let mounted = (|| {
            let ctx = Ctx { creds: Arc::clone(&self.kernel_creds), ..self.ctx(pid)? };
            if kind == "tmpfs" {
                let data = self.tmpfs_data(&ctx, target, data)?;
                let at = self.make_target(&ctx, target, true)?;
                let (system, node) = self.new_filesystem(&ctx, kind, &data)?;
                return self.mount_at(at, system, node, flags, "tmpfs").map(drop);
            }
            let from = self.walk(host, source, true)?;
            let dir = self.kind(from.node)? == FileType::Directory;
            let at = self.make_target(&ctx, target, dir)?;
            self.bind(from, at, recursive, flags).map(drop)
        })();
        mounted.named("mount", target)
    }

    /// Takes one away again.
    pub(super) fn step_unmount_in(&mut self, of: &Process, target: &str) -> Result<()> {
        let pid = self.living(of)?;
        let gone = (|| {
            let ctx = Ctx { creds: Arc::clone(&self.kernel_creds), ..self.ctx(pid)? };
            match self.walk(&ctx, target, true) {
                Ok(at) if self.is_mount_root(at) => self.unmount(at, false),
                Ok(_) | Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(()),
                Err(error) => Err(error),
            }
        })();
        match gone {
            Err(Errno::EBUSY) => Err(Error::conflict(format!("the mount at {target} is in use in the container"))),
            other => other.named("umount", target),
        }
    }

    /// Whether a place is where something is mounted, and not the host's own root.
    fn is_mount_root(&self, at: Loc) -> bool {
        self.fs.mounts.get(&at.mount).is_some_and(|m| m.parent.is_some() && m.root == at.node)
    }

    fn copy_tree(&mut self, ctx: &Ctx, from: Loc, to: Loc) -> Res<()> {
        for entry in self.entries(ctx, from.node)? {
            let node = self.lookup(ctx, from.node, &entry.name)?;
            let mut inode = self.fs.get(self.backing(node)?)?.clone();
            let dir = matches!(inode.body, Body::Dir(_));
            if dir {
                inode.body = Body::Dir(Default::default());
            }
            (inode.nlink, inode.opens, inode.opaque) = (u32::from(dir), 0, false);
            let node = (node, self.add_node(to.node, &entry.name, inode)?);
            if dir {
                self.copy_tree(ctx, Loc { mount: from.mount, node: node.0 }, Loc { mount: to.mount, node: node.1 })?;
            }
        }
        let found = self.attributes(from.node)?;
        self.change(to, |inode, _| (inode.uid, inode.gid, inode.mode) = (found.uid, found.gid, found.mode))
    }
}

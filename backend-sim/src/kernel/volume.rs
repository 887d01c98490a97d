//! The content of an image copied into a new volume.

use super::errors::Named;
use crate::sys::{Errno, FileType, Res};
use crate::vfs::{Body, Ctx, Loc};
use crate::world::World;
use drydock_core::Result;
use drydock_core::kernel::MountFlags;

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

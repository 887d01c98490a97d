//! What is at a path of the host, and which device nodes it has.

use super::errors::Named;
use crate::sys::FileType;
use crate::vfs::Loc;
use crate::world::World;
use drydock_core::kernel::{Device, Entry, OWN_DEVICES};
use drydock_core::{Error, Result};

impl World {
    /// What is at a path of the host.
    pub(super) fn entry(&mut self, path: &str) -> Result<Entry> {
        let ctx = self.kernel_ctx();
        let at = self.walk(&ctx, path, false).named("stat", path)?;
        Ok(match self.kind(at.node).named("stat", path)? {
            FileType::Regular => Entry::File,
            FileType::Directory => {
                let opaque = self.backing(at.node).and_then(|ino| self.fs.get(ino).map(|i| i.opaque)).unwrap_or(false);
                Entry::Directory { opaque }
            }
            FileType::Symlink => Entry::Link(self.link_target(&ctx, at.node).named("readlink", path)?),
            FileType::Char if self.attributes(at.node).is_ok_and(|s| s.rdev == (0, 0)) => Entry::Whiteout,
            _ => Entry::Other,
        })
    }

    /// The nodes at a path of the host, or below it.
    pub(super) fn devices(&mut self, path: &str) -> Result<Vec<Device>> {
        let ctx = self.kernel_ctx();
        let at = self.walk(&ctx, path, true).named("stat", path)?;
        if self.kind(at.node).named("stat", path)? != FileType::Directory {
            return match self.device_at(at, path) {
                Some(device) => Ok(vec![device]),
                None => Err(Error::invalid("not a device node").op("stat").subject(path)),
            };
        }
        let mut all = Vec::new();
        self.devices_below(at, path, &mut all);
        Ok(all)
    }

    fn devices_below(&mut self, dir: Loc, path: &str, all: &mut Vec<Device>) {
        let ctx = self.kernel_ctx();
        for entry in self.entries(&ctx, dir.node).unwrap_or_default() {
            let name = entry.name;
            if OWN_DEVICES.contains(&name.as_str()) {
                continue;
            }
            let path = format!("{}/{name}", path.trim_end_matches('/'));
            let Ok(at) = self.walk(&ctx, &path, false) else { continue };
            if self.kind(at.node) == Ok(FileType::Directory) {
                self.devices_below(at, &path, all);
            } else {
                all.extend(self.device_at(at, &path));
            }
        }
    }

    fn device_at(&mut self, at: Loc, path: &str) -> Option<Device> {
        let kind = match self.kind(at.node) {
            Ok(FileType::Char) => 'c',
            Ok(FileType::Block) => 'b',
            _ => return None,
        };
        let found = self.attributes(at.node).ok()?;
        let (major, minor) = found.rdev;
        Some(Device { path: path.to_owned(), kind, major, minor, mode: found.mode & 0o7777, uid: found.uid, gid: found.gid })
    }
}

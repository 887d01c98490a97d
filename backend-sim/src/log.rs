//! A container's log on the simulated disk: entries into a file, and full files out of its way.

use crate::sys::Errno;
use crate::vfs::Node;
use crate::world::World;
use drydock_core::container::layout::Layout;
use drydock_core::container::log::{Move, Part, Rotor, moves};
use drydock_core::id::ContainerId;
use std::io::Write as _;

fn path(id: &ContainerId) -> String {
    Layout::new(crate::kernel::DATA_ROOT, crate::kernel::RUN_ROOT).log(id)
}

impl World {
    /// How many bytes a container's log has that is being written.
    pub(crate) fn log_size(&mut self, id: &ContainerId) -> u64 {
        let ctx = self.kernel_ctx();
        let found = self.walk(&ctx, &path(id), true).and_then(|at| self.attributes(at.node));
        found.map_or(0, |stat| stat.size)
    }

    /// Adds entries to a container's log; without a rotor nothing is kept. A full disk loses log entries and nothing else.
    pub(crate) fn append_log(&mut self, id: &ContainerId, rotor: Option<&mut Rotor>, entries: &[u8]) {
        let Some(rotor) = rotor.filter(|_| !entries.is_empty()) else { return };
        let (ctx, path) = (self.kernel_ctx(), path(id));
        for part in rotor.feed(entries) {
            match part {
                Part::Write(bytes) => drop(self.append_file(&ctx, &path, 0o640, bytes)),
                Part::Rotate => {
                    for step in moves(&path, &rotor.bounds()) {
                        // What is not there is no error.
                        let _ = self.move_log(&step);
                    }
                    let _ = self.put_file(&ctx, &path, 0o640, b"");
                }
            }
        }
    }

    fn move_log(&mut self, step: &Move) -> Result<(), Errno> {
        let ctx = self.kernel_ctx();
        match step {
            Move::Remove(path) => self.remove_path(&ctx, path),
            Move::Rename(from, to) => {
                self.walk(&ctx, from, false)?;
                let (old, old_name) = self.walk_parent(&ctx, from)?;
                let (new, new_name) = self.walk_parent(&ctx, to)?;
                self.rename_node(&ctx, (old, &old_name), (new, &new_name))
            }
            Move::Compress(from, to) => {
                let at = self.walk(&ctx, from, false)?;
                let Node::Plain(_) = at.node else { return Err(Errno::EINVAL) };
                let content = self.file_content(&ctx, at)?;
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                let packed = encoder.write_all(&content).and_then(|()| encoder.finish()).map_err(|_| Errno::EIO)?;
                self.put_file(&ctx, to, 0o640, &packed)?;
                self.remove_path(&ctx, from)
            }
        }
    }
}

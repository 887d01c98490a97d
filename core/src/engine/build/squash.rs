//! `--squash`: the layers that a build has made become one, which has what they come to and nothing that they only had in between.

use super::Build;
use super::stage::{Layer, Made, MadeBy};
use crate::build::key::Key;
use crate::build::place::{How, Layer as Placed, Packed};
use crate::build::walk::join;
use crate::error::Result;
use crate::kernel::{OpenTree, Tree};
use std::collections::BTreeSet;

impl Build<'_> {
    /// Merges the layers above those of the base image.
    pub(super) fn squash(&self, made: &mut Made) -> Result<()> {
        let above = made.layers.split_off(made.base_layers.min(made.layers.len()));
        if above.is_empty() {
            return Ok(());
        }
        let below = made.layers.clone();
        let key = Key::new("squash")
            .text("below", made.chain())
            .list("layers", above.iter().map(|l| l.diff_id.as_str()))
            .text("epoch", &format!("{:?}", self.epoch))
            .finish();
        let whole: Vec<Layer> = below.iter().chain(&above).cloned().collect();
        let (mut tree, mut base) = (self.tree(&whole)?, self.tree(&below)?);
        let mut nothing = self.tree(&[])?;
        let mut layer = Placed::over(&mut *nothing, How { epoch: self.epoch, ..How::default() });
        for path in self.touched(&above, &mut *base)? {
            match tree.look(&path)? {
                Some(found) => layer.keep(0, &path, &found),
                // Of what is gone only the top is named.
                None => {
                    let parent = path.iter().rposition(|b| *b == b'/').map_or(&[] as &[u8], |at| &path[..at]);
                    let held = parent.is_empty() || tree.look(parent)?.is_some_and(|f| f.is_dir());
                    if held && base.look(&path)?.is_some() {
                        layer.removed(&path);
                    }
                }
            }
        }
        let entries = layer.finish();
        for done in &mut made.state.history {
            done.empty = true;
        }
        made.times.clear();
        let by = format!("merge {} layers", above.len());
        self.layer(made, &mut Packed::new(entries, vec![tree]), &key, &by)?;
        // Nobody else's step comes to this.
        if let Some(MadeBy { key: source, .. }) = made.layers.last_mut().and_then(|l| l.source.as_mut()) {
            *source = key;
        }
        Ok(())
    }

    /// Every path that one of the layers has something at, parents first, and in directories that hide what is below them all that
    /// the base has there.
    fn touched(&self, layers: &[Layer], base: &mut dyn OpenTree) -> Result<BTreeSet<Vec<u8>>> {
        let mut all = BTreeSet::new();
        for layer in layers {
            let mut tree = self.engine.kernel().tree(&Tree::Directory { path: self.engine.layout().layer(&layer.chain) })?;
            let mut waiting = vec![Vec::new()];
            while let Some(directory) = waiting.pop() {
                for found in tree.list(&directory)? {
                    let path = join(&directory, &found.name);
                    if found.is_dir() {
                        waiting.push(path.clone());
                        if found.opaque {
                            all.extend(base.list(&path).unwrap_or_default().into_iter().map(|f| join(&path, &f.name)));
                        }
                    }
                    all.insert(path);
                }
            }
        }
        Ok(all)
    }
}

//! Plans for layers and writable roots.

use super::{Plan, Planned, Planner};
use crate::container::layout::Layout;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Images;
use crate::id::{ChainId, ContainerId, Digest};
use crate::image::LayerSource;
use crate::image::changeset::{self, Packer, PathChange, Walk};
use crate::kernel::{Binding, Guard, OpenTree, Step, Tree};
use std::time::Duration;

/// How long to wait for another engine that unpacks the same layer.
const PATIENCE: Duration = Duration::from_secs(600);

/// The chain id of a layer on its parents: its own digest, or that of `PARENT SPACE DIGEST` (OCI image-spec config.md, "Layer ChainID").
pub fn chain_id(parent: Option<&ChainId>, diff_id: &Digest) -> ChainId {
    match parent {
        None => ChainId::new(diff_id.as_str()),
        Some(parent) => ChainId::new(Digest::of(format!("{parent} {diff_id}").as_bytes()).as_str()),
    }
}

pub(super) fn apply(layout: &Layout, layer: &LayerSource, chain: &ChainId) -> Plan {
    let into = layout.layer(chain);
    let mut plan = Plan::new("images.apply", chain.as_str());
    plan.push(
        Planned::new(
            Step::UnpackLayer {
                archive: layer.archive.clone(),
                diff_id: layer.diff_id.as_str().to_owned(),
                into: into.clone(),
                ahead: layer.ahead.clone(),
            },
            "A layer is unpacked once, whole or not at all, and shared by every container above it.",
            "image-spec layer.md \"Applying Changesets\"",
        )
        .undone_by(Step::RemoveTree { path: into }),
    );
    plan
}

pub(super) fn stack(layout: &Layout, id: &ContainerId, layers: &[ChainId]) -> Plan {
    let all = Step::RemoveTree { path: layout.container(id) };
    let mut plan = Plan::new("images.stack", id.as_str());
    let dir = |path: String, mode: u32, why: &str| {
        Planned::new(Step::MakeDir { path, mode }, why, "kernel Documentation/filesystems/overlayfs.rst")
    };
    plan.push(dir(layout.container(id), 0o700, "Everything durable of the container lies below one directory of its own.").undone_by(all));
    plan.push(dir(
        layout.upper(id),
        0o755,
        "What the container writes goes here: overlayfs's upper directory, and so the root's own mode.",
    ));
    plan.push(dir(layout.work(id), 0o700, "overlayfs prepares files here before they appear in the upper directory."));
    plan.push(dir(layout.merged(id), 0o700, "The root is mounted here, in the container's own mount namespace only."));
    plan.push(Planned::new(
        Step::WriteFile { path: format!("{}/.dockerenv", layout.upper(id)), mode: 0o755, content: String::new() },
        "Many a program looks for this empty file to know that it runs in a container.",
        "moby daemon/initlayer",
    ));
    let content = layers.iter().fold(String::new(), |text, layer| text + layer.as_str() + "\n");
    plan.push(Planned::new(
        Step::WriteFile { path: layout.lower(id), mode: 0o600, content },
        "Which layers lie below, lowest first.",
        "image-spec config.md \"rootfs\"",
    ));
    plan
}

/// A writable directory, and what lies below it from top to bottom.
type Layers = (Box<dyn OpenTree>, Vec<Box<dyn OpenTree>>);

impl Planner {
    fn open_layers(&self, id: &ContainerId, layers: &[ChainId]) -> Result<Layers> {
        let layout = self.layout();
        let open = |path: String| self.kernel.tree(&Tree::Directory { path });
        let lower = layers.iter().rev().map(|layer| open(layout.layer(layer))).collect::<Result<_>>()?;
        Ok((open(layout.upper(id))?, lower))
    }

    /// Waits for the lock of a layer: two engines must not unpack one at the same time.
    fn lock_layer(&self, chain: &ChainId) -> Result<Box<dyn Guard>> {
        let name = format!("layer-{}", chain.as_str().replace(':', "-"));
        let since = self.clock.moment();
        loop {
            if let Some(guard) = self.kernel.lock(&name)? {
                return Ok(guard);
            }
            if self.clock.moment().since(since) > PATIENCE {
                return Err(Error::new(ErrorKind::TimedOut, format!("layer {} is still being unpacked by another engine", chain.short())));
            }
            self.clock.sleep(Duration::from_millis(5));
        }
    }
}

impl Images for Planner {
    fn apply(&self, layer: &LayerSource) -> Result<ChainId> {
        let chain = chain_id(layer.parent.as_ref(), &layer.diff_id);
        let _guard = self.lock_layer(&chain)?;
        match self.kernel.size(&self.layout().layer(&chain)) {
            Ok(_) => return Ok(chain),
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        self.carry_out(&apply(&self.layout(), layer, &chain), None)?;
        Ok(chain)
    }

    fn stack(&self, id: &ContainerId, layers: &[ChainId]) -> Result<()> {
        self.carry_out_named(&stack(&self.layout(), id, layers))
    }

    fn changes(&self, id: &ContainerId, layers: &[ChainId]) -> Result<Vec<PathChange>> {
        let (mut upper, mut lower) = self.open_layers(id, layers)?;
        changeset::changes(&mut *upper, &mut lower)
    }

    fn produce(&self, id: &ContainerId, layers: &[ChainId], epoch: Option<i64>) -> Result<Packer> {
        let (upper, lower) = self.open_layers(id, layers)?;
        Ok(Packer::new(Walk::layer(upper, lower, epoch)?))
    }

    fn open(&self, id: &ContainerId, layers: &[ChainId], binds: &[Binding], write: bool) -> Result<Box<dyn OpenTree>> {
        let layout = self.layout();
        let mut lower: Vec<String> = layers.iter().rev().map(|layer| layout.layer(layer)).collect();
        let upper = layout.upper(id);
        if lower.is_empty() && binds.is_empty() {
            return self.kernel.tree(&Tree::Directory { path: upper });
        }
        let upper = if write && !lower.is_empty() {
            Some((upper, layout.work(id)))
        } else {
            // overlayfs reads the marks of a writable directory in a lower place too.
            lower.insert(0, upper);
            None
        };
        self.kernel.tree(&Tree::Stack { lower, upper, binds: binds.to_vec() })
    }

    fn unstack(&self, id: &ContainerId) -> Result<()> {
        self.kernel.perform(&Step::RemoveTree { path: self.layout().container(id) }, None)
    }

    fn remove(&self, layer: &ChainId) -> Result<()> {
        let _guard = self.lock_layer(layer)?;
        self.kernel.perform(&Step::RemoveTree { path: self.layout().layer(layer) }, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_ids_are_the_specifications() {
        let first = Digest::of(b"a");
        let second = Digest::of(b"b");
        let one = chain_id(None, &first);
        assert_eq!(one.as_str(), first.as_str());
        let two = chain_id(Some(&one), &second);
        assert_eq!(two.as_str(), Digest::of(format!("{first} {second}").as_bytes()).as_str());
    }
}

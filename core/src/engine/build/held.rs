//! What a build has on the host besides layers: archives that are read again, directories that are mounted, secrets. All of it goes
//! with the build, or, if the build is killed, when an engine is opened next.

use super::super::LocalEngine;
use super::super::import::Intake;
use super::super::view::RemoveOptions;
use crate::build::context::Bytes;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ContainerId, ImageId};
use crate::image::ImageRecord;
use crate::kernel::{Kernel, Step};
use crate::store::{Change, StoreExt as _, Table, put};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What is kept in memory at most.
const IN_MEMORY: u64 = 64 << 20;
/// The largest archive.
const LARGEST: u64 = 64 << 30;

/// A blob as bytes that can be read again.
struct Blob {
    kernel: Arc<dyn Kernel>,
    path: String,
}

impl Bytes for Blob {
    fn read_at(&self, offset: u64, limit: usize) -> Result<Vec<u8>> {
        self.kernel.read(&self.path, offset, limit)
    }
}

/// A blob of the store, to be read more than once.
pub(super) fn stored(engine: &LocalEngine, path: String) -> Arc<dyn Bytes> {
    Arc::new(Blob { kernel: Arc::clone(&engine.host.kernel), path })
}

/// What one build holds.
pub(super) struct Held<'a> {
    engine: &'a LocalEngine,
    intake: &'a Intake<'a>,
    operation: String,
    count: AtomicU32,
}

impl<'a> Held<'a> {
    pub(super) fn begin(engine: &'a LocalEngine, intake: &'a Intake<'a>) -> Result<Self> {
        Ok(Self { engine, intake, operation: intake.operation().to_owned(), count: AtomicU32::new(0) })
    }

    /// Keeps a stream: in memory, or as a blob of this build.
    pub(super) fn keep(&self, stream: &mut dyn Read) -> Result<(Arc<dyn Bytes>, u64)> {
        let mut start = Vec::new();
        stream
            .take(IN_MEMORY)
            .read_to_end(&mut start)
            .map_err(|e| crate::image::changeset::uncarried(e, "the build context cannot be read"))?;
        if (start.len() as u64) < IN_MEMORY {
            let size = start.len() as u64;
            return Ok((Arc::new(start), size));
        }
        let taken = self.intake.blob(&mut start.as_slice().chain(stream), LARGEST, &mut |_| Ok(()))?;
        Ok((stored(self.engine, self.engine.layout().blob(&taken.digest)), taken.size))
    }

    fn mark(&self, kind: &str, name: &str) -> Result<()> {
        let key = format!("building/{}/{kind}/{name}", self.operation);
        self.engine.store().commit(&[Change::Put(Table::Meta, key, Vec::new())])
    }

    /// A directory of this build below the data root; nothing is there yet.
    pub(super) fn tree(&self) -> Result<String> {
        let name = format!("{}-{}", self.operation, self.count.fetch_add(1, Ordering::Relaxed));
        self.mark("tree", &name)?;
        Ok(tree_path(self.engine, &name))
    }

    /// A directory of this build in memory, where the run root is: for secrets.
    pub(super) fn secrets(&self) -> Result<String> {
        self.mark("secrets", &self.operation)?;
        Ok(secrets_path(self.engine, &self.operation))
    }

    /// Notes that a container is this build's.
    pub(super) fn container(&self, id: &ContainerId) -> Result<()> {
        self.mark("container", id.as_str())
    }

    /// Enters an image that exists for one container only, and goes with it. Nobody sees it.
    pub(super) fn image(&self, image: &ImageRecord) -> Result<()> {
        self.mark("image", image.id.as_str())?;
        let _guard = self.engine.lock(super::super::images::LOCK)?;
        loop {
            let mut batch = vec![
                Change::Expect(Table::Images, image.id.to_string(), None),
                put(Table::Images, image.id.as_str(), &ImageRecord { hidden: true, ..image.clone() })?,
            ];
            let layers = image
                .layers
                .iter()
                .map(|chain| {
                    let gone = || Error::new(ErrorKind::Stale, format!("layer {chain} was removed meanwhile; try again"));
                    self.engine.store().load(Table::Layers, chain.as_str())?.ok_or_else(gone)
                })
                .collect::<Result<Vec<_>>>()?;
            self.engine.count_layers(&layers, &mut batch)?;
            if self.engine.commit(&batch)? {
                return Ok(());
            }
        }
    }

    /// Everything goes.
    pub(super) fn end(&self) -> Result<()> {
        if self.engine.store().scan(Table::Meta, &format!("building/{}/", self.operation), "", 1)?.is_empty() {
            return Ok(());
        }
        self.engine.end_build(&self.operation)
    }
}

fn tree_path(engine: &LocalEngine, name: &str) -> String {
    format!("{}/build-trees/{name}", engine.layout().data_root())
}

fn secrets_path(engine: &LocalEngine, operation: &str) -> String {
    format!("{}/build/{operation}", engine.layout().run_root())
}

impl LocalEngine {
    /// Removes what a build left: containers first, since they use the rest.
    fn end_build(&self, operation: &str) -> Result<()> {
        let prefix = format!("building/{operation}/");
        for (key, _) in self.store().scan(Table::Meta, &prefix, "", usize::MAX)? {
            let Some((kind, name)) = key.strip_prefix(&prefix).and_then(|rest| rest.split_once('/')) else { continue };
            match kind {
                "container" => match self.remove_container(name, RemoveOptions { force: true, volumes: true }) {
                    // It was about to be made: nobody else knows its id, and its lock is all there is.
                    Err(e) if e.kind() == ErrorKind::NotFound => {
                        let path = self.layout().lock(&format!("container-{name}"));
                        self.kernel().perform(&Step::RemoveTree { path }, None)?;
                    }
                    other => other?,
                },
                "image" => self.drop_unused(&ImageId::new(name))?,
                "tree" => self.kernel().perform(&Step::RemoveTree { path: tree_path(self, name) }, None)?,
                _ => self.kernel().perform(&Step::RemoveTree { path: secrets_path(self, name) }, None)?,
            }
            self.store().commit(&[Change::Delete(Table::Meta, key)])?;
        }
        Ok(())
    }

    /// Removes what builds left whose process is dead.
    pub(in super::super) fn recover_builds(&self) -> Result<()> {
        let mut after = String::new();
        loop {
            let Some((key, _)) = self.store().scan(Table::Meta, "building/", &after, 1)?.into_iter().next() else { return Ok(()) };
            let operation = key.split('/').nth(1).unwrap_or_default().to_owned();
            let guard = self.kernel().lock(&format!("intake-{operation}"))?;
            if guard.is_some() {
                self.end_build(&operation)?;
            }
            // Past every key of this one.
            after = format!("building/{operation}0");
        }
    }
}

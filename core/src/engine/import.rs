//! `import`: one archive of files becomes an image with one layer. And what every way in shares: blobs and layers taken in so that
//! a crash at any moment leaves nothing that is not either used or marked as pending.

use super::{ImportRequest, LocalEngine};
use crate::error::{Error, Result};
use crate::id::{ChainId, Digest, ImageId};
use crate::image::reference::Reference;
use crate::image::{Blob, ImageDefaults, ImageRecord, LayerRecord, LayerSource, changes, config, tar};
use crate::kernel::{Compression, Guard, Ingested, Step};
use crate::registry::platform::Platform;
use crate::registry::url::Url;
use crate::store::{Change, StoreExt as _, Table};
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// The media type of a manifest (image-spec media-types.md).
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// That of a configuration.
pub(super) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// That of a layer, before the suffix of its compression.
pub(super) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// The largest layer taken in, in bytes as it comes.
const LARGEST_LAYER: u64 = 64 << 30;
/// Marks of this kind name directories where a layer is unpacked while it comes.
const AHEAD: &str = "ahead";

/// The manifest that is written for an image which has none: its configuration and its layers, lowest first.
pub(super) fn written(config: &Blob, layers: &[Blob], media: &[Compression]) -> String {
    let layer = |(blob, compression): (&Blob, &Compression)| serde_json::json!({"mediaType": format!("{LAYER}{}", compression.suffix()), "digest": blob.digest, "size": blob.size});
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": config.digest, "size": config.size},
        "layers": layers.iter().zip(media).map(layer).collect::<Vec<_>>(),
    });
    manifest.to_string()
}

/// Marks of what an operation has taken in and no record names yet. They go in the batch that enters the image. Several threads may
/// take in at once.
pub(crate) struct Intake<'a> {
    engine: &'a LocalEngine,
    operation: String,
    marks: Mutex<BTreeSet<String>>,
    /// How many archives the host wanted to unpack while they came.
    count: AtomicU32,
    _guard: Mutex<Box<dyn Guard>>,
}

impl<'a> Intake<'a> {
    /// Begins; the operation's lock tells everybody that its owner lives.
    pub(crate) fn begin(engine: &'a LocalEngine) -> Result<Self> {
        let operation = engine.new_id().get(..16).unwrap_or("intake").to_owned();
        let guard = engine.lock(&format!("intake-{operation}"))?;
        Ok(Self { engine, operation, marks: Mutex::default(), count: AtomicU32::new(0), _guard: Mutex::new(guard) })
    }

    /// Its name: locks and marks have it.
    pub(super) fn operation(&self) -> &str {
        &self.operation
    }

    /// Takes in a blob; `check` may refuse it before it is kept.
    pub(crate) fn blob(&self, reader: &mut dyn Read, limit: u64, check: &mut dyn FnMut(&Ingested) -> Result<()>) -> Result<Ingested> {
        self.take_in(reader, limit, &mut || Ok(None), check)
    }

    /// Takes in a blob that may be a layer: the host may unpack it while it comes, for [`Intake::layer`] to find. What nobody asks for
    /// goes in the end.
    pub(crate) fn archive(&self, reader: &mut dyn Read, limit: u64, check: &mut dyn FnMut(&Ingested) -> Result<()>) -> Result<Ingested> {
        let mut ahead = || {
            let name = format!("{}-{}", self.operation, self.count.fetch_add(1, Ordering::Relaxed));
            // Before it is made, so that it is found whatever happens.
            self.mark(AHEAD, &name)?;
            Ok(Some(self.engine.layout().ahead(&name)))
        };
        self.take_in(reader, limit, &mut ahead, check)
    }

    fn take_in(
        &self,
        reader: &mut dyn Read,
        limit: u64,
        ahead: &mut dyn FnMut() -> Result<Option<String>>,
        check: &mut dyn FnMut(&Ingested) -> Result<()>,
    ) -> Result<Ingested> {
        self.engine.kernel().ingest(reader, limit, ahead, &mut |taken| {
            check(taken)?;
            // Under the lock, so that nobody who is removing this very blob has looked for marks before and removes after.
            let _guard = self.engine.lock(super::images::LOCK)?;
            self.mark("blob", taken.digest.hex())
        })
    }

    /// Keeps a blob that is there already from going while this operation lasts. `None` if there is none.
    pub(crate) fn hold(&self, digest: &Digest) -> Result<Option<Blob>> {
        let _guard = self.engine.lock(super::images::LOCK)?;
        let size = match self.engine.kernel().size(&self.engine.layout().blob(digest)) {
            Ok(size) => size,
            Err(e) if e.kind() == crate::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        self.mark("blob", digest.hex())?;
        Ok(Some(Blob { digest: digest.clone(), size }))
    }

    /// Marks a thing as this operation's. For what others use too, the caller holds the lock of images.
    pub(super) fn mark(&self, kind: &str, name: &str) -> Result<()> {
        let key = format!("pending/{kind}/{name}/{}", self.operation);
        self.engine.store().commit(&[Change::Put(Table::Meta, key.clone(), Vec::new())])?;
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        Ok(())
    }

    fn has_marked(&self, kind: &str, name: &str) -> bool {
        let key = format!("pending/{kind}/{name}/{}", self.operation);
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).contains(&key)
    }

    /// A blob of bytes that are at hand.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<Blob> {
        let taken = self.blob(&mut &bytes[..], bytes.len() as u64, &mut |_| Ok(()))?;
        Ok(Blob { digest: taken.digest, size: taken.size })
    }

    /// Unpacks a blob as a layer on top of its parents.
    pub(crate) fn layer(&self, taken: &Ingested, parent: Option<&ChainId>, chain: &ChainId) -> Result<LayerRecord> {
        let (blob, diff_id) = (Blob { digest: taken.digest.clone(), size: taken.size }, &taken.diff_id);
        let engine = self.engine;
        if let Some(known) = engine.store().load::<LayerRecord>(Table::Layers, chain.as_str())? {
            // The image's own blob may be the same layer in another compression.
            return Ok(LayerRecord { blob, ..known });
        }
        {
            let _guard = engine.lock(super::images::LOCK)?;
            self.mark("layer", chain.as_str())?;
        }
        let archive = engine.layout().blob(&blob.digest);
        let source = LayerSource { archive, diff_id: diff_id.clone(), parent: parent.cloned(), ahead: taken.ahead.clone() };
        let made = engine.host.images.apply(&source)?;
        if made != *chain {
            return Err(Error::invalid(format!("layer {diff_id} was unpacked as {made}, not {chain}")));
        }
        Ok(LayerRecord { chain: chain.clone(), diff_id: diff_id.clone(), blob, size: taken.content, uses: 0 })
    }

    /// Enters an image from its configuration blob and its layers. Its manifest is written on the way.
    pub(crate) fn enter(
        &self,
        config: &Blob,
        mut image: ImageRecord,
        layers: &[LayerRecord],
        media: &[Compression],
        tag: Option<&Reference>,
        action: &str,
    ) -> Result<ImageId> {
        let blobs: Vec<Blob> = layers.iter().map(|l| l.blob.clone()).collect();
        image.manifest = Some(self.bytes(written(config, &blobs, media).as_bytes())?);
        self.enter_as(image, blobs, layers, tag, action)
    }

    /// Enters an image whose manifest is taken in already and names these blobs as its layers.
    pub(crate) fn enter_as(
        &self,
        mut image: ImageRecord,
        blobs: Vec<Blob>,
        layers: &[LayerRecord],
        tag: Option<&Reference>,
        action: &str,
    ) -> Result<ImageId> {
        image.blobs = blobs;
        image.layers = layers.iter().map(|l| l.chain.clone()).collect();
        image.size = layers.iter().map(|l| l.size).sum();
        let _guard = self.engine.lock(super::images::LOCK)?;
        // Between unpacking and here another process may have removed a layer it alone used; then unpack again.
        for layer in layers {
            let recorded = self.engine.store().get(Table::Layers, layer.chain.as_str())?.is_some();
            if !recorded && !self.has_marked("layer", layer.chain.as_str()) {
                return Err(Error::new(crate::ErrorKind::Stale, format!("layer {} was removed meanwhile; try again", layer.chain)));
            }
        }
        if let Some(known) = self.engine.image_record(&image.id)?.filter(|known| known.manifest != image.manifest) {
            // One of the two manifests goes; which, the sweep sees.
            known.manifest.iter().chain(&known.blobs).try_for_each(|blob| self.mark("blob", blob.digest.hex()))?;
        }
        self.engine.enter_image(&image, tag, layers, action, &[])?;
        Ok(image.id)
    }

    /// Ends: what was taken in and is used by nothing goes, and so do the marks. After an error in the operation too.
    pub(crate) fn end(self) -> Result<()> {
        self.engine.sweep(&self.marks.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl LocalEngine {
    /// Removes what marks name and nothing uses, then the marks.
    pub(super) fn sweep(&self, marks: &BTreeSet<String>) -> Result<()> {
        if marks.is_empty() {
            return Ok(());
        }
        let _guard = self.lock(super::images::LOCK)?;
        let mut used: Option<BTreeSet<String>> = None;
        let mut removed = BTreeSet::new();
        for key in marks {
            let Some((kind, rest)) = key.strip_prefix("pending/").and_then(|k| k.split_once('/')) else { continue };
            let Some((name, _)) = rest.rsplit_once('/') else { continue };
            let others = self.store().scan(Table::Meta, &format!("pending/{kind}/{name}/"), "", usize::MAX)?;
            if others.iter().any(|(other, _)| !marks.contains(other)) {
                continue;
            }
            match kind {
                AHEAD => {
                    // Not there any more if it became a layer.
                    self.kernel().perform(&Step::RemoveTree { path: self.layout().ahead(name) }, None)?;
                    removed.insert("layers");
                }
                "layer" if self.store().get(Table::Layers, name)?.is_none() => {
                    self.host.images.remove(&ChainId::new(name))?;
                    removed.insert("layers");
                }
                "blob" => {
                    let used = match &used {
                        Some(used) => used,
                        None => used.insert(self.used_blobs()?),
                    };
                    if !used.contains(name) {
                        let path = self.layout().blob(&Digest::parse(&format!("sha256:{name}"))?);
                        self.kernel().perform(&Step::RemoveTree { path }, None)?;
                        removed.insert("blobs/sha256");
                    }
                }
                _ => {}
            }
        }
        // The marks are what finds these again: they go only once a power cut cannot bring back what they name.
        for directory in removed {
            let path = format!("{}/{directory}", self.layout().data_root());
            self.kernel().perform(&Step::SyncDir { path }, None)?;
        }
        let ends: Vec<Change> = marks.iter().map(|key| Change::Delete(Table::Meta, key.clone())).collect();
        self.store().commit(&ends)
    }

    /// Removes what a dead operation took in.
    pub(super) fn recover_blobs(&self) -> Result<()> {
        let mut dead = BTreeSet::new();
        let mut judged: Vec<(String, bool)> = Vec::new();
        for (key, _) in self.store().scan(Table::Meta, "pending/", "", usize::MAX)? {
            let operation = key.rsplit('/').next().unwrap_or_default().to_owned();
            let is_dead = match judged.iter().find(|(known, _)| *known == operation) {
                Some((_, verdict)) => *verdict,
                None => {
                    let verdict = self.kernel().lock(&format!("intake-{operation}"))?.is_some();
                    judged.push((operation, verdict));
                    verdict
                }
            };
            if is_dead {
                dead.insert(key);
            }
        }
        self.sweep(&dead)
    }

    /// The names of all blobs that a record names: configurations, manifests, layers.
    fn used_blobs(&self) -> Result<BTreeSet<String>> {
        let mut used = BTreeSet::new();
        for (_, image) in self.store().load_all::<ImageRecord>(Table::Images)? {
            used.insert(image.id.as_str().trim_start_matches("sha256:").to_owned());
            used.extend(image.manifest.map(|m| m.digest.hex().to_owned()));
            used.extend(image.blobs.into_iter().map(|b| b.digest.hex().to_owned()));
        }
        for (_, layer) in self.store().load_all::<LayerRecord>(Table::Layers)? {
            used.insert(layer.blob.digest.hex().to_owned());
        }
        Ok(used)
    }

    /// Makes an image of one layer.
    pub(super) fn import_image(&self, archive: &mut dyn Read, request: &ImportRequest) -> Result<ImageId> {
        let tag = if request.reference.is_empty() { None } else { Some(Reference::parse(&request.reference)?) };
        if tag.as_ref().is_some_and(|t| t.digest.is_some()) {
            return Err(Error::invalid("cannot import digest reference"));
        }
        let own = &self.kernel().facts().architecture;
        let platform = match &request.platform {
            None => Platform::of(own),
            Some(text) if text.split('/').count() > 3 => {
                return Err(Error::invalid(format!("\"{}\": cannot parse platform specifier: invalid argument", text.escape_debug())));
            }
            Some(text) => Platform::parse(text, own)?,
        };
        if platform.os != "linux" {
            return Err(Error::invalid("operating system is not supported"));
        }
        let mut defaults = ImageDefaults::default();
        request.changes.iter().try_for_each(|line| changes::apply(&mut defaults, line))?;
        let source = if request.address.is_empty() { "-" } else { &request.address };
        let comment = if request.message.is_empty() { format!("Imported from {source}") } else { request.message.clone() };
        let mut fetched = if request.address.is_empty() { None } else { Some(self.fetch(&request.address)?) };
        let archive: &mut dyn Read = match &mut fetched {
            Some(body) => body,
            None => archive,
        };
        let archive = &mut *crate::image::without_older(archive)?;
        let intake = Intake::begin(self)?;
        let made = self.import_into(&intake, archive, tag.as_ref(), &defaults, &platform, &comment);
        intake.end()?;
        made
    }

    /// What is at an address, in Docker's words where it is not.
    fn fetch(&self, address: &str) -> Result<Box<dyn Read + Send>> {
        let response = self.get(&Url::parse(address)?, None, &|| Ok(()))?;
        if response.status == 200 {
            return Ok(response.body);
        }
        Err(Error::not_found(format!("failed to GET {address} with status {}", response.status)).subject(address))
    }

    fn import_into(
        &self,
        intake: &Intake<'_>,
        archive: &mut dyn Read,
        tag: Option<&Reference>,
        defaults: &ImageDefaults,
        platform: &Platform,
        comment: &str,
    ) -> Result<ImageId> {
        let mut first = [0; 512];
        let filled = fill(archive, &mut first)?;
        let start = first.get(..filled).unwrap_or_default();
        if Compression::detect(start) == Compression::None && filled > 0 {
            if !tar::begins(start) {
                return Err(Error::invalid("invalid tar header"));
            }
        } else if filled == 0 {
            return Err(Error::invalid("Error processing tar file(exit status 1): unexpected EOF"));
        }
        let taken = intake.archive(&mut start.chain(archive), LARGEST_LAYER, &mut |_| Ok(()))?;
        let chain = ChainId::new(taken.diff_id.as_str());
        let layer = intake.layer(&taken, None, &chain)?;
        let mut document = config::document(defaults, std::slice::from_ref(&taken.diff_id), &platform.architecture, comment, self.time());
        if !platform.variant.is_empty() {
            document["variant"] = platform.variant.clone().into();
        }
        let bytes = serde_json::to_vec(&document)?;
        let config = intake.bytes(&bytes)?;
        let image = config::read(&bytes)?;
        intake.enter(&config, image, &[layer], &[taken.compression], tag, "import")
    }
}

/// Reads until a buffer is full or the stream ends. Answers how much it got.
pub(super) fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::new(crate::ErrorKind::System, "the archive cannot be read").source(e)),
        }
    }
    Ok(filled)
}

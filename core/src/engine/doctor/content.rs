//! Files that are not what they were: blobs by their digests, layers by their archives, what each container is stacked from.

use super::{Ailment, Case, Chart, Cure};
use crate::engine::LocalEngine;
use crate::error::{ErrorKind, Result};
use crate::id::{ChainId, Digest, hex};
use crate::image::LayerRecord;
use crate::image::layer::{self, Name};
use crate::image::tar::{Kind, Reader};
use crate::kernel::{Kernel, Step};
use sha2::Digest as _;
use std::collections::BTreeMap;
use std::io::Read;

/// Bytes read at once.
const PIECE: usize = 1 << 20;

/// A file of the host as a stream.
struct Stream<'a> {
    kernel: &'a dyn Kernel,
    path: &'a str,
    at: u64,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.kernel.read(self.path, self.at, buffer.len().min(PIECE)).map_err(std::io::Error::other)?;
        let into = buffer.get_mut(..bytes.len()).unwrap_or_default();
        into.copy_from_slice(bytes.get(..into.len()).unwrap_or_default());
        self.at += into.len() as u64;
        Ok(into.len())
    }
}

impl LocalEngine {
    /// Reads everything that can be checked.
    pub(super) fn contents(&self) -> Result<Vec<Case>> {
        let chart = self.chart()?;
        let mut cases = Vec::new();
        let damaged = self.blobs(&chart, &mut cases)?;
        for layer in chart.layers.values() {
            self.layer_files(layer, !damaged.contains(&layer.blob.digest), &mut cases)?;
        }
        self.stacks(&chart, &mut cases)?;
        self.index(&mut cases)?;
        // An image that was removed while it was read is no ailment.
        let now = self.chart()?;
        cases.retain(|case| !matches!(case.finding.thing.as_str(), "blob" | "layer") || still(&now, &case.finding.subject));
        Ok(cases)
    }

    /// Every blob that an image needs is there, and is what its name says. Answers those that are not.
    fn blobs(&self, chart: &Chart, cases: &mut Vec<Case>) -> Result<Vec<Digest>> {
        let mut all: BTreeMap<Digest, &str> = BTreeMap::new();
        for image in chart.images.values() {
            let id = Digest::parse(image.id.as_str()).ok().filter(|_| !chart.building.contains(image.id.as_str()));
            if let Some(id) = id {
                all.insert(id, "the configuration of an image");
            }
            if let Some(manifest) = &image.manifest {
                all.insert(manifest.digest.clone(), "the manifest of an image");
            }
            all.extend(image.blobs.iter().map(|blob| (blob.digest.clone(), "a layer as an image's manifest names it")));
        }
        for layer in chart.layers.values() {
            all.insert(layer.blob.digest.clone(), "the archive of a layer");
        }
        let mut damaged = Vec::new();
        for (digest, what) in all {
            let path = self.layout().blob(&digest);
            let (ailment, problem) = match self.digest_of(&path) {
                Ok(found) if found == digest.hex() => continue,
                Ok(_) => (Ailment::Damaged, format!("{what} is not what its name says")),
                Err(e) if e.kind() == ErrorKind::NotFound => (Ailment::Missing, format!("{what} is not there")),
                Err(e) => (Ailment::Damaged, format!("{what} cannot be read: {e}")),
            };
            // Out of the way, so that taking the image in again writes it anew.
            let cure = if ailment == Ailment::Damaged { Cure::Steps(vec![Step::RemoveTree { path }]) } else { Cure::ByHand };
            let remedy = "remove it, and take the image in again: drydock pull, load or import";
            cases.push(Case::new(ailment, "blob", digest.as_str(), problem, remedy, cure));
            damaged.push(digest);
        }
        Ok(damaged)
    }

    fn digest_of(&self, path: &str) -> Result<String> {
        self.kernel().size(path)?;
        let mut hash = sha2::Sha256::new();
        let mut at = 0;
        loop {
            let piece = self.kernel().read(path, at, PIECE)?;
            if piece.is_empty() {
                return Ok(hex(&hash.finalize()));
            }
            hash.update(&piece);
            at += piece.len() as u64;
        }
    }

    /// An unpacked layer has every file of its archive, each with the archive's bytes.
    fn layer_files(&self, layer: &LayerRecord, archive_is_good: bool, cases: &mut Vec<Case>) -> Result<()> {
        let into = self.layout().layer(&layer.chain);
        let archive = self.layout().blob(&layer.blob.digest);
        let problem = match self.kernel().size(&into) {
            Err(e) if e.kind() == ErrorKind::NotFound => Some((Ailment::Missing, "the unpacked layer is not there".to_owned())),
            Err(e) => return Err(e),
            Ok(_) if archive_is_good => self.first_difference(&archive, &into).map(|what| (Ailment::Damaged, what)),
            // There is nothing to compare it with.
            Ok(_) => None,
        };
        let Some((ailment, problem)) = problem else { return Ok(()) };
        let again = Step::UnpackLayer { archive, diff_id: layer.diff_id.as_str().to_owned(), into: into.clone(), ahead: None };
        let cure = if archive_is_good { Cure::Steps(vec![Step::RemoveTree { path: into }, again]) } else { Cure::ByHand };
        let remedy = if archive_is_good { "unpack it again" } else { "remove the image with drydock rmi -f, and take it in again" };
        cases.push(Case::new(ailment, "layer", layer.chain.as_str(), problem, remedy, cure));
        Ok(())
    }

    /// The first file of a layer that is not as its archive has it.
    fn first_difference(&self, archive: &str, into: &str) -> Option<String> {
        let unreadable = |e: &dyn std::fmt::Display| Some(format!("its archive cannot be read: {e}"));
        let mut stream = Stream { kernel: self.kernel(), path: archive, at: 0 };
        let plain = match crate::image::decompress(&mut stream) {
            Ok(plain) => plain,
            Err(e) => return unreadable(&e),
        };
        // The last entry of a name is the one that counts.
        let mut expected: BTreeMap<String, (u64, String)> = BTreeMap::new();
        let mut reader = Reader::new(plain);
        loop {
            let entry = match reader.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(e) => return unreadable(&e),
            };
            let Ok(Name::Path(parts)) = layer::parse(&entry.path) else { continue };
            let Some(path) = joined(&parts) else { continue };
            if entry.kind != Kind::File {
                expected.remove(&path);
                continue;
            }
            let mut hash = sha2::Sha256::new();
            let mut size = 0;
            let mut buffer = vec![0; 64 * 1024];
            loop {
                match reader.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(n) => {
                        hash.update(buffer.get(..n).unwrap_or_default());
                        size += n as u64;
                    }
                    Err(e) => return unreadable(&e),
                }
            }
            expected.insert(path, (size, hex(&hash.finalize())));
        }
        expected.iter().find_map(|(path, (size, digest))| {
            let at = format!("{into}/{path}");
            let same = self.kernel().size(&at).is_ok_and(|s| s == *size) && self.digest_of(&at).is_ok_and(|d| d == *digest);
            (!same).then(|| format!("its file {path} is not as the archive has it"))
        })
    }

    /// Every container has a directory, and in it the list of its image's layers.
    pub(super) fn stacks(&self, chart: &Chart, cases: &mut Vec<Case>) -> Result<()> {
        for record in chart.containers.values() {
            let Some(image) = chart.images.get(record.image.as_str()) else { continue };
            let listed = self.kernel().read(&self.layout().lower(&record.id), 0, PIECE);
            let text = image.layers.iter().fold(String::new(), |text, layer: &ChainId| text + layer.as_str() + "\n");
            let problem = match listed {
                Ok(bytes) if bytes == text.as_bytes() => continue,
                Ok(_) => "the list of its layers is not its image's",
                Err(e) if e.kind() == ErrorKind::NotFound => "the list of its layers is not there",
                Err(_) => "the list of its layers cannot be read",
            };
            // It may have been removed meanwhile.
            if self.find_record(&record.id)?.is_some_and(|r| !r.state.under_way || r.state.process.is_some()) {
                let cure = Cure::Restack(Box::new(record.clone()));
                cases.push(Case::new(Ailment::Damaged, "container", record.id.as_str(), problem, "write the list again", cure));
            }
        }
        Ok(())
    }

    /// The image layout's own two files say what the records say.
    pub(super) fn index(&self, cases: &mut Vec<Case>) -> Result<()> {
        for (path, content) in self.index_files()? {
            // An empty store has written none yet.
            let found = self.kernel().read(&path, 0, content.len() + 1);
            if found.as_ref().is_ok_and(|bytes| bytes == content.as_bytes()) || (found.is_err() && content.contains("\"manifests\":[]")) {
                continue;
            }
            if found.is_err() && path.ends_with("oci-layout") && self.kernel().size(&path.replace("oci-layout", "index.json")).is_err() {
                continue;
            }
            let (ailment, problem) = match found {
                Ok(_) => (Ailment::Damaged, "it does not say what the records say"),
                Err(_) => (Ailment::Missing, "it is not there"),
            };
            cases.push(Case::new(ailment, "index", path, problem, "write it again", Cure::Index));
        }
        Ok(())
    }
}

fn still(chart: &Chart, subject: &str) -> bool {
    chart.images.contains_key(subject)
        || chart.images.values().any(|i| i.manifest.as_ref().is_some_and(|m| m.digest.as_str() == subject))
        || chart.images.values().any(|i| i.blobs.iter().any(|b| b.digest.as_str() == subject))
        || chart.layers.values().any(|l| l.chain.as_str() == subject || l.blob.digest.as_str() == subject)
}

/// Parts as a path, if it is text; other names are left out of the comparison.
fn joined(parts: &[&[u8]]) -> Option<String> {
    let words: Option<Vec<&str>> = parts.iter().map(|part| std::str::from_utf8(part).ok()).collect();
    words.map(|w| w.join("/"))
}

//! Save, and the way back by load.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::{Archive, Entry, tar};
use crate::outcome::{Checked, equal, fail, holds};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::engine::ArchiveFormat;
use drydock_core::id::Digest;
use drydock_core::image::tar::Reader;
use serde_json::Value;
use std::collections::BTreeMap;

fn save(w: &World<'_>, names: &[&str], format: ArchiveFormat) -> Checked<Vec<u8>> {
    let names: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
    let mut archive = Vec::new();
    w.engine().save(&names, format, &mut archive)?;
    Ok(archive)
}

/// Files of an archive by path.
fn files(archive: &[u8]) -> Checked<BTreeMap<String, Vec<u8>>> {
    let mut reader = Reader::new(archive);
    let mut all = BTreeMap::new();
    while let Some(entry) = reader.next_entry()? {
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut content).map_err(|e| crate::Failed(e.to_string()))?;
        if all.insert(entry.shown(), content).is_some() {
            return fail(format_args!("{} is there twice", entry.shown()));
        }
    }
    Ok(all)
}

fn json(files: &BTreeMap<String, Vec<u8>>, path: &str) -> Checked<Value> {
    let bytes = files.get(path).ok_or_else(|| crate::Failed(format!("no {path}")))?;
    serde_json::from_slice(bytes).map_err(|e| crate::Failed(format!("{path}: {e}")))
}

fn gone_and_back(w: &World<'_>, tag: &str, archive: &[u8]) -> Checked {
    let before = w.engine().image(tag)?;
    w.engine().remove_image(tag, true, true)?;
    holds("it is gone", w.engine().image(tag).is_err())?;
    w.engine().load(&mut &*archive)?;
    let after = w.engine().image(tag)?;
    equal("id", after.id, before.id)?;
    equal("layers", after.diff_ids, before.diff_ids)?;
    equal("manifest", after.manifest, before.manifest)?;
    equal("blobs", after.blobs, before.blobs)
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "IMG-SAVE-1",
        "A saved image that was removed comes back by load with the same id, layers and command.",
        cite::SAVE,
        |w| {
            let layer = tar(&[Entry::file("x", "x")]);
            w.engine().load(&mut &*Archive::new(vec![w.busybox().to_vec(), layer], &["round:1"]).docker())?;
            let archive = save(w, &["round:1"], ArchiveFormat::Docker)?;
            gone_and_back(w, "round:1", &archive)?;
            w.run_with(&["cat", "/x"], |c| c.image = "round:1".to_owned())?.prints("x")?.done()
        },
    ),
    Clause::docker(
        "IMG-SAVE-2",
        "manifest.json names configuration, references and layers, each of which is in the archive.",
        "moby image spec v1.2, manifest.json",
        |w| {
            w.import_busybox("listed:1", &["LABEL n=1"])?;
            let files = files(&save(w, &["listed:1"], ArchiveFormat::Docker)?)?;
            let list = json(&files, "manifest.json")?;
            equal("images", list.as_array().map(Vec::len), Some(1))?;
            equal("references", list[0]["RepoTags"].clone(), serde_json::json!(["listed:1"]))?;
            let config = list[0]["Config"].as_str().unwrap_or_default();
            let bytes = files.get(config).ok_or_else(|| crate::Failed(format!("no {config}")))?;
            equal("id", Digest::of(bytes).as_str(), w.engine().image("listed:1")?.id.as_str())?;
            for layer in list[0]["Layers"].as_array().cloned().unwrap_or_default() {
                holds(format_args!("{layer} is there"), files.contains_key(layer.as_str().unwrap_or_default()))?;
            }
            Ok(())
        },
    ),
    Clause::docker("IMG-SAVE-3", "Several images go into one archive, layers they share once.", cite::SAVE, |w| {
        let own = |n: &str| tar(&[Entry::file("own", n)]);
        for (tag, n) in [("pair:1", "1"), ("pair:2", "2")] {
            w.engine().load(&mut &*Archive::new(vec![w.busybox().to_vec(), own(n)], &[tag]).docker())?;
        }
        let archive = save(w, &["pair:1", "pair:2"], ArchiveFormat::Docker)?;
        let list = json(&files(&archive)?, "manifest.json")?;
        equal("images", list.as_array().map(Vec::len), Some(2))?;
        for tag in ["pair:1", "pair:2"] {
            w.engine().remove_image(tag, false, true)?;
        }
        w.engine().load(&mut &*archive)?;
        for (tag, n) in [("pair:1", "1"), ("pair:2", "2")] {
            w.run_with(&["cat", "/own"], |c| c.image = tag.to_owned())?.prints(n)?;
        }
        Ok(())
    }),
    Clause::docker("IMG-SAVE-4", "A repository's name without a tag means all its tags; an id means none.", cite::SAVE, |w| {
        let id = w.import_busybox("many:1", &["LABEL n=1"])?;
        w.engine().tag("many:1", "many:2")?;
        let tags = |archive: &[u8]| Ok::<_, crate::Failed>(json(&files(archive)?, "manifest.json")?[0]["RepoTags"].clone());
        equal("by name", tags(&save(w, &["many"], ArchiveFormat::Docker)?)?, serde_json::json!(["many:1", "many:2"]))?;
        equal("by id", tags(&save(w, &[&id], ArchiveFormat::Docker)?)?, Value::Null)
    }),
    Clause::docker("IMG-SAVE-5", "Saving what is not there says so.", cite::SAVE, |w| {
        let answer = w.engine().save(&["nope".to_owned()], ArchiveFormat::Docker, &mut Vec::new());
        super::refusal(answer, ErrorKind::NotFound, "No such image: nope")
    }),
    Clause::law(
        "IMG-SAVE-6",
        "An archive in OCI format is an image layout: every blob has the digest and size that names it.",
        "image-spec image-layout.md",
        |w| {
            w.import_busybox("layout:2", &["LABEL n=1"])?;
            let archive = save(w, &["layout:2"], ArchiveFormat::Oci)?;
            let files = files(&archive)?;
            holds("no Docker files", !files.contains_key("manifest.json") && !files.contains_key("repositories"))?;
            equal("version", json(&files, "oci-layout")?["imageLayoutVersion"].clone(), Value::from("1.0.0"))?;
            let check = |d: &Value| -> Checked<Vec<u8>> {
                let digest = d["digest"].as_str().unwrap_or_default().to_owned();
                let path = format!("blobs/{}", digest.replace(':', "/"));
                let bytes = files.get(&path).cloned().ok_or_else(|| crate::Failed(format!("no {path}")))?;
                equal("digest", Digest::of(&bytes).as_str(), digest.as_str())?;
                equal("size", Some(bytes.len() as u64), d["size"].as_u64())?;
                Ok(bytes)
            };
            let index = json(&files, "index.json")?;
            let manifest: Value = serde_json::from_slice(&check(&index["manifests"][0])?).map_err(|e| crate::Failed(e.to_string()))?;
            check(&manifest["config"])?;
            for layer in manifest["layers"].as_array().cloned().unwrap_or_default() {
                check(&layer)?;
            }
            gone_and_back(w, "layout:2", &archive)
        },
    ),
    Clause::law("IMG-SAVE-7", "The same image is saved twice as the same bytes.", "Drydock, Engine::save", |w| {
        let one = save(w, &["busybox"], ArchiveFormat::Docker)?;
        w.sleep(std::time::Duration::from_millis(1100));
        holds("the archives are equal", one == save(w, &["busybox"], ArchiveFormat::Docker)?)
    }),
    Clause::docker(
        "IMG-SAVE-8",
        "History, environment and command survive save and load, and do not survive export and import.",
        cite::SAVE,
        |w| {
            w.import_busybox("full:1", &["ENV A=1", "CMD [\"true\"]"])?;
            let id = w.create(&["true"], |c| c.image = "full:1".to_owned())?;
            w.engine().commit(&id, &drydock_core::engine::CommitOptions { reference: "full:2".to_owned(), ..Default::default() })?;
            let (history, image) = (w.engine().history("full:2")?.len(), w.engine().image("full:2")?);
            let archive = save(w, &["full:2"], ArchiveFormat::Docker)?;
            gone_and_back(w, "full:2", &archive)?;
            equal("history", w.engine().history("full:2")?.len(), history)?;
            equal("defaults", w.engine().image("full:2")?.defaults, image.defaults)?;
            let mut flat = Vec::new();
            w.engine().export(&id, &mut flat)?;
            let made = w.import(&flat, "flat:1", &[])?;
            let flat = w.engine().image(&made)?;
            equal("environment", flat.defaults.env.len(), 0)?;
            equal("history", w.engine().history(&made)?.len(), 1)
        },
    ),
    Clause::docker("IMG-SAVE-9", "A compressed layer comes back as it was.", cite::SAVE, |w| {
        let bytes = tar(&[Entry::file("z", vec![b'z'; 5000])]);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut packed, &bytes).map_err(|e| crate::Failed(e.to_string()))?;
        let packed = packed.finish().map_err(|e| crate::Failed(e.to_string()))?;
        let id = w.import(&packed, "packed:1", &[])?;
        equal("diff id", w.engine().image(&id)?.diff_ids, vec![Digest::of(&bytes)])?;
        let archive = save(w, &["packed:1"], ArchiveFormat::Oci)?;
        gone_and_back(w, "packed:1", &archive)
    }),
    Clause::docker("IMG-LOAD-10", "A reference that another image has moves to the loaded one.", cite::LOAD, |w| {
        let first = w.import(&tar(&[Entry::file("a", "a")]), "taken:1", &[])?;
        let image = Archive::new(vec![tar(&[Entry::file("b", "b")])], &["taken:1"]);
        w.engine().load(&mut &*image.docker())?;
        equal("id", w.engine().image("taken:1")?.id.as_str(), image.id().as_str())?;
        equal("references of the first", w.engine().image(&first)?.tags.len(), 0)
    }),
    Clause::law(
        "IMG-LOAD-12",
        "A manifest that came with an image stays its manifest, and its layers stay as they came.",
        "image-spec manifest.md; Drydock, Engine::load",
        |w| {
            let layers = vec![w.busybox().to_vec(), tar(&[Entry::file("own", "manifest")])];
            w.inside("the manifest that came with an image")?;
            let archive = Archive::new(layers, &["docker.io/library/original:1"]).oci();
            w.engine().load(&mut &*archive)?;
            let said = json(&files(&archive)?, "index.json")?["manifests"][0]["digest"].clone();
            let kept = w.engine().image("original:1")?.manifest.map(|m| m.digest.to_string());
            equal("manifest", Some(said), kept.map(Value::from))?;
            let again = json(&files(&save(w, &["original:1"], ArchiveFormat::Oci)?)?, "index.json")?;
            equal(
                "after save",
                again["manifests"][0]["digest"].as_str().map(str::to_owned),
                w.engine().image("original:1")?.manifest.map(|m| m.digest.to_string()),
            )
        },
    ),
    Clause::docker("IMG-LOAD-11", "A compressed archive is the same archive.", cite::LOAD, |w| {
        let image = Archive::new(vec![tar(&[Entry::file("b", "b")])], &["zipped:1"]);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut packed, &image.docker()).map_err(|e| crate::Failed(e.to_string()))?;
        let packed = packed.finish().map_err(|e| crate::Failed(e.to_string()))?;
        w.engine().load(&mut &*packed)?;
        equal("id", w.engine().image("zipped:1")?.id.as_str(), image.id().as_str())
    }),
];

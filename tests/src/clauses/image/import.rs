//! Import: a tar archive becomes an image of one layer.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::{Entry, tar};
use crate::outcome::{Checked, contains, equal, fail, holds};
use crate::residue;
use crate::world::World;
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

fn small() -> Vec<u8> {
    tar(&[Entry::file("one", "one\n"), Entry::dir("d"), Entry::file("d/x", "x\n")])
}

fn gzip(bytes: &[u8]) -> Checked<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).and_then(|()| packed.finish()).map_err(|e| crate::Failed(e.to_string()))
}

/// Imports something that must be refused; nothing may be left of it.
fn refused(w: &World<'_>, archive: &[u8], reference: &str, changes: &[&str], words: &str) -> Checked {
    let before = residue::observe(w)?;
    let changes: Vec<String> = changes.iter().map(|&c| c.to_owned()).collect();
    match w.engine().import(&mut &*archive, &drydock_core::engine::ImportRequest::of(reference, &changes, "")) {
        Ok(id) => return fail(format_args!("it was imported as {id}")),
        Err(e) => contains("message", &e.to_string(), words)?,
    }
    residue::unchanged(w, &before)
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "IMG-IMPORT-1",
        "An imported archive is an image with an id that is a digest, under the reference given.",
        cite::IMPORT,
        |w| {
            let id = w.import(&small(), "small:1", &[])?;
            holds(format_args!("{id} is a digest"), drydock_core::id::Digest::parse(&id).is_ok())?;
            let image = w.engine().image("small:1")?;
            equal("id", image.id.as_str(), id.as_str())?;
            equal("layers", image.diff_ids.len(), 1)?;
            equal("system", (image.os.as_str(), image.architecture), ("linux", w.engine().facts().architecture))?;
            let list = w.engine().images()?;
            holds("it is listed", list.iter().any(|i| i.id.as_str() == id && i.tags == ["small:1"]))
        },
    ),
    Clause::docker("IMG-IMPORT-2", "Without a reference the image is listed without one, and goes by its id.", cite::IMPORT, |w| {
        let id = w.import(&small(), "", &[])?;
        let list = w.engine().images()?;
        holds("it is listed without a tag", list.iter().any(|i| i.id.as_str() == id && i.tags.is_empty()))?;
        equal("id", w.engine().image(&id)?.id.as_str(), id.as_str())
    }),
    Clause::docker("IMG-IMPORT-3", "A reference without a tag means latest.", cite::IMPORT, |w| {
        let id = w.import(&small(), "small", &[])?;
        equal("id", w.engine().image("small:latest")?.id.as_str(), id.as_str())
    }),
    Clause::docker("IMG-IMPORT-4", "A compressed archive is the same layer.", cite::IMPORT, |w| {
        let plain = w.import(&small(), "plain:1", &[])?;
        let gzip = w.import(&gzip(&small())?, "gzip:1", &[])?;
        equal("layers", w.engine().image(&gzip)?.diff_ids, w.engine().image(&plain)?.diff_ids)
    }),
    Clause::docker("IMG-IMPORT-5", "Changes set what a container of the image starts with.", cite::IMPORT, |w| {
        let changes =
            ["CMD [\"a\",\"b\"]", "ENTRYPOINT [\"e\"]", "ENV X=1 Y=2", "WORKDIR /d", "EXPOSE 80", "LABEL l=v", "USER 7", "VOLUME /v"];
        let image = w.engine().image(&w.import(&small(), "changed:1", &changes)?)?.defaults;
        equal("command", image.cmd, Some(vec!["a".to_owned(), "b".to_owned()]))?;
        equal("entry point", image.entrypoint, Some(vec!["e".to_owned()]))?;
        holds("environment", ["X=1", "Y=2"].iter().all(|e| image.env.iter().any(|i| i == e)))?;
        equal("directory", image.working_dir.as_str(), "/d")?;
        equal("ports", image.exposed_ports.keys().cloned().collect::<Vec<_>>(), vec!["80/tcp"])?;
        equal("label", image.labels.get("l").map(String::as_str), Some("v"))?;
        equal("user", image.user.as_str(), "7")?;
        equal("volumes", image.volumes.keys().cloned().collect::<Vec<_>>(), vec!["/v"])
    }),
    Clause::docker("IMG-IMPORT-6", "A change that is no instruction, or cannot be one of an import, is refused.", cite::IMPORT, |w| {
        refused(w, &small(), "bad:1", &["FROB x"], "frob is not a valid change command")?;
        refused(w, &small(), "bad:1", &["RUN x"], "run is not a valid change command")
    }),
    Clause::docker(
        "IMG-IMPORT-7",
        "Importing under a reference that is taken moves it; the image it named stays without one.",
        cite::IMPORT,
        |w| {
            let first = w.import(&small(), "moved:1", &["LABEL n=1"])?;
            let second = w.import(&small(), "moved:1", &["LABEL n=2"])?;
            holds("they are two images", first != second)?;
            equal("id", w.engine().image("moved:1")?.id.as_str(), second.as_str())?;
            equal("references of the first", w.engine().image(&first)?.tags.len(), 0)
        },
    ),
    Clause::docker("IMG-IMPORT-8", "What is no archive is refused, and nothing of it is kept.", cite::IMPORT, |w| {
        refused(w, b"junk, not an archive", "junk:1", &[], "")
    }),
    // dockerd 20.10.24 takes it without a word.
    Clause::law("IMG-IMPORT-9", "An archive that is cut off is refused, and nothing of it is kept.", "image-spec layer.md; tar(5)", |w| {
        let whole = tar(&[Entry::file("f", vec![b'x'; 5000])]);
        refused(w, &whole[..2000], "cut:1", &[], "")
    }),
    Clause::docker("IMG-IMPORT-10", "An empty archive is an image with one layer, and nothing in it.", cite::IMPORT, |w| {
        let id = w.import(&tar(&[]), "empty:1", &[])?;
        equal("layers", w.engine().image(&id)?.diff_ids.len(), 1)?;
        let error = w.refused(&["true"], |c| c.image = "empty:1".to_owned())?;
        equal("kind", error.kind(), drydock_core::ErrorKind::CommandNotFound)
    }),
    // Docker counts the bytes of the files; Drydock, as the image specification does, those of the unpacked layers.
    Clause::law(
        "IMG-IMPORT-11",
        "An image's size is that of its layers unpacked, however they came.",
        "image-spec descriptor.md, size; Drydock, ImageSummary",
        |w| {
            let id = w.import(&gzip(&small())?, "sized:1", &[])?;
            let plain = w.import(&small(), "sized:2", &[])?;
            let size = w.engine().image(&plain)?.size;
            holds(format_args!("{size} bytes hold the files"), size >= 6)?;
            equal("size", w.engine().image(&id)?.size, size)
        },
    ),
    Clause::law("IMG-IMPORT-12", "The message of an import is kept in the image.", "image-spec config.md, history comment", |w| {
        let id = w.engine().import(&mut &*small(), &drydock_core::engine::ImportRequest::of("said:1", &[], "why it was made"))?;
        equal("comment", w.engine().image(id.as_str())?.comment.as_str(), "why it was made")
    }),
];

//! Load: images from a Docker archive or an OCI layout.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::{Archive, Entry, tar};
use crate::outcome::{Checked, contains, equal, fail, holds};
use crate::residue;
use crate::world::World;
use serde_json::json;

fn image(w: &World<'_>, tags: &[&str]) -> Archive {
    let top = tar(&[Entry::file("top", "top\n")]);
    Archive::new(vec![w.busybox().to_vec(), top], tags).config(json!({"Cmd": ["cat", "/top"], "Env": ["K=v", "PATH=/bin"]}))
}

fn refused(w: &World<'_>, archive: &[u8], words: &str) -> Checked {
    let before = residue::observe(w)?;
    match w.engine().load(&mut &*archive) {
        Ok(loaded) => return fail(format_args!("it was loaded: {loaded:?}")),
        Err(e) => contains("message", &e.to_string(), words)?,
    }
    residue::unchanged(w, &before)
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "IMG-LOAD-1",
        "A Docker archive gives its images under all their references; an image's id is the digest of its configuration.",
        cite::LOAD,
        |w| {
            let image = image(w, &["two:1", "two:2"]);
            let loaded = w.engine().load(&mut &*image.docker())?;
            for tag in ["two:1", "two:2"] {
                holds(format_args!("{tag} is in {loaded:?}"), loaded.iter().any(|l| l.contains(tag)))?;
                equal(tag, w.engine().image(tag)?.id.as_str(), image.id().as_str())?;
            }
            let layers: Vec<String> = w.engine().image("two:1")?.diff_ids.iter().map(ToString::to_string).collect();
            equal("layers", layers, image.diff_ids())?;
            w.run_with(&[], |c| c.image = "two:2".to_owned())?.prints("top")?.done()
        },
    ),
    Clause::docker("IMG-LOAD-2", "An image without a reference is loaded under its id.", cite::LOAD, |w| {
        let image = image(w, &[]);
        let loaded = w.engine().load(&mut &*image.docker())?;
        holds(format_args!("the id is in {loaded:?}"), loaded.iter().any(|l| l.contains(&image.id())))?;
        equal("references", w.engine().image(&image.id())?.tags.len(), 0)
    }),
    Clause::law("IMG-LOAD-3", "An OCI image layout in a tar archive gives the same image.", "image-spec image-layout.md", |w| {
        let image = image(w, &["docker.io/library/layout:1"]);
        w.engine().load(&mut &*image.oci())?;
        equal("id", w.engine().image("layout:1")?.id.as_str(), image.id().as_str())?;
        w.run_with(&[], |c| c.image = "layout:1".to_owned())?.prints("top")?.done()
    }),
    Clause::docker("IMG-LOAD-4", "Loading what is there already is no error and changes nothing.", cite::LOAD, |w| {
        let archive = image(w, &["twice:1"]).docker();
        w.engine().load(&mut &*archive)?;
        let before = residue::observe(w)?;
        w.engine().load(&mut &*archive)?;
        residue::unchanged(w, &before)
    }),
    Clause::docker(
        "IMG-LOAD-5",
        "A layer that is not what the configuration says is refused, and nothing is kept.",
        "image-spec config.md, rootfs.diff_ids",
        |w| {
            let mut image = image(w, &["lying:1"]);
            let mut claimed = image.diff_ids();
            claimed[1] = format!("sha256:{}", "0".repeat(64));
            image.claimed = Some(claimed);
            refused(
                w,
                &image.docker(),
                "invalid diffID for layer 1: expected \"sha256:0000000000000000000000000000000000000000000000000000000000000000\"",
            )
        },
    ),
    // dockerd 20.10.24 takes it when it has the layer from another image.
    Clause::law(
        "IMG-LOAD-6",
        "An archive that names a layer it does not have is refused, and nothing is kept.",
        "moby image spec v1.2, manifest.json",
        |w| {
            let image = image(w, &["hollow:1"]);
            let config =
                json!({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": image.diff_ids()}})
                    .to_string();
            let manifest = json!([{"Config": "c.json", "RepoTags": ["hollow:1"], "Layers": ["a/layer.tar", "b/layer.tar"]}]).to_string();
            let other = tar(&[Entry::file("x", "x")]);
            refused(
                w,
                &tar(&[Entry::file("c.json", config), Entry::file("a/layer.tar", other), Entry::file("manifest.json", manifest)]),
                "",
            )
        },
    ),
    Clause::docker("IMG-LOAD-7", "What is no image archive is refused, and nothing is kept.", cite::LOAD, |w| {
        refused(w, &tar(&[Entry::file("one", "one"), Entry::dir("d"), Entry::file("d/x", "x")]), "")?;
        refused(w, b"junk", "")
    }),
    Clause::law(
        "IMG-LOAD-8",
        "A blob of an OCI layout that does not have its digest is refused, and nothing is kept.",
        "image-spec descriptor.md, Verification",
        |w| {
            let archive = image(w, &["docker.io/library/tampered:1"]).oci();
            let Some(at) = archive.windows(4).position(|b| b == b"top\n") else { return fail("the fixture has no such file") };
            let mut tampered = archive;
            tampered[at] = b'T';
            refused(w, &tampered, "")
        },
    ),
    Clause::docker("IMG-LOAD-9", "A container of a loaded image starts with the image's command and environment.", cite::LOAD, |w| {
        w.engine().load(&mut &*image(w, &["used:1"]).docker())?;
        w.run_with(&["sh", "-c", "echo $K"], |c| c.image = "used:1".to_owned())?.prints("v")?.done()
    }),
    Clause::docker(
        "IMG-LOAD-13",
        "An image may expose words that name no port: it is loaded, it says so, and containers of it run, with -P too.",
        cite::LOAD,
        |w| {
            let words = json!({"${PORT}/tcp": {}, "http": {}, "70000/tcp": {}});
            let archive =
                Archive::new(vec![w.busybox().to_vec()], &["odd:1"]).config(json!({"Cmd": ["echo", "ran"], "ExposedPorts": words}));
            w.engine().load(&mut &*archive.docker())?;
            equal(
                "exposed",
                w.engine().image("odd:1")?.defaults.exposed_ports.keys().cloned().collect::<Vec<_>>(),
                ["${PORT}/tcp", "70000/tcp", "http"].map(str::to_owned).to_vec(),
            )?;
            w.run_with(&[], |c| {
                c.image = "odd:1".to_owned();
                c.publish_all = true;
            })?
            .prints("ran")?
            .done()
        },
    ),
];

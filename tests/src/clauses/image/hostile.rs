//! Archives, manifests and configurations that are wrong on purpose. Refused, and nothing kept; or taken, and nothing escaped.

use crate::clause::Clause;
use crate::fixture::{Archive, Entry, append, tar};
use crate::outcome::{Checked, fail, holds};
use crate::residue;
use crate::world::World;
use drydock_core::id::Digest;
use serde_json::{Value, json};

/// Must be refused, and nothing of it be left.
fn refused(w: &World<'_>, what: &str, archive: &[u8]) -> Checked {
    let before = residue::observe(w)?;
    match w.engine().load(&mut &*archive) {
        Ok(loaded) => return fail(format_args!("{what}: it was loaded: {loaded:?}")),
        Err(e) if e.to_string().lines().count() != 1 => return fail(format_args!("{what}: more than a line: {e}")),
        Err(_) => {}
    }
    residue::unchanged(w, &before).map_err(|e| crate::Failed(format!("{what}: {e}")))
}

/// An import that must be refused, and nothing of it be left.
fn layer_refused(w: &World<'_>, what: &str, archive: &[u8]) -> Checked {
    let before = residue::observe(w)?;
    if let Ok(id) = w.engine().import(&mut &*archive, &drydock_core::engine::ImportRequest::of("hostile:1", &[], "")) {
        return fail(format_args!("{what}: it was imported as {id}"));
    }
    residue::unchanged(w, &before).map_err(|e| crate::Failed(format!("{what}: {e}")))
}

/// A layout whose manifest and index are made by functions from what a good one has.
fn layout(change: impl Fn(&mut Value, &mut Value, &mut Value)) -> Vec<u8> {
    let layer = tar(&[Entry::file("f", "x")]);
    let mut config =
        json!({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [Digest::of(&layer)]}});
    let describe = |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "digest": Digest::of(bytes), "size": bytes.len()});
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {},
        "layers": [describe("application/vnd.oci.image.layer.v1.tar", &layer)],
    });
    let mut index =
        json!({"schemaVersion": 2, "manifests": [{"annotations": {"io.containerd.image.name": "docker.io/library/hostile:1"}}]});
    change(&mut config, &mut manifest, &mut index);
    let config = config.to_string();
    if manifest["config"] == json!({}) {
        manifest["config"] = describe("application/vnd.oci.image.config.v1+json", config.as_bytes());
    }
    let manifest = manifest.to_string();
    if let Some(entry) = index["manifests"].get_mut(0) {
        for (key, value) in
            describe("application/vnd.oci.image.manifest.v1+json", manifest.as_bytes()).as_object().cloned().unwrap_or_default()
        {
            if entry.get(&key).is_none() {
                entry[key] = value;
            }
        }
    }
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", Digest::of(bytes).hex());
    tar(&[
        Entry::file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#),
        Entry::file("index.json", index.to_string()),
        Entry::file(&blob(config.as_bytes()), config),
        Entry::file(&blob(manifest.as_bytes()), manifest),
        Entry::file(&blob(&layer), layer),
    ])
}

const TAMPERED: &str = "image-spec descriptor.md, Verification; Drydock, Engine::load";

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law("IMG-BAD-1", "An archive cut off anywhere is refused, and nothing of it is kept.", "tar(5)", |w| {
        let whole = Archive::new(vec![tar(&[Entry::file("f", vec![b'x'; 3000])])], &["cut:1"]).docker();
        for at in (512..whole.len() - 2048).step_by(512).flat_map(|at| [at, at + 100]) {
            refused(w, &format!("cut at {at}"), &whole[..at])?;
        }
        Ok(())
    }),
    Clause::law("IMG-BAD-2", "A bit that is flipped in a configuration, manifest or layer is seen by its digest.", TAMPERED, |w| {
        let good = layout(|_, _, _| {});
        w.engine().load(&mut &*good)?;
        w.engine().remove_image("hostile:1", false, true)?;
        for needle in ["\"architecture\"", "\"schemaVersion\":2,\"mediaType\"", "x\0\0\0\0\0\0\0"] {
            let Some(at) = good.windows(needle.len()).rposition(|b| b == needle.as_bytes()) else {
                return fail("the fixture has no such bytes");
            };
            let mut bad = good.clone();
            bad[at] ^= 1;
            refused(w, needle, &bad)?;
        }
        Ok(())
    }),
    Clause::law("IMG-BAD-3", "A size that is not the blob's is refused.", TAMPERED, |w| {
        refused(w, "manifest", &layout(|_, _, index| index["manifests"][0]["size"] = json!(1)))?;
        for size in [json!(-1), json!(1.5), json!("7"), json!(null), json!(1_u64 << 63)] {
            refused(w, &format!("layer of {size}"), &layout(|_, manifest, _| manifest["layers"][0]["size"] = size.clone()))?;
        }
        refused(w, "layer", &layout(|_, manifest, _| manifest["layers"][0]["size"] = json!(1)))
    }),
    Clause::law(
        "IMG-BAD-4",
        "A digest that is no digest never becomes a path (CVE-2014-9358, CVE-2024-3727).",
        "CVE-2014-9358; CVE-2024-3727",
        |w| {
            for digest in [
                "sha256:../../../../etc/passwd",
                "sha256:",
                "sha512:00",
                "../x",
                "sha256:AAAA",
                &format!("sha256:{}", "A".repeat(64)),
                &format!("md5:{}", "a".repeat(32)),
            ] {
                refused(w, digest, &layout(|_, manifest, _| manifest["layers"][0]["digest"] = json!(digest)))?;
                refused(w, digest, &layout(|_, _, index| index["manifests"][0]["digest"] = json!(digest)))?;
            }
            Ok(())
        },
    ),
    Clause::law("IMG-BAD-5", "A document that is a manifest and an index at once is refused (CVE-2021-41190).", "CVE-2021-41190", |w| {
        refused(w, "manifests in a manifest", &layout(|_, manifest, _| manifest["manifests"] = json!([])))?;
        refused(w, "layers in an index", &layout(|_, _, index| index["layers"] = json!([])))?;
        refused(
            w,
            "an index that says it is a manifest",
            &layout(|_, _, index| index["mediaType"] = json!("application/vnd.oci.image.manifest.v1+json")),
        )?;
        refused(
            w,
            "a manifest that says it is an index",
            &layout(|_, manifest, _| manifest["mediaType"] = json!("application/vnd.oci.image.index.v1+json")),
        )
    }),
    Clause::law("IMG-BAD-6", "A media type that is not what it should be is refused.", "image-spec media-types.md", |w| {
        refused(w, "layer", &layout(|_, manifest, _| manifest["layers"][0]["mediaType"] = json!("text/plain")))?;
        refused(w, "manifest", &layout(|_, _, index| index["manifests"][0]["mediaType"] = json!("text/plain")))?;
        refused(
            w,
            "no type",
            &layout(|_, manifest, _| manifest["layers"][0].as_object_mut().map(|o| o.remove("mediaType")).map_or((), drop)),
        )
    }),
    Clause::law("IMG-BAD-7", "An index that leads to indexes without end is refused.", "Drydock, Engine::load", |w| {
        let mut entries = vec![Entry::file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#)];
        let mut inner = json!({"schemaVersion": 2, "manifests": []}).to_string();
        for _ in 0..100 {
            let digest = Digest::of(inner.as_bytes());
            entries.push(Entry::file(&format!("blobs/sha256/{}", digest.hex()), &inner));
            let entry = json!({"mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest, "size": inner.len()});
            inner = json!({"schemaVersion": 2, "manifests": [entry]}).to_string();
        }
        entries.push(Entry::file("index.json", inner));
        refused(w, "a hundred deep", &tar(&entries))
    }),
    Clause::law("IMG-BAD-8", "Keys that come twice, deep nesting and other JSON that readers differ about are refused.", "RFC 8259", |w| {
        let with = |document: &str| tar(&[Entry::file("manifest.json", document)]);
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for (what, document) in [
            ("key twice", r#"[{"Config":"a","Config":"b","Layers":[]}]"#),
            ("deep", deep.as_str()),
            ("not closed", r#"[{"Config":"a""#),
            ("no list", r#"{"Config":"a"}"#),
            ("nothing", ""),
            ("text after", "[] []"),
            ("no text", "[{\"Config\":7}]"),
        ] {
            refused(w, what, &with(document))?;
        }
        Ok(())
    }),
    Clause::law("IMG-BAD-9", "A configuration that is none is refused.", "image-spec config.md", |w| {
        type Change = fn(&mut Value);
        let changes: [(&str, Change); 9] = [
            ("no architecture", |c| drop(c.as_object_mut().map(|o| o.remove("architecture")))),
            ("another system", |c| c["os"] = json!("plan9")),
            ("no rootfs", |c| drop(c.as_object_mut().map(|o| o.remove("rootfs")))),
            ("another rootfs", |c| c["rootfs"]["type"] = json!("tarball")),
            ("a layer more", |c| c["rootfs"]["diff_ids"] = json!([])),
            ("environment that is text", |c| c["config"]["Env"] = json!("A=1")),
            ("environment with NUL", |c| c["config"]["Env"] = json!(["A=\u{0}"])),
            ("a manifest as well", |c| c["layers"] = json!([])),
            ("ten thousand layers", |c| c["rootfs"]["diff_ids"] = json!(vec![Digest::of(b"x"); 10_000])),
        ];
        for (what, change) in changes {
            refused(w, what, &layout(|config, _, _| change(config)))?;
        }
        Ok(())
    }),
    Clause::law(
        "IMG-BAD-10",
        "Whiteouts of the directory itself, of what is above it, or of whiteouts are refused.",
        "image-spec layer.md, Whiteouts; security: S24",
        |w| {
            for name in [".wh.", ".wh..", ".wh...", "d/.wh.", "d/.wh..", "d/.wh...", ".wh..wh.x", ".wh.d/x"] {
                layer_refused(w, name, &tar(&[Entry::dir("d"), Entry::file(name, "")]))?;
            }
            layer_refused(w, "a device that means a whiteout", &tar(&[Entry::device("dev0", 0, 0)]))
        },
    ),
    Clause::law(
        "IMG-BAD-11",
        "Attributes that steer overlayfs or a security module are not taken from a layer.",
        "kernel Documentation/filesystems/overlayfs.rst; S23",
        |w| {
            let steering = ["trusted.overlay.redirect", "trusted.overlay.opaque", "user.overlay.opaque", "security.selinux"];
            let entries: Vec<Entry> = std::iter::once(Entry::dir("x").xattr(steering[0], b"/etc"))
                .chain(std::iter::once(Entry::dir("y").xattr(steering[1], b"y").xattr(steering[2], b"y").xattr(steering[3], b"z")))
                .collect();
            w.engine().load(&mut &*Archive::new(vec![w.busybox().to_vec(), tar(&entries)], &["steered:1"]).docker())?;
            w.run_with(&["ls", "-A", "/x"], |c| c.image = "steered:1".to_owned())?.prints("")?.done()
        },
    ),
    Clause::law(
        "IMG-BAD-12",
        "A link in the place of a directory takes nothing outside with it: mode, owner and content stay (CVE-2021-32760).",
        "CVE-2021-32760; CVE-2026-33056",
        |w| {
            let dir = format!("{}/outside", w.scratch());
            w.host(&format!("mkdir -p {dir} && echo kept >{dir}/victim && chmod 700 {dir}"))?.exits(0)?;
            let cases: [Vec<Entry>; 5] = [
                vec![Entry::symlink("d", &dir), Entry::dir("d").mode(0o777)],
                vec![Entry::symlink("d", &dir), Entry::file("d/.wh.victim", "")],
                vec![Entry::symlink("d", &dir), Entry::file("d/.wh..wh..opq", "")],
                vec![Entry::symlink("d", &dir), Entry::hard_link("h", "d/victim"), Entry::file("h", "gone")],
                vec![Entry::symlink("a", "b"), Entry::symlink("b", &dir), Entry::file("a/victim", "gone").mode(0o666)],
            ];
            for entries in cases {
                let archive = append(w.busybox().to_vec(), &entries);
                // Taken or refused: what is outside stays as it is.
                if w.engine().import(&mut &*archive, &drydock_core::engine::ImportRequest::of("outside:1", &[], "")).is_ok() {
                    w.run_with(&["true"], |c| c.image = "outside:1".to_owned())?.exits(0)?;
                }
                w.host(&format!("stat -c %a {dir}; cat {dir}/victim; ls -A {dir}"))?.prints("700\nkept\nvictim")?;
            }
            Ok(())
        },
    ),
    Clause::law(
        "IMG-BAD-13",
        "Trees of many levels and names of many bytes are made and removed again, or refused whole.",
        "path_resolution(7)",
        |w| {
            let before = residue::observe(w)?;
            let deep = format!("{}f", "d/".repeat(300));
            w.import(&tar(&[Entry::file(&deep, "deep")]), "deep:1", &[])?;
            w.engine().remove_image("deep:1", false, true)?;
            layer_refused(w, "5000 bytes", &tar(&[Entry::file(&"n/".repeat(2500), "x")]))?;
            layer_refused(w, "a name of 300 bytes", &tar(&[Entry::file(&"n".repeat(300), "x")]))?;
            residue::unchanged(w, &before)
        },
    ),
    Clause::law(
        "IMG-BAD-14",
        "A stream that unpacks to far more than it is ends early, and nothing of it is kept (CVE-2017-14992).",
        "CVE-2017-14992; CVE-2021-21285",
        |w| {
            let before = residue::observe(w)?;
            let bomb = bomb(320).map_err(|e| crate::Failed(e.to_string()))?;
            holds("it is refused", w.engine().import(&mut &*bomb, &drydock_core::engine::ImportRequest::of("bomb:1", &[], "")).is_err())?;
            residue::unchanged(w, &before)
        },
    ),
    Clause::law(
        "IMG-BAD-15",
        "Environment, labels and volumes of an image are words, and never orders (CVE-2026-57231).",
        "CVE-2026-57231; S30",
        |w| {
            let mut image = Archive::new(vec![w.busybox().to_vec()], &["orders:1"]);
            image.config =
                json!({"Cmd": ["env"], "Env": ["HOME_OF_NOBODY", "*", "A=$HOME", "PATH=/bin"], "Labels": {"io.drydock.run": "rm -r /"}});
            if w.engine().load(&mut &*image.docker()).is_err() {
                return Ok(());
            }
            let out = w.run_with(&[], |c| c.image = "orders:1".to_owned())?.exits(0)?;
            holds(format_args!("{:?}", out.text()), out.lines().iter().all(|l| l.contains('=')) && out.text().contains("A=$HOME"))
        },
    ),
];

/// A gzip stream that unpacks to so many MiB of zeros. One packed block of zeros stands for all of them: each leads back to zeros.
fn bomb(mebibytes: usize) -> std::io::Result<Vec<u8>> {
    use std::io::Write as _;
    let zeros = vec![0_u8; 1 << 20];
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&tar(&[Entry::file("zeros", "")])[..512])?;
    packed.write_all(&zeros)?;
    packed.flush()?;
    let begun = packed.get_ref().len();
    packed.write_all(&zeros)?;
    packed.flush()?;
    let mut bytes = packed.get_ref().clone();
    let block = bytes.get(begun..).unwrap_or_default().to_vec();
    for _ in 2..mebibytes {
        bytes.extend_from_slice(&block);
    }
    Ok(bytes)
}

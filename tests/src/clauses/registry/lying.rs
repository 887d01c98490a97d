//! Registries that lie: nothing they say is kept, and they are not listened to for ever.

use super::{INDEX, MANIFEST, Parts, descriptor, index, lied, named, refused};
use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, equal, holds};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::id::Digest;
use drydock_sim::registry::{Answered, How};
use serde_json::{Value, json};

/// Puts a document in the place of the manifest, and pulls it: refused.
fn document(w: &World<'_>, kind: &str, document: &Value, words: &str) -> Checked {
    w.registry(0, |r| r.put_manifest("app", Some("1"), kind, document.to_string().as_bytes()))?;
    refused(w, &named(w, 0, "app:1"), words).map(drop)
}

fn layer(w: &World<'_>) -> String {
    format!("GET /v2/app/blobs/{}", Parts::noted(w, "truth").layer(1))
}

/// A layer that is long enough to break off in several times.
fn long(w: &World<'_>) -> String {
    format!("GET /v2/app/blobs/{}", Parts::noted(w, "truth").layer(0))
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law("REG-LIE-1", "A layer of which one bit is another is refused.", cite::DESCRIPTOR, |w| {
        lied(w, &layer(w), How::Flip(40), "filesystem layer verification failed for digest sha256:").map(drop)
    }),
    Clause::law("REG-LIE-2", "A layer that ends early, and says so, is refused.", cite::DESCRIPTOR, |w| {
        lied(w, &layer(w), How::Shorten(40), "it should have").map(drop)
    }),
    Clause::law("REG-LIE-3", "A layer that goes on after its end is refused.", cite::DESCRIPTOR, |w| {
        lied(w, &layer(w), How::Append(b"more".to_vec()), "it should have").map(drop)
    }),
    Clause::law("REG-LIE-4", "A layer that always breaks off is given up after five tries.", cite::PULLING, |w| {
        lied(w, &long(w), How::Cut(40), "breaks off after 200 of")?;
        let tries = w.registry(0, |r| r.seen(&long(w)).len())?;
        holds(format_args!("{tries} tries"), tries == 5)
    }),
    Clause::law("REG-LIE-5", "A registry that stops in the middle of a layer is given up in bounded time.", cite::PULLING, |w| {
        let took = w.timed(|| {
            let error = lied(w, &long(w), How::Stall(40), "breaks off after 200 of")?;
            equal("kind", error.kind(), ErrorKind::TimedOut)
        })?;
        holds(format_args!("{took:?}"), took.as_secs() < 120)
    }),
    Clause::law("REG-LIE-6", "A configuration of which one bit is another is refused.", cite::DESCRIPTOR, |w| {
        let config = Parts::noted(w, "truth").id();
        lied(w, &format!("blobs/{config}"), How::Flip(3), "image config verification failed for digest").map(drop)
    }),
    Clause::law("REG-LIE-7", "A manifest whose digest is not the one asked for is refused.", cite::DESCRIPTOR, |w| {
        let parts = Parts::small("truth");
        parts.put(w, 0, "app", Some("1"))?;
        let other = Parts::small("lie").manifest.to_string();
        let digest = parts.digest();
        w.registry(0, |r| r.lie("manifests/sha256", u32::MAX, How::Instead(Answered::status(200).body(MANIFEST, other))))?;
        refused(w, &named(w, 0, &format!("app@{digest}")), "its digest is").map(drop)
    }),
    Clause::law(
        "REG-LIE-8",
        "A manifest whose header claims another digest is refused.",
        "distribution-spec 1.1, Pulling manifests",
        |w| {
            let claim = Digest::of(b"other").to_string();
            lied(w, "manifests/1", How::Header("docker-content-digest".to_owned(), claim), "its header says").map(drop)
        },
    ),
    Clause::law(
        "REG-LIE-9",
        "A digest in capitals, of another kind or that is a path is refused.",
        "image-spec descriptor.md, Digests",
        |w| {
            for bad in [
                format!("sha256:{}", "A".repeat(64)),
                format!("sha512:{}", "a".repeat(128)),
                "sha256:../../../etc/passwd".to_owned(),
                "md5:0".to_owned(),
            ] {
                let mut parts = Parts::small("digests");
                parts.manifest["layers"][0]["digest"] = json!(bad);
                document(w, MANIFEST, &parts.manifest, "invalid")?;
            }
            Ok(())
        },
    ),
    Clause::law(
        "REG-LIE-10",
        "A document that is a manifest and an index at once is refused.",
        "GHSA-77vh-xpmg-72qh (CVE-2021-41190)",
        |w| {
            let parts = Parts::small("both");
            let mut both = parts.manifest.clone();
            both["manifests"] = index(&[(&parts, "amd64")])["manifests"].clone();
            document(w, MANIFEST, &both, "a manifest and an index at once")?;
            both["mediaType"] = json!(INDEX);
            document(w, INDEX, &both, "a manifest and an index at once")
        },
    ),
    Clause::law(
        "REG-LIE-11",
        "A document that is sent as another kind than it says it is is refused.",
        "GHSA-77vh-xpmg-72qh (CVE-2021-41190)",
        |w| {
            let parts = Parts::small("kinds");
            document(w, INDEX, &parts.manifest, "its media type is not what it was sent as")?;
            document(w, MANIFEST, &index(&[(&parts, "amd64")]), "its media type is not what it was sent as")?;
            document(w, "text/html", &json!({"schemaVersion": 2}), "none of an image")
        },
    ),
    Clause::law("REG-LIE-12", "An index that names indexes without end is refused.", "image-spec image-index.md", |w| {
        let parts = Parts::small("deep");
        parts.put(w, 0, "app", None)?;
        let mut document = index(&[(&parts, "amd64")]);
        for _ in 0..8 {
            let bytes = document.to_string();
            w.registry(0, |r| r.put_manifest("app", Some("1"), INDEX, bytes.as_bytes()))?;
            document = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(INDEX, bytes.as_bytes())]});
        }
        refused(w, &named(w, 0, "app:1"), "names indexes too deep").map(drop)
    }),
    Clause::law("REG-LIE-13", "A key that comes twice in a manifest is refused.", "RFC 8259 section 4", |w| {
        let text = Parts::small("twice").manifest.to_string().replacen('{', "{\"schemaVersion\":2,", 1);
        w.registry(0, |r| r.put_manifest("app", Some("1"), MANIFEST, text.as_bytes()))?;
        refused(w, &named(w, 0, "app:1"), "comes twice").map(drop)
    }),
    Clause::law(
        "REG-LIE-14",
        "A manifest of more than 4 MiB is refused without being kept.",
        "distribution-spec 1.1, Pushing Manifests",
        |w| lied(w, "manifests/1", How::Append(vec![b' '; 5 << 20]), "larger than").map(drop),
    ),
    Clause::law("REG-LIE-15", "An answer without end is left in bounded memory.", cite::PULLING, |w| {
        let endless = Answered { endless: Some(b' '), ..Answered::status(200).header("content-type", MANIFEST) };
        lied(w, "manifests/1", How::Instead(endless.clone()), "larger than")?;
        let refusal = Answered { endless: Some(b'x'), ..Answered::status(400) };
        w.registry(0, |r| {
            r.lies.clear();
            r.lie("manifests/1", u32::MAX, How::Instead(refusal));
        })?;
        refused(w, &named(w, 0, "app:1"), "400 Bad Request").map(drop)
    }),
    Clause::law("REG-LIE-16", "A page of HTML for an error is told as its status.", "distribution-spec 1.1, Error Codes", |w| {
        let page = Answered::status(500).body("text/html", "<html>\n<h1>It is broken</h1>\n</html>");
        let error = lied(w, "manifests/1", How::Instead(page), "500 Internal Server Error")?;
        holds("no HTML is shown", !error.to_string().contains('<'))
    }),
    Clause::law(
        "REG-LIE-17",
        "A message that could move a cursor is told without what would.",
        "distribution-spec 1.1, Error Codes",
        |w| {
            let answer = Answered::problem(400, "NAME_INVALID", "\u{1b}[2J\r\nall is well\u{7}");
            lied(w, "manifests/1", How::Instead(answer), "name invalid: [2J  all is well").map(drop)
        },
    ),
    Clause::law("REG-LIE-18", "A flood of headers is not taken in.", "RFC 9110 section 5.4", |w| {
        lied(w, "manifests/1", How::Flood(90), "headers").map(drop)
    }),
    Clause::law("REG-LIE-19", "Redirects in a circle are left.", "RFC 9110 section 15.4", |w| {
        let round = Answered::status(307).header("location", "/v2/app/manifests/1");
        lied(w, "manifests/1", How::Instead(round), "redirects more than 5 times").map(drop)
    }),
    Clause::law(
        "REG-LIE-20",
        "A redirect to what only means something to this machine is refused.",
        "OWASP, Server Side Request Forgery",
        |w| {
            let metadata = Answered::status(307).header("location", "http://169.254.169.254/latest/meta-data/");
            lied(w, "manifests/1", How::Instead(metadata), "this machine's own network")?;
            w.registry(0, |r| {
                r.lies.clear();
                r.lie("manifests/1", u32::MAX, How::Instead(Answered::status(307).header("location", "file:///etc/passwd")));
            })?;
            refused(w, &named(w, 0, "app:1"), "invalid address").map(drop)
        },
    ),
    Clause::law("REG-LIE-21", "A list of tags without end is left.", "distribution-spec 1.1, Listing Tags", |w| {
        let page = Answered::json(200, &json!({"name": "app", "tags": []})).header("link", "</v2/app/tags/list?last=a>; rel=\"next\"");
        w.registry(0, |r| r.lie("tags/list", u32::MAX, How::Instead(page)))?;
        let request = super::PullRequest { reference: named(w, 0, "app"), all_tags: true, ..super::PullRequest::default() };
        super::refused_with(w, &request, "has no end").map(drop)
    }),
    Clause::law(
        "REG-LIE-22",
        "A layer whose content is not what the configuration says is refused.",
        "image-spec config.md, rootfs.diff_ids",
        |w| {
            let mut parts = Parts::small("inside");
            parts.config["rootfs"]["diff_ids"] = json!([Digest::of(b"other")]);
            parts.describe();
            parts.put(w, 0, "app", Some("1"))?;
            refused(w, &named(w, 0, "app:1"), "invalid diffID for layer 0").map(drop)
        },
    ),
    Clause::law(
        "REG-LIE-23",
        "A manifest with more or fewer layers than its configuration is refused.",
        "image-spec config.md, rootfs",
        |w| {
            let mut parts = Parts::noted(w, "count");
            parts.config["rootfs"]["diff_ids"] = json!([]);
            parts.describe();
            parts.put(w, 0, "app", Some("1"))?;
            refused(w, &named(w, 0, "app:1"), "layers length mismatch: expected 0, got 2").map(drop)
        },
    ),
    Clause::law("REG-LIE-24", "A range that begins somewhere else is refused.", "RFC 9110 section 14.4", |w| {
        let parts = Parts::noted(w, "truth");
        parts.put(w, 0, "app", Some("1"))?;
        let (on, bytes) = (layer(w), parts.layers[1].clone());
        let wrong = Answered::status(206).body("application/octet-stream", bytes).header("content-range", "bytes 0-9/10");
        w.registry(0, |r| {
            r.lie(&on, 1, How::Cut(40));
            r.lie(&on, u32::MAX, How::Instead(wrong));
        })?;
        refused(w, &named(w, 0, "app:1"), "byte 40 was asked for").map(drop)
    }),
    Clause::law("REG-LIE-25", "After a lie the truth is pulled, and is whole.", cite::PULLING, |w| {
        lied(w, &layer(w), How::Flip(40), "verification failed")?;
        w.registry(0, |r| r.lies.clear())?;
        super::pull(w, &named(w, 0, "app:1"))?;
        w.run_with(&[], |c| c.image = named(w, 0, "app:1"))?.prints("truth")?.done()
    }),
];

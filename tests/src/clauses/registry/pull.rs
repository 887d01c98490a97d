//! Pulling.

use super::{Access, INDEX, MANIFEST, Parts, index, lines, named, pull, pulls_with, refused, refused_with};
use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::{Entry, tar};
use crate::outcome::{contains, equal, fail, holds};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::build::progress::Silent;
use drydock_core::build::request::{BuildRequest, Surface};
use drydock_core::registry::PullRequest;
use drydock_sim::registry::{Answered, How};

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "REG-PULL-1",
        "A pulled image runs, with its layers in their order, its command and its environment.",
        cite::PULL,
        |w| {
            Parts::noted(w, "hello").put(w, 0, "app", Some("1"))?;
            pull(w, &named(w, 0, "app:1"))?;
            w.run_with(&[], |c| c.image = named(w, 0, "app:1"))?.prints("hello")?;
            w.run_with(&["sh", "-c", "echo $K"], |c| c.image = named(w, 0, "app:1"))?.prints("v")?.done()
        },
    ),
    Clause::docker("REG-PULL-2", "The image's id is the digest of its configuration, whichever way it came.", cite::PULL, |w| {
        let parts = Parts::small("id");
        parts.put(w, 0, "app", Some("1"))?;
        pull(w, &named(w, 0, "app:1"))?;
        equal("id", w.engine().image(&named(w, 0, "app:1"))?.id.to_string(), parts.id().to_string())
    }),
    Clause::docker("REG-PULL-3", "What a pull says ends with the manifest's digest and whether anything was new.", cite::PULL, |w| {
        let parts = Parts::small("said");
        parts.put(w, 0, "app", Some("1"))?;
        let request = PullRequest { reference: named(w, 0, "app:1"), ..PullRequest::default() };
        let short = parts.layer(0).hex().get(..12).unwrap_or_default().to_owned();
        let said = lines(&pulls_with(w, &request)?.1);
        equal("first", said.first().map(String::as_str), Some("1: Pulling from app"))?;
        holds(format_args!("{said:?}"), said.contains(&format!("{short}: Pull complete")))?;
        let end = [format!("Digest: {}", parts.digest()), format!("Status: Downloaded newer image for {}", named(w, 0, "app:1"))];
        equal("end", said.iter().rev().take(2).rev().cloned().collect::<Vec<_>>(), end.to_vec())?;
        let again = lines(&pulls_with(w, &request)?.1);
        equal("again", again.last().cloned(), Some(format!("Status: Image is up to date for {}", named(w, 0, "app:1"))))
    }),
    Clause::docker("REG-PULL-4", "An image is pulled by its digest, and known by it afterwards.", cite::PULL, |w| {
        let digest = Parts::small("digest").put(w, 0, "app", Some("1"))?;
        let name = named(w, 0, &format!("app@{digest}"));
        pull(w, &name)?;
        let image = w.engine().image(&name)?;
        equal("tags", image.tags.len(), 0)?;
        equal("digests", image.digests, vec![name])
    }),
    Clause::docker("REG-PULL-5", "A tag that is not there is an error that names it.", cite::PULL, |w| {
        Parts::small("x").put(w, 0, "app", Some("1"))?;
        let error = refused(w, &named(w, 0, "app:2"), "not found: manifest unknown: manifest unknown")?;
        contains("message", &error.to_string(), &format!("manifest for {} not found", named(w, 0, "app:2")))?;
        equal("kind", error.kind(), ErrorKind::NotFound)
    }),
    Clause::law("REG-PULL-6", "A repository that is not there is an error that names it.", cite::PULLING, |w| {
        refused(w, &named(w, 0, "nothing/here"), &format!("repository {} not found", named(w, 0, "nothing/here"))).map(drop)
    }),
    Clause::law("REG-PULL-7", "Of an index the host's own machine's image is taken.", "image-spec image-index.md, platform", |w| {
        let (own, other) = (Parts::noted(w, "own"), Parts::small("other"));
        let machine = w.engine().facts().architecture;
        let foreign = if machine == "s390x" { "amd64" } else { "s390x" };
        own.put(w, 0, "app", None)?;
        other.put(w, 0, "app", None)?;
        let document = index(&[(&other, foreign), (&own, &machine)]).to_string();
        let digest = w.registry(0, |r| r.put_manifest("app", Some("1"), INDEX, document.as_bytes()))?;
        let pulled = pull(w, &named(w, 0, "app:1"))?;
        equal("digest", pulled.digest, digest)?;
        equal("image", pulled.image.to_string(), own.id().to_string())
    }),
    Clause::law("REG-PULL-8", "--platform takes another machine's image of an index.", cite::PULL, |w| {
        let (one, mut two) = (Parts::small("one"), Parts::small("two"));
        two.config["architecture"] = "s390x".into();
        two.describe();
        one.put(w, 0, "app", None)?;
        two.put(w, 0, "app", None)?;
        let document = index(&[(&one, "amd64"), (&two, "s390x")]).to_string();
        w.registry(0, |r| r.put_manifest("app", Some("1"), INDEX, document.as_bytes()))?;
        let request = PullRequest { reference: named(w, 0, "app:1"), platform: Some("linux/s390x".to_owned()), ..PullRequest::default() };
        pulls_with(w, &request)?;
        equal("machine", w.engine().image(&named(w, 0, "app:1"))?.architecture, "s390x")
    }),
    Clause::docker("REG-PULL-9", "A machine that an index has no image for is refused.", cite::PULL, |w| {
        let one = Parts::small("one");
        one.put(w, 0, "app", None)?;
        let document = index(&[(&one, "amd64")]).to_string();
        w.registry(0, |r| r.put_manifest("app", Some("1"), INDEX, document.as_bytes()))?;
        let request = PullRequest { reference: named(w, 0, "app:1"), platform: Some("linux/ppc64le".to_owned()), ..PullRequest::default() };
        refused_with(w, &request, "no matching manifest for linux/ppc64le in the manifest list entries").map(drop)
    }),
    Clause::law("REG-PULL-10", "A layer that is there already is not fetched again.", cite::PULL, |w| {
        let (first, second) = (Parts::noted(w, "first"), Parts::noted(w, "second"));
        first.put(w, 0, "app", Some("1"))?;
        second.put(w, 0, "app", Some("2"))?;
        pull(w, &named(w, 0, "app:1"))?;
        pull(w, &named(w, 0, "app:2"))?;
        let asked = w.registry(0, |r| r.seen(&format!("GET /v2/app/blobs/{}", first.layer(0))).len())?;
        equal("times the shared layer was fetched", asked, 1)
    }),
    Clause::law("REG-PULL-11", "A blob that is several layers of an image is fetched once.", cite::PULLING, |w| {
        let layer = tar(&[Entry::file("note", "twice")]);
        let parts = Parts::of(&[layer.clone(), layer]);
        parts.put(w, 0, "app", Some("1"))?;
        pull(w, &named(w, 0, "app:1"))?;
        equal("times", w.registry(0, |r| r.seen(&format!("blobs/{}", parts.layer(0))).len())?, 1)?;
        equal("layers", w.engine().image(&named(w, 0, "app:1"))?.layers.len(), 2)
    }),
    Clause::docker("REG-PULL-12", "-a pulls every tag of a repository.", cite::PULL, |w| {
        for tag in ["a", "b", "c"] {
            Parts::small(tag).put(w, 0, "app", Some(tag))?;
        }
        // Three pages.
        w.registry(0, |r| r.page = 1)?;
        let request = PullRequest { reference: named(w, 0, "app"), all_tags: true, ..PullRequest::default() };
        equal("pulled", pulls_with(w, &request)?.0.len(), 3)?;
        ["a", "b", "c"].iter().try_for_each(|tag| w.engine().image(&named(w, 0, &format!("app:{tag}"))).map(drop).map_err(Into::into))
    }),
    Clause::docker("REG-PULL-13", "-a and a tag exclude each other.", cite::PULL, |w| {
        let request = PullRequest { reference: named(w, 0, "app:1"), all_tags: true, ..PullRequest::default() };
        refused_with(w, &request, "tag can't be used with --all-tags/-a").map(drop)
    }),
    Clause::law(
        "REG-PULL-14",
        "A blob that breaks off is gone on with where it broke off.",
        "distribution-spec 1.1, Pulling blobs (Range)",
        |w| {
            let parts = Parts::noted(w, "resumed");
            parts.put(w, 0, "app", Some("1"))?;
            let whole = parts.layers[0].len();
            w.registry(0, |r| r.lie(&format!("GET /v2/app/blobs/{}", parts.layer(0)), 2, How::Cut(whole / 3)))?;
            pull(w, &named(w, 0, "app:1"))?;
            let ranges = w.registry(0, |r| {
                let seen = r.seen(&format!("blobs/{}", parts.layer(0)));
                seen.iter().map(|asked| asked.header("range").map(str::to_owned)).collect::<Vec<_>>()
            })?;
            equal("requests", ranges.len(), 3)?;
            equal("first", ranges[0].clone(), None)?;
            equal("second", ranges[1].clone(), Some(format!("bytes={}-", whole / 3)))?;
            w.run_with(&[], |c| c.image = named(w, 0, "app:1"))?.prints("resumed")?.done()
        },
    ),
    Clause::law("REG-PULL-15", "A registry that knows no ranges may begin again from the beginning.", "RFC 9110 section 14.2", |w| {
        let parts = Parts::noted(w, "again");
        parts.put(w, 0, "app", Some("1"))?;
        let (on, bytes) = (format!("GET /v2/app/blobs/{}", parts.layer(0)), parts.layers[0].clone());
        w.registry(0, |r| {
            r.lie(&on, 1, How::Cut(bytes.len() / 2));
            r.lie(&on, 1, How::Instead(Answered::status(200).body("application/octet-stream", bytes)));
        })?;
        pull(w, &named(w, 0, "app:1"))?;
        w.run_with(&[], |c| c.image = named(w, 0, "app:1"))?.prints("again")?.done()
    }),
    Clause::law("REG-PULL-16", "What a registry is too busy for is asked again, after as long as it says.", "RFC 6585 section 4", |w| {
        Parts::small("busy").put(w, 0, "app", Some("1"))?;
        w.registry(0, |r| r.lie("GET /v2/app/manifests/1", 1, How::Instead(Answered::status(429).header("retry-after", "1"))))?;
        let took = w.timed(|| pull(w, &named(w, 0, "app:1")).map(drop).map_err(Into::into))?;
        holds(format_args!("it waited a second, {took:?}"), took.as_millis() >= 1000 && took.as_secs() < 10)
    }),
    Clause::law("REG-PULL-17", "A registry that stays broken is asked at most five times.", cite::PULLING, |w| {
        Parts::small("broken").put(w, 0, "app", Some("1"))?;
        w.registry(0, |r| r.lie("GET /v2/app/manifests/1", u32::MAX, How::Instead(Answered::status(503))))?;
        refused(w, &named(w, 0, "app:1"), "503 Service Unavailable")?;
        equal("times", w.registry(0, |r| r.seen("manifests/1").len())?, 5)
    }),
    Clause::law("REG-PULL-18", "A registry that asks for an hour's patience is not waited for.", "RFC 9110 section 10.2.3", |w| {
        Parts::small("later").put(w, 0, "app", Some("1"))?;
        w.registry(0, |r| r.lie("manifests/1", u32::MAX, How::Instead(Answered::status(429).header("retry-after", "3600"))))?;
        let took = w.timed(|| refused(w, &named(w, 0, "app:1"), "429 Too Many Requests").map(drop))?;
        holds(format_args!("at once: {took:?}"), took.as_secs() < 5)
    }),
    Clause::law("REG-PULL-19", "Where else a layer may be had is not looked at.", "image-spec descriptor.md, urls", |w| {
        let mut parts = Parts::small("elsewhere");
        parts.manifest["layers"][0]["urls"] = serde_json::json!([format!("http://{}/stolen", w.registries()[1])]);
        parts.put(w, 0, "app", Some("1"))?;
        pull(w, &named(w, 0, "app:1"))?;
        equal("requests to there", w.registry(1, |r| r.log.len())?, 0)
    }),
    Clause::law("REG-PULL-20", "A pulled tag moves from the image that had it.", cite::PULLING, |w| {
        Parts::small("old").put(w, 0, "app", Some("1"))?;
        let old = pull(w, &named(w, 0, "app:1"))?;
        let new = Parts::small("new");
        new.put(w, 0, "app", Some("1"))?;
        pull(w, &named(w, 0, "app:1"))?;
        equal("the tag's image", w.engine().image(&named(w, 0, "app:1"))?.id.to_string(), new.id().to_string())?;
        holds("the old one has no tag", w.engine().image(old.image.as_str())?.tags.is_empty())
    }),
    Clause::law("REG-PULL-21", "An image of one machine is taken as it is, unless another one is asked for.", cite::PULL, |w| {
        Parts::small("plain").put(w, 0, "app", Some("1"))?;
        let request = PullRequest { reference: named(w, 0, "app:1"), platform: Some("linux/s390x".to_owned()), ..PullRequest::default() };
        refused_with(w, &request, "does not match the specified platform: wanted linux/s390x, actual: linux/amd64").map(drop)
    }),
    Clause::law("REG-PULL-22", "Where nobody listens the error says so, and where.", cite::PULL, |w| {
        let Err(error) = pull(w, "127.0.0.1:9/app") else { return fail("it was pulled") };
        contains("message", &error.to_string(), "Get \"http://127.0.0.1:9/v2/\": dial tcp 127.0.0.1:9: connect: connection refused")
    }),
    Clause::law("REG-PULL-23", "The manifest as the registry has it can be looked at.", cite::PULLING, |w| {
        let parts = Parts::small("looked");
        parts.put(w, 0, "app", Some("1"))?;
        let found = w.engine().remote_manifest(&named(w, 0, "app:1"), &super::Access::default())?;
        equal("kind", found.media_type.as_str(), MANIFEST)?;
        equal("bytes", String::from_utf8_lossy(&found.bytes).into_owned(), parts.manifest.to_string())?;
        equal("images", w.engine().images()?.len(), 1)
    }),
    Clause::law("REG-PULL-24", "A mirror is asked before Docker Hub, and the image has Docker Hub's name.", MIRRORS, |w| {
        let parts = Parts::small("mirrored");
        parts.put(w, 0, "library/app", Some("1"))?;
        let request = PullRequest { reference: "app:1".to_owned(), access: by_mirror(w), ..PullRequest::default() };
        pulls_with(w, &request)?;
        equal("id", w.engine().image("app:1")?.id.to_string(), parts.id().to_string())?;
        equal("tags", w.engine().image("app:1")?.tags, vec!["docker.io/library/app:1".to_owned()])
    }),
    Clause::law("REG-PULL-25", "What a build begins with is looked for at the mirrors too.", MIRRORS, |w| {
        Parts::noted(w, "mirrored").put(w, 0, "library/app", Some("1"))?;
        let request = BuildRequest {
            dockerfile: Some(b"FROM app:1\nENV BUILT=upon\n".to_vec()),
            file: "Dockerfile".to_owned(),
            ignore: Some(Vec::new()),
            tags: vec!["upon:1".to_owned()],
            access: [("docker.io".to_owned(), by_mirror(w))].into(),
            ..BuildRequest::default()
        };
        w.engine().build(&request, Surface::plain(&mut std::io::empty(), &Silent))?;
        w.run_with(&["sh", "-c", "cat /note; echo $BUILT"], |c| c.image = "upon:1".to_owned())?.prints("mirroredupon")?.done()
    }),
];

const MIRRORS: &str = "Docker daemon reference, registry-mirrors";

/// Docker Hub by way of the first registry.
fn by_mirror(w: &World<'_>) -> Access {
    Access { mirrors: vec![format!("http://{}", named(w, 0, "").trim_end_matches('/'))], ..Access::default() }
}

//! Pushing.

use super::{Parts, known, named, pull, push, push_as};
use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::{Archive, Entry, tar};
use crate::outcome::{Checked, contains, equal, fail, holds};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::id::Digest;
use drydock_core::registry::{Access, PushRequest};
use drydock_sim::registry::{Answered, How, Wants};

/// An image of this host under a name in a registry.
fn loaded(w: &World<'_>, name: &str) -> Checked<Archive> {
    let archive = Archive::new(vec![tar(&[Entry::file("below", "below")]), tar(&[Entry::file("note", "pushed")])], &[name]);
    w.engine().load(&mut &*archive.docker())?;
    Ok(archive)
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("REG-PUSH-1", "What was pushed is pulled as the same image.", cite::PUSH, |w| {
        let name = named(w, 0, "app:1");
        let id = loaded(w, &name)?.id();
        push(w, &name)?;
        w.engine().remove_image(&name, true, true)?;
        equal("id", pull(w, &name)?.image.to_string(), id)
    }),
    Clause::docker("REG-PUSH-2", "What a push says ends with the manifest's digest and size.", cite::PUSH, |w| {
        let name = named(w, 0, "app:1");
        loaded(w, &name)?;
        let said = push(w, &name)?;
        equal("first", said.first().cloned(), Some(format!("The push refers to repository [{}]", named(w, 0, "app"))))?;
        equal("layers pushed", said.iter().filter(|l| l.ends_with(": Pushed")).count(), 2)?;
        let (kind, bytes) = w.registry(0, |r| {
            let repository = r.repositories.get("app").cloned().unwrap_or_default();
            repository.tags.get("1").and_then(|d| repository.manifests.get(d).cloned()).unwrap_or_default()
        })?;
        holds(format_args!("it is a manifest: {kind}"), kind.contains("manifest"))?;
        equal("last", said.last().cloned(), Some(format!("1: digest: {} size: {}", Digest::of(&bytes), bytes.len())))
    }),
    Clause::docker("REG-PUSH-3", "A layer that the repository has is not sent again.", cite::PUSH, |w| {
        let name = named(w, 0, "app:1");
        loaded(w, &name)?;
        push(w, &name)?;
        w.registry(0, |r| r.log.clear())?;
        let said = push(w, &name)?;
        equal("layers", said.iter().filter(|l| l.ends_with(": Layer already exists")).count(), 2)?;
        equal("uploads", w.registry(0, |r| r.seen("blobs/uploads").len())?, 0)
    }),
    Clause::law("REG-PUSH-4", "What was pulled is pushed elsewhere with the same digest.", cite::PUSHING, |w| {
        let parts = Parts::small("moved");
        let digest = parts.put(w, 0, "app", Some("1"))?;
        pull(w, &named(w, 0, "app:1"))?;
        w.engine().tag(&named(w, 0, "app:1"), &named(w, 1, "copy:1"))?;
        push(w, &named(w, 1, "copy:1"))?;
        equal("digest there", w.registry(1, |r| r.repositories.get("copy").and_then(|r| r.tags.get("1").cloned()))?, Some(digest))
    }),
    Clause::law(
        "REG-PUSH-5",
        "A layer that another repository of the registry has is mounted and not sent.",
        "distribution-spec 1.1, Mounting a blob from another repository",
        |w| {
            Parts::small("mounted").put(w, 0, "one", Some("1"))?;
            pull(w, &named(w, 0, "one:1"))?;
            w.engine().tag(&named(w, 0, "one:1"), &named(w, 0, "two:1"))?;
            let said = push(w, &named(w, 0, "two:1"))?;
            holds(format_args!("{said:?}"), said.iter().any(|l| l.ends_with(": Mounted from one")))?;
            equal("bytes sent", w.registry(0, |r| r.seen("PATCH ").len())?, 0)
        },
    ),
    Clause::docker("REG-PUSH-6", "A name that no image has cannot be pushed.", cite::PUSH, |w| {
        let Err(error) = push(w, &named(w, 0, "nothing:1")) else { return fail("it was pushed") };
        contains("message", &error.to_string(), &format!("An image does not exist locally with the tag: {}", named(w, 0, "nothing")))
    }),
    Clause::docker("REG-PUSH-7", "A digest cannot be pushed.", cite::PUSH, |w| {
        let name = named(w, 0, &format!("app@{}", Digest::of(b"x")));
        let Err(error) = push(w, &name) else { return fail("it was pushed") };
        contains("message", &error.to_string(), "cannot push a digest reference")
    }),
    Clause::docker("REG-PUSH-8", "-a pushes every tag of a repository.", cite::PUSH, |w| {
        loaded(w, &named(w, 0, "app:1"))?;
        w.engine().tag(&named(w, 0, "app:1"), &named(w, 0, "app:2"))?;
        w.engine().tag(&named(w, 0, "app:1"), &named(w, 0, "other:1"))?;
        let request = PushRequest { reference: named(w, 0, "app"), all_tags: true, ..PushRequest::default() };
        equal("pushed", w.engine().push(&request, &mut |_| {})?.len(), 2)?;
        equal(
            "tags",
            w.registry(0, |r| r.repositories["app"].tags.keys().cloned().collect::<Vec<_>>())?,
            vec!["1".to_owned(), "2".to_owned()],
        )?;
        holds("the other one is not there", w.registry(0, |r| !r.repositories.contains_key("other"))?)
    }),
    Clause::law(
        "REG-PUSH-9",
        "An upload that breaks off is gone on with from what has arrived.",
        "distribution-spec 1.1, Pushing a blob in chunks",
        |w| {
            let name = named(w, 0, "app:1");
            loaded(w, &name)?;
            // Everything arrives, and the answer says that nothing did.
            w.registry(0, |r| r.lie("PATCH ", 1, How::Instead(Answered::status(502))))?;
            push(w, &name)?;
            holds("it is there", w.registry(0, |r| r.repositories["app"].tags.contains_key("1"))?)?;
            holds("the registry was asked how much it has", !w.registry(0, |r| r.seen("GET /v2/app/blobs/uploads/").is_empty())?)
        },
    ),
    Clause::law("REG-PUSH-10", "What was pushed is known by its digest afterwards.", cite::PUSH, |w| {
        let name = named(w, 0, "app:1");
        loaded(w, &name)?;
        push(w, &name)?;
        let digest = w.registry(0, |r| r.repositories["app"].tags["1"].clone())?;
        equal("digests", w.engine().image(&name)?.digests, vec![named(w, 0, &format!("app@{digest}"))])
    }),
    Clause::law("REG-PUSH-11", "Whoever may not push is told so, and nothing is sent.", cite::PUSHING, |w| {
        let name = named(w, 0, "app:1");
        loaded(w, &name)?;
        let realm = format!("http://{}/token", w.registries()[0]);
        w.registry(0, |r| {
            r.wants = Wants::Token { realm, anyone: true, uses: u32::MAX };
            r.accounts.insert("alice".to_owned(), "open sesame".to_owned());
        })?;
        let Err(error) = push_as(w, &name, known("alice", "open sesame")) else { return fail("it was pushed") };
        contains("message", &error.to_string(), "denied: requested access to the resource is denied")?;
        equal("bytes sent", w.registry(0, |r| r.seen("PATCH ").len())?, 0)
    }),
    Clause::law("REG-PUSH-12", "A registry that wants what is sent to it sent elsewhere is refused.", cite::PUSHING, |w| {
        let name = named(w, 0, "app:1");
        loaded(w, &name)?;
        let elsewhere = format!("http://{}/v2/app/blobs/uploads/x", w.registries()[1]);
        w.registry(0, |r| r.lie("POST /v2/app/blobs/uploads", u32::MAX, How::Header("location".to_owned(), elsewhere)))?;
        let Err(error) = push(w, &name) else { return fail("it was pushed") };
        contains("message", &error.to_string(), "wants blobs sent to")?;
        equal("requests to there", w.registry(1, |r| r.log.len())?, 0)
    }),
    Clause::law("REG-PUSH-13", "A registry that says that something else has arrived is not believed.", cite::DESCRIPTOR, |w| {
        let name = named(w, 0, "app:1");
        loaded(w, &name)?;
        let claim = Digest::of(b"other").to_string();
        w.registry(0, |r| r.lie("PUT /v2/app/manifests", u32::MAX, How::Header("docker-content-digest".to_owned(), claim)))?;
        let Err(error) = push(w, &name) else { return fail("it was believed") };
        contains("message", &error.to_string(), "arrived as")
    }),
    Clause::law(
        "REG-PUSH-14",
        "Layers that were made here are compressed on their way, and come back as the same image.",
        cite::PUSH,
        |w| {
            let name = named(w, 0, "app:1");
            loaded(w, &name)?;
            let id = w.engine().image(&name)?.id;
            push(w, &name)?;
            let manifest = w.engine().remote_manifest(&name, &Access::default())?.bytes;
            let manifest: serde_json::Value = serde_json::from_slice(&manifest).map_err(drydock_core::Error::from)?;
            let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
            holds("there are layers", !layers.is_empty())?;
            holds(
                format_args!("each is compressed: {layers:?}"),
                layers.iter().all(|l| l["mediaType"].as_str().is_some_and(|m| m.ends_with("gzip"))),
            )?;
            w.engine().remove_image(id.as_str(), true, true)?;
            equal("id", pull(w, &name)?.image, id)
        },
    ),
    Clause::law("REG-PUSH-15", "What comes of one layer is always the same: two images that have it send it once.", cite::PUSH, |w| {
        let archive = tar(&[Entry::file("note", "shared")]);
        for (tag, message) in [("1", "one"), ("2", "two")] {
            w.engine().import(
                &mut archive.as_slice(),
                &drydock_core::engine::ImportRequest::of(&named(w, 0, &format!("app:{tag}")), &[], message),
            )?;
        }
        let first = push(w, &named(w, 0, "app:1"))?;
        holds(format_args!("it is sent: {first:?}"), first.iter().any(|line| line.ends_with(": Pushed")))?;
        let second = push(w, &named(w, 0, "app:2"))?;
        holds(format_args!("it is there: {second:?}"), second.iter().any(|line| line.ends_with(": Layer already exists")))
    }),
    Clause::law("REG-PUSH-16", "An image of another platform than the one that is asked for is not pushed.", cite::PUSH, |w| {
        let name = named(w, 0, "app:1");
        loaded(w, &name)?;
        let own = w.engine().facts().architecture;
        let request = |platform: String| PushRequest { reference: name.clone(), platform: Some(platform), ..PushRequest::default() };
        let other = if own == "arm64" { "linux/amd64" } else { "linux/arm64" };
        let Err(error) = w.engine().push(&request(other.to_owned()), &mut |_| {}) else { return fail("it was pushed") };
        let error = crate::outcome::refusal(error)?;
        equal("kind", error.kind(), ErrorKind::NotFound)?;
        contains("message", &error.to_string(), "does not provide the specified platform")?;
        equal("what was sent", w.registry(0, |r| r.seen("PATCH ").len() + r.seen("PUT ").len())?, 0)?;
        equal("pushed", w.engine().push(&request(format!("linux/{own}")), &mut |_| {})?.len(), 1)
    }),
];

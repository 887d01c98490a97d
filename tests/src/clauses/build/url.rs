//! ADD of a URL: what comes, what it is called, and when it is fetched again.

use super::{BUILDKIT, REFERENCE, Trial, build, build_with, in_image, refused};
use crate::clause::Clause;
use crate::outcome::{Checked, contains, equal, holds};
use crate::world::World;
use drydock_core::id::Digest;
use drydock_sim::registry::Answered;

/// Puts a file on a host of the world, and answers where it is.
fn site(w: &World<'_>, path: &str, answer: Answered) -> Checked<String> {
    w.registry(0, |host| drop(host.files.insert(path.to_owned(), answer)))?;
    Ok(format!("http://{}{path}", w.registries().first().cloned().unwrap_or_default()))
}

fn text(body: &str) -> Answered {
    Answered::status(200).body("text/plain", body)
}

/// How often something was asked for.
fn asked(w: &World<'_>, path: &str) -> Checked<usize> {
    w.registry(0, |host| host.seen(path).len())
}

fn cached(trial: &Trial) -> (usize, usize) {
    trial.built.cached
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law(
        "BLD-URL-1",
        "A file that is added from a URL is root's, with mode 600 and the time that its server says.",
        REFERENCE,
        |w| {
            let url = site(w, "/f.txt", text("fetched").header("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT"))?;
            let ran = in_image(w, &format!("FROM busybox\nADD {url} /d/\n"), &[], "cat /d/f.txt; stat -c ' %a %u:%g %Y' /d/f.txt")?;
            ran.exits(0)?.prints("fetched 600 0:0 1445412480")?.done()
        },
    ),
    Clause::law("BLD-URL-2", "A destination that ends with no slash is the file's new name.", REFERENCE, |w| {
        let url = site(w, "/old", text("x"))?;
        in_image(w, &format!("FROM busybox\nADD --chmod=644 {url} /new\n"), &[], "stat -c '%a %n' /new")?
            .exits(0)?
            .prints("644 /new")?
            .done()
    })
    .needs(BUILDKIT),
    Clause::law("BLD-URL-3", "A URL that ends with a slash has no name for a file in a directory.", REFERENCE, |w| {
        let url = site(w, "/dir/", text("x"))?;
        let error = refused(w, &format!("FROM busybox\nADD {url} /d/\n"), &[])?;
        contains("message", error.message(), "cannot determine filename for source")
    }),
    Clause::law("BLD-URL-4", "An archive from a URL is not extracted, unless --unpack says so.", REFERENCE, |w| {
        let archive = crate::fixture::tar(&[crate::fixture::Entry::file("inside", "x")]);
        let url = site(w, "/a.tar", Answered::status(200).body("application/x-tar", archive))?;
        let file = format!("FROM busybox\nADD {url} /one/\nADD --unpack=true {url} /two/\n");
        in_image(w, &file, &[], "ls /one /two")?.exits(0)?.prints("/one:\na.tar\n\n/two:\ninside")?.done()
    })
    .needs(BUILDKIT),
    Clause::law("BLD-URL-5", "What is not what its checksum says is refused, and both digests are named.", REFERENCE, |w| {
        let url = site(w, "/f", text("changed"))?;
        let (wanted, got) = (Digest::of(b"x"), Digest::of(b"changed"));
        let error = refused(w, &format!("FROM busybox\nADD --checksum={wanted} {url} /f\n"), &[])?;
        contains("message", error.message(), &format!("digest mismatch {got}: {wanted}"))
    })
    .needs(BUILDKIT),
    Clause::law("BLD-URL-6", "What has its checksum is taken, and with it in the cache nothing is asked for.", REFERENCE, |w| {
        let url = site(w, "/checked", text("same"))?;
        let file = format!("FROM busybox\nADD --checksum={} {url} /f\n", Digest::of(b"same"));
        build(w, &file, &[])?;
        equal("asked", asked(w, "/checked")?, 1)?;
        equal("cached", cached(&build(w, &file, &[])?), (1, 1))?;
        equal("asked again", asked(w, "/checked")?, 1)
    })
    .needs(BUILDKIT),
    Clause::law(
        "BLD-URL-7",
        "A file is fetched again and copied only if it has changed.",
        "Docker manual, Build cache invalidation",
        |w| {
            let url = site(w, "/v", text("1"))?;
            let file = format!("FROM busybox\nADD {url} /f\nRUN cat /f\n");
            build(w, &file, &[])?;
            equal("the same", cached(&build(w, &file, &[])?), (2, 2))?;
            site(w, "/v", text("2"))?;
            equal("another", cached(&build(w, &file, &[])?), (0, 2))
        },
    ),
    Clause::law("BLD-URL-8", "A server that knows what it sent is asked whether it has changed.", "RFC 9110 section 13.1.2", |w| {
        let url = site(w, "/tagged", text("1").header("etag", "\"a\""))?;
        let file = format!("FROM busybox\nADD {url} /f\n");
        build(w, &file, &[])?;
        equal("the same", cached(&build(w, &file, &[])?), (1, 1))?;
        let conditions = w.registry(0, |host| host.seen("/tagged").iter().filter(|a| a.header("if-none-match").is_some()).count())?;
        equal("conditions", conditions, 1)?;
        let trial = build_with(w, &file, &[], |r| r.no_cache = true)?;
        equal("without the cache", cached(&trial), (0, 1))
    })
    .needs(BUILDKIT),
    Clause::law("BLD-URL-9", "An answer that is no file is refused with its status.", REFERENCE, |w| {
        let url = site(w, "/gone", Answered::status(404))?;
        let error = refused(w, &format!("FROM busybox\nADD {url} /f\n"), &[])?;
        contains("message", error.message(), "invalid response status 404")
    }),
    Clause::law("BLD-URL-10", "A redirect is followed, and a ring of them is not.", "RFC 9110 section 15.4", |w| {
        let url = site(w, "/from", Answered::status(302).header("location", "/to"))?;
        site(w, "/to", text("there"))?;
        in_image(w, &format!("FROM busybox\nADD --chmod=644 {url} /f\n"), &[], "cat /f")?.exits(0)?.prints("there")?.done()?;
        let ring = site(w, "/ring", Answered::status(302).header("location", "/ring"))?;
        let error = refused(w, &format!("FROM busybox\nADD {ring} /f\n"), &[])?;
        contains("message", error.message(), "redirects more than")
    })
    .needs(BUILDKIT),
    Clause::law("BLD-URL-11", "A file that ends early is refused.", REFERENCE, |w| {
        let url = site(w, "/cut", Answered { cut: Some(3), ..text("more than three") })?;
        refused(w, &format!("FROM busybox\nADD {url} /f\n"), &[])?;
        holds("no image", w.engine().image(super::NAME).is_err())
    }),
    Clause::law("BLD-URL-12", "A checksum is for one URL: not for files, not for several.", REFERENCE, |w| {
        let digest = Digest::of(b"x");
        let error = refused(w, &format!("FROM busybox\nADD --checksum={digest} f /f\n"), &[crate::fixture::Entry::file("f", "x")])?;
        contains("a file", error.message(), "checksum can't be specified for non-HTTP(S) sources")?;
        let url = site(w, "/f", text("x"))?;
        let error = refused(w, &format!("FROM busybox\nADD --checksum={digest} {url} {url} /d/\n"), &[])?;
        contains("several", error.message(), "checksum can't be specified with multiple sources")
    })
    .needs(BUILDKIT),
    Clause::law("BLD-URL-13", "A git repository is refused by one sentence, and what to do instead is said.", REFERENCE, |w| {
        for source in ["https://example.com/a/b.git", "git@example.com:a/b.git", "https://example.com/a/b.git#v1:dir"] {
            let error = refused(w, &format!("FROM busybox\nADD {source} /src\n"), &[])?;
            contains("message", &error.to_string(), "ADD of a git repository is not supported")?;
            contains("hint", &error.to_string(), "COPY")?;
        }
        Ok(())
    }),
    Clause::law("BLD-URL-14", "COPY takes no URL.", REFERENCE, |w| {
        let error = refused(w, "FROM busybox\nCOPY http://example.com/f /f\n", &[])?;
        contains("message", error.message(), "source can't be a URL for COPY")
    }),
];

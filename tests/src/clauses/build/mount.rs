//! `RUN --mount`: what a step sees of it, and what stays.

use super::{BUILDKIT, NAME, REFERENCE, build, build_with, in_image, refused};
use crate::clause::Clause;
use crate::fixture::Entry;
use crate::outcome::{contains, equal, holds, lacks};
use drydock_core::build::request::{BuildRequest, Secret};

fn secret(content: &str) -> impl FnOnce(&mut BuildRequest) {
    let content = content.as_bytes().to_vec();
    move |r| drop(r.secrets.insert("s".to_owned(), Secret { content }))
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law("BLD-MOUNT-1", "A bound part of the context is seen by the step, cannot be written, and is in no layer.", REFERENCE, |w| {
        let files = [Entry::dir("d"), Entry::file("d/f", "x\n")];
        let text = "FROM busybox\nRUN --mount=type=bind,source=d,target=/m cat /m/f; echo no > /m/new || echo refused\n";
        let trial = build(w, text, &files)?;
        contains("output", &trial.heard.output(), "x\n")?;
        contains("output", &trial.heard.output(), "refused")?;
        w.run_with(&["ls", "-d", "/m"], |c| c.image = NAME.to_owned())?.exits(1).map(drop)
    }).needs(BUILDKIT),
    Clause::law("BLD-MOUNT-2", "What is written to a writable one is thrown away.", REFERENCE, |w| {
        let text = "FROM busybox\nRUN --mount=type=bind,target=/m,rw echo y > /m/f && cat /m/f\nRUN --mount=type=bind,target=/m cat /m/f\n";
        equal("output", build(w, text, &[Entry::file("f", "x\n")])?.heard.output().as_str(), "y\nx\n")
    }).needs(BUILDKIT),
    Clause::law("BLD-MOUNT-3", "A bound stage is not copied.", REFERENCE, |w| {
        let text = "FROM busybox AS s\nRUN mkdir /o; echo x > /o/f\nFROM busybox\nRUN --mount=type=bind,from=s,source=/o,target=/m cp /m/f /copied\n";
        in_image(w, text, &[], "cat /copied; ls -d /o /m 2>/dev/null | wc -l")?.exits(0)?.prints("x\n0")?.done()
    }).needs(BUILDKIT),
    Clause::law("BLD-MOUNT-4", "A cache keeps what steps put into it from build to build, and is in no layer.", REFERENCE, |w| {
        let text = |n: u32| format!("FROM busybox\nENV n={n}\nRUN --mount=type=cache,target=/c echo {n} >> /c/log; cat /c/log\n");
        equal("first", build(w, &text(1), &[])?.heard.output().as_str(), "1\n")?;
        equal("second", build(w, &text(2), &[])?.heard.output().as_str(), "1\n2\n")?;
        w.run_with(&["ls", "-d", "/c"], |c| c.image = NAME.to_owned())?.exits(1).map(drop)
    }).needs(BUILDKIT),
    Clause::law("BLD-MOUNT-5", "Two caches of different names are two; of one name, one.", REFERENCE, |w| {
        let text = "FROM busybox\nRUN --mount=type=cache,id=a,target=/x echo 1 > /x/f\n\
            RUN --mount=type=cache,id=a,target=/y cat /y/f\nRUN --mount=type=cache,id=b,target=/x ls /x | wc -l\n";
        equal("output", build(w, text, &[])?.heard.output().as_str(), "1\n0\n")
    }).needs(BUILDKIT),
    Clause::law("BLD-MOUNT-6", "A secret is seen by the step that mounts it, and by nothing else (CVE-2019-13509).", REFERENCE, |w| {
        let text =
            "FROM busybox\nRUN --mount=type=secret,id=s test $(cat /run/secrets/s | wc -c) = 12\nRUN ls /run/secrets 2>/dev/null | wc -l\n";
        let trial = build_with(w, text, &[], secret("hidden-token"))?;
        contains("later steps", &trial.heard.output(), "0")?;
        lacks("history", &format!("{:?}", w.engine().history(NAME)?), "hidden-token")?;
        let ran =
            w.run_with(&["sh", "-c", "grep -r hidden-token /run /tmp /etc 2>/dev/null | wc -l; env"], |c| c.image = NAME.to_owned())?;
        contains("image", &ran.text(), "0\n")?;
        lacks("environment", &ran.text(), "hidden-token")
    }).needs(BUILDKIT),
    Clause::law("BLD-MOUNT-7", "A secret may be at another place, with a mode and an owner, or a variable.", REFERENCE, |w| {
        let text = "FROM busybox\nRUN --mount=type=secret,id=s,target=/s,mode=0440,uid=1000 stat -c '%a %u' /s\n\
            RUN --mount=type=secret,id=s,env=TOKEN test \"$TOKEN\" = x && ls /run/secrets 2>/dev/null | wc -l\n";
        equal("output", build_with(w, text, &[], secret("x"))?.heard.output().as_str(), "440 1000\n0\n")
    }).needs(BUILDKIT),
    Clause::law(
        "BLD-MOUNT-8",
        "A secret that is required and not given is refused; one that is not required is not there.",
        REFERENCE,
        |w| {
            let error = refused(w, "FROM busybox\nRUN --mount=type=secret,id=s,required=true true\n", &[])?;
            contains("message", &error.to_string(), "secret s: not found")?;
            let trial = build(w, "FROM busybox\nRUN --mount=type=secret,id=s ls /run/secrets 2>/dev/null | wc -l\n", &[])?;
            equal("output", trial.heard.output().as_str(), "0\n")
        },
    ).needs(BUILDKIT),
    Clause::law("BLD-MOUNT-9", "A tmpfs is empty, can be written, and is in no layer.", REFERENCE, |w| {
        let text = "FROM busybox\nRUN --mount=type=tmpfs,target=/tmp echo x > /tmp/f; cat /tmp/f\n";
        in_image(w, text, &[], "ls -A /tmp | wc -l; stat -c %a /tmp")?.exits(0)?.prints("0\n1777")?.done()
    }).needs(BUILDKIT),
    Clause::law(
        "BLD-MOUNT-10",
        "A cache is found by builder prune, and gone after it.",
        "Docker CLI reference, docker builder prune",
        |w| {
            build(w, "FROM busybox\nRUN --mount=type=cache,target=/c echo 12345 > /c/f\n", &[])?;
            let all = w.engine().build_cache()?;
            holds(format_args!("{all:?}"), all.iter().any(|e| e.kind == "exec.cachemount" && e.size == 6))?;
            w.engine().prune_build_cache(&drydock_core::engine::PruneCache { all: true, ..Default::default() })?;
            equal("entries", w.engine().build_cache()?.len(), 0)
        },
    ).needs(BUILDKIT),
];

//! The cache: a step is done again exactly when something it sees has changed; and the same inputs give the same image.

use super::{BUILDKIT, NAME, Trial, build, build_with, refused};
use crate::clause::Clause;
use crate::fixture::{Archive, Entry, tar};
use crate::outcome::{Checked, equal, holds};
use crate::world::World;
use drydock_core::build::request::BuildRequest;
use drydock_core::engine::PruneCache;

const CACHE: &str = "Docker manual, Build cache invalidation";

/// Builds once, and answers how many steps a second build of something else finds in the cache, and of how many.
fn again(w: &World<'_>, first: (&str, &[Entry]), second: (&str, &[Entry])) -> Checked<(usize, usize)> {
    build(w, first.0, first.1)?;
    Ok(build(w, second.0, second.1)?.built.cached)
}

fn epoch(r: &mut BuildRequest) {
    r.arguments.insert("SOURCE_DATE_EPOCH".to_owned(), "1700000000".to_owned());
}

fn id(trial: &Trial) -> String {
    trial.built.image.as_ref().map(ToString::to_string).unwrap_or_default()
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("BLD-CACHE-1", "A build of the same is the same image, and nothing runs.", CACHE, |w| {
        let (text, files) = ("FROM busybox\nWORKDIR /w\nCOPY f .\nRUN echo x > x\nENV A=1\n", [Entry::file("f", "1")]);
        let (first, second) = (build(w, text, &files)?, build(w, text, &files)?);
        equal("cached", second.built.cached, (3, 3))?;
        equal("id", id(&second), id(&first))
    }),
    Clause::docker(
        "BLD-CACHE-2",
        "A file that changes is copied again, and all after it is done again; what is before is not.",
        CACHE,
        |w| {
            let text = "FROM busybox\nRUN echo before\nCOPY f /f\nRUN echo after\n";
            equal("cached", again(w, (text, &[Entry::file("f", "1")]), (text, &[Entry::file("f", "2")]))?, (1, 3))
        },
    ),
    Clause::law("BLD-CACHE-3", "A file's mode and name count; what is not copied does not.", CACHE, |w| {
        let text = "FROM busybox\nCOPY d /d\n";
        let files = |name: &str, mode: u32, other: &str| {
            vec![Entry::dir("d"), Entry::file(&format!("d/{name}"), "1").mode(mode), Entry::file("other", other)]
        };
        build(w, text, &files("f", 0o644, "a"))?;
        equal("other file", build(w, text, &files("f", 0o644, "b"))?.built.cached, (1, 1))?;
        equal("mode", build(w, text, &files("f", 0o600, "a"))?.built.cached, (0, 1))?;
        equal("name", build(w, text, &files("g", 0o644, "a"))?.built.cached, (0, 1))
    }),
    Clause::law("BLD-CACHE-4", "What a program runs with counts: command, variables, user, directory, shell, network.", CACHE, |w| {
        let base = "FROM busybox\nRUN echo a\n";
        build(w, base, &[])?;
        for other in [
            "FROM busybox\nRUN echo b\n",
            "FROM busybox\nENV A=1\nRUN echo a\n",
            "FROM busybox\nUSER app\nRUN echo a\n",
            "FROM busybox\nWORKDIR /tmp\nRUN echo a\n",
            "FROM busybox\nSHELL [\"/bin/sh\", \"-ec\"]\nRUN echo a\n",
            "FROM busybox\nRUN [\"echo\", \"a\"]\n",
            "FROM busybox\nRUN --network=host echo a\n",
            "FROM busybox\nRUN --mount=type=tmpfs,target=/t echo a\n",
        ] {
            let trial = build(w, other, &[])?;
            let steps = trial.heard.0.borrow().iter().filter(|e| matches!(e, drydock_core::build::progress::Event::Cached { .. })).count();
            equal(other, steps, 0)?;
        }
        Ok(())
    })
    .needs(BUILDKIT),
    Clause::law("BLD-CACHE-5", "What a program cannot see does not count: labels, ports, the command, health checks.", CACHE, |w| {
        let first = "FROM busybox\nRUN echo a\n";
        let second =
            "FROM busybox\nLABEL a=1\nEXPOSE 80\nCMD x\nHEALTHCHECK CMD true\nSTOPSIGNAL 9\nVOLUME /v\nMAINTAINER me\nRUN echo a\n";
        equal("cached", again(w, (first, &[]), (second, &[]))?, (1, 1))
    })
    .needs(BUILDKIT),
    Clause::docker("BLD-CACHE-6", "An argument counts for what runs after its ARG, and for nothing else.", CACHE, |w| {
        let build_arg = |text: &str, name: &str, value: &str| {
            Ok::<_, crate::Failed>(build_with(w, text, &[], |r| drop(r.arguments.insert(name.to_owned(), value.to_owned())))?.built.cached)
        };
        let after = "FROM busybox\nRUN echo a\nARG X\n";
        build_arg(after, "X", "1")?;
        equal("declared later", build_arg(after, "X", "2")?, (1, 1))?;
        let before = "FROM busybox\nARG X\nRUN echo b\n";
        build_arg(before, "X", "1")?;
        equal("declared before", build_arg(before, "X", "2")?, (0, 1))?;
        equal("never declared", build_arg(after, "Y", "3")?, (1, 1))?;
        let proxy = "FROM busybox\nRUN echo c\n";
        build_arg(proxy, "HTTP_PROXY", "1")?;
        equal("a proxy", build_arg(proxy, "HTTP_PROXY", "2")?, (1, 1))
    }),
    Clause::docker("BLD-CACHE-7", "--no-cache does every step again.", "Docker CLI reference, docker build --no-cache", |w| {
        let text = "FROM busybox\nRUN echo a\n";
        build(w, text, &[])?;
        equal("cached", build_with(w, text, &[], |r| r.no_cache = true)?.built.cached, (0, 1))
    }),
    Clause::law(
        "BLD-CACHE-8",
        "--no-cache-filter does the steps of some stages again.",
        "Docker CLI reference, docker build --no-cache-filter",
        |w| {
            let text = "FROM busybox AS a\nRUN echo a > /a\nFROM busybox AS b\nRUN echo b\nCOPY --from=a /a /a\n";
            build(w, text, &[])?;
            let trial = build_with(w, text, &[], |r| r.no_cache_filter = ["a".to_owned()].into())?;
            // The stage's file is the same again, and so is what is copied of it.
            equal("cached", trial.built.cached, (2, 3))
        },
    ),
    Clause::law("BLD-CACHE-9", "A step that failed is tried again.", CACHE, |w| {
        refused(w, "FROM busybox\nRUN echo kept\nRUN false\n", &[])?;
        equal("cached", build(w, "FROM busybox\nRUN echo kept\nRUN true\n", &[])?.built.cached, (1, 2))
    }),
    Clause::law(
        "BLD-CACHE-10",
        "An image from elsewhere is never taken for a step's result (CVE-2024-24557).",
        "Docker security advisory, CVE-2024-24557",
        |w| {
            let layer = tar(&[Entry::file("poison", "x")]);
            let mut fake = Archive::new(vec![layer], &["poison:1"]);
            fake.config = serde_json::json!({"Cmd": ["/bin/sh", "-c", "echo safe > /f"]});
            w.engine().load(&mut fake.docker().as_slice())?;
            let trial = build(w, "FROM scratch\nCOPY f /f\n", &[Entry::file("f", "1")])?;
            equal("cached", trial.built.cached, (0, 1))
        },
    ),
    Clause::law(
        "BLD-CACHE-11",
        "Removing the image keeps the cache; pruning the cache keeps the image.",
        "Docker CLI reference, docker builder prune",
        |w| {
            let text = "FROM busybox\nRUN echo x > /x\n";
            build(w, text, &[])?;
            w.engine().remove_image(NAME, true, true)?;
            equal("cached", build(w, text, &[])?.built.cached, (1, 1))?;
            w.engine().prune_build_cache(&PruneCache { all: true, ..PruneCache::default() })?;
            w.run_with(&["cat", "/x"], |c| c.image = NAME.to_owned())?.exits(0)?.prints("x")?.done()?;
            equal("cached", build(w, text, &[])?.built.cached, (0, 1))
        },
    )
    .needs(BUILDKIT),
    Clause::law(
        "BLD-CACHE-12",
        "Pruning frees what no image has, and without --all leaves the rest.",
        "Docker CLI reference, docker builder prune",
        |w| {
            build(w, "FROM busybox\nRUN echo 12345 > /x\n", &[])?;
            let (gone, _) = w.engine().prune_build_cache(&PruneCache::default())?;
            equal("an image has it", gone.len(), 0)?;
            w.engine().remove_image(NAME, true, true)?;
            let (gone, freed) = w.engine().prune_build_cache(&PruneCache::default())?;
            equal("nothing has it", (gone.len(), freed), (1, 6))
        },
    )
    .needs(BUILDKIT),
    Clause::law(
        "BLD-CACHE-13",
        "With SOURCE_DATE_EPOCH two builds that share nothing are one image, and nothing in it is younger.",
        "Reproducible builds, SOURCE_DATE_EPOCH",
        |w| {
            let text = "FROM busybox\nWORKDIR /w\nCOPY f .\nRUN echo x > x; mkdir d; ln -s x l\n";
            let fresh = |r: &mut BuildRequest| {
                epoch(r);
                r.no_cache = true;
            };
            let files = [Entry::file("f", "1")];
            let first = build_with(w, text, &files, fresh)?;
            w.sleep(std::time::Duration::from_millis(1100));
            let second = build_with(w, text, &files, fresh)?;
            equal("id", id(&second), id(&first))?;
            equal("created", w.engine().image(NAME)?.created.0, 1_700_000_000_000_000_000)?;
            let ran = w.run_with(&["stat", "-c", "%Y", "/w/x", "/w/d"], |c| c.image = NAME.to_owned())?;
            ran.exits(0)?.prints("1700000000\n1700000000")?.done()
        },
    )
    .needs(BUILDKIT),
    Clause::law(
        "BLD-CACHE-14",
        "The same files and configuration are one digest on every host.",
        "Reproducible builds, SOURCE_DATE_EPOCH",
        |w| {
            let text = "FROM scratch\nCOPY f d/g /x/\nENV A=1\nCMD [\"/x/f\"]\n";
            let files = [Entry::file("f", "1"), Entry::dir("d"), Entry::program("d/g", "2")];
            build_with(w, text, &files, epoch)?;
            let layer = w.engine().image(NAME)?.diff_ids;
            equal("layer", layer.first().map(|l| l.to_string()), Some(EVERYWHERE.to_owned()))
        },
    )
    .needs(BUILDKIT),
    Clause::law("BLD-CACHE-15", "What is copied from a stage counts by its content, not by how it was made.", CACHE, |w| {
        let text = |how: &str| format!("FROM busybox AS s\nRUN {how}\nFROM busybox\nCOPY --from=s /f /f\n");
        build(w, &text("echo same > /f"), &[])?;
        let second = build(w, &text("printf 'same\\n' > /f"), &[])?;
        holds(format_args!("{:?}", second.built.cached), second.built.cached == (1, 2))
    }),
];

/// The layer of BLD-CACHE-14.
const EVERYWHERE: &str = "sha256:586beadf3a57e19c6fc81450a7800c8166219055e39203b9a4c1631b3665dd1d";

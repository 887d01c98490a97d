//! Caches that go elsewhere and come from there, and layers that become one.

use super::{BUILDKIT, NAME, build, build_with, in_image};
use crate::clause::Clause;
use crate::outcome::{Checked, equal, holds};
use crate::world::World;
use drydock_core::build::cache::{CacheFrom, CacheTo};
use drydock_core::build::request::BuildRequest;
use drydock_core::engine::PruneCache;
use drydock_core::registry::PushRequest;

const BACKENDS: &str = "Docker manual, Cache storage backends";
const STEPS: &str = "FROM busybox\nRUN echo 1 > /1\nWORKDIR /w\nRUN echo 2 > 2\n";
const STAGES: &str = "FROM busybox AS s\nRUN echo made > /made\nFROM busybox\nCOPY --from=s /made /made\nRUN echo 2 > /2\n";

fn name(w: &World<'_>, repository: &str) -> String {
    format!("{}/{repository}", w.registries().first().cloned().unwrap_or_default())
}

/// As if this were another host: nothing of the builds before is left.
fn forget(w: &World<'_>) -> Checked {
    w.engine().remove_image(NAME, true, true)?;
    w.engine().prune_build_cache(&PruneCache { all: true, ..PruneCache::default() })?;
    Ok(())
}

fn cached(w: &World<'_>, text: &str, from: CacheFrom) -> Checked<(usize, usize)> {
    Ok(build_with(w, text, &[], |r| r.cache_from = vec![from])?.built.cached)
}

fn to_registry(reference: &str, max: bool) -> impl FnOnce(&mut BuildRequest) {
    let to = CacheTo::Registry { reference: reference.to_owned(), max };
    move |r| r.cache_to = vec![to]
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law("BLD-ELSEWHERE-1", "A cache in a registry serves a host that has none, and the image is the same.", BACKENDS, |w| {
        let to = name(w, "cache:1");
        let first = build_with(w, STEPS, &[], to_registry(&to, false))?.built.image;
        forget(w)?;
        let second = build_with(w, STEPS, &[], |r| r.cache_from = vec![CacheFrom::Registry(to)])?.built;
        equal("cached", second.cached, (3, 3))?;
        equal("image", second.image, first)?;
        w.run_with(&["cat", "/1", "/w/2"], |c| c.image = NAME.to_owned())?.exits(0)?.prints("1\n2")?.done()
    }),
    Clause::law("BLD-ELSEWHERE-2", "What has changed is done again, and what is before it is taken.", BACKENDS, |w| {
        let to = name(w, "cache:1");
        build_with(w, STEPS, &[], to_registry(&to, false))?;
        forget(w)?;
        let other = "FROM busybox\nRUN echo 1 > /1\nWORKDIR /w\nRUN echo 3 > 2\n";
        equal("cached", cached(w, other, CacheFrom::Registry(to))?, (2, 3))
    }),
    Clause::law("BLD-ELSEWHERE-3", "mode=min has the target's steps; mode=max those of the other stages too.", BACKENDS, |w| {
        for (max, want) in [(false, (2, 3)), (true, (3, 3))] {
            let to = name(w, &format!("cache:{max}"));
            build_with(w, STAGES, &[], to_registry(&to, max))?;
            forget(w)?;
            // Another content of what is copied would be another key; the stage is made again, and gives the same.
            equal(if max { "max" } else { "min" }, cached(w, STAGES, CacheFrom::Registry(to))?, want)?;
            forget(w)?;
        }
        Ok(())
    }),
    Clause::law("BLD-ELSEWHERE-4", "An image that was pushed with type=inline is a cache.", BACKENDS, |w| {
        let tag = name(w, "app:1");
        build_with(w, STEPS, &[], |r| {
            r.tags.push(tag.clone());
            r.cache_to = vec![CacheTo::Inline];
        })?;
        w.engine().push(&PushRequest { reference: tag.clone(), ..PushRequest::default() }, &mut |_| {})?;
        w.engine().remove_image(&tag, true, true)?;
        forget(w)?;
        equal("cached", cached(w, STEPS, CacheFrom::Image(tag))?, (3, 3))
    }),
    Clause::law("BLD-ELSEWHERE-5", "An image of the store with type=inline is a cache too.", BACKENDS, |w| {
        build_with(w, STEPS, &[], |r| {
            r.tags = vec!["kept:1".to_owned()];
            r.cache_to = vec![CacheTo::Inline];
        })?;
        w.engine().prune_build_cache(&PruneCache { all: true, ..PruneCache::default() })?;
        equal("cached", cached(w, STEPS, CacheFrom::Image("kept:1".to_owned()))?, (3, 3))
    }),
    Clause::law("BLD-ELSEWHERE-6", "A cache that is not there does not keep anything from being built.", BACKENDS, |w| {
        let got = cached(w, STEPS, CacheFrom::Registry(name(w, "nothing:1")))?;
        equal("cached", got, (0, 3))
    }),
    Clause::law("BLD-ELSEWHERE-7", "Layers of a cache that are not what they are called are not taken.", BACKENDS, |w| {
        let to = name(w, "cache:1");
        build_with(w, "FROM busybox\nRUN echo 1 > /1\n", &[], to_registry(&to, false))?;
        forget(w)?;
        w.registry(0, |host| {
            for bytes in host.blobs.values_mut().filter(|b| b.len() > 1024) {
                if let Some(byte) = bytes.get_mut(700) {
                    *byte ^= 1;
                }
            }
        })?;
        equal("cached", cached(w, "FROM busybox\nRUN echo 1 > /1\n", CacheFrom::Registry(to))?, (0, 1))?;
        w.run_with(&["cat", "/1"], |c| c.image = NAME.to_owned())?.exits(0)?.prints("1")?.done()
    }),
    Clause::law("BLD-ELSEWHERE-8", "An image that is no cache offers nothing, whatever it has (CVE-2024-24557).", BACKENDS, |w| {
        build_with(w, STEPS, &[], |r| r.tags = vec!["plain:1".to_owned()])?;
        w.engine().prune_build_cache(&PruneCache { all: true, ..PruneCache::default() })?;
        equal("cached", cached(w, STEPS, CacheFrom::Image("plain:1".to_owned()))?, (0, 3))
    })
    .needs(BUILDKIT),
    Clause::law(
        "BLD-ELSEWHERE-9",
        "--no-cache takes nothing from elsewhere either.",
        "Docker CLI reference, docker build --no-cache",
        |w| {
            let to = name(w, "cache:1");
            build_with(w, STEPS, &[], to_registry(&to, false))?;
            forget(w)?;
            let trial = build_with(w, STEPS, &[], |r| {
                r.cache_from = vec![CacheFrom::Registry(to)];
                r.no_cache = true;
            })?;
            equal("cached", trial.built.cached, (0, 3))
        },
    ),
    Clause::law(
        "BLD-SQUASH-1",
        "--squash makes one layer of what a build adds; the base's own stay.",
        "Docker CLI reference, docker build --squash",
        |w| {
            let text = "FROM busybox\nRUN echo 1 > /1\nRUN echo 2 > /2; rm /1\nRUN echo 3 > /3\n";
            build_with(w, text, &[], |r| r.squash = true)?;
            let base = w.engine().image("busybox")?.diff_ids;
            let made = w.engine().image(NAME)?.diff_ids;
            equal("layers", made.len(), base.len() + 1)?;
            equal("base", made.first(), base.first())?;
            w.run_with(&["sh", "-c", "ls /1 /2 /3 2>/dev/null; true"], |c| c.image = NAME.to_owned())?.prints("/2\n/3")?.done()
        },
    ),
    Clause::law(
        "BLD-SQUASH-2",
        "What a build removes of its base is not there after --squash either.",
        "image-spec layer.md, whiteouts",
        |w| {
            let text = "FROM busybox\nRUN mkdir -p /d/e; echo a > /d/a; echo b > /d/e/b; echo c > /c\n";
            build_with(w, text, &[], |r| r.tags = vec!["below:1".to_owned()])?;
            let text = "FROM below:1\nRUN rm -r /d; mkdir /d; echo new > /d/new\nRUN rm /c; ln -s /d/new /c\nRUN ln /d/new /d/hard\n";
            build_with(w, text, &[], |r| r.squash = true)?;
            let ran = w.run_with(&["sh", "-c", "find /d | sort; cat /c; stat -c %h /d/hard"], |c| c.image = NAME.to_owned())?;
            ran.exits(0)?.prints("/d\n/d/hard\n/d/new\nnew\n2")?.done()
        },
    ),
    Clause::law(
        "BLD-SQUASH-3",
        "What is squashed takes no more room than what there is in the end.",
        "Docker CLI reference, docker build --squash",
        |w| {
            let text = "FROM busybox\nRUN head -c 500000 /dev/zero > /big\nRUN rm /big; echo small > /small\n";
            build(w, text, &[])?;
            let before = w.engine().image(NAME)?.size;
            build_with(w, text, &[], |r| r.squash = true)?;
            let after = w.engine().image(NAME)?.size;
            holds(format_args!("{before} and {after}"), after + 400_000 < before)
        },
    ),
    Clause::law("BLD-SQUASH-4", "A build that adds no layer has none to squash.", "Docker CLI reference, docker build --squash", |w| {
        let text = "FROM busybox\nENV A=1\n";
        build_with(w, text, &[], |r| r.squash = true)?;
        equal("layers", w.engine().image(NAME)?.diff_ids, w.engine().image("busybox")?.diff_ids)
    }),
    Clause::law(
        "BLD-PARENT-1",
        "An image knows the one it was built upon, and does without that one's name.",
        "Docker Engine API, ImageInspect, Parent",
        |w| {
            build_with(w, "FROM busybox\nRUN echo x > /x\n", &[], |r| r.tags = vec!["parent:1".to_owned()])?;
            let parent = w.engine().image("parent:1")?.id;
            in_image(w, "FROM parent:1\nRUN echo y > /y\n", &[], "cat /y")?.exits(0)?.done()?;
            equal("parent", w.engine().image(NAME)?.parent, Some(parent.clone()))?;
            // Its name goes, and what stands on it stays whole.
            w.engine().remove_image("parent:1", false, true)?;
            w.run_with(&["cat", "/x", "/y"], |c| c.image = NAME.to_owned())?.exits(0)?.prints("x\ny")?.done()
        },
    ),
];

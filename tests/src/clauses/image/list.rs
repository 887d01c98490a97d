//! Names, lists, history, and what goes when nothing uses it.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::{Archive, Entry, tar};
use crate::outcome::{Checked, equal, holds};
use crate::residue;
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::engine::{CommitOptions, PruneFilters};

fn small(w: &World<'_>, tag: &str, label: &str) -> Checked<String> {
    w.import(&tar(&[Entry::file("n", label)]), tag, &[&format!("LABEL {label}")])
}

fn committed(w: &World<'_>, from: &str, tag: &str) -> Checked<String> {
    let id = w.create(&["true"], |c| c.image = from.to_owned())?;
    w.engine().copy_in(&id, "/", &mut tar(&[Entry::file("of", tag)]).as_slice(), false)?;
    let made = w.engine().commit(&id, &CommitOptions { reference: tag.to_owned(), ..CommitOptions::default() })?;
    w.remove(&id)?;
    Ok(made.to_string())
}

fn there(w: &World<'_>, id: &str) -> Checked<bool> {
    Ok(w.engine().images()?.iter().any(|i| i.id.as_str() == id))
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("IMG-TAG-1", "A tag is one more reference to the same image.", cite::TAG, |w| {
        let id = small(w, "tagged:1", "n=1")?;
        w.engine().tag("tagged:1", "registry.example:5000/deep/name:2")?;
        w.engine().tag(&id[7..19], "byid")?;
        for name in ["tagged:1", "registry.example:5000/deep/name:2", "byid:latest"] {
            equal(name, w.engine().image(name)?.id.as_str(), id.as_str())?;
        }
        Ok(())
    }),
    Clause::docker("IMG-TAG-2", "A reference that another image has moves; that one stays.", cite::TAG, |w| {
        let (one, two) = (small(w, "move:1", "n=1")?, small(w, "move:2", "n=2")?);
        w.engine().tag("move:2", "move:1")?;
        equal("id", w.engine().image("move:1")?.id.as_str(), two.as_str())?;
        equal("references of the first", w.engine().image(&one)?.tags.len(), 0)
    }),
    Clause::docker("IMG-TAG-3", "Tagging what is not there, or as what is no reference, is refused.", cite::TAG, |w| {
        small(w, "tagged:1", "n=1")?;
        super::refusal(w.engine().tag("nope", "x"), ErrorKind::NotFound, "No such image: nope:latest")?;
        super::refusal(w.engine().tag("tagged:1", "Bad/Name"), ErrorKind::InvalidInput, "repository name (Name) must be lowercase")?;
        super::refusal(w.engine().tag("tagged:1", "x:-bad"), ErrorKind::InvalidInput, "invalid reference format")?;
        let digest = format!("x@sha256:{}", "a".repeat(64));
        super::refusal(w.engine().tag("tagged:1", &digest), ErrorKind::InvalidInput, "refusing to create a tag with a digest reference")
    }),
    Clause::docker("IMG-TAG-4", "A running container keeps its image when its reference moves on.", cite::TAG, |w| {
        let old = w.import_busybox("app:1", &["LABEL n=1"])?;
        let id = w.sleeper(|c| c.image = "app:1".to_owned())?;
        w.import_busybox("app:1", &["LABEL n=2"])?;
        equal("image", w.record(&id)?.image.as_str(), old.as_str())?;
        holds("the old image is there", there(w, &old)?)
    }),
    Clause::docker("IMG-HIST-1", "History tells each step, newest first, with its time, command, size and comment.", cite::HISTORY, |w| {
        small(w, "told:1", "n=1")?;
        let steps = w.engine().history("told:1")?;
        equal("steps", steps.len(), 1)?;
        let step = &steps[0];
        equal("comment", step.comment.as_str(), "Imported from -")?;
        equal("image", step.id.clone(), Some(w.engine().image("told:1")?.id))?;
        equal("size", step.size, w.engine().image("told:1")?.size)?;
        equal("references", step.tags.clone(), vec!["told:1".to_owned()])
    }),
    Clause::docker("IMG-HIST-2", "A commit is a step on top; the step below belongs to the image it was made from.", cite::HISTORY, |w| {
        let base = w.engine().image("busybox")?.id;
        let made = committed(w, "busybox", "step:1")?;
        let ids: Vec<_> = w.engine().history("step:1")?.into_iter().map(|s| s.id.map(|i| i.to_string())).collect();
        equal("images", ids, vec![Some(made), Some(base.to_string())])
    }),
    Clause::docker(
        "IMG-HIST-3",
        "Steps without a layer take no room, and steps of a loaded image have no image here.",
        cite::HISTORY,
        |w| {
            let layers = vec![tar(&[Entry::file("a", "12345")]), tar(&[Entry::file("b", "1234567890")])];
            w.engine().load(&mut &*Archive::new(layers, &["foreign:1"]).docker())?;
            let steps = w.engine().history("foreign:1")?;
            equal("sizes", steps.iter().map(|s| s.size).collect::<Vec<_>>(), vec![10, 5])?;
            equal("images below the top", steps[1].id.clone(), None)
        },
    ),
    Clause::docker("IMG-HIST-4", "The history of what is not there says so.", cite::HISTORY, |w| {
        super::refusal(w.engine().history("nope"), ErrorKind::NotFound, "No such image: nope:latest")
    }),
    Clause::docker(
        "IMG-PRUNE-1",
        "Prune removes images without a reference that no container uses, and no others.",
        cite::IMAGE_PRUNE,
        |w| {
            let dangling = small(w, "p:1", "n=1")?;
            let named = small(w, "p:1", "n=2")?;
            let pruned = w.engine().prune_images(false, &PruneFilters::default())?;
            holds(format_args!("{:?}", pruned.removed), pruned.removed.contains(&format!("deleted: {dangling}")))?;
            holds("it is gone", !there(w, &dangling)?)?;
            holds("the named one stays", there(w, &named)?)
        },
    ),
    Clause::docker("IMG-PRUNE-2", "Prune of all removes named ones too, but none that a container is made from.", cite::IMAGE_PRUNE, |w| {
        let id = w.create(&["true"], |_| {})?;
        let unused = small(w, "unused:1", "n=1")?;
        let pruned = w.engine().prune_images(true, &PruneFilters::default())?;
        for line in ["untagged: unused:1".to_owned(), format!("deleted: {unused}")] {
            holds(format_args!("{line} in {:?}", pruned.removed), pruned.removed.contains(&line))?;
        }
        equal("size", pruned.reclaimed, 3)?;
        w.engine().start(&id)?;
        equal("exit code", w.wait(&id)?, 0)
    }),
    Clause::docker("IMG-PRUNE-3", "Filters by label and time say which are meant.", cite::IMAGE_PRUNE, |w| {
        let (a, b) = (small(w, "fa:1", "n=1")?, small(w, "fb:1", "n=2")?);
        let keep = w.create(&["true"], |_| {})?;
        let prune = |filters: PruneFilters| w.engine().prune_images(true, &filters);
        let past = drydock_core::time::Timestamp(w.now().0 - 3_600_000_000_000);
        equal("older than an hour", prune(PruneFilters { until: Some(past), ..PruneFilters::default() })?.removed.len(), 0)?;
        prune(PruneFilters { labels: vec!["n=1".to_owned()], ..PruneFilters::default() })?;
        equal("with the label, without", (there(w, &a)?, there(w, &b)?), (false, true))?;
        prune(PruneFilters { without_labels: vec!["n".to_owned()], ..PruneFilters::default() })?;
        holds("one with the label stays", there(w, &b)?)?;
        w.remove(&keep)
    }),
    Clause::law("IMG-PRUNE-4", "A dry run says what would go, and how much, and removes nothing.", "Drydock, PruneFilters::dry_run", |w| {
        let id = small(w, "dry:1", "n=1")?;
        let keep = w.create(&["true"], |_| {})?;
        let before = residue::observe(w)?;
        let dry = w.engine().prune_images(true, &PruneFilters { dry_run: true, ..PruneFilters::default() })?;
        holds("it is there", there(w, &id)?)?;
        residue::unchanged(w, &before)?;
        let wet = w.engine().prune_images(true, &PruneFilters::default())?;
        equal("bytes", dry.reclaimed, wet.reclaimed)?;
        w.remove(&keep)
    }),
    Clause::docker("IMG-PRUNE-5", "Prune leaves nothing of what it removed: no layer, no blob.", cite::IMAGE_PRUNE, |w| {
        let before = residue::observe(w)?;
        let keep = w.create(&["true"], |_| {})?;
        small(w, "gone:1", "n=1")?;
        w.engine().load(&mut &*Archive::new(vec![w.busybox().to_vec(), tar(&[Entry::file("x", "x")])], &["gone:2"]).docker())?;
        w.engine().prune_images(true, &PruneFilters::default())?;
        w.remove(&keep)?;
        residue::unchanged(w, &before)
    }),
    Clause::docker(
        "IMG-RM-10",
        "Removing an image removes what it was made from, where nothing names that; not with --no-prune.",
        cite::RMI,
        |w| {
            let chain = |w: &World<'_>| -> Checked<(String, String)> {
                let below = committed(w, "busybox", "below:1")?;
                let above = committed(w, "below:1", "above:1")?;
                w.engine().tag("busybox", "below:1")?;
                w.engine().remove_image("below:1", false, true)?;
                Ok((below, above))
            };
            let (below, _) = chain(w)?;
            w.engine().remove_image("above:1", false, false)?;
            holds("it stays with --no-prune", there(w, &below)?)?;
            w.engine().remove_image(&below, false, true)?;
            let (below, above) = chain(w)?;
            let lines = w.engine().remove_image("above:1", false, true)?;
            for id in [&above, &below] {
                holds(format_args!("Deleted: {id} in {lines:?}"), lines.contains(&format!("Deleted: {id}")))?;
            }
            holds("what that was made from has a name and stays", w.engine().image("busybox").is_ok())
        },
    ),
    Clause::docker(
        "IMG-RM-11",
        "With force an image that only a stopped container uses is deleted, by its reference too.",
        cite::RMI,
        |w| {
            let image = w.import_busybox("forced:1", &["LABEL n=1"])?;
            w.create(&["true"], |c| c.image = "forced:1".to_owned())?;
            let lines = w.engine().remove_image("forced:1", true, true)?;
            equal("lines", lines, vec!["Untagged: forced:1".to_owned(), format!("Deleted: {image}")])?;
            holds("it is not listed", !there(w, &image)?)
        },
    ),
    Clause::docker("IMG-RM-12", "A prefix that several images have is refused.", cite::RMI, |w| {
        // Among so many two begin alike.
        let mut firsts = std::collections::BTreeMap::new();
        for n in 0..17 {
            let id = small(w, &format!("alike:{n}"), &format!("n={n}"))?;
            *firsts.entry(id[7..8].to_owned()).or_insert(0) += 1;
        }
        let Some((first, _)) = firsts.into_iter().find(|(_, count)| *count > 1) else { return crate::outcome::fail("no two begin alike") };
        holds("it is refused", w.engine().remove_image(&first, false, true).is_err())?;
        equal("images", w.engine().images()?.iter().filter(|i| i.tags.iter().any(|t| t.starts_with("alike:"))).count(), 17)
    }),
    Clause::docker(
        "IMG-DF-1",
        "What is on disk: images, of these in use, containers, and what each takes.",
        "Docker CLI reference, docker system df",
        |w| {
            let id = w.create(&["sh", "-c", "printf 12345 >/five"], |_| {})?;
            w.engine().start(&id)?;
            w.wait(&id)?;
            let usage = w.engine().disk_usage()?;
            let busybox = usage.images.iter().find(|i| i.image.tags.iter().any(|t| t == "busybox:latest"));
            equal("containers of busybox", busybox.map(|i| i.containers), Some(1))?;
            let own = usage.containers.iter().find(|(c, _)| c.id.as_str() == id).map(|(_, s)| s.writable);
            equal("bytes of the container", own, Some(5))
        },
    ),
    Clause::docker(
        "IMG-DF-2",
        "A layer that two images have is shared, and counted once.",
        "Docker CLI reference, docker system df",
        |w| {
            let shared = tar(&[Entry::file("s", vec![b's'; 1000])]);
            for (tag, n) in [("half:1", "1"), ("half:2", "22")] {
                w.engine().load(&mut &*Archive::new(vec![shared.clone(), tar(&[Entry::file("own", n)])], &[tag]).docker())?;
            }
            let usage = w.engine().disk_usage()?;
            let of = |tag: &str| usage.images.iter().find(|i| i.image.tags.iter().any(|t| t == tag)).map(|i| (i.shared, i.unique));
            equal("half:1", of("half:1"), Some((1000, 1)))?;
            equal("half:2", of("half:2"), Some((1000, 2)))?;
            let rest: u64 = usage.images.iter().filter(|i| !i.image.tags.iter().any(|t| t.starts_with("half:"))).map(|i| i.unique).sum();
            equal("all layers", usage.layers, rest + 1003)
        },
    ),
];

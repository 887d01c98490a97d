//! Removing what does not run.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, equal, holds};
use crate::world::World;
use drydock_core::container::Status;
use drydock_core::engine::{PruneFilters, Pruned};
use std::time::Duration;

fn prune(w: &World<'_>, filters: PruneFilters) -> Checked<Pruned> {
    Ok(w.engine().prune_containers(&filters)?)
}

fn left(w: &World<'_>) -> Checked<usize> {
    Ok(w.engine().containers(true)?.len())
}

fn labelled(w: &World<'_>, key: &str, value: &str) -> Checked<String> {
    w.create(&["true"], |c| drop(c.labels.insert(key.to_owned(), value.to_owned())))
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-PRUNE-1", "What never ran and what has ended is removed; what runs or is paused stays.", cite::PRUNE, |w| {
        let created = w.create(&["true"], |_| {})?;
        let ended = w.start(&["true"], |_| {})?;
        w.wait(&ended)?;
        let (running, paused) = (w.sleeper(|_| {})?, w.sleeper(|_| {})?);
        w.engine().pause(&paused)?;
        let removed = prune(w, PruneFilters::default())?.removed;
        equal("removed", removed, [ended, created])?;
        equal("running", w.status(&running)?, Status::Running)?;
        equal("paused", w.status(&paused)?, Status::Paused)
    }),
    Clause::docker("CTR-PRUNE-2", "The bytes that are given back are those the containers wrote.", cite::PRUNE, |w| {
        let id = w.start(&["sh", "-c", "head -c 100000 /dev/zero >/f"], |_| {})?;
        w.wait(&id)?;
        equal("bytes", prune(w, PruneFilters::default())?.reclaimed, 100_000)
    }),
    Clause::docker("CTR-PRUNE-3", "A label keeps the removal to those that have it.", cite::PRUNE, |w| {
        let with = labelled(w, "gone", "1")?;
        labelled(w, "gone", "2")?;
        labelled(w, "other", "1")?;
        equal("removed", prune(w, PruneFilters { labels: vec!["gone=1".to_owned()], ..Default::default() })?.removed, [with])?;
        equal("left", left(w)?, 2)
    }),
    Clause::docker("CTR-PRUNE-4", "label! keeps those that have the label.", cite::PRUNE, |w| {
        labelled(w, "env", "dev")?;
        let other = labelled(w, "env", "test")?;
        let without = PruneFilters { without_labels: vec!["env=dev".to_owned()], ..Default::default() };
        equal("removed", prune(w, without)?.removed, [other])?;
        equal("left", left(w)?, 1)
    }),
    Clause::docker("CTR-PRUNE-5", "until keeps those that were made later.", cite::PRUNE, |w| {
        let old = w.create(&["true"], |_| {})?;
        w.sleep(Duration::from_millis(50));
        let moment = w.now();
        w.sleep(Duration::from_millis(50));
        w.create(&["true"], |_| {})?;
        equal("removed", prune(w, PruneFilters { until: Some(moment), ..Default::default() })?.removed, [old])?;
        equal("left", left(w)?, 1)
    }),
    Clause::docker("CTR-PRUNE-6", "With nothing to remove nothing is removed, and that is no error.", cite::PRUNE, |w| {
        equal("pruned", prune(w, PruneFilters::default())?, Pruned::default())
    }),
    Clause::law("CTR-PRUNE-7", "A dry run says the same, and removes nothing.", "Drydock, Engine::prune_containers", |w| {
        let id = w.start(&["sh", "-c", "head -c 5000 /dev/zero >/f"], |_| {})?;
        w.wait(&id)?;
        w.create(&["true"], |_| {})?;
        let dry = prune(w, PruneFilters { dry_run: true, ..Default::default() })?;
        equal("left", left(w)?, 2)?;
        equal("in earnest", prune(w, PruneFilters::default())?, dry)?;
        equal("left", left(w)?, 0)
    }),
    Clause::docker("CTR-PRUNE-8", "A container that is removed so is gone from the host too.", cite::PRUNE, |w| {
        let id = w.start(&["sh", "-c", "echo x >/f"], |_| {})?;
        w.wait(&id)?;
        prune(w, PruneFilters::default())?;
        holds("nothing names it", !w.engine().observe()?.files.iter().any(|f| f.contains(&id)))
    }),
];

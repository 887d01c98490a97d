//! `drydock container prune`, and what every prune shares: filters, the question before it, the words after it.

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::filter::filter;
use crate::format::{size, time};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::engine::{PruneCache, PruneFilters, Pruned, prune_filters};
use std::io::Read as _;

/// `container prune`
pub const CONTAINER: Definition = Definition {
    group: "container",
    in_group: &["prune"],
    about: "Remove all stopped containers",
    usage: "[OPTIONS]",
    flags: PruneArgs::augment_args,
    run: container,
    ..Definition::PLAIN
};

/// The options of every prune.
#[derive(Args, Debug, Clone)]
pub(crate) struct PruneArgs {
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Provide filter values (e.g. "until=<timestamp>")
    #[arg(long, value_name = "filter", value_parser = filter)]
    pub filter: Vec<(String, String)>,
    /// Do not prompt for confirmation
    #[arg(short, long)]
    pub force: bool,
}

impl PruneArgs {
    /// What the filters come to.
    pub(crate) fn filters(&self, session: &mut Session<'_>) -> std::result::Result<PruneFilters, Failure> {
        let now = session.engine()?.now();
        let read = prune_filters(&self.filter, &|text| time::moment(text, now))?;
        Ok(PruneFilters { dry_run: self.dry_run, ..read })
    }

    /// Asks whether it is meant, unless that was said before. Anything but a yes, and the end of input, are a no.
    pub(crate) fn confirmed(&self, session: &mut Session<'_>, warning: &str) -> std::result::Result<bool, Failure> {
        if self.force || self.dry_run {
            return Ok(true);
        }
        write!(session.environment.out(), "WARNING! {warning}\nAre you sure you want to continue? [y/N] ")?;
        session.environment.out().flush()?;
        let mut answer = Vec::new();
        let mut input = session.environment.source("-")?.reader;
        let mut byte = [0];
        while input.read(&mut byte)? == 1 && byte != *b"\n" && answer.len() < 16 {
            answer.extend(byte);
        }
        Ok(answer.trim_ascii().eq_ignore_ascii_case(b"y"))
    }
}

/// Says what a prune did, or would do.
pub(crate) fn tell(session: &mut Session<'_>, what: &str, pruned: &Pruned, dry_run: bool) -> std::result::Result<(), Failure> {
    if !pruned.removed.is_empty() {
        session.say(&if dry_run { format!("{what} that would be deleted:") } else { format!("Deleted {what}:") })?;
        for name in &pruned.removed {
            session.say(name)?;
        }
        session.say("")?;
    }
    Ok(())
}

/// The last line.
pub(crate) fn tell_space(session: &mut Session<'_>, reclaimed: u64, dry_run: bool) -> Outcome {
    let what = if dry_run { "Space that would be reclaimed" } else { "Total reclaimed space" };
    session.say(&format!("{what}: {}", size::total(reclaimed)))?;
    Ok(0)
}

fn container(matches: &ArgMatches, _: &[String], session: &mut Session<'_>) -> Outcome {
    let args = PruneArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    if !args.confirmed(session, "This will remove all stopped containers.")? {
        return Ok(0);
    }
    let filters = args.filters(session)?;
    let pruned = session.engine()?.prune_containers(&filters)?;
    tell(session, "Containers", &pruned, args.dry_run)?;
    tell_space(session, pruned.reclaimed, args.dry_run)
}

/// `system prune`
pub const SYSTEM: Definition = Definition {
    group: "system",
    in_group: &["prune"],
    about: "Remove unused data",
    usage: "[OPTIONS]",
    flags: SystemPruneArgs::augment_args,
    run: system,
    ..Definition::PLAIN
};

#[derive(Args)]
struct SystemPruneArgs {
    /// Remove all unused images not just dangling ones
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    prune: PruneArgs,
    /// Prune anonymous volumes
    #[arg(long)]
    volumes: bool,
}

/// What is about to go, as Docker's client lists it.
fn system_warning(all: bool, volumes: bool, filters: &[(String, String)]) -> String {
    let images = if all { "all images without at least one container associated to them" } else { "all dangling images" };
    let volumes = if volumes { "  - all anonymous volumes not used by at least one container\n" } else { "" };
    let cache = if all { "all build cache" } else { "unused build cache" };
    let mut text = format!("This will remove:\n  - all stopped containers\n{volumes}  - {images}\n  - {cache}\n");
    if !filters.is_empty() {
        text.push_str("\n  Items to be pruned will be filtered with:\n");
        for (key, value) in filters {
            text.push_str(&format!("  - {key}={value}\n"));
        }
    }
    text
}

fn system(matches: &ArgMatches, _: &[String], session: &mut Session<'_>) -> Outcome {
    let args = SystemPruneArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    if args.volumes && args.prune.filter.iter().any(|(key, _)| key == "until") {
        return Err(Failure::said("ERROR: The \"until\" filter is not supported with \"--volumes\""));
    }
    if !args.prune.confirmed(session, &system_warning(args.all, args.volumes, &args.prune.filter))? {
        return Ok(0);
    }
    let filters = args.prune.filters(session)?;
    let engine = session.engine()?;
    // Containers first: what only they use is unused then.
    let containers = engine.prune_containers(&filters)?;
    tell(session, "Containers", &containers, args.prune.dry_run)?;
    let volumes = if args.volumes { engine.prune_volumes(false, &filters)? } else { Pruned::default() };
    tell(session, "Volumes", &volumes, args.prune.dry_run)?;
    let images = engine.prune_images(args.all, &filters)?;
    tell(session, "Images", &images, args.prune.dry_run)?;
    let cache = prune_cache(session, args.all, &filters)?;
    tell(session, "build cache objects", &cache, args.prune.dry_run)?;
    let all = [&containers, &volumes, &images, &cache];
    let reclaimed = all.iter().fold(0, |sum: u64, one| sum.saturating_add(one.reclaimed));
    tell_space(session, reclaimed, args.prune.dry_run)
}

/// Removes build cache that nothing uses. It has no labels: a filter by label means none of it.
fn prune_cache(session: &mut Session<'_>, all: bool, filters: &PruneFilters) -> std::result::Result<Pruned, Failure> {
    if !filters.labels.is_empty() {
        return Ok(Pruned::default());
    }
    let engine = session.engine()?;
    let now = engine.now();
    let which = PruneCache { all, unused_for: filters.until.map(|until| now.since(until)), ..PruneCache::default() };
    let (gone, reclaimed) = if filters.dry_run {
        let idle = |used| which.unused_for.is_none_or(|least| now.since(used) >= least);
        let gone: Vec<_> = engine.build_cache()?.into_iter().filter(|entry| (all || !entry.shared) && idle(entry.used)).collect();
        let bytes = gone.iter().map(|entry| entry.size).sum();
        (gone, bytes)
    } else {
        engine.prune_build_cache(&which)?
    };
    Ok(Pruned { removed: gone.into_iter().map(|entry| entry.id).collect(), reclaimed })
}

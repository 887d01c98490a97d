//! `drydock builder prune` and `drydock builder du`: the build cache.

use crate::command::Definition;
use crate::command::prune::{PruneArgs, tell_space};
use crate::failure::{Failure, Outcome};
use crate::format::size;
use crate::format::table::align;
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::engine::PruneCache;
use drydock_core::limits::units;
use std::time::Duration;

/// `builder prune`
pub const PRUNE: Definition = Definition {
    name: "",
    group: "builder",
    in_group: &["prune"],
    about: "Remove build cache",
    usage: "[OPTIONS]",
    flags: CacheArgs::augment_args,
    run: prune,
    ..Definition::PLAIN
};

/// `builder du`
pub const DISK_USE: Definition = Definition {
    name: "",
    group: "builder",
    in_group: &["du"],
    about: "Show disk usage of the build cache",
    run: usage,
    ..Definition::PLAIN
};

#[derive(Args)]
struct CacheArgs {
    /// Remove all unused build cache, not just dangling ones
    #[arg(short, long)]
    all: bool,
    /// Provide filter values (e.g. "until=24h")
    #[arg(long, value_name = "filter")]
    filter: Vec<String>,
    /// Do not prompt for confirmation
    #[arg(short, long)]
    force: bool,
    /// Amount of disk space to keep for cache
    #[arg(long, value_name = "bytes")]
    keep_storage: Option<String>,
}

fn prune(matches: &ArgMatches, _: &[String], session: &mut Session<'_>) -> Outcome {
    let args = CacheArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let mut which = PruneCache { all: args.all, ..PruneCache::default() };
    for filter in &args.filter {
        let age = filter.strip_prefix("until=").or_else(|| filter.strip_prefix("unused-for="));
        let Some(age) = age else { return Err(Failure::said(format!("Error: invalid filter '{filter}'"))) };
        let nanos = units::parse_duration(age).map_err(Failure::Engine)?;
        which.unused_for = Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)));
    }
    if let Some(text) = &args.keep_storage {
        which.keep = Some(units::parse_bytes(text).map_err(Failure::Engine)?);
    }
    let question = PruneArgs { dry_run: false, filter: Vec::new(), force: args.force };
    let what = if args.all { "all build cache" } else { "all dangling build cache" };
    if !question.confirmed(session, &format!("This will remove {what}."))? {
        return Ok(0);
    }
    let (gone, freed) = session.engine()?.prune_build_cache(&which)?;
    if !gone.is_empty() {
        session.say("Deleted build cache objects:")?;
        for entry in &gone {
            session.say(&entry.id)?;
        }
        session.say("")?;
    }
    tell_space(session, freed, false)
}

fn usage(_: &ArgMatches, _: &[String], session: &mut Session<'_>) -> Outcome {
    let all = session.engine()?.build_cache()?;
    let mut lines = vec!["ID\tRECLAIMABLE\tSIZE\tDESCRIPTION".to_owned()];
    let (mut shared, mut own) = (0u64, 0u64);
    for entry in &all {
        let (sum, word) = if entry.shared { (&mut shared, "false") } else { (&mut own, "true") };
        *sum += entry.size;
        let id = entry.id.get(..25).unwrap_or(&entry.id);
        let description: String = entry.description.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
        lines.push(format!("{id}\t{word}\t{}\t{description}", size::decimal(entry.size)));
    }
    lines.extend([String::new(), format!("Shared:\t{}", size::decimal(shared)), format!("Private:\t{}", size::decimal(own))]);
    lines.extend([format!("Reclaimable:\t{}", size::decimal(own)), format!("Total:\t{}", size::decimal(shared + own))]);
    for line in align(&lines).lines() {
        session.say(line)?;
    }
    Ok(0)
}

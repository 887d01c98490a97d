//! The residue law: after a clause and its clean-up the host holds what it held before.

use crate::outcome::{Checked, fail};
use crate::world::World;
use drydock_core::observe::Snapshot;
use std::collections::BTreeSet;

/// What the host holds.
pub fn observe(world: &World<'_>) -> Checked<Snapshot> {
    Ok(world.engine().observe()?)
}

/// What an engine that is reached through its API holds, as far as that shows: its containers, images, volumes and networks.
pub fn shown(world: &World<'_>) -> Checked<BTreeSet<String>> {
    let engine = world.engine();
    let mut all = BTreeSet::new();
    all.extend(engine.containers(true)?.into_iter().map(|c| format!("container {}", c.name)));
    all.extend(engine.images()?.into_iter().map(|i| format!("image {}", i.id)));
    all.extend(engine.volumes(&[])?.into_iter().map(|v| format!("volume {}", v.record.name)));
    all.extend(engine.networks()?.into_iter().map(|n| format!("network {}", n.name)));
    Ok(all)
}

/// Fails with what an engine shows that it did not, and with what it shows no more.
pub fn unchanged_as_shown(world: &World<'_>, before: &BTreeSet<String>) -> Checked {
    let after = shown(world)?;
    let more = after.difference(before).map(|line| format!("+ {line}"));
    let lines: Vec<String> = more.chain(before.difference(&after).map(|line| format!("- {line}"))).collect();
    if lines.is_empty() { Ok(()) } else { fail(format_args!("residue: {}", lines.join("; "))) }
}

/// The same, but for the files of containers that are still there.
pub fn unchanged_but_files(world: &World<'_>, before: &Snapshot) -> Checked {
    let files = observe(world)?.files;
    unchanged(world, &Snapshot { files, ..before.clone() })
}

/// Fails with what is there that was not, and what was there that is not, a line each.
///
/// What a kernel takes away by itself a little later (a network namespace after its last process) is waited for.
pub fn unchanged(world: &World<'_>, before: &Snapshot) -> Checked {
    let come_true = world.eventually("the host is as before", || Ok(difference(world, before)?.is_empty()));
    let left = difference(world, before)?;
    match come_true {
        Ok(()) => Ok(()),
        Err(_) if !left.is_empty() => fail(format_args!("residue: {}", left.join("; "))),
        Err(error) => Err(error),
    }
}

fn difference(world: &World<'_>, before: &Snapshot) -> Checked<Vec<String>> {
    let mut lines = before.difference(&observe(world)?);
    // Control groups and processes are the whole machine's: other engines may run on it, and what they had may go meanwhile.
    let gone = ["- process ", "- netns "];
    // The file of a lock is there a moment before it is held; the look before the clause may have come in that moment.
    let lock_gone = |line: &str| line.starts_with("- file ") && line.contains("/locks/");
    lines.retain(|line| !gone.iter().any(|g| line.starts_with(g)) && !lock_gone(line) && (!line.contains(" cgroup ") || world.made(line)));
    Ok(lines)
}

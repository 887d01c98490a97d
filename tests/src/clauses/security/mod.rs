//! Attacks that once worked on some engine: what each of them tried, tried again.
//!
//! Other areas hold attacks too, where they belong to a topic of theirs; [`crate::rows::attacks`] lists them all.

mod devices;
mod escape;
mod inject;
mod kernel;
mod mounts;
mod users;

use crate::clause::Clause;
use crate::outcome::Checked;
use crate::world::World;

/// Every topic, by name.
pub(super) fn topics() -> Vec<&'static [Clause]> {
    vec![devices::CLAUSES, escape::CLAUSES, inject::CLAUSES, kernel::CLAUSES, mounts::CLAUSES, users::CLAUSES]
}

/// A directory of the host that nothing may read or change.
fn canary(w: &World<'_>) -> Checked<String> {
    let dir = format!("{}/canary", w.scratch());
    let make = "echo HOSTSECRET >secret && echo host >victim && chmod 644 secret && chmod 600 victim";
    w.host(&format!("mkdir -p {dir} && cd {dir} && {make}"))?.exits(0)?;
    Ok(dir)
}

/// Fails unless the directory is as it was made: its names, contents and modes.
fn untouched(w: &World<'_>, dir: &str) -> Checked {
    w.host(&format!("cd {dir} && cat secret victim && ls -A && stat -c '%n %a %u:%g' secret victim"))?
        .prints("HOSTSECRET\nhost\nsecret\nvictim\nsecret 644 0:0\nvictim 600 0:0")?
        .done()
}

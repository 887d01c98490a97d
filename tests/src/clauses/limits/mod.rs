//! Limits: memory, processors, processes.

mod change;
mod cpu;
mod group;
mod memory;
mod pids;

use crate::clause::Clause;
use crate::outcome::Checked;
use crate::world::World;
use drydock_core::container::ContainerConfig;
use drydock_core::limits::CgroupMode;

/// Every topic, by name.
pub(super) fn topics() -> Vec<&'static [Clause]> {
    vec![change::CLAUSES, cpu::CLAUSES, group::CLAUSES, memory::CLAUSES, pids::CLAUSES]
}

/// What a control file of the container says inside it: `v1` is a path below the hierarchies, `v2` one below the tree.
fn control(w: &World<'_>, v1: &str, v2: &str, tweak: impl FnOnce(&mut ContainerConfig)) -> Checked<String> {
    let file = match w.engine().facts().cgroup {
        CgroupMode::V2 => v2,
        CgroupMode::V1 | CgroupMode::Hybrid => v1,
    };
    Ok(w.run_with(&["cat", &format!("/sys/fs/cgroup/{file}")], tweak)?.exits(0)?.text())
}

/// Whether the limits are those of the unified hierarchy.
fn unified(w: &World<'_>) -> bool {
    w.engine().facts().cgroup == CgroupMode::V2
}

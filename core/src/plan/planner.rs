//! [`Planner`]: the host seam over the kernel seam. Each method makes a plan by a pure function and has it carried out.

use super::journal::Owner;
use crate::container::layout::Layout;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Capabilities, Capability};
use crate::id::ContainerId;
use crate::kernel::{Facts, Kernel};
use crate::limits::CgroupMode;
use crate::store::Store;
use crate::time::Clock;
use std::sync::Arc;

/// Turns what the host seam promises into steps. Clones share one owner's lock.
#[derive(Clone)]
pub struct Planner {
    pub(super) kernel: Arc<dyn Kernel>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) owner: Arc<Owner>,
}

impl Planner {
    /// A planner over a kernel and the store that holds its journal.
    pub fn new(kernel: Arc<dyn Kernel>, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { kernel, store, clock, owner: Arc::default() }
    }

    /// What the host can do, from what its kernel is.
    pub fn capabilities(&self) -> Capabilities {
        capabilities(self.facts())
    }

    pub(super) fn facts(&self) -> &Facts {
        self.kernel.facts()
    }

    pub(super) fn layout(&self) -> Layout {
        Layout::of(self.facts())
    }

    /// The control group of a container that exists.
    pub(super) fn group(&self, id: &ContainerId) -> Result<String> {
        let layout = self.layout();
        match self.kernel.read(&layout.cgroup_parent(id), 0, 1 << 14) {
            Ok(parent) => Ok(layout.cgroup_in(Some(String::from_utf8_lossy(&parent).trim()), id)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(layout.cgroup(id)),
            Err(e) => Err(e),
        }
    }

    /// Refuses what the host does not declare, before anything is changed.
    pub(super) fn require(&self, capability: Capability) -> Result<()> {
        if self.capabilities().contains(&capability) {
            return Ok(());
        }
        Err(Error::unsupported(match capability {
            Capability::Memory => "limits on memory (no memory controller)",
            Capability::Cpu => "limits on processors (no cpu controller)",
            Capability::Pids => "limits on processes (no pids controller)",
            Capability::Freeze => "freezing (no freezer)",
            Capability::Seccomp => "system call filters",
            Capability::UserNamespaces => "user namespaces (they need mounts with mapped ids: Linux 5.19)",
            _ => "this operation",
        }))
    }
}

/// What a kernel of these facts can do.
pub fn capabilities(facts: &Facts) -> Capabilities {
    let mut all = Capabilities::from([
        Capability::Containers,
        Capability::Exec,
        Capability::Images,
        Capability::BuildKit,
        Capability::Bridge,
        Capability::Publish,
    ]);
    let has = |controller: &str| facts.controllers.iter().any(|c| c == controller);
    for (controller, capability) in [("memory", Capability::Memory), ("cpu", Capability::Cpu), ("pids", Capability::Pids)] {
        if has(controller) {
            all.insert(capability);
        }
    }
    // v2's freezer belongs to every group and is no controller.
    if facts.cgroup == CgroupMode::V2 || has("freezer") {
        all.insert(Capability::Freeze);
    }
    if facts.idmapped_mounts {
        all.insert(Capability::UserNamespaces);
    }
    if facts.seccomp {
        all.insert(Capability::Seccomp);
    }
    all
}

//! Plans: steps in order, each with its reason and with the step that undoes it.

mod container;
mod devices;
mod explain;
mod image;
mod journal;
mod launch;
mod limits;
mod live;
mod network;
mod options;
mod planner;
mod specify;
pub(crate) mod union;

pub use explain::Explanation;
pub use image::chain_id;
pub(crate) use live::mount_in;
pub use planner::{Planner, capabilities};

use crate::error::Result;
use crate::kernel::{Kernel, Process, Step};
use serde::{Deserialize, Serialize};

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// What to do.
    pub step: Step,
    /// What undoes it; `None` where undoing another step undoes it too.
    pub undo: Option<Step>,
    /// Why it is done, in one sentence that `drydock explain` prints.
    pub why: String,
    /// The page of the book that teaches it, and the source that requires it: `namespaces.html`, `runtime-spec config.md "Mounts"`.
    pub see: String,
}

impl Planned {
    /// A step with its reason.
    pub fn new(step: Step, why: impl Into<String>, see: impl Into<String>) -> Self {
        Self { step, undo: None, why: why.into(), see: see.into() }
    }

    /// Says what undoes it.
    #[must_use]
    pub fn undone_by(mut self, undo: Step) -> Self {
        self.undo = Some(undo);
        self
    }
}

/// What one operation of the host seam does to the host, recorded before it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The operation: `containers.create`.
    pub op: String,
    /// What it is about: a container's or network's id.
    pub subject: String,
    /// The steps, in order, in the host.
    pub steps: Vec<Planned>,
}

impl Plan {
    /// An empty plan.
    pub fn new(op: impl Into<String>, subject: impl Into<String>) -> Self {
        Self { op: op.into(), subject: subject.into(), steps: Vec::new() }
    }

    /// Adds a step.
    pub fn push(&mut self, planned: Planned) {
        self.steps.push(planned);
    }

    /// Carries the plan out. If a step fails, those before it are undone in reverse, and the error is the first one.
    pub fn carry_out(&self, kernel: &dyn Kernel, child: Option<&Process>) -> Result<()> {
        for (done, planned) in self.steps.iter().enumerate() {
            if let Err(error) = kernel.perform(&planned.step, child) {
                self.undo_first(kernel, done + 1);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Undoes the plan, whether it was carried out whole, in part or not at all. Errors of single steps do not stop the rest; the first is returned.
    pub fn undo(&self, kernel: &dyn Kernel) -> Result<()> {
        self.undo_first(kernel, self.steps.len()).map_or(Ok(()), Err)
    }

    fn undo_first(&self, kernel: &dyn Kernel, count: usize) -> Option<crate::Error> {
        let mut first = None;
        for undo in self.steps.iter().take(count).rev().filter_map(|p| p.undo.as_ref()) {
            if let Err(error) = kernel.perform(undo, None) {
                first.get_or_insert(error);
            }
        }
        first
    }
}

#[cfg(test)]
mod tests;

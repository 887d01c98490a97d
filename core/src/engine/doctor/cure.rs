//! Putting things right.

use super::Cure;
use crate::engine::LocalEngine;
use crate::error::{ErrorKind, Result};
use crate::kernel::Step;

impl LocalEngine {
    /// Carries a cure out. Answers whether there was anything to be done but by hand.
    pub(super) fn cure(&self, cure: Cure) -> Result<bool> {
        match cure {
            Cure::Steps(steps) => steps.iter().try_for_each(|step| self.kernel().perform(step, None))?,
            Cure::Records(changes) => match self.store().commit(&changes) {
                // Somebody else has changed it since: it is not as it was found.
                Err(e) if e.kind() == ErrorKind::Stale => return Ok(false),
                other => other?,
            },
            Cure::Settle(id) => {
                if let Some(record) = self.find_record(&id)? {
                    // A process that no record knows of goes with its group.
                    if record.state.process.is_none() {
                        self.kernel().perform(&Step::RemoveCgroup { path: self.layout().cgroup(&id) }, None)?;
                    }
                    self.settle(record)?;
                }
            }
            Cure::Restack(record) => self.restack(&record)?,
            Cure::Unlock(name) => drop(self.kernel().lock(&name)?),
            Cure::Index => self.write_index()?,
            Cure::ByHand => return Ok(false),
        }
        Ok(true)
    }

    /// What a power cut can leave that no record and no mark tells of: files whose removal did not reach the disk, or whose records did
    /// not; lists of layers that were not written yet. Done once, by the first engine of a boot.
    pub(in crate::engine) fn after_power_cut(&self) -> Result<()> {
        let chart = self.chart()?;
        let mut cases = self.glance()?;
        self.stacks(&chart, &mut cases)?;
        self.index(&mut cases)?;
        for case in cases {
            self.cure(case.cure)?;
        }
        Ok(())
    }

    /// Makes a container's directories and the list of its layers again, and leaves what it wrote.
    pub(in crate::engine) fn restack(&self, record: &crate::container::ContainerRecord) -> Result<()> {
        let Some(image) = self.image_record(&record.image)? else { return Ok(()) };
        self.host.images.stack(&record.id, &image.layers)
    }
}

//! Recovery: what a killed command, a killed supervisor or a lost boot left is finished or undone.
//!
//! Every change of a container that takes more than one batch marks the container as under way first, and everything such a
//! container may hold on the host is named by its record. So recovery never searches: it takes the marked ones whose owner is
//! dead, gives everything back, and writes down what is true.

use super::LocalEngine;
use super::events::Happening;
use crate::container::{ContainerRecord, Status};
use crate::error::Result;
use crate::id::ContainerId;
use crate::store::{Change, StoreExt as _, Table, put};

/// What the record of a container says whose supervisor died.
const LOST: &str = "the container's supervisor ended unexpectedly";
/// What it says when the machine was restarted meanwhile.
const REBOOTED: &str = "the machine was restarted while the container ran";
/// The exit code of what was killed together with its supervisor: SIGKILL's.
const KILLED: i32 = 137;
/// The boot that all records were last reconciled with: the key in [`Table::Meta`].
const BOOT: &str = "boot";

impl LocalEngine {
    /// Finishes or undoes what was under way when its owner died. Costs little when nothing is.
    pub(super) fn recover(&self) -> Result<()> {
        self.host.planning.recover()?;
        self.recover_builds()?;
        self.recover_blobs()?;
        self.recover_index()?;
        let boot = &self.kernel().facts().boot_id;
        let last = self.store().load::<String>(Table::Meta, BOOT)?;
        if last.as_ref() != Some(boot) {
            self.settle_all()?;
            // Records that have never seen a boot may be new ones in the place of lost ones: then everything looks unowned, and is
            // left for the doctor to show and a person to decide about.
            if last.is_some() {
                self.after_power_cut()?;
            }
            self.store().commit(&[put(Table::Meta, BOOT, boot)?])?;
        }
        Ok(())
    }

    /// Makes the records of all containers true.
    pub(super) fn settle_all(&self) -> Result<()> {
        let marked = self.store().scan(Table::Meta, "active/", "", usize::MAX)?;
        for (key, _) in marked {
            let id = ContainerId::new(key.trim_start_matches("active/"));
            match self.find_record(&id)? {
                Some(record) => drop(self.settle(record)?),
                None => self.store().commit(&[Change::Delete(Table::Meta, key)])?,
            }
        }
        Ok(())
    }

    /// Makes one record true: as it is if nothing is under way, or while the owner of what is under way lives. `None` if the
    /// container is gone afterwards.
    pub(super) fn settle(&self, record: ContainerRecord) -> Result<Option<ContainerRecord>> {
        if !record.state.under_way || (record.state.boot_id == self.kernel().facts().boot_id && self.supervised(&record.id)?) {
            return Ok(Some(record));
        }
        // Somebody works on it right now: the record is as true as it can be.
        let Some(_guard) = self.kernel().lock(&format!("container-{}", record.id))? else {
            return Ok(Some(record));
        };
        self.settle_locked(&record.id)
    }

    /// [`LocalEngine::settle`] for a caller that holds the container's lock.
    pub(super) fn settle_locked(&self, id: &ContainerId) -> Result<Option<ContainerRecord>> {
        let Some(record) = self.find_record(id)? else {
            return Ok(None);
        };
        let same_boot = record.state.boot_id == self.kernel().facts().boot_id;
        if !record.state.under_way || (same_boot && self.supervised(id)?) {
            return Ok(Some(record));
        }
        match record.state.status {
            Status::Removing | Status::Dead => {
                self.delete(&record, false)?;
                Ok(None)
            }
            Status::Running | Status::Paused | Status::Restarting => {
                self.let_go(&record)?;
                let error = if same_boot { LOST } else { REBOOTED };
                let forgotten = self.forget_execs(id, false)?;
                let linkless = super::networks::linkless(&record);
                let mut died = vec![Happening::Own("die", vec![("exitCode", KILLED.to_string()), ("error", error.to_owned())])];
                died.extend(linkless.iter().map(|n| Happening::Network(n.id.as_str(), &n.name, "disconnect")));
                let record = self.change(id, &died, &forgotten, &mut |record| {
                    end(record, self.time());
                    if record.state.status != Status::Restarting {
                        record.state.exit_code = KILLED;
                    }
                    record.state.status = Status::Exited;
                    record.state.error = error.to_owned();
                    record.state.lost = true;
                    Ok(())
                })?;
                if record.config.auto_remove {
                    self.delete(&record, false)?;
                    return Ok(None);
                }
                Ok(Some(record))
            }
            // A start that got no further: as it was before.
            Status::Created | Status::Exited => {
                self.let_go(&record)?;
                let record = self.change(id, &[], &[], &mut |record| {
                    let finished = record.state.finished;
                    end(record, finished);
                    Ok(())
                })?;
                Ok(Some(record))
            }
        }
    }
}

/// What every record loses when its container holds nothing on the host any more.
pub(super) fn end(record: &mut ContainerRecord, finished: crate::time::Timestamp) {
    record.state.process = None;
    record.state.under_way = false;
    record.state.finished = finished;
    super::health::unwatched(record);
    record.endpoints.clear();
    record.published.clear();
}

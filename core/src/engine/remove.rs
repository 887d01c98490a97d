//! Removing a container: everything it has on the host, then its record.

use super::LocalEngine;
use super::events::Happening;
use super::local::active_key;
use super::view::RemoveOptions;
use crate::container::lifecycle::{Action, Event};
use crate::container::{ContainerRecord, Status};
use crate::error::{ErrorKind, Result};
use crate::kernel::Step;
use crate::store::{Change, Table};

impl LocalEngine {
    /// Removes a container, its end awaited first if it runs and may be killed.
    pub(super) fn remove_container(&self, asked: &str, options: RemoveOptions) -> Result<()> {
        let id = self.resolve(asked)?;
        loop {
            // What a dead command left of an earlier removal is finished by settling it.
            let Some(record) = self.find_record(&id)?.map(|r| self.settle(r)).transpose()?.flatten() else {
                return Ok(());
            };
            let transition = self.host.machine.allow(record.state.status, Event::Remove { force: options.force }, &record.id, asked)?;
            if transition.actions.contains(&Action::KillFirst) {
                self.end_by_force(&record.id)?;
                // One that removes itself may be gone by now, or be in the middle of it.
                match self.find_record(&record.id)? {
                    None => return Ok(()),
                    Some(record) if record.config.auto_remove => {
                        let _guard = self.lock_container(&record.id)?;
                        return self.find_record(&record.id)?.map_or(Ok(()), |record| self.delete(&record, true));
                    }
                    Some(_) => {}
                }
            }
            let _guard = self.lock_container(&record.id)?;
            // A start may have come between: then it is to be judged anew.
            if self.supervised(&record.id)? && !self.kernel().wait(&record.id, Some(super::start::LAST_BREATH))? {
                continue;
            }
            let Some(record) = self.settle_locked(&record.id)? else {
                return Ok(());
            };
            if self.host.machine.next(record.state.status, Event::Remove { force: false }).is_ok() {
                return self.delete(&record, options.volumes);
            }
        }
    }

    /// A supervisor's last act: removes the container that it alone owns.
    pub(crate) fn delete_supervised(&self, id: &crate::id::ContainerId) -> Result<()> {
        self.find_record(id)?.map_or(Ok(()), |record| match record.state.status {
            // So marked with its end.
            Status::Removing => self.delete_or_bury(&record, true),
            _ => self.delete(&record, true),
        })
    }

    /// Removes all that is left of a container that does not run, with its anonymous volumes if so asked, and its record last. Safe to repeat after a crash.
    pub(crate) fn delete(&self, record: &ContainerRecord, volumes: bool) -> Result<()> {
        let id = &record.id;
        // Before any file goes: a record that a power cut brought back would have nothing to start.
        let marked = self.change(id, &[], super::create::promise(&record.config), &mut |record| {
            record.state.status = Status::Removing;
            record.state.under_way = true;
            record.state.boot_id.clone_from(&self.kernel().facts().boot_id);
            Ok(())
        });
        match marked {
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e),
        }
        self.delete_or_bury(record, volumes)
    }

    /// Removes a container that is marked as being removed; what cannot be removed whole is dead.
    fn delete_or_bury(&self, record: &ContainerRecord, volumes: bool) -> Result<()> {
        let result = self.delete_marked(record, volumes);
        if result.is_err() {
            self.change(&record.id, &[], &[], &mut |record| {
                record.state.status = Status::Dead;
                Ok(())
            })?;
        }
        result
    }

    fn delete_marked(&self, record: &ContainerRecord, volumes: bool) -> Result<()> {
        let id = &record.id;
        let layout = self.layout();
        if record.state.process.is_some() || !record.endpoints.is_empty() {
            self.let_go(record)?;
        }
        self.host.images.unstack(id)?;
        for path in [layout.container(id), layout.run(id)] {
            self.kernel().perform(&Step::RemoveTree { path }, None)?;
        }
        if volumes || record.config.auto_remove {
            self.remove_volumes(record)?;
        }
        loop {
            let mut batch = vec![
                Change::Delete(Table::Containers, id.to_string()),
                Change::Delete(Table::Names, record.name.clone()),
                Change::Delete(Table::Meta, active_key(id)),
            ];
            batch.extend(Self::end_uses(record));
            batch.extend(Self::end_volume_uses(record));
            batch.extend(self.forget_execs(id, true)?);
            self.append_events(&mut batch, &[Happening::plain("destroy").entry(record, self.time())])?;
            if self.commit(&batch)? {
                return self.forget_use(record);
            }
        }
    }
}

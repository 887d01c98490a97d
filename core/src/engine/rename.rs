//! Renaming a container, running or not: its record and the table of names change in one batch.

use super::LocalEngine;
use super::events::Happening;
use crate::container::names;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use crate::store::{Change, StoreExt as _, Table, put};

/// Docker's words around a name that cannot be had.
fn refused(error: &Error) -> Error {
    Error::new(error.kind(), format!("Error when allocating new name: {}", error.message())).subject(error.about())
}

impl LocalEngine {
    /// Gives a container another name.
    pub(super) fn rename_container(&self, asked: &str, new: &str) -> Result<()> {
        if asked.is_empty() || new.is_empty() {
            return Err(Error::invalid("Neither old nor new names may be empty"));
        }
        loop {
            match self.rename_once(asked, new) {
                // Somebody renamed or removed it, or took the name, between look and change.
                Err(e) if e.kind() == ErrorKind::Stale => {}
                other => return other,
            }
        }
    }

    fn rename_once(&self, asked: &str, new: &str) -> Result<()> {
        let record = self.settled(asked)?;
        let bare = new.strip_prefix('/').unwrap_or(new);
        if record.name == bare {
            return Err(Error::invalid("Renaming a container with the same name as its current name"));
        }
        let name = names::check(new).map_err(|_| refused(&names::invalid(&format!("/{bare}"))))?.to_owned();
        if let Some(holder) = self.store().load::<String>(Table::Names, &name)? {
            // A dead command's half-made container does not keep its name.
            let alive = match self.find_record(&ContainerId::new(holder.clone()))? {
                Some(other) => self.settle(other)?.is_some(),
                None => true,
            };
            if alive {
                return Err(refused(&names::taken(&name, &holder)));
            }
        }
        let mut further = vec![
            Change::Expect(Table::Names, name.clone(), None),
            put(Table::Names, &name, &record.id)?,
            Change::Delete(Table::Names, record.name.clone()),
        ];
        further.extend_from_slice(super::create::promise(&record.config));
        let before = record.name.clone();
        let happenings = [Happening::Own("rename", vec![("oldName", format!("/{before}"))])];
        self.change(&record.id, &happenings, &further, &mut |changed| {
            let held: Option<String> = self.store().load(Table::Names, &name)?;
            if changed.name != before || held.is_some() {
                return Err(Error::new(ErrorKind::Stale, "the name changed meanwhile"));
            }
            changed.name.clone_from(&name);
            Ok(())
        })
        .map(drop)
    }
}

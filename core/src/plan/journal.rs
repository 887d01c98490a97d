//! The journal: a plan is recorded before it runs and forgotten when it is done, so that whoever comes after a crash can undo it.
//!
//! Who carries out a plan holds a lock that dies with it. Process ids are reused and prove nothing; a free lock proves a dead owner.

use super::{Plan, Planner};
use crate::error::{ErrorKind, Result};
use crate::id::hex;
use crate::kernel::{Guard, Process};
use crate::store::{Change, StoreExt as _, Table, put};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

/// A plan under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The lock that its owner holds as long as it lives.
    owner: String,
    plan: Plan,
}

/// The lock of one open engine, taken with its first plan.
#[derive(Default)]
pub(super) struct Owner(Mutex<Option<Held>>);

struct Held {
    name: String,
    next: u64,
    _guard: Box<dyn Guard>,
}

impl Planner {
    /// Records a plan, carries it out, and forgets it. After an error what was done is undone.
    pub(super) fn carry_out(&self, plan: &Plan, child: Option<&Process>) -> Result<()> {
        let recorded = self.record(plan)?;
        let done = plan.carry_out(self.kernel.as_ref(), child);
        // After a crash nothing more is written: recovery needs the record.
        if !matches!(&done, Err(e) if e.kind() == ErrorKind::Interrupted) {
            self.forget(recorded)?;
        }
        done
    }

    /// Carries out a plan that makes only what the record of its container names: the directory and the control group of that id.
    ///
    /// It needs no record of its own. The container's is marked as under way before anything is made, and whoever finds it marked with
    /// a dead owner removes all that it names. Two writes to the store and a lock for every start would say the same again.
    pub(super) fn carry_out_named(&self, plan: &Plan) -> Result<()> {
        plan.carry_out(self.kernel.as_ref(), None)
    }

    /// Records a plan that somebody else carries out step by step. One that has nothing to undo needs no record.
    pub(super) fn record(&self, plan: &Plan) -> Result<Option<String>> {
        if plan.steps.iter().all(|planned| planned.undo.is_none()) {
            return Ok(None);
        }
        let (owner, key) = self.ticket()?;
        self.store.commit(&[put(Table::Plans, &key, &Entry { owner, plan: plan.clone() })?])?;
        Ok(Some(key))
    }

    /// Forgets a recorded plan: it is done, or undone.
    pub(super) fn forget(&self, recorded: Option<String>) -> Result<()> {
        recorded.map_or(Ok(()), |key| self.store.commit(&[Change::Delete(Table::Plans, key)]))
    }

    /// The owner's lock and a key of its own for one plan.
    fn ticket(&self) -> Result<(String, String)> {
        let mut held = self.owner.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(held) = held.as_mut() {
                held.next += 1;
                return Ok((held.name.clone(), format!("{}-{:06}", held.name, held.next)));
            }
            let mut bytes = [0; 8];
            self.clock.random(&mut bytes);
            let name = format!("planner-{}", hex(&bytes));
            *held = self.kernel.lock(&name)?.map(|guard| Held { name, next: 0, _guard: guard });
        }
    }

    /// Undoes every plan whose owner is dead. Errors of one do not keep the others; the first is answered, and its plan stays recorded.
    pub fn recover(&self) -> Result<()> {
        let mut first = Ok(());
        for (key, entry) in self.store.load_all::<Entry>(Table::Plans)? {
            let Some(_guard) = self.kernel.lock(&entry.owner)? else { continue };
            // Its owner may have forgotten it and died between our look and our lock.
            if self.store.get(Table::Plans, &key)?.is_none() {
                continue;
            }
            let undone = entry.plan.undo(self.kernel.as_ref()).and_then(|()| self.forget(Some(key)));
            first = first.and(undone);
        }
        first
    }
}

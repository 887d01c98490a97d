//! Stages side by side: each begins at once and waits at the instruction that needs another one; the first failure ends the others.
//!
//! Jobs begin in the order of the graph, in which a stage comes after all it needs: the first one that has not ended waits for
//! nothing, so that they never wait for each other. On the simulator they run one after the other, and nobody ever waits.

use super::stage::Made;
use super::{Build, Plan};
use crate::build::progress::{Event, Progress};
use crate::engine::LocalEngine;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use crate::kernel::Signal;
use crate::registry::transport::Job;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The most stages at a time.
const WIDTH: usize = 8;
/// What is said of a step that was ended since another one failed (BuildKit's word).
pub(super) const CANCELED: &str = "CANCELED";

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The stages that are made, and what stops the rest.
#[derive(Default)]
pub(super) struct Stages {
    made: Mutex<BTreeMap<usize, Arc<Made>>>,
    ended: Condvar,
    failed: Mutex<Option<Error>>,
    stopped: AtomicBool,
    running: Mutex<BTreeSet<ContainerId>>,
    /// Keys of steps that are being done.
    doing: Mutex<BTreeSet<String>>,
    done: Condvar,
}

/// That a step is being done; it ends when this goes.
pub(super) struct Turn<'a> {
    stages: &'a Stages,
    key: String,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        held(&self.stages.doing).remove(&self.key);
        self.stages.done.notify_all();
    }
}

impl Stages {
    /// A stage of the graph's order, once it is made.
    fn wait(&self, number: usize) -> Result<Arc<Made>> {
        let mut made = held(&self.made);
        loop {
            if let Some(stage) = made.get(&number) {
                return Ok(Arc::clone(stage));
            }
            self.check_going()?;
            made = self.ended.wait(made).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// An error once another stage has failed.
    pub(super) fn check_going(&self) -> Result<()> {
        if self.stopped.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Interrupted, CANCELED));
        }
        Ok(())
    }

    fn end(&self, number: usize, stage: Result<Made>) {
        match stage {
            Ok(stage) => drop(held(&self.made).insert(number, Arc::new(stage))),
            Err(error) => {
                // What ends because another one has failed is not what went wrong.
                held(&self.failed).get_or_insert(error);
                let _made = held(&self.made);
                self.stopped.store(true, Ordering::SeqCst);
            }
        }
        self.ended.notify_all();
    }

    /// Waits until no other stage does the very same step: it is then in the cache.
    pub(super) fn turn(&self, key: &str) -> Turn<'_> {
        let mut doing = held(&self.doing);
        while !doing.insert(key.to_owned()) {
            doing = self.done.wait(doing).unwrap_or_else(PoisonError::into_inner);
        }
        Turn { stages: self, key: key.to_owned() }
    }

    /// Every stage that is made, in the order of the file.
    pub(super) fn all(&self) -> Vec<Arc<Made>> {
        held(&self.made).values().cloned().collect()
    }

    /// Notes that a step's program runs, so that it can be ended.
    pub(super) fn runs(&self, id: &ContainerId) -> Result<()> {
        held(&self.running).insert(id.clone());
        self.check_going()
    }

    /// It has ended.
    pub(super) fn rests(&self, id: &ContainerId) {
        held(&self.running).remove(id);
    }

    /// Once a stage has failed, ends the programs of the others. One that is only about to start is met the next time.
    fn stop_others(&self, engine: &LocalEngine) {
        if !self.stopped.load(Ordering::SeqCst) {
            return;
        }
        let running: Vec<ContainerId> = held(&self.running).iter().cloned().collect();
        for id in running {
            // It may have ended by itself, and whoever waits for it removes it.
            let _ = engine.kill_container(id.as_str(), Signal::KILL);
        }
    }
}

impl Plan<'_> {
    /// A stage, once it is made. Only a trigger can ask for one that nobody makes, as nobody sees it before its image is there.
    pub(super) fn wait(&self, number: usize) -> Result<Arc<Made>> {
        if self.graph.order.contains(&number) {
            return self.stages.wait(number);
        }
        Err(Error::invalid(format!("stage {number} is not built")).hint("no instruction of the Dockerfile itself asks for it"))
    }
}

impl Build<'_> {
    /// Makes the stages that the target needs, and answers the target.
    pub(super) fn all(&self, plan: &Plan<'_>, progress: &dyn Progress) -> Result<Made> {
        let order = &plan.graph.order;
        let jobs: Vec<Job<'_>> = order
            .iter()
            .map(|&number| {
                let job = move || {
                    let stage = plan.stages.check_going().and_then(|()| self.stage(plan, number));
                    plan.stages.end(number, stage);
                };
                Box::new(job) as Job<'_>
            })
            .collect();
        self.engine.host.transport.run(order.len().min(WIDTH), jobs, &mut || {
            plan.stages.stop_others(self.engine);
            self.pass_on(progress);
            progress.tell(Event::Tick { at: self.engine.time() });
        });
        if let Some(error) = held(&plan.stages.failed).take() {
            return Err(error);
        }
        let target = held(&plan.stages.made).get(&plan.graph.target).cloned();
        Ok((*target.ok_or_else(|| Error::invalid("the target stage was not built"))?).clone())
    }

    /// Tells what has happened since it was last told.
    pub(super) fn pass_on(&self, progress: &dyn Progress) {
        let told = std::mem::take(&mut *held(&self.told));
        told.into_iter().for_each(|event| progress.tell(event));
    }

    /// Keeps something to tell. Several threads may.
    pub(super) fn tell(&self, event: Event) {
        held(&self.told).push(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_the_one_that_is_told() {
        let stages = Stages::default();
        assert!(stages.check_going().is_ok());
        stages.end(0, Err(Error::invalid("first")));
        stages.end(1, Err(Error::invalid("second")));
        assert_eq!(held(&stages.failed).as_ref().map(|e| e.message().to_owned()), Some("first".to_owned()));
        assert_eq!(stages.wait(2).err().map(|e| e.message().to_owned()), Some(CANCELED.to_owned()));
    }
}

//! A second machine in the state of a first: what takes long to set up is set up once.

use crate::host::Machine;
use crate::motion::Motion;
use crate::registry;
use crate::world::Shared;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex};

/// What a copy of the world is without: a program that runs has come somewhere in its own code, which cannot be written down. Only a
/// machine on which none runs is copied, see [`Machine::copy`].
#[derive(Default)]
pub struct Left<T>(T);

impl<T: Default> Clone for Left<T> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<T> Deref for Left<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Left<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl Machine {
    /// Another machine that is as this one is; both go their own ways from there. `None` while a program or a supervisor runs, or
    /// one of Drydock's processes is at work or holds a lock.
    pub(crate) fn copy(&self) -> Option<Arc<Self>> {
        let _turn = self.motion.turn();
        let actors = self.actors();
        let world = self.shared.lock();
        let still = world.procs.values().all(|p| p.future.is_none()) && world.graveyard.is_empty();
        if !still || !actors.are_at_rest() {
            return None;
        }
        let mut world = world.clone();
        let records = Arc::new(world.records.copy());
        world.records = Arc::clone(&records);
        let remotes = registry::held(&self.remotes).clone();
        let copy = Arc::new(Self {
            shared: Shared(Arc::new(Mutex::new(world))),
            records,
            remotes: Arc::new(Mutex::new(remotes)),
            motion: Motion::default(),
            actors: Mutex::new(actors.copy()),
        });
        copy.decide_by_engine();
        Some(copy)
    }
}

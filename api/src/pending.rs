//! Clients that attach to a container before it is started, as Docker's own do: the start joins them, so that none misses a byte.

use drydock_core::io::Attach;
use drydock_core::kernel::Attachment;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A connection to a container's streams.
pub type Joined = Box<dyn Attachment>;

/// Somebody who waits for a container's start.
pub struct Waiting {
    number: u64,
    /// What they want of it.
    pub attach: Attach,
    /// Takes the connection. Dropped without one, the container did not start.
    pub tell: SyncSender<Joined>,
}

/// Everybody who waits, by container.
#[derive(Default)]
pub struct Pending {
    all: Mutex<(u64, BTreeMap<String, Vec<Waiting>>)>,
}

impl Pending {
    fn all(&self) -> MutexGuard<'_, (u64, BTreeMap<String, Vec<Waiting>>)> {
        // What is kept is whole between any two statements that could panic.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a container's start. Answers a number to leave with.
    pub fn join(&self, container: &str, attach: Attach) -> (u64, Receiver<Joined>) {
        let (tell, told) = sync_channel(1);
        let mut all = self.all();
        all.0 += 1;
        let number = all.0;
        all.1.entry(container.to_owned()).or_default().push(Waiting { number, attach, tell });
        (number, told)
    }

    /// Waits no more; `false` if somebody starts the container this moment and has seen to this one.
    pub fn leave(&self, container: &str, number: u64) -> bool {
        let mut all = self.all();
        let Some(waiting) = all.1.get_mut(container) else { return false };
        let before = waiting.len();
        waiting.retain(|w| w.number != number);
        let left = waiting.len() < before;
        if waiting.is_empty() {
            all.1.remove(container);
        }
        left
    }

    /// Everybody who waits for this container; they wait no more.
    pub fn take(&self, container: &str) -> Vec<Waiting> {
        self.all().1.remove(container).unwrap_or_default()
    }
}

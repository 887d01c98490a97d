//! Who is being carried on by a container's streams. Whoever waits for its end is told when they have its last byte, as with dockerd:
//! a client that reads the streams until then and no longer has everything.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The connections by container.
#[derive(Default)]
pub struct Carried {
    counts: Mutex<BTreeMap<String, usize>>,
    ended: Condvar,
}

/// One connection, until this is dropped.
pub struct Carrying {
    all: Arc<Carried>,
    container: String,
}

impl Carried {
    fn counts(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        // A count is changed in one statement.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a connection to a container's streams.
    pub fn begin(self: &Arc<Self>, container: &str) -> Carrying {
        *self.counts().entry(container.to_owned()).or_default() += 1;
        Carrying { all: Arc::clone(self), container: container.to_owned() }
    }

    /// Waits until nobody is carried on any more by a container that has ended, but no longer than this.
    pub fn settle(&self, container: &str, patience: Duration) {
        // Whoever still reads after that is slower than a client that waits should have to be.
        let _ = self.ended.wait_timeout_while(self.counts(), patience, |counts| counts.contains_key(container));
    }
}

impl Drop for Carrying {
    fn drop(&mut self) {
        let mut counts = self.all.counts();
        if let Some(count) = counts.get_mut(&self.container) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.container);
            }
        }
        self.all.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn whoever_waits_is_told_when_the_last_has_ended() {
        let all = Arc::new(Carried::default());
        let long = Duration::from_secs(60);
        all.settle("none", long);
        let (one, two) = (all.begin("a"), all.begin("a"));
        drop(one);
        let begun = Instant::now();
        all.settle("a", Duration::from_millis(5));
        assert!(begun.elapsed() >= Duration::from_millis(5), "one is still there");
        let ending = std::thread::spawn(move || drop(two));
        all.settle("a", long);
        ending.join().unwrap();
        assert!(all.counts().is_empty());
        assert!(begun.elapsed() < long);
    }
}

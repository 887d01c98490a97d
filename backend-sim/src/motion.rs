//! Whose turn it is to move the machine: several threads may ask one simulated host at once, as a server's clients do, but its
//! processes and its clock go on under one of them at a time. Otherwise one thread would find nothing to do and let an hour pass,
//! while another has the event in its hands that was to come first.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// Turns, in the order in which they were asked for.
#[derive(Default)]
pub(crate) struct Motion {
    state: Mutex<State>,
    over: Condvar,
}

#[derive(Default)]
struct State {
    /// Who has the turn, and how often: what is moved may move further.
    owner: Option<(ThreadId, u32)>,
    /// The number that whoever comes next gets, and the number whose turn it is.
    next: u64,
    serving: u64,
}

/// A turn, until this is dropped.
pub(crate) struct Turn<'a>(&'a Motion);

impl Motion {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn. A thread that has one gets another at once.
    pub fn turn(&self) -> Turn<'_> {
        let me = thread::current().id();
        let mut state = self.state();
        if let Some((owner, depth)) = &mut state.owner
            && *owner == me
        {
            *depth += 1;
            return Turn(self);
        }
        let number = state.next;
        state.next += 1;
        while state.owner.is_some() || state.serving != number {
            state = self.over.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.owner = Some((me, 1));
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        let Some((_, depth)) = &mut state.owner else { return };
        *depth -= 1;
        if *depth > 0 {
            return;
        }
        state.owner = None;
        state.serving += 1;
        if state.serving != state.next {
            self.0.over.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a server's clients come on threads")]
    fn one_thread_moves_at_a_time_and_may_move_deeper() {
        let (motion, inside) = (Arc::new(Motion::default()), Arc::new(Mutex::new(0)));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (motion, inside) = (Arc::clone(&motion), Arc::clone(&inside));
                thread::spawn(move || {
                    for _ in 0..200 {
                        let _turn = motion.turn();
                        let deeper = motion.turn();
                        *inside.lock().unwrap() += 1;
                        thread::yield_now();
                        drop(deeper);
                        assert_eq!(std::mem::take(&mut *inside.lock().unwrap()), 1);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

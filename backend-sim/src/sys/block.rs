//! How a system call waits, and what calls cost.

use super::*;
use crate::process::sched::{Wait, Who};
use std::future::poll_fn;
use std::task::Poll as Async;

/// What one waiting system call costs, in nanoseconds of processor time.
const COST: u64 = 1000;
/// How much may be owed before it is paid, so that most calls take no virtual time.
const CREDIT: u64 = 100_000;

impl Sys {
    /// Tries a call until it has an answer. `attempt` answers `None` after it said what to wait for. EINTR if a caught signal
    /// comes first.
    pub(super) async fn block<T>(&self, mut attempt: impl FnMut(&mut World, u32) -> Option<Res<T>>) -> Res<T> {
        self.pay(COST).await;
        poll_fn(|_| {
            let mut world = self.shared.lock();
            let Ok(p) = world.proc(self.pid) else { return Async::Pending };
            if !p.alive() {
                return Async::Pending;
            }
            if let Some(answer) = attempt(&mut world, self.pid) {
                // A call that killed its own process never returns.
                return if world.proc(self.pid).is_ok_and(|p| p.alive()) { Async::Ready(answer) } else { Async::Pending };
            }
            match world.proc_mut(self.pid) {
                Ok(p) if p.interrupted => {
                    p.interrupted = false;
                    Async::Ready(Err(Errno::EINTR))
                }
                _ => Async::Pending,
            }
        })
        .await
    }

    /// Owes processor time, and pays when it is much.
    pub(super) async fn pay(&self, cost: u64) {
        let due = self.with(|w| {
            let p = w.proc_mut(self.pid).ok()?;
            p.debt += cost;
            (p.debt >= CREDIT).then(|| std::mem::take(&mut p.debt))
        });
        if let Some(nanos) = due {
            self.compute(nanos).await;
        }
    }

    /// Computes for so many nanoseconds of processor time. Signals do not cut it short.
    pub(super) async fn compute(&self, nanos: u64) {
        let mut started = false;
        poll_fn(|_| {
            let mut world = self.shared.lock();
            if !world.proc(self.pid).is_ok_and(|p| p.alive()) {
                return Async::Pending;
            }
            if !started {
                started = true;
                world.burn_start(self.pid, nanos);
            }
            if world.burning(self.pid) {
                world.wait_on(self.pid, Wait::Cpu(self.pid));
                Async::Pending
            } else {
                Async::Ready(())
            }
        })
        .await;
    }

    /// Waits for a moment of the virtual clock.
    pub(super) async fn until(&self, moment: u64) -> Res<()> {
        self.block(move |world, pid| {
            if world.now >= moment {
                return Some(Ok(()));
            }
            world.set_timer(moment, Who::Proc(pid));
            None
        })
        .await
        .inspect_err(|_| self.with(|w| w.clear_timer(moment, self.pid)))
    }
}

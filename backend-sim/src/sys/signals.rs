//! Signals, as system calls.

use super::*;
use std::future::poll_fn;
use std::task::Poll as Async;

impl Sys {
    /// kill(2); `None` only asks whether it could.
    pub fn kill(&self, target: Target, signal: Option<Signal>) -> Res<()> {
        self.with(|w| w.kill(self.pid, target, signal))
    }

    /// Says what happens on a signal from now on.
    pub fn set_disposition(&self, signal: Signal, what: Disposition) -> Res<()> {
        if matches!(signal, Signal::KILL | Signal::STOP) && what != Disposition::Default {
            return Err(Errno::EINVAL);
        }
        self.with(|w| {
            let p = w.proc_mut(self.pid)?;
            match what {
                Disposition::Default => drop(p.dispositions.remove(&signal)),
                other => drop(p.dispositions.insert(signal, other)),
            }
            Ok(())
        })
    }

    /// What happens on a signal.
    pub fn disposition(&self, signal: Signal) -> Disposition {
        self.with(|w| w.proc(self.pid).ok().and_then(|p| p.dispositions.get(&signal).copied()).unwrap_or_default())
    }

    /// A caught signal that came, if one did.
    pub fn take_signal(&self) -> Option<Signal> {
        self.with(|w| {
            let p = w.proc_mut(self.pid).ok()?;
            p.interrupted &= p.caught.len() > 1;
            p.caught.pop_front()
        })
    }

    /// Waits for a caught signal.
    pub async fn next_signal(&self) -> Signal {
        poll_fn(|_| match self.take_signal() {
            Some(signal) => Async::Ready(signal),
            None => Async::Pending,
        })
        .await
    }
}

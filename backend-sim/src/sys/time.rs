//! Time, processors and memory, as system calls.

use super::*;

impl Sys {
    /// The time of day.
    pub fn now(&self) -> Timestamp {
        self.with(|w| w.timestamp())
    }

    /// The virtual time, for measuring.
    pub fn moment(&self) -> Moment {
        self.with(|w| w.moment())
    }

    /// Time since the simulated host booted.
    pub fn uptime(&self) -> Duration {
        self.with(|w| Duration::from_nanos(w.now - w.booted))
    }

    /// Lets virtual time pass. EINTR when a caught signal comes.
    pub async fn sleep(&self, time: Duration) -> Res<()> {
        let moment = self.moment().after(time).0;
        self.until(moment).await
    }

    /// Uses this much processor time; how long that takes depends on who else runs, on weights and on quotas. Signals that are
    /// caught wait until it is over.
    pub async fn burn(&self, time: Duration) -> Res<()> {
        self.compute(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)).await;
        Ok(())
    }

    /// Takes memory and touches it. Over the control group's limit the kernel kills: if it kills this process, this never answers.
    pub async fn alloc(&self, bytes: u64) -> Res<()> {
        self.block(move |world, pid| Some(if world.take_memory(pid, bytes) { Ok(()) } else { Err(Errno::ENOMEM) })).await
    }

    /// Gives memory back.
    pub fn free(&self, bytes: u64) {
        self.with(|w| w.give_memory(self.pid, bytes));
    }

    /// Random bytes from the seed.
    pub fn random(&self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.with(|w| w.random(&mut bytes));
        bytes
    }

    /// Lets everybody else who can run do so first, and a little time pass: loops that do nothing else must call it.
    pub async fn yield_now(&self) {
        self.compute(10_000).await;
    }

    /// Says that the simulator does not model what was asked, so that the engine's call ends with the typed error that names it. Answers the exit status to end with.
    pub fn not_modelled(&self, what: &str) -> i32 {
        self.with(|w| {
            let name = w.proc(self.pid).map(|p| p.name.clone()).unwrap_or_default();
            w.trace.note(w.now, || format!("not-modelled pid={} {what}", self.pid));
            w.not_modelled.get_or_insert(format!("{name}: {what}"));
        });
        120
    }
}

//! The host's clock and its randomness.

use drydock_core::time::{Clock, Moment, Timestamp};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// CLOCK_REALTIME, CLOCK_MONOTONIC and getrandom(2).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock set before 1970 is shown as 1970.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    fn moment(&self) -> Moment {
        // The clock of poll(2)'s and nanosleep(2)'s timeouts.
        let since = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let (seconds, nanos) = (u64::try_from(since.tv_sec).unwrap_or_default(), u64::try_from(since.tv_nsec).unwrap_or_default());
        Moment(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn random(&self, buffer: &mut [u8]) {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty()) {
                Ok(n) => filled += n,
                Err(rustix::io::Errno::INTR) => {}
                // getrandom(2) fails otherwise only for a bad address or flag, which the types here exclude.
                Err(error) => panic!("getrandom: {error}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_differ() {
        let (mut a, mut b) = ([0; 400], [0; 400]);
        SystemClock.random(&mut a);
        SystemClock.random(&mut b);
        assert_ne!(a, b);
    }
}

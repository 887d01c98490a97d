//! Time and chance, as the host gives them. Nothing in this crate reads a clock or draws a number by itself.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A moment: nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The moment that Docker prints for "never": 0001-01-01T00:00:00Z.
    pub const NEVER: Timestamp = Timestamp(0);

    /// How long ago `earlier` was; zero if it is later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The moment `by` later.
    #[must_use]
    pub fn after(self, by: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// RFC 3339 with nanoseconds and `Z`, as Docker's JSON has it (trailing zeros of the fraction dropped, as Go's RFC3339Nano).
    pub fn rfc3339(self) -> String {
        if self == Self::NEVER {
            return "0001-01-01T00:00:00Z".to_owned();
        }
        jiff::Timestamp::from_nanosecond(i128::from(self.0)).map(|t| t.to_string()).unwrap_or_default()
    }
}

/// A moment on a clock that nobody sets: nanoseconds since the host was started, or since anything else that stays. What is waited for
/// is measured with it, so that a jump of the time of day makes nothing last longer or shorter; it is never shown, and means nothing
/// once the host was started anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

impl Moment {
    /// How long ago `earlier` was; zero if it is later.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The moment `by` later.
    #[must_use]
    pub fn after(self, by: Duration) -> Moment {
        Moment(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// The time of day at this moment, by what the time of day is `now`.
    pub fn shown(self, now: (Moment, Timestamp)) -> Timestamp {
        let (moment, time) = now;
        let nanos = |d: Duration| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
        Timestamp(time.0.saturating_sub(nanos(moment.since(self))).saturating_add(nanos(self.since(moment))))
    }
}

/// The host's clock and its source of randomness.
pub trait Clock: Send + Sync {
    /// The time now. Virtual on the simulator.
    fn now(&self) -> Timestamp;
    /// The same clock for measuring: it goes forward evenly, whatever the time of day is set to.
    fn moment(&self) -> Moment;
    /// Lets this much time pass, by [`Clock::moment`]. On the simulator the world runs meanwhile.
    fn sleep(&self, time: Duration);
    /// Fills the buffer with random bytes. On the simulator they come from the seed.
    fn random(&self, buffer: &mut [u8]);
}

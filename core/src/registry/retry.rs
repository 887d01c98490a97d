//! When a request is sent again, and after how long.

use super::limits;
use super::transport::Response;
use crate::time::Clock;
use std::time::Duration;

/// The first pause; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(250);
/// The longest pause that nobody asked for.
const LONGEST: Duration = Duration::from_secs(8);

/// Whether a response says that another try may go better (distribution-spec "Error Codes", RFC 6585 section 4).
pub fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// How long to wait before try number `next` (2, 3…): twice as long each time, between half and all of it by chance, so that many
/// who failed together do not come back together.
pub fn pause(clock: &dyn Clock, next: u32) -> Duration {
    let full = FIRST.saturating_mul(1 << next.saturating_sub(2).min(16)).min(LONGEST);
    let mut chance = [0; 2];
    clock.random(&mut chance);
    full / 2 + (full / 2).mul_f64(f64::from(u16::from_le_bytes(chance)) / f64::from(u16::MAX))
}

/// What a response asks for: seconds in `Retry-After` (RFC 9110 section 10.2.3). A date is not understood, as if nothing was asked.
pub fn asked(response: &Response) -> Option<Duration> {
    let seconds: u64 = response.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Whether it is worth waiting for.
pub fn is_patient(wait: Duration) -> bool {
    wait <= limits::WAIT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Moment, Timestamp};

    struct Chance(u8);

    impl Clock for Chance {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }
        fn moment(&self) -> Moment {
            Moment(0)
        }
        fn sleep(&self, _: Duration) {}
        fn random(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    #[test]
    fn pauses_grow_and_are_bounded() {
        let total = |chance: u8| (2..=limits::TRIES).map(|next| pause(&Chance(chance), next)).sum::<Duration>();
        assert_eq!(pause(&Chance(0), 2), FIRST / 2);
        assert_eq!(pause(&Chance(255), 2), FIRST);
        assert_eq!(pause(&Chance(255), 3), FIRST * 2);
        assert_eq!(pause(&Chance(255), 40), LONGEST);
        assert!(total(255) < Duration::from_secs(4), "{:?}", total(255));
    }
}

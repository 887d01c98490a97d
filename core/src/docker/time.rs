//! Moments as `CreatedAt` shows them, and moments as `--since` takes them.

use crate::error::{Error, Result};
use crate::limits::units::parse_duration;
use crate::time::Timestamp;

/// `2026-01-31 12:00:00 +0000 UTC`: Go's default form of a time, in UTC.
pub fn created_at(moment: Timestamp) -> String {
    let stamp = jiff::Timestamp::from_nanosecond(i128::from(moment.0)).unwrap_or_default();
    stamp.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string()
}

/// RFC 3339 with all nine digits of the fraction, as `logs --timestamps` prints it.
pub fn nanoseconds(moment: Timestamp) -> String {
    let stamp = jiff::Timestamp::from_nanosecond(i128::from(moment.0)).unwrap_or_default();
    stamp.strftime("%Y-%m-%dT%H:%M:%S.%9fZ").to_string()
}

/// A moment as `--since` and `--until` take it: RFC 3339, a date, seconds since 1970, or how long ago (`42m`, `1h30m`).
///
/// # Errors
/// What is none of these, in Docker's words.
pub fn moment(text: &str, now: Timestamp) -> Result<Timestamp> {
    let wrong = || Error::invalid(format!("failed to parse value as time or duration: \"{}\"", text.escape_debug()));
    if let Ok(ago) = parse_duration(text) {
        return Ok(Timestamp(now.0.saturating_add_signed(ago.saturating_neg())));
    }
    if let Some((seconds, fraction)) = unix(text) {
        return seconds.checked_mul(1_000_000_000).and_then(|s| s.checked_add(fraction)).map(Timestamp).ok_or_else(wrong);
    }
    // A moment without a zone is one of UTC: what this machine's zone is makes no difference to what a script means.
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        13 => format!("{text}:00:00Z"),
        16 => format!("{text}:00Z"),
        _ if text.ends_with('Z') || text.get(19..).is_some_and(|tail| tail.contains(['+', '-'])) => text.to_owned(),
        _ => format!("{text}Z"),
    };
    let stamp: jiff::Timestamp = full.parse().map_err(|_| wrong())?;
    u64::try_from(stamp.as_nanosecond()).map(Timestamp).map_err(|_| wrong())
}

fn unix(text: &str) -> Option<(u64, u64)> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((seconds.parse().ok()?, format!("{fraction:0<9}").parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000_000);

    #[test]
    fn a_table_of_moments() {
        let second = |s: u64| Timestamp(s * 1_000_000_000);
        for (text, expected) in [
            ("2023-11-14T22:13:20Z", second(1_700_000_000)),
            ("2023-11-14T22:13:20", second(1_700_000_000)),
            ("2023-11-14T23:13:20+01:00", second(1_700_000_000)),
            ("2023-11-14T22:13", second(1_699_999_980)),
            ("2023-11-14", second(1_699_920_000)),
            ("1700000000", second(1_700_000_000)),
            ("1700000000.5", Timestamp(1_700_000_000_500_000_000)),
            ("10s", second(1_699_999_990)),
            ("1h30m", second(1_699_994_600)),
            ("0.5s", Timestamp(1_699_999_999_500_000_000)),
        ] {
            assert_eq!(moment(text, NOW).unwrap(), expected, "{text}");
        }
        for text in ["", "x", "10x", "yesterday", "2023-99-99", "1h30"] {
            assert!(moment(text, NOW).is_err(), "{text}");
        }
    }

    #[test]
    fn moments_are_printed_as_go_prints_them() {
        assert_eq!(created_at(NOW), "2023-11-14 22:13:20 +0000 UTC");
        assert_eq!(nanoseconds(Timestamp(1_700_000_000_000_000_042)), "2023-11-14T22:13:20.000000042Z");
    }
}

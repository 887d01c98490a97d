//! How long ago, in words: `About a minute`, `3 weeks`.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24;

/// A duration as `docker ps` words it.
pub fn human(time: Duration) -> String {
    let seconds = time.as_secs();
    let hours = (seconds + HOUR / 2) / HOUR;
    match (seconds, hours) {
        (0, _) => "Less than a second".to_owned(),
        (1, _) => "1 second".to_owned(),
        (s, _) if s < MINUTE => format!("{s} seconds"),
        (s, _) if s < 2 * MINUTE => "About a minute".to_owned(),
        (s, _) if s < HOUR => format!("{} minutes", s / MINUTE),
        (_, 1) => "About an hour".to_owned(),
        (_, h) if h < 2 * DAY => format!("{h} hours"),
        (_, h) if h < 14 * DAY => format!("{} days", h / DAY),
        (_, h) if h < 60 * DAY => format!("{} weeks", h / DAY / 7),
        (_, h) if h < 730 * DAY => format!("{} months", h / DAY / 30),
        (s, _) => format!("{} years", s / HOUR / DAY / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_durations() {
        for (seconds, words) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (2, "2 seconds"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (119, "About a minute"),
            (120, "2 minutes"),
            (59 * 60 + 59, "59 minutes"),
            (3600, "About an hour"),
            (5399, "About an hour"),
            (5400, "2 hours"),
            (47 * 3600, "47 hours"),
            (48 * 3600, "2 days"),
            (13 * 86400, "13 days"),
            (14 * 86400, "2 weeks"),
            (59 * 86400, "8 weeks"),
            (60 * 86400, "2 months"),
            (729 * 86400, "24 months"),
            (730 * 86400, "2 years"),
        ] {
            assert_eq!(human(Duration::from_secs(seconds)), words, "{seconds}");
        }
    }
}

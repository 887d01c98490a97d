//! Health checks: what is asked for (`HEALTHCHECK`, `--health-*`), what has been found, and how the two come together.
//!
//! The fields and their JSON are Docker's ("HealthConfig" and "Health" of the Engine API); durations are in nanoseconds.

use crate::error::{Error, Result};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many results are kept (Docker: 5).
pub const KEPT_RESULTS: usize = 5;
/// The most bytes of a probe's output that are kept (Docker: 4096).
pub const KEPT_OUTPUT: usize = 4096;
/// The shortest duration that may be asked for (Docker: 1 ms).
const SHORTEST: i64 = 1_000_000;

/// What is asked for. Zero stands for the default of a field, or for the image's value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Healthcheck {
    /// `["NONE"]`, `["CMD", program, arguments…]` or `["CMD-SHELL", script]`; empty for the image's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<String>,
    /// Between the end of one probe and the next; 30 s.
    #[serde(skip_serializing_if = "is_zero")]
    pub interval: i64,
    /// How long a probe may take; 30 s.
    #[serde(skip_serializing_if = "is_zero")]
    pub timeout: i64,
    /// How long failures do not count after a start; none.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_period: i64,
    /// Between two probes while the start period lasts; 5 s.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_interval: i64,
    /// So many failures in a row make it unhealthy; 3.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: i64,
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// What to do once a container is unhealthy, beyond saying so (Podman: `--health-on-failure`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Nothing.
    #[default]
    None,
    /// SIGKILL; the restart policy then says what comes next.
    Kill,
    /// Stop it as a person would, and start it again whatever the restart policy.
    Restart,
    /// Stop it as a person would.
    Stop,
}

impl OnFailure {
    /// Reads `--health-on-failure`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidInput`] for any other word.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "" | "none" => Ok(Self::None),
            "kill" => Ok(Self::Kill),
            "restart" => Ok(Self::Restart),
            "stop" => Ok(Self::Stop),
            other => Err(Error::invalid(format!(
                "invalid health-on-failure action '{}': must be one of \"none\", \"kill\", \"restart\" or \"stop\"",
                other.escape_debug()
            ))),
        }
    }
}

/// What the probes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing for certain yet.
    Starting,
    /// The last probe succeeded, or too few have failed since.
    Healthy,
    /// Too many failed in a row, or nobody probes it.
    Unhealthy,
}

impl Status {
    /// Docker's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// One probe's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// Its exit code; -1 if it took too long or could not be started.
    pub exit_code: i32,
    /// What it wrote, at most [`KEPT_OUTPUT`] bytes.
    pub output: String,
}

/// What is known of a container's health.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// In a word.
    pub status: Status,
    /// Failures in a row that counted.
    pub failing_streak: u32,
    /// The last results, oldest first.
    pub log: Vec<Probe>,
}

impl Health {
    /// That of a container that has just been started; earlier results are kept.
    pub fn fresh(before: Option<Health>) -> Self {
        Self { status: Status::Starting, failing_streak: 0, log: before.map(|h| h.log).unwrap_or_default() }
    }

    /// Adds a result, and forgets the oldest if there are too many.
    pub fn note(&mut self, probe: Probe) {
        self.log.push(probe);
        let surplus = self.log.len().saturating_sub(KEPT_RESULTS);
        self.log.drain(..surplus);
    }
}

/// Adds a result to what is known, and answers the new status if it is another (Docker: a success is healthy at once; failures
/// count once the start period is over or something has succeeded, and so many in a row are unhealthy).
pub fn judge(health: &mut Health, check: &Healthcheck, began: Timestamp, probe: Probe) -> Option<Status> {
    let before = health.status;
    if probe.exit_code == 0 {
        health.failing_streak = 0;
        health.status = Status::Healthy;
    } else if before != Status::Starting || probe.start.since(began) >= check.start_period() {
        health.failing_streak = health.failing_streak.saturating_add(1);
        if health.failing_streak >= check.retries() {
            health.status = Status::Unhealthy;
        }
    }
    health.note(probe);
    Some(health.status).filter(|now| *now != before)
}

/// What a container is checked with: its own words, and the image's where it has none. `None` where nobody asked.
pub fn merge(own: Option<&Healthcheck>, image: Option<&Healthcheck>) -> Option<Healthcheck> {
    let Some(own) = own else { return image.cloned() };
    let Some(image) = image else { return Some(own.clone()) };
    let or = |own: i64, image: i64| if own == 0 { image } else { own };
    Some(Healthcheck {
        test: if own.test.is_empty() { image.test.clone() } else { own.test.clone() },
        interval: or(own.interval, image.interval),
        timeout: or(own.timeout, image.timeout),
        start_period: or(own.start_period, image.start_period),
        start_interval: or(own.start_interval, image.start_interval),
        retries: or(own.retries, image.retries),
    })
}

impl Healthcheck {
    /// Refuses what Docker refuses, in its words.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidInput`].
    pub fn check(&self) -> Result<()> {
        let durations = [
            ("Interval", self.interval),
            ("Timeout", self.timeout),
            ("StartPeriod", self.start_period),
            ("StartInterval", self.start_interval),
        ];
        if let Some((name, _)) = durations.iter().find(|(_, value)| *value != 0 && *value < SHORTEST) {
            return Err(Error::invalid(format!("{name} in Healthcheck cannot be less than 1ms")));
        }
        if self.retries < 0 {
            return Err(Error::invalid("Retries in Healthcheck cannot be negative"));
        }
        match self.test.first().map(String::as_str) {
            None | Some("NONE" | "CMD" | "CMD-SHELL" | "") => Ok(()),
            Some(other) => Err(Error::invalid(format!(
                "Unknown healthcheck type '{}' (expected 'CMD') in container configuration",
                other.escape_debug()
            ))),
        }
    }

    /// The program that is run in the container and its arguments; `None` where nothing is checked. `shell` is the image's.
    pub fn command(&self, shell: &[String]) -> Option<Vec<String>> {
        let (kind, rest) = self.test.split_first()?;
        match kind.as_str() {
            "CMD" if !rest.is_empty() => Some(rest.to_vec()),
            "CMD-SHELL" if !rest.is_empty() => {
                let plain = ["/bin/sh".to_owned(), "-c".to_owned()];
                let shell = if shell.is_empty() { &plain[..] } else { shell };
                Some(shell.iter().chain(rest).cloned().collect())
            }
            _ => None,
        }
    }

    /// Between the end of one probe and the next.
    pub fn interval(&self) -> Duration {
        or_default(self.interval, 30)
    }

    /// How long a probe may take.
    pub fn timeout(&self) -> Duration {
        or_default(self.timeout, 30)
    }

    /// How long failures do not count after a start.
    pub fn start_period(&self) -> Duration {
        or_default(self.start_period, 0)
    }

    /// Between two probes while the start period lasts. Whoever set none gets Docker's 5 s, or the interval if that is shorter.
    pub fn start_interval(&self) -> Duration {
        if self.start_interval == 0 { self.interval().min(Duration::from_secs(5)) } else { or_default(self.start_interval, 5) }
    }

    /// So many failures in a row make it unhealthy.
    pub fn retries(&self) -> u32 {
        u32::try_from(self.retries).ok().filter(|n| *n > 0).unwrap_or(3)
    }
}

fn or_default(nanoseconds: i64, seconds: u64) -> Duration {
    match u64::try_from(nanoseconds) {
        Ok(0) | Err(_) => Duration::from_secs(seconds),
        Ok(given) => Duration::from_nanos(given),
    }
}

/// A probe's output as it is kept: what is not UTF-8 stands as U+FFFD, and what is too long is cut.
pub fn kept(output: &[u8]) -> String {
    let whole = output.len() <= KEPT_OUTPUT;
    let mut text = String::from_utf8_lossy(output.get(..KEPT_OUTPUT).unwrap_or(output)).into_owned();
    if !whole {
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|w| (*w).to_owned()).collect()
    }

    #[test]
    fn a_container_takes_from_its_image_what_it_does_not_say() {
        let image = Healthcheck { test: words(&["CMD", "/ok"]), interval: 5, retries: 7, ..Healthcheck::default() };
        let own = Healthcheck { interval: 9, ..Healthcheck::default() };
        let both = merge(Some(&own), Some(&image)).unwrap();
        assert_eq!((both.test, both.interval, both.retries), (words(&["CMD", "/ok"]), 9, 7));
        assert_eq!(merge(None, Some(&image)), Some(image.clone()));
        assert_eq!(merge(Some(&own), None), Some(own));
        assert_eq!(merge(None, None), None);
    }

    #[test]
    fn the_test_says_what_is_run() {
        let command = |test: &[&str]| Healthcheck { test: words(test), ..Healthcheck::default() }.command(&[]);
        assert_eq!(command(&["CMD", "/a", "b"]), Some(words(&["/a", "b"])));
        assert_eq!(command(&["CMD-SHELL", "a | b"]), Some(words(&["/bin/sh", "-c", "a | b"])));
        assert_eq!(command(&["NONE"]), None);
        assert_eq!(command(&[]), None);
    }

    #[test]
    fn failures_count_after_the_start_period_and_one_success_heals() {
        let check = Healthcheck { start_period: 100, retries: 2, ..Default::default() };
        let mut health = Health::fresh(None);
        let mut found = |start: u64, exit_code| {
            let probe = Probe { start: Timestamp(start), end: Timestamp(start), exit_code, output: String::new() };
            (judge(&mut health, &check, Timestamp(0), probe), health.failing_streak)
        };
        assert_eq!(found(50, 1), (None, 0));
        assert_eq!(found(99, -1), (None, 0));
        assert_eq!(found(100, 1), (None, 1));
        assert_eq!(found(101, 1), (Some(Status::Unhealthy), 2));
        assert_eq!(found(102, 1), (None, 3));
        assert_eq!(found(103, 0), (Some(Status::Healthy), 0));
        assert_eq!(found(104, 1), (None, 1));
        assert_eq!(found(105, 0), (None, 0));
    }

    #[test]
    fn impossible_numbers_are_refused_in_dockers_words() {
        let refused = |check: Healthcheck| check.check().unwrap_err().message().to_owned();
        assert_eq!(refused(Healthcheck { interval: 5, ..Default::default() }), "Interval in Healthcheck cannot be less than 1ms");
        assert_eq!(refused(Healthcheck { retries: -1, ..Default::default() }), "Retries in Healthcheck cannot be negative");
        assert!(Healthcheck { interval: SHORTEST, ..Default::default() }.check().is_ok());
    }

    #[test]
    fn five_results_are_kept_and_their_output_is_cut() {
        let mut health = Health::fresh(None);
        for n in 0..9 {
            health.note(Probe { start: Timestamp(n), end: Timestamp(n), exit_code: 0, output: String::new() });
        }
        assert_eq!(health.log.iter().map(|p| p.start.0).collect::<Vec<_>>(), [4, 5, 6, 7, 8]);
        assert_eq!(kept(&[b'x'; 5000]).len(), KEPT_OUTPUT + 3);
        assert_eq!(kept(b"a\xff"), "a\u{fffd}");
    }
}

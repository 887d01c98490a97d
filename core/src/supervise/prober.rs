//! [`Prober`]: when a container's health is probed and how long a probe may take, pure. What a result means is
//! [`crate::container::health::judge`]'s to say.

use crate::container::health::{Healthcheck, kept};
use crate::time::Moment;
use std::time::Duration;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The container's program runs.
    Began,
    /// The container's program ended: a probe ended with it.
    Ended,
    /// The moment asked for last has come.
    Timer,
    /// A probe's program ended.
    Probed {
        /// With this code.
        code: i32,
        /// What it wrote.
        output: Vec<u8>,
    },
    /// A probe's program could not be started.
    Failed(String),
    /// There was nothing to probe: the container is frozen.
    Skipped,
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// When it began.
    pub start: Moment,
    /// When it ended.
    pub end: Moment,
    /// Its program's exit code; -1 where it could not be had.
    pub exit_code: i32,
    /// What it wrote, or what went wrong.
    pub output: String,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Start a probe; answer with [`News::Probed`], [`News::Failed`] or [`News::Skipped`].
    Probe,
    /// Kill the probe that runs; its end is still awaited.
    Kill,
    /// Judge and record a result, and answer with [`Prober::judged`].
    Note(Found),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The container does not run.
    Off,
    /// The next probe is due at this moment.
    Waiting { until: Moment },
    /// A probe runs, and is killed at this moment.
    Probing { since: Moment, until: Moment },
    /// A probe took too long.
    Killing { since: Moment },
}

/// The clock of one container's probes.
#[derive(Clone, Debug)]
pub struct Prober {
    check: Healthcheck,
    phase: Phase,
    began: Moment,
    /// Nothing is known for certain yet.
    starting: bool,
}

impl Prober {
    /// A prober of a container that does not run yet.
    pub fn new(check: Healthcheck) -> Self {
        Self { check, phase: Phase::Off, began: Moment::default(), starting: true }
    }

    /// What is asked for.
    pub fn check(&self) -> &Healthcheck {
        &self.check
    }

    /// When the container's program began.
    pub fn began(&self) -> Moment {
        self.began
    }

    /// When to send [`News::Timer`]; `None` for never.
    pub fn timer(&self) -> Option<Moment> {
        match self.phase {
            Phase::Waiting { until } | Phase::Probing { until, .. } => Some(until),
            Phase::Off | Phase::Killing { .. } => None,
        }
    }

    /// Hears whether anything is known for certain now.
    pub fn judged(&mut self, starting: bool) {
        self.starting = starting;
    }

    /// What to do about what happened.
    pub fn step(&mut self, news: News, now: Moment) -> Option<Task> {
        match (self.phase, news) {
            (_, News::Began) => {
                self.began = now;
                self.starting = true;
                self.wait(now);
                None
            }
            (_, News::Ended) => {
                self.phase = Phase::Off;
                None
            }
            (Phase::Waiting { until }, News::Timer) if until <= now => {
                self.phase = Phase::Probing { since: now, until: now.after(self.check.timeout()) };
                Some(Task::Probe)
            }
            (Phase::Probing { since, until }, News::Timer) if until <= now => {
                self.phase = Phase::Killing { since };
                Some(Task::Kill)
            }
            (Phase::Probing { since, .. }, News::Probed { code, output }) => Some(self.result(since, now, code, kept(&output))),
            (Phase::Probing { since, .. }, News::Failed(message)) => Some(self.result(since, now, -1, kept(message.as_bytes()))),
            (Phase::Killing { since }, News::Probed { output, .. }) => {
                let timeout = self.check.timeout();
                let mut text = format!("Health check exceeded timeout ({})", in_gos_words(timeout));
                if !output.is_empty() {
                    text = format!("{text}: {}", kept(&output));
                }
                Some(self.result(since, now, -1, text))
            }
            (Phase::Probing { .. } | Phase::Killing { .. }, News::Skipped) => {
                self.wait(now);
                None
            }
            _ => None,
        }
    }

    fn result(&mut self, start: Moment, end: Moment, exit_code: i32, output: String) -> Task {
        self.wait(end);
        Task::Note(Found { start, end, exit_code, output })
    }

    fn wait(&mut self, now: Moment) {
        let early = self.starting && now.since(self.began) < self.check.start_period();
        let pause = if early { self.check.start_interval() } else { self.check.interval() };
        self.phase = Phase::Waiting { until: now.after(pause) };
    }
}

/// A duration as Go prints one: `400ms`, `1.5s`, `1m30s`.
fn in_gos_words(time: Duration) -> String {
    let seconds = |nanos: u128, unit: u128, name: &str| {
        let (whole, part) = (nanos / unit, nanos % unit);
        let digits = unit.to_string().len() - 1;
        let fraction = if part == 0 { String::new() } else { format!(".{part:0digits$}").trim_end_matches('0').to_owned() };
        format!("{whole}{fraction}{name}")
    };
    let nanos = time.as_nanos();
    if nanos < 1_000_000_000 {
        return seconds(nanos, 1_000_000, "ms");
    }
    let (hours, minutes) = (nanos / 3_600_000_000_000, nanos / 60_000_000_000 % 60);
    let rest = seconds(nanos % 60_000_000_000, 1_000_000_000, "s");
    match (hours, minutes) {
        (0, 0) => rest,
        (0, m) => format!("{m}m{rest}"),
        (h, m) => format!("{h}h{m}m{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: i64 = 1_000_000;

    fn at(ms: u64) -> Moment {
        Moment(ms * 1_000_000)
    }

    fn prober() -> Prober {
        let test = vec!["CMD".to_owned(), "true".to_owned()];
        let mut prober = Prober::new(Healthcheck { test, interval: 100 * MS, timeout: 30 * MS, ..Healthcheck::default() });
        prober.step(News::Began, at(0));
        prober
    }

    #[test]
    fn the_first_probe_comes_after_an_interval_and_the_next_an_interval_after_its_end() {
        let mut prober = prober();
        assert_eq!(prober.timer(), Some(at(100)));
        assert_eq!(prober.step(News::Timer, at(99)), None);
        assert_eq!(prober.step(News::Timer, at(100)), Some(Task::Probe));
        let note = prober.step(News::Probed { code: 3, output: b"x".to_vec() }, at(110));
        assert_eq!(note, Some(Task::Note(Found { start: at(100), end: at(110), exit_code: 3, output: "x".to_owned() })));
        assert_eq!(prober.timer(), Some(at(210)));
    }

    #[test]
    fn a_probe_that_takes_too_long_is_killed_and_counts_as_failed() {
        let mut prober = prober();
        prober.step(News::Timer, at(100));
        assert_eq!(prober.timer(), Some(at(130)));
        assert_eq!(prober.step(News::Timer, at(130)), Some(Task::Kill));
        assert_eq!(prober.timer(), None);
        let Some(Task::Note(probe)) = prober.step(News::Probed { code: 137, output: vec![] }, at(131)) else { panic!("no result") };
        assert_eq!((probe.exit_code, probe.output.as_str()), (-1, "Health check exceeded timeout (30ms)"));
    }

    #[test]
    fn while_the_start_period_lasts_and_nothing_is_known_the_start_interval_holds() {
        let check = Healthcheck { interval: 500 * MS, start_period: 1000 * MS, start_interval: 20 * MS, ..Healthcheck::default() };
        let mut prober = Prober::new(check);
        prober.step(News::Began, at(0));
        assert_eq!(prober.timer(), Some(at(20)));
        prober.step(News::Timer, at(20));
        prober.step(News::Probed { code: 1, output: vec![] }, at(20));
        assert_eq!(prober.timer(), Some(at(40)));
        prober.judged(false);
        prober.step(News::Timer, at(40));
        prober.step(News::Probed { code: 0, output: vec![] }, at(40));
        assert_eq!(prober.timer(), Some(at(540)));
    }

    #[test]
    fn durations_are_printed_as_go_prints_them() {
        for (ms, text) in [(400, "400ms"), (1500, "1.5s"), (30_000, "30s"), (90_000, "1m30s"), (3_600_000, "1h0m0s")] {
            assert_eq!(in_gos_words(Duration::from_millis(ms)), text);
        }
    }

    proptest! {
        /// Probes never overlap, every result belongs to a probe, and nothing is asked for once the container has ended.
        #[test]
        fn probes_and_results_pair_up(news in proptest::collection::vec(0..6u8, 0..80)) {
            let mut prober = prober();
            let (mut now, mut open) = (at(0), false);
            for n in news {
                now = prober.timer().map_or(now, |t| t.max(now)).after(Duration::from_micros(1));
                let news = match n {
                    0 => News::Ended,
                    1 => News::Probed { code: 0, output: vec![] },
                    2 => News::Failed(String::new()),
                    3 => News::Skipped,
                    _ => News::Timer,
                };
                let ended = news == News::Ended;
                match prober.step(news, now) {
                    Some(Task::Probe) => {
                        prop_assert!(!open);
                        open = true;
                    }
                    Some(Task::Note(_)) => {
                        prop_assert!(open);
                        open = false;
                    }
                    Some(Task::Kill) => prop_assert!(open),
                    None => open &= !ended && n != 3,
                }
                if ended {
                    prop_assert_eq!(prober.timer(), None);
                }
            }
        }
    }
}

//! [`Machine`]: what a supervisor decides, pure. Inputs are what happened and when; outputs are what to do, in order.

use crate::container::RestartPolicy;
use crate::kernel::{Exit, Signal};
use crate::time::Moment;
use std::time::Duration;

/// The first pause before a restart (Docker: 100 ms).
pub const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause before a restart (Docker: one minute).
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A program that ran this long starts again with the first pause (Docker: 10 s).
pub const SETTLED: Duration = Duration::from_secs(10);

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Somebody asked for the first start.
    Start,
    /// The program runs.
    Began,
    /// The program could not be started.
    FailedToStart,
    /// The program ended.
    Exited(Exit),
    /// Somebody wants it to end for good.
    Stop {
        /// The first signal.
        signal: Signal,
        /// Then SIGKILL after this long; `None` is never.
        grace: Option<Duration>,
        /// It stays, even if it was to be removed at its end.
        keep: bool,
    },
    /// It is to end, and to be started again whatever its policy.
    Renew {
        /// The first signal.
        signal: Signal,
        /// Then SIGKILL after this long; `None` is never.
        grace: Option<Duration>,
    },
    /// It is to end at once; its policy says what comes next.
    Fell,
    /// Somebody sends a signal.
    Signal(Signal),
    /// The moment asked for last has come.
    Timer,
    /// Nobody asked for a start, and nobody will.
    Abandoned,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Make the container and start its program; answer with [`Input::Began`] or [`Input::FailedToStart`].
    Launch {
        /// By the restart policy, not by a person.
        again: bool,
    },
    /// Note in the record that a person ended it.
    NoteStopped,
    /// Send a signal to its first process.
    Deliver(Signal),
    /// Thaw it: nothing frozen acts on a signal.
    Thaw,
    /// Tidy up and record how it ended.
    TearDown {
        /// How.
        exit: Exit,
        /// It will be started again.
        again: bool,
    },
    /// Record that it will not be started again after all.
    GiveUp,
    /// Nothing more to do; remove the container if so asked.
    Finish {
        /// Remove it.
        remove: bool,
    },
}

/// Where the container is, as its supervisor sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nobody asked yet.
    Waiting,
    /// Being made.
    Starting,
    /// Its program runs; SIGKILL is due at this moment, if at any.
    Running { kill_at: Option<Moment> },
    /// It will be started again at this moment.
    Pausing { until: Moment },
    /// Over.
    Done,
}

/// A supervisor's mind.
#[derive(Clone, Debug)]
pub struct Machine {
    policy: RestartPolicy,
    auto_remove: bool,
    /// What a person stops it with: besides SIGKILL the one signal after which it is not started again.
    stop_signal: Signal,
    phase: Phase,
    by_hand: bool,
    /// Started again whatever the policy.
    renew: bool,
    restarts: u32,
    pause: Duration,
    began: Moment,
}

impl Machine {
    /// A machine that waits for the first start.
    pub fn new(policy: RestartPolicy, auto_remove: bool, stop_signal: Signal) -> Self {
        Self {
            policy,
            auto_remove,
            stop_signal,
            phase: Phase::Waiting,
            by_hand: false,
            renew: false,
            restarts: 0,
            pause: Duration::ZERO,
            began: Moment::default(),
        }
    }

    /// Goes by another restart policy from now on; what it has decided already stands.
    pub fn set_policy(&mut self, policy: RestartPolicy) {
        self.policy = policy;
    }

    /// Whether the container is removed at its end.
    pub fn removes(&self) -> bool {
        self.auto_remove
    }

    /// When to send [`Input::Timer`]; `None` for never.
    pub fn timer(&self) -> Option<Moment> {
        match self.phase {
            Phase::Running { kill_at } => kill_at,
            Phase::Pausing { until } => Some(until),
            _ => None,
        }
    }

    /// Whether everything is over.
    pub fn done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Whether the program runs.
    pub fn running(&self) -> bool {
        matches!(self.phase, Phase::Running { .. })
    }

    /// What to do about what happened.
    pub fn step(&mut self, input: Input, now: Moment) -> Vec<Output> {
        match (self.phase, input) {
            (Phase::Waiting, Input::Start) => {
                self.phase = Phase::Starting;
                vec![Output::Launch { again: false }]
            }
            // Nothing was made yet, so there is nothing to remove either.
            (Phase::Waiting, Input::Abandoned | Input::Stop { .. }) => self.finish(false),
            (Phase::Starting, Input::Began) => {
                self.phase = Phase::Running { kill_at: None };
                self.began = now;
                vec![]
            }
            (Phase::Starting, Input::FailedToStart) => {
                let mut todo = if self.restarts > 0 { vec![Output::GiveUp] } else { vec![] };
                todo.extend(self.finish(self.auto_remove));
                todo
            }
            (Phase::Running { .. }, Input::Exited(exit)) => self.exited(exit, now),
            (Phase::Running { kill_at }, Input::Stop { signal, grace, keep }) => {
                self.by_hand = true;
                self.auto_remove &= !keep;
                let mut todo = vec![Output::NoteStopped];
                todo.extend(self.end(kill_at, signal, grace, now));
                todo
            }
            (Phase::Running { kill_at }, Input::Renew { signal, grace }) if !self.by_hand => {
                self.renew = true;
                self.end(kill_at, signal, grace, now)
            }
            (Phase::Running { .. }, Input::Fell) => vec![Output::Deliver(Signal::KILL), Output::Thaw],
            (Phase::Running { .. }, Input::Signal(signal)) => {
                if !self.ends_by_hand(signal) {
                    return vec![Output::Deliver(signal)];
                }
                self.by_hand = true;
                vec![Output::NoteStopped, Output::Deliver(signal), Output::Thaw]
            }
            (Phase::Running { kill_at: Some(at) }, Input::Timer) if at <= now => {
                self.phase = Phase::Running { kill_at: None };
                vec![Output::Deliver(Signal::KILL)]
            }
            (Phase::Pausing { until }, Input::Timer) if until <= now => {
                self.phase = Phase::Starting;
                self.restarts = self.restarts.saturating_add(1);
                vec![Output::Launch { again: true }]
            }
            (Phase::Pausing { .. }, Input::Stop { keep, .. }) => {
                self.auto_remove &= !keep;
                self.give_up()
            }
            (Phase::Pausing { .. }, Input::Signal(signal)) if self.ends_by_hand(signal) => self.give_up(),
            _ => vec![],
        }
    }

    fn end(&mut self, kill_at: Option<Moment>, signal: Signal, grace: Option<Duration>, now: Moment) -> Vec<Output> {
        let mut todo = vec![Output::Deliver(signal), Output::Thaw];
        if grace == Some(Duration::ZERO) && signal != Signal::KILL {
            todo.push(Output::Deliver(Signal::KILL));
        } else if signal != Signal::KILL {
            // A second, more patient stop does not take back the promise of the first.
            let due = grace.map(|g| now.after(g));
            self.phase = Phase::Running { kill_at: [kill_at, due].into_iter().flatten().min() };
        }
        todo
    }

    fn exited(&mut self, exit: Exit, now: Moment) -> Vec<Output> {
        let again = !self.by_hand
            && match self.policy {
                _ if std::mem::take(&mut self.renew) => true,
                RestartPolicy::No => false,
                RestartPolicy::Always | RestartPolicy::UnlessStopped => true,
                RestartPolicy::OnFailure(most) => exit.code != 0 && most.is_none_or(|most| most == 0 || self.restarts < most),
            };
        let mut todo = vec![Output::TearDown { exit, again }];
        if again {
            let fresh = self.pause.is_zero() || now.since(self.began) >= SETTLED;
            self.pause = if fresh { FIRST_PAUSE } else { (self.pause * 2).min(LONGEST_PAUSE) };
            self.phase = Phase::Pausing { until: now.after(self.pause) };
        } else {
            todo.extend(self.finish(self.auto_remove));
        }
        todo
    }

    fn give_up(&mut self) -> Vec<Output> {
        self.by_hand = true;
        let mut todo = vec![Output::NoteStopped, Output::GiveUp];
        todo.extend(self.finish(self.auto_remove));
        todo
    }

    fn finish(&mut self, remove: bool) -> Vec<Output> {
        self.phase = Phase::Done;
        vec![Output::Finish { remove }]
    }

    fn ends_by_hand(&self, signal: Signal) -> bool {
        signal == Signal::KILL || signal == self.stop_signal
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exit(code: i32) -> Input {
        Input::Exited(Exit { code, oom_killed: false })
    }

    fn running(policy: RestartPolicy) -> Machine {
        let mut machine = Machine::new(policy, false, Signal::TERM);
        assert_eq!(machine.step(Input::Start, Moment(1)), [Output::Launch { again: false }]);
        machine.step(Input::Began, Moment(1));
        machine
    }

    /// Lets the program fail at once, so often, and collects the pauses between.
    fn pauses(machine: &mut Machine, count: usize) -> Vec<u128> {
        let mut now = Moment(1);
        let mut found = Vec::new();
        for _ in 0..count {
            machine.step(exit(1), now);
            let Some(at) = machine.timer() else { break };
            found.push(at.since(now).as_millis());
            now = at;
            assert_eq!(machine.step(Input::Timer, now), [Output::Launch { again: true }]);
            machine.step(Input::Began, now);
        }
        found
    }

    #[test]
    fn pauses_double_from_a_tenth_of_a_second_to_a_minute() {
        let found = pauses(&mut running(RestartPolicy::Always), 12);
        assert_eq!(found, [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
    }

    #[test]
    fn a_program_that_ran_ten_seconds_starts_over_with_the_first_pause() {
        let mut machine = running(RestartPolicy::Always);
        pauses(&mut machine, 3);
        let now = machine.began.after(SETTLED);
        machine.step(exit(1), now);
        assert_eq!(machine.timer(), Some(now.after(FIRST_PAUSE)));
    }

    #[test]
    fn on_failure_counts_and_forgives_success() {
        assert_eq!(pauses(&mut running(RestartPolicy::OnFailure(Some(3))), 10).len(), 3);
        assert_eq!(pauses(&mut running(RestartPolicy::OnFailure(None)), 10).len(), 10);
        let mut machine = running(RestartPolicy::OnFailure(Some(3)));
        let todo = machine.step(exit(0), Moment(2));
        assert_eq!(todo.last(), Some(&Output::Finish { remove: false }));
    }

    #[test]
    fn a_stop_kills_after_the_grace_period_and_never_restarts() {
        let mut machine = running(RestartPolicy::Always);
        let todo = machine.step(Input::Stop { signal: Signal::TERM, grace: Some(Duration::from_secs(10)), keep: false }, Moment(5));
        assert_eq!(todo, [Output::NoteStopped, Output::Deliver(Signal::TERM), Output::Thaw]);
        let due = Moment(5).after(Duration::from_secs(10));
        assert_eq!(machine.timer(), Some(due));
        assert_eq!(machine.step(Input::Timer, Moment(6)), []);
        assert_eq!(machine.step(Input::Timer, due), [Output::Deliver(Signal::KILL)]);
        let todo = machine.step(exit(137), due);
        assert!(matches!(todo[..], [Output::TearDown { again: false, .. }, Output::Finish { remove: false }]));
    }

    #[test]
    fn a_stop_while_pausing_gives_up_at_once() {
        let mut machine = running(RestartPolicy::Always);
        machine.step(exit(1), Moment(2));
        let todo = machine.step(Input::Stop { signal: Signal::TERM, grace: None, keep: false }, Moment(3));
        assert_eq!(todo, [Output::NoteStopped, Output::GiveUp, Output::Finish { remove: false }]);
    }

    #[test]
    fn other_signals_leave_the_policy_alone() {
        let mut machine = running(RestartPolicy::Always);
        assert_eq!(machine.step(Input::Signal(Signal::HUP), Moment(2)), [Output::Deliver(Signal::HUP)]);
        assert!(matches!(machine.step(exit(129), Moment(3))[..], [Output::TearDown { again: true, .. }]));
        let mut machine = running(RestartPolicy::Always);
        machine.step(Input::Signal(Signal::KILL), Moment(2));
        assert!(matches!(machine.step(exit(137), Moment(3))[..], [Output::TearDown { again: false, .. }, Output::Finish { .. }]));
    }

    #[test]
    fn what_is_renewed_starts_again_whatever_its_policy_but_not_once_a_person_stopped_it() {
        let renew = Input::Renew { signal: Signal::TERM, grace: Some(Duration::from_secs(1)) };
        let mut machine = running(RestartPolicy::No);
        assert_eq!(machine.step(renew.clone(), Moment(2)), [Output::Deliver(Signal::TERM), Output::Thaw]);
        assert!(machine.timer().is_some());
        assert!(matches!(machine.step(exit(143), Moment(3))[..], [Output::TearDown { again: true, .. }]));
        let at = machine.timer().unwrap();
        assert_eq!(machine.step(Input::Timer, at), [Output::Launch { again: true }]);
        machine.step(Input::Began, at);
        assert!(matches!(machine.step(exit(0), at)[..], [Output::TearDown { again: false, .. }, Output::Finish { .. }]));
        let mut machine = running(RestartPolicy::No);
        machine.step(renew, Moment(2));
        machine.step(Input::Stop { signal: Signal::TERM, grace: None, keep: false }, Moment(2));
        assert!(matches!(machine.step(exit(143), Moment(3))[..], [Output::TearDown { again: false, .. }, Output::Finish { .. }]));
    }

    fn any_input() -> impl Strategy<Value = Input> {
        prop_oneof![
            Just(Input::Start),
            Just(Input::Began),
            Just(Input::FailedToStart),
            (0..3i32).prop_map(exit),
            (0..3u64).prop_map(|s| Input::Stop { signal: Signal::TERM, grace: Some(Duration::from_secs(s)), keep: s == 1 }),
            Just(Input::Renew { signal: Signal::TERM, grace: Some(Duration::from_secs(1)) }),
            Just(Input::Fell),
            Just(Input::Signal(Signal::KILL)),
            Just(Input::Signal(Signal::HUP)),
            Just(Input::Timer),
            Just(Input::Abandoned),
        ]
    }

    proptest! {
        /// Whatever happens in whatever order: every launch that began is torn down once at most, nothing follows the end, and the end comes once.
        #[test]
        fn launches_and_ends_pair_up(inputs in proptest::collection::vec(any_input(), 0..80), most in 0..4u32) {
            let mut machine = Machine::new(RestartPolicy::OnFailure(Some(most)), true, Signal::TERM);
            let (mut now, mut launched, mut torn, mut finished) = (Moment(1), 0, 0, 0);
            for input in inputs {
                now = machine.timer().map_or(now, |at| at.max(now)).after(Duration::from_millis(1));
                let over = machine.done();
                for output in machine.step(input, now) {
                    prop_assert!(!over, "{output:?} after the end");
                    match output {
                        Output::Launch { .. } => launched += 1,
                        Output::TearDown { .. } => torn += 1,
                        Output::Finish { .. } => finished += 1,
                        _ => {}
                    }
                }
                prop_assert!(torn <= launched && launched <= torn + 1 && finished <= 1);
                prop_assert!(machine.timer().is_none() || !machine.done());
            }
        }
    }
}

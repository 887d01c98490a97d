//! [`Supervisor`]: carries out over an engine what the [`Machine`] and the [`Prober`] decide.

use super::late::Late;
use super::machine::{Input, Machine, Output};
use super::prober::{Found, News, Prober, Task};
use super::{Event, Reaction, Settings};
use crate::container::ContainerConfig;
use crate::container::health::{OnFailure, Probe, Status};
use crate::engine::{Ending, LocalEngine};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use crate::kernel::{Process, Request, Signal};
use crate::time::Moment;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Docker's grace period in seconds.
const GRACE: i64 = 10;

/// One container's supervisor, without streams and timers: those are its driver's.
pub struct Supervisor {
    engine: Arc<LocalEngine>,
    id: ContainerId,
    machine: Machine,
    prober: Option<Prober>,
    on_unhealthy: OnFailure,
    stop_signal: Signal,
    grace: Option<Duration>,
    process: Option<Process>,
    /// The probe that runs, and its number in the events.
    probe: Option<(Process, String)>,
    /// What happened and could not be recorded yet.
    late: Option<Late>,
    settings: Settings,
}

impl Supervisor {
    /// A supervisor for a container that does not run yet.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such container.
    pub fn new(engine: Arc<LocalEngine>, id: &ContainerId) -> Result<Self> {
        let record = engine.supervised_record(id)?;
        let stop_signal = engine.stop_signal(&record)?;
        let config: &ContainerConfig = &record.config;
        Ok(Self {
            machine: Machine::new(config.restart, config.auto_remove, stop_signal),
            prober: config.health.clone().filter(|check| check.command(&[]).is_some()).map(Prober::new),
            on_unhealthy: config.on_unhealthy,
            stop_signal,
            grace: u64::try_from(config.stop_timeout.unwrap_or(GRACE)).ok().map(Duration::from_secs),
            process: None,
            probe: None,
            late: None,
            settings: Settings { stdin_once: config.stdin_once, log: config.log.sink(&record)? },
            id: id.clone(),
            engine,
        })
    }

    /// What its driver needs to know.
    pub fn settings(&self) -> Settings {
        self.settings.clone()
    }

    /// Does what an event asks for, and says what the driver has to do.
    ///
    /// Errors go to whoever asked, as the reply; those that nobody asked for are in the container's record.
    pub fn handle(&mut self, event: Event) -> Reaction {
        let mut reaction = Reaction::default();
        if self.late.is_some() && (matches!(event, Event::Request(_)) || self.late_since_due()) {
            self.catch_up(&mut reaction);
        }
        if let (Some(late), Event::Request(request)) = (&self.late, &event)
            && late.ends()
            && !matches!(request, Request::Stop { .. } | Request::Signal(_))
        {
            reaction.reply = Some(Err(late.error(&self.id)));
            return self.timed(reaction);
        }
        let input = match event {
            Event::Request(Request::Trouble) => {
                reaction.reply = Some(Ok(()));
                return self.timed(reaction);
            }
            Event::Request(Request::Start) => Input::Start,
            Event::Request(Request::Stop { signal, grace, keep }) => Input::Stop { signal, grace, keep },
            Event::Request(Request::Signal(signal)) => Input::Signal(signal),
            // A terminal's size is the driver's own affair.
            Event::Request(Request::Resize(_) | Request::ResizeExec { .. }) => {
                reaction.reply = Some(Ok(()));
                return self.timed(reaction);
            }
            Event::Request(Request::Update(change)) => {
                reaction.reply = Some(self.update(&change));
                return self.timed(reaction);
            }
            Event::Request(Request::Connect(place)) => {
                reaction.reply = Some(self.engine.connect_supervised(&self.id, &place));
                return self.timed(reaction);
            }
            Event::Request(Request::Disconnect(network)) => {
                reaction.reply = Some(self.engine.disconnect_supervised(&self.id, &network));
                return self.timed(reaction);
            }
            Event::Request(Request::Exec { exec }) => {
                let begun = self.engine.begin_exec(&self.id, &exec);
                reaction.reply = Some(begun.map(|process| reaction.exec = Some((exec, process))));
                return self.timed(reaction);
            }
            Event::ExecEnded { exec, code } => {
                // Nobody asked, so nobody can be told.
                if let Err(error) = self.engine.end_exec(&self.id, &exec, code)
                    && error.kind() == ErrorKind::Exhausted
                {
                    self.late(&error).execs.push((exec, code));
                }
                return self.timed(reaction);
            }
            Event::Probed { code, output } => {
                self.probed(News::Probed { code, output }, &mut reaction);
                return self.timed(reaction);
            }
            Event::Exited(exit) => {
                self.probe = None;
                self.probed(News::Ended, &mut reaction);
                Input::Exited(exit)
            }
            Event::Timer => {
                self.probed(News::Timer, &mut reaction);
                Input::Timer
            }
            Event::Abandoned => Input::Abandoned,
        };
        let asked = matches!(input, Input::Start | Input::Stop { .. } | Input::Signal(_));
        let answer = self.act(input, &mut reaction);
        if asked {
            reaction.reply = Some(answer);
        }
        self.timed(reaction)
    }

    fn timed(&self, mut reaction: Reaction) -> Reaction {
        let late = self.late.as_ref();
        let ends = late.is_some_and(Late::ends);
        // What comes next waits until it is recorded what was.
        let machine = self.machine.timer().filter(|_| !ends);
        reaction.timer = [machine, self.prober.as_ref().and_then(Prober::timer), late.map(Late::due)].into_iter().flatten().min();
        reaction.finished = self.machine.done() && !ends;
        reaction
    }

    /// Lets the machine decide, and carries out what it says. The first error is the answer: what kept it from starting, not what
    /// went wrong in tidying up after it.
    fn act(&mut self, input: Input, reaction: &mut Reaction) -> Result<()> {
        if let Some(late) = self.late.as_mut().filter(|late| late.ends()) {
            if input == Input::Timer {
                return Ok(());
            }
            let next = self.machine.step(input, self.engine.host().clock.moment());
            late.then(next);
            return Err(late.error(&self.id));
        }
        let todo = self.step(input).into();
        self.carry_out_all(todo, reaction)
    }

    fn carry_out_all(&mut self, mut todo: VecDeque<Output>, reaction: &mut Reaction) -> Result<()> {
        let mut first: Result<()> = Ok(());
        while let Some(output) = todo.pop_front() {
            match self.carry_out(&output, reaction) {
                Ok(next) => todo.extend(next.map(|input| self.step(input)).unwrap_or_default()),
                Err(error) => {
                    if matches!(output, Output::Launch { .. }) {
                        todo.extend(self.step(Input::FailedToStart));
                    }
                    first = first.and(Err(error));
                    if let Some(late) = self.late.as_mut().filter(|late| late.ends()) {
                        late.then(todo);
                        return first;
                    }
                }
            }
        }
        first
    }

    fn step(&mut self, input: Input) -> Vec<Output> {
        self.machine.step(input, self.engine.host().clock.moment())
    }

    fn carry_out(&mut self, output: &Output, reaction: &mut Reaction) -> Result<Option<Input>> {
        match *output {
            Output::Launch { again } => {
                let process = self.engine.bring_up(&self.id, again)?;
                self.process = Some(process.clone());
                reaction.watch = Some(process);
                self.probed(News::Began, reaction);
                Ok(Some(Input::Began))
            }
            Output::NoteStopped => self.engine.note_stopped(&self.id).map(|()| None),
            Output::Deliver(signal) => self.deliver(signal).map(|()| None),
            Output::Thaw => self.engine.thaw_to_end(&self.id).map(|()| None),
            Output::TearDown { exit, again } => {
                self.process = None;
                let removed = !again && self.machine.removes();
                let mut ending = Ending::new(exit, self.engine.host().clock.now(), again, removed);
                let recorded = self.engine.take_down(&self.id, &mut ending);
                if let Err(error) = &recorded
                    && error.kind() == ErrorKind::Exhausted
                {
                    self.late(error).end = Some((ending, VecDeque::new()));
                }
                recorded.map(|()| None)
            }
            Output::GiveUp => self.engine.give_up(&self.id).map(|()| None),
            Output::Finish { remove: true } => self.engine.delete_supervised(&self.id).map(|()| None),
            Output::Finish { remove: false } => Ok(None),
        }
    }

    fn late_since_due(&self) -> bool {
        self.late.as_ref().is_some_and(|late| late.due() <= self.engine.host().clock.moment())
    }

    /// What could not be recorded so far, with this as the last reason.
    fn late(&mut self, why: &Error) -> &mut Late {
        let now = self.engine.host().clock.moment();
        self.late.get_or_insert_with(|| Late::new(why, now))
    }

    /// Records what could not be recorded before, and does what was to come after it.
    fn catch_up(&mut self, reaction: &mut Reaction) {
        let Some(mut late) = self.late.take() else { return };
        let mut why = None;
        late.execs.retain(|(exec, code)| match self.engine.end_exec(&self.id, exec, *code) {
            Err(error) if error.kind() == ErrorKind::Exhausted => {
                why = Some(error);
                true
            }
            // Anything else is as it would have been at once.
            _ => false,
        });
        if let Some((mut ending, rest)) = late.end.take() {
            match self.engine.take_down(&self.id, &mut ending) {
                Err(error) if error.kind() == ErrorKind::Exhausted => {
                    why = Some(error);
                    late.end = Some((ending, rest));
                }
                _ => drop(self.carry_out_all(rest, reaction)),
            }
        }
        if let Some(why) = why {
            late.put_off(&why, self.engine.host().clock.moment());
            self.late = Some(late);
        }
    }

    /// Changes the container it is for, and what it decides by from now on.
    fn update(&mut self, change: &crate::engine::ContainerUpdate) -> Result<()> {
        self.engine.update_supervised(&self.id, change)?;
        if let Some(policy) = change.restart {
            self.machine.set_policy(policy);
        }
        Ok(())
    }

    /// Sends a signal. A process that has ended meanwhile needs none.
    fn deliver(&self, signal: Signal) -> Result<()> {
        let Some(process) = &self.process else {
            return Err(Error::new(ErrorKind::NotRunning, format!("Container {} is not running", self.id)));
        };
        // The event first: what it causes must come after it in the list. Where there is no room for it, it is told to whoever asked, and
        // what is to end ends all the same.
        let noted = self.engine.note_signal(&self.id, signal);
        if noted.as_ref().is_err_and(|e| e.kind() != ErrorKind::Exhausted) {
            return noted;
        }
        match self.engine.host().containers.signal(&self.id, process, signal) {
            Err(e) if e.kind() == ErrorKind::NotRunning => noted,
            other => other.and(noted),
        }
    }

    /// Lets the prober decide, and does what it says. What goes wrong here is the probe's result, or of no consequence.
    fn probed(&mut self, news: News, reaction: &mut Reaction) {
        let clock = &self.engine.host().clock;
        let (moment, time) = (clock.moment(), clock.now());
        let mut next = Some(news);
        while let Some(news) = next.take() {
            let Some(task) = self.prober.as_mut().and_then(|p| p.step(news, moment)) else { return };
            match task {
                Task::Probe => next = self.probe(reaction),
                Task::Kill => {
                    if let Some((process, _)) = &self.probe {
                        let _ = self.engine.host().containers.signal(&self.id, process, Signal::KILL);
                    }
                }
                Task::Note(Found { start, end, exit_code, output }) => {
                    let Some(prober) = &self.prober else { return };
                    // By the time of day as it is now: a probe ends after it began, also if that was set meanwhile.
                    let shown = |at: Moment| at.shown((moment, time));
                    let (began, probe) = (shown(prober.began()), Probe { start: shown(start), end: shown(end), exit_code, output });
                    let name = self.probe.take().map(|(_, name)| name);
                    let found = self.engine.note_health(&self.id, prober.check(), began, probe, name);
                    let Ok((status, changed)) = found else { return };
                    self.judged(status, changed, reaction);
                }
            }
        }
    }

    /// Starts a probe. Answers what to tell the prober if none runs then.
    fn probe(&mut self, reaction: &mut Reaction) -> Option<News> {
        let check = self.prober.as_ref()?.check().clone();
        match self.engine.begin_probe(&self.id, &check) {
            Ok(Some((process, name))) => {
                reaction.probe = Some(process.clone());
                self.probe = Some((process, name));
                None
            }
            Ok(None) => Some(News::Skipped),
            Err(error) => Some(News::Failed(error.to_string())),
        }
    }

    /// Does what was asked for once a container is unhealthy.
    fn judged(&mut self, status: Status, changed: bool, reaction: &mut Reaction) {
        if let Some(prober) = &mut self.prober {
            prober.judged(status == Status::Starting);
        }
        if !changed || status != Status::Unhealthy {
            return;
        }
        let (signal, grace) = (self.stop_signal, self.grace);
        let input = match self.on_unhealthy {
            OnFailure::None => return,
            OnFailure::Kill => Input::Fell,
            OnFailure::Restart => Input::Renew { signal, grace },
            OnFailure::Stop => Input::Stop { signal, grace, keep: false },
        };
        // Nobody asked, so nobody is told; a process that ended meanwhile is what was wanted.
        let _ = self.act(input, reaction);
    }
}

//! [`Supervisor`]: carries out over an engine what the [`Machine`] decides.

use super::machine::{Input, Machine, Output};
use super::{Event, Reaction};
use crate::engine::LocalEngine;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use crate::kernel::{Process, Request, Signal};
use std::collections::VecDeque;
use std::sync::Arc;

/// One container's supervisor, without streams and timers: those are its driver's.
pub struct Supervisor {
    engine: Arc<LocalEngine>,
    id: ContainerId,
    machine: Machine,
    process: Option<Process>,
    stdin_once: bool,
}

impl Supervisor {
    /// A supervisor for a container that does not run yet.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such container.
    pub fn new(engine: Arc<LocalEngine>, id: &ContainerId) -> Result<Self> {
        let record = engine.supervised_record(id)?;
        let stop_signal = engine.stop_signal(&record)?;
        let machine = Machine::new(record.config.restart, record.config.auto_remove, stop_signal);
        Ok(Self { engine, id: id.clone(), machine, process: None, stdin_once: record.config.stdin_once })
    }

    /// Whether the driver closes standard input when the first client that sends any leaves.
    pub fn stdin_once(&self) -> bool {
        self.stdin_once
    }

    /// Does what an event asks for, and says what the driver has to do.
    ///
    /// Errors go to whoever asked, as the reply; those that nobody asked for are in the container's record.
    pub fn handle(&mut self, event: Event) -> Reaction {
        let mut reaction = Reaction::default();
        let input = match event {
            Event::Request(Request::Start) => Input::Start,
            Event::Request(Request::Stop { signal, grace }) => Input::Stop { signal, grace },
            Event::Request(Request::Signal(signal)) => Input::Signal(signal),
            // A terminal's size is the driver's own affair.
            Event::Request(Request::Resize(_)) => {
                reaction.reply = Some(Ok(()));
                reaction.timer = self.machine.timer();
                return reaction;
            }
            Event::Request(Request::Update(change)) => {
                reaction.reply = Some(self.update(&change));
                reaction.timer = self.machine.timer();
                return reaction;
            }
            Event::Exited(exit) => Input::Exited(exit),
            Event::Timer => Input::Timer,
            Event::Abandoned => Input::Abandoned,
        };
        let asked = matches!(input, Input::Start | Input::Stop { .. } | Input::Signal(_));
        let mut first: Result<()> = Ok(());
        let mut todo: VecDeque<Output> = self.step(input).into();
        while let Some(output) = todo.pop_front() {
            match self.carry_out(&output, &mut reaction) {
                Ok(next) => todo.extend(next.map(|input| self.step(input)).unwrap_or_default()),
                Err(error) => {
                    // The first error is the answer: what kept it from starting, not what went wrong in tidying up after it.
                    if matches!(output, Output::Launch { .. }) {
                        todo.extend(self.step(Input::FailedToStart));
                    }
                    first = first.and(Err(error));
                }
            }
        }
        if asked {
            reaction.reply = Some(first);
        }
        reaction.timer = self.machine.timer();
        reaction.finished = self.machine.done();
        reaction
    }

    fn step(&mut self, input: Input) -> Vec<Output> {
        self.machine.step(input, self.engine.host().clock.now())
    }

    fn carry_out(&mut self, output: &Output, reaction: &mut Reaction) -> Result<Option<Input>> {
        match *output {
            Output::Launch { again } => {
                let process = self.engine.bring_up(&self.id, again)?;
                self.process = Some(process.clone());
                reaction.watch = Some(process);
                Ok(Some(Input::Began))
            }
            Output::NoteStopped => self.engine.note_stopped(&self.id).map(|()| None),
            Output::Deliver(signal) => self.deliver(signal).map(|()| None),
            Output::Thaw => self.engine.thaw_to_end(&self.id).map(|()| None),
            Output::TearDown { exit, again } => {
                self.process = None;
                self.engine.take_down(&self.id, exit, again).map(|()| None)
            }
            Output::GiveUp => self.engine.give_up(&self.id).map(|()| None),
            Output::Finish { remove: true } => self.engine.delete_supervised(&self.id).map(|()| None),
            Output::Finish { remove: false } => Ok(None),
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
        // The event first: what it causes must come after it in the list.
        self.engine.note_signal(&self.id, signal)?;
        match self.engine.host().containers.signal(&self.id, process, signal) {
            Err(e) if e.kind() == ErrorKind::NotRunning => Ok(()),
            other => other,
        }
    }
}

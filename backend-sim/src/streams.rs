//! Bytes between a person and a container, and when the virtual clock goes on meanwhile.

use crate::host::Machine;
use crate::kernel::Ends;
use crate::world::World;
use drydock_core::io::{Attach, DetachKeys, Ended, Input, Io, Size, Stream};
use drydock_core::kernel::{Process, Request};
use drydock_core::{Error, Result};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Somebody who is attached.
pub(crate) struct Reader {
    stdout: bool,
    stderr: bool,
    /// What waits for it.
    pub queue: VecDeque<(Stream, Vec<u8>)>,
    /// The container ended, with this code.
    pub ended: Option<i32>,
}

impl Reader {
    /// Somebody who asked for these streams.
    pub fn new(attach: &Attach) -> Self {
        Self { stdout: attach.stdout, stderr: attach.stderr, queue: VecDeque::new(), ended: None }
    }

    /// Whether a stream was asked for.
    pub fn wants(&self, stream: Stream) -> bool {
        if stream == Stream::Stdout { self.stdout } else { self.stderr }
    }
}

/// What a person is connected to.
pub(crate) trait Served {
    /// What it wrote since the last call.
    fn output(&mut self) -> Vec<(Stream, Vec<u8>)>;
    /// Whether it has ended.
    fn ended(&mut self) -> Option<Ended>;
    /// Its streams and its process.
    fn ends(&mut self) -> (Ends, Option<Process>);
    /// Gives it input.
    fn input(&mut self, bytes: &[u8]);
    /// Ends its input.
    fn close(&mut self);
    /// Asks for a signal or a size.
    fn request(&mut self, request: Request);
}

/// Carries bytes between a person and what they are connected to.
pub(crate) struct Pump {
    stdin: bool,
    keys: DetachKeys,
    closed: bool,
}

/// What came of letting things happen.
struct Next {
    output: Vec<(Stream, Vec<u8>)>,
    ended: Option<Ended>,
    /// There may be more.
    went_on: bool,
}

/// Processes let run between two looks at the person.
const BATCH: u32 = 64;

impl Pump {
    /// For what was asked to be attached.
    pub fn new(attach: &Attach) -> Self {
        Self { stdin: attach.stdin, keys: DetachKeys::new(&attach.detach_keys), closed: !attach.stdin }
    }

    /// Goes on until the other side ends, the person leaves, or nothing can happen any more.
    pub fn run(&mut self, machine: &Arc<Machine>, served: &mut dyn Served, io: &mut dyn Io) -> Result<Ended> {
        loop {
            let input = io.input(false)?;
            let got = input != Input::Pending;
            if let Some(ended) = self.take(served, input) {
                return Ok(ended);
            }
            let next = self.go_on(machine, served, got);
            for (stream, bytes) in next.output {
                io.output(stream, &bytes)?;
            }
            if let Some(ended) = next.ended {
                return Ok(ended);
            }
            if next.went_on {
                continue;
            }
            if !self.stdin || self.closed {
                return Ok(Ended::AtRest);
            }
            // What others do to the container meanwhile is seen when nothing has come for a moment.
            let Some(input) = io.input_soon()? else { continue };
            if input == Input::Pending {
                if machine.pass_time(None) {
                    continue;
                }
                return Ok(Ended::AtRest);
            }
            if let Some(ended) = self.take(served, input) {
                return Ok(ended);
            }
        }
    }

    /// Lets things happen, in one turn: what comes of them is seen whole before another thread moves on.
    fn go_on(&self, machine: &Arc<Machine>, served: &mut dyn Served, got: bool) -> Next {
        let _turn = machine.motion.turn();
        let ran = (0..BATCH).take_while(|_| machine.pulse()).count() > 0;
        let output = served.output();
        if got || ran || !output.is_empty() {
            return Next { output, ended: None, went_on: true };
        }
        if let Some(ended) = served.ended() {
            return Next { output, ended: Some(ended), went_on: false };
        }
        let (ends, _) = served.ends();
        let awaited = self.stdin && !self.closed && machine.shared.lock().input_awaited(&ends);
        Next { output, ended: None, went_on: !awaited && machine.pass_time(None) }
    }

    fn take(&mut self, served: &mut dyn Served, input: Input) -> Option<Ended> {
        match input {
            Input::Pending => {}
            Input::Bytes(bytes) if self.stdin && !self.closed => {
                let (pass, leave) = self.keys.filter(&bytes);
                if !pass.is_empty() {
                    served.input(&pass);
                }
                if leave {
                    return Some(Ended::Detached);
                }
            }
            Input::Bytes(_) => {}
            Input::Closed => {
                if !self.closed {
                    let rest = self.keys.rest();
                    if !rest.is_empty() {
                        served.input(&rest);
                    }
                    served.close();
                }
                self.closed = true;
            }
            Input::Resize(Size { rows, cols }) => served.request(Request::Resize(Size { rows, cols })),
            Input::Signal(signal) => served.request(Request::Signal(signal)),
        }
        None
    }
}

impl Machine {
    /// The error about what a program asked for and the simulator does not model, once.
    pub(crate) fn not_modelled(&self) -> Result<()> {
        match self.shared.lock().not_modelled.take() {
            Some(what) => Err(Error::not_modelled(what)),
            None => Ok(()),
        }
    }

    /// Lets one thing happen that can happen now. Answers whether there was one.
    pub(crate) fn pulse(self: &Arc<Self>) -> bool {
        let _turn = self.motion.turn();
        if self.exhausted() {
            return false;
        }
        let ran = self.shared.run_one();
        self.serve_supervisors() || ran
    }

    /// Whether the world has come to its bound.
    fn exhausted(&self) -> bool {
        let mut world = self.shared.lock();
        let over = world.bound.is_some_and(|(moment, turns)| world.now > moment || world.sched.polls > turns);
        world.bounded |= over;
        over
    }

    /// Lets everything happen that can happen now.
    pub(crate) fn settle(self: &Arc<Self>) {
        let _turn = self.motion.turn();
        while self.pulse() {}
    }

    /// Moves the clock to the next moment at which something happens, but not beyond `limit`. Answers whether there was one.
    pub(crate) fn pass_time(self: &Arc<Self>, limit: Option<u64>) -> bool {
        let _turn = self.motion.turn();
        if self.exhausted() {
            return false;
        }
        let fired = {
            let mut world = self.shared.lock();
            let Some(next) = world.next_event().filter(|at| limit.is_none_or(|l| *at <= l)) else { return false };
            world.advance_to(next)
        };
        for pid in fired {
            self.timer_fired(pid);
        }
        true
    }

    /// Runs until something holds, or a moment comes, or nothing can happen any more. Answers whether it holds.
    pub(crate) fn run_until(self: &Arc<Self>, end: Option<u64>, holds: &mut dyn FnMut() -> bool) -> bool {
        loop {
            if holds() {
                return true;
            }
            if self.pulse() {
                continue;
            }
            if holds() {
                return true;
            }
            if !self.pass_time(end) {
                if let Some(end) = end {
                    self.shared.lock().advance_to(end);
                }
                return holds();
            }
        }
    }

    /// Lets virtual time pass.
    pub(crate) fn advance(self: &Arc<Self>, time: Duration) {
        let end = self.shared.lock().moment().after(time).0;
        self.run_until(Some(end), &mut || false);
        self.settle();
    }
}

impl World {
    /// Takes what a process wrote to whoever launched it.
    pub(crate) fn take_output(&mut self, ends: &Ends) -> Vec<(Stream, Vec<u8>)> {
        let mut all = Vec::new();
        for (pipe, stream) in [(ends.stdout, Stream::Stdout), (ends.stderr, Stream::Stderr)] {
            if let Some(bytes) = pipe.and_then(|id| self.pipe_read(id, usize::MAX)).filter(|b| !b.is_empty()) {
                all.push((stream, bytes));
            }
        }
        if let Some(tty) = ends.tty {
            let bytes = self.tty_drain(tty);
            if !bytes.is_empty() {
                all.push((Stream::Stdout, bytes));
            }
        }
        all
    }

    /// Gives a process input, without bound: a person types slowly.
    pub(crate) fn feed(&mut self, ends: &Ends, bytes: &[u8]) {
        if let Some(tty) = ends.tty {
            self.tty_type(tty, bytes);
            self.stir_tty(tty);
        } else if let Some(id) = ends.stdin
            && let Some(pipe) = self.pipes.get_mut(&id)
            && pipe.readers > 0
        {
            pipe.data.extend(bytes);
            self.pipe_changed(id);
        }
    }

    /// Ends a process's input: a pipe is closed, a terminal gets Ctrl-D.
    pub(crate) fn close_input(&mut self, ends: &mut Ends, process: u32) {
        if let Some(id) = ends.stdin.take() {
            if let Some(known) = self.ends.get_mut(&process) {
                known.stdin = None;
            }
            if let Some(pipe) = self.pipes.get_mut(&id) {
                pipe.writers = pipe.writers.saturating_sub(1);
                pipe.outside = None;
            }
            self.pipe_changed(id);
        }
        if let Some(tty) = ends.tty {
            self.tty_type(tty, &[4]);
        }
    }
}

//! The supervisor's loop: one thread, one poll(2), and core's decisions in between.

use super::container::{Streams, reap};
use super::guest::{Guest, never_block, welcome};
use super::inner::Inner;
use super::log::Log;
use super::probe::Probing;
use super::trim::trim;
use super::wire::Frame;
use crate::clock::SystemClock;
use crate::error::step;
use crate::kernel::LinuxKernel;
use crate::process::Child;
use drydock_core::container::layout::Layout;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::id::ContainerId;
use drydock_core::kernel::{Exit, Guard, Kernel, Request};
use drydock_core::supervise::{Event, Reaction, Settings};
use drydock_core::time::{Clock, Moment};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long a supervisor waits for its first client.
const UNASKED: Duration = Duration::from_secs(10);
/// How long it waits for the lock of a predecessor that is ending.
const PREDECESSOR: Duration = Duration::from_secs(5);
/// How long after it last had to think a supervisor gives back the memory that it took: long enough for a container that does one thing
/// and ends, short enough for nobody to see it large.
const SOON: Duration = Duration::from_millis(40);
/// How often it looks whether a client that holds everything up has used up its patience.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// What decides: core's supervisor.
pub type Mind<'a> = Box<dyn FnMut(Event) -> Reaction + 'a>;

/// Makes this process one of its own.
pub fn enter() {
    // The terminal of the person who started the container is none of its business, and neither are its signals.
    let _ = rustix::process::setsid();
    // The modes of what it makes for containers are meant as they stand, whatever the person's mask.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    // It was executed by descriptor, whose number would be its name otherwise.
    let _ = rustix::thread::set_name(c"drydock");
}

/// Runs as the supervisor of a container, from the first client to the end. The process was started by [`Kernel::supervise`]; the
/// socket is where clients find it.
///
/// `make` opens the engine and answers what decides. If it fails, whoever asks for something is told so.
pub fn main<'a>(
    kernel: &'a LinuxKernel,
    id: &'a ContainerId,
    listener: OwnedFd,
    make: impl FnOnce() -> Result<(Settings, Mind<'a>)>,
) -> Result<()> {
    never_block(&listener)?;
    silence()?;
    let guard = take_lock(kernel, id, PREDECESSOR)?;
    let (settings, mind) = make().unwrap_or_else(|error| (Settings::default(), refuse(error)));
    Driver {
        kernel,
        id,
        settings,
        mind,
        listener,
        guests: Vec::new(),
        running: None,
        probe: None,
        inner: Vec::new(),
        log: None,
        timer: None,
        started: false,
        finished: false,
        trim: None,
        unasked: Some(Instant::now()),
    }
    .run(guard)
}

/// A mind that refuses everything with the same words.
fn refuse<'a>(error: Error) -> Mind<'a> {
    Box::new(move |event| {
        let reply = matches!(event, Event::Request(_)).then(|| Err(Error::new(error.kind(), error.to_string())));
        Reaction { reply, finished: true, ..Reaction::default() }
    })
}

/// The socket, where it is standard input.
pub fn inherited() -> Result<OwnedFd> {
    rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3).map_err(|e| step("dup", "the socket", e))
}

/// Puts the null device where standard input is.
fn silence() -> Result<()> {
    let null = rustix::fs::open("/dev/null", rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC, rustix::fs::Mode::empty())
        .map_err(|e| step("open", "/dev/null", e))?;
    rustix::stdio::dup2_stdin(&null).map_err(|e| step("dup2", "/dev/null", e))
}

/// Takes the lock that says that this container has a supervisor. Whoever started this process may hold it for a moment.
pub fn take_lock(kernel: &LinuxKernel, id: &ContainerId, patience: Duration) -> Result<Box<dyn Guard>> {
    let begun = Instant::now();
    loop {
        if let Some(guard) = kernel.lock(&super::lock_name(id))? {
            return Ok(guard);
        }
        if begun.elapsed() > patience {
            return Err(Error::conflict(format!("container {id} already has a supervisor")));
        }
        std::thread::sleep(super::GLANCE);
    }
}

struct Driver<'a> {
    kernel: &'a LinuxKernel,
    id: &'a ContainerId,
    settings: Settings,
    mind: Mind<'a>,
    listener: OwnedFd,
    guests: Vec<Guest>,
    running: Option<(Child, Streams)>,
    /// The health check's probe that runs.
    probe: Option<Probing>,
    /// Further programs that run in the container.
    inner: Vec<Inner>,
    log: Option<Log>,
    timer: Option<Moment>,
    started: bool,
    finished: bool,
    /// When to give back what only thinking needed.
    trim: Option<Instant>,
    /// Since when nobody has been there to ask for a start.
    unasked: Option<Instant>,
}

/// What poll(2) found.
struct Ready {
    exited: bool,
    output: bool,
    /// Something happened to the probe, and whether it was its end.
    probe: Option<bool>,
    /// The same for each further program.
    inner: Vec<Option<bool>>,
}

impl Driver<'_> {
    fn run(mut self, guard: Box<dyn Guard>) -> Result<()> {
        while !self.finished {
            let ready = self.poll()?;
            if self.trim.is_some_and(|at| at <= Instant::now()) {
                self.trim = None;
                trim();
            }
            welcome(&self.listener, &mut self.guests)?;
            self.listen();
            if ready.output && !self.held_up() {
                self.read_output();
            }
            if let Some((_, streams)) = &mut self.running {
                streams.flush();
            }
            self.guests.iter_mut().for_each(Guest::flush);
            // Before its container's end, which the kernel holds back until all its processes have been waited for.
            if let Some(ended) = ready.probe {
                self.probed(ended)?;
            }
            self.attend(&ready.inner);
            if ready.exited {
                self.exited()?;
            }
            if self.timer.is_some_and(|at| at <= SystemClock.moment()) {
                self.timer = None;
                self.tell(Event::Timer);
            }
            self.dismiss();
        }
        // First the name, then the lock, then the connections: who sees one gone finds those before it gone too.
        let _ = std::fs::remove_file(Layout::of(self.kernel.facts()).socket(self.id));
        drop(guard);
        self.guests.iter_mut().for_each(Guest::hand_over);
        Ok(())
    }

    /// Whether a client has to catch up before more is read.
    fn held_up(&self) -> bool {
        self.guests.iter().any(Guest::is_full)
    }

    fn poll(&self) -> Result<Ready> {
        let mut fds = vec![PollFd::new(&self.listener, PollFlags::IN)];
        let deaf = self.running.as_ref().is_some_and(|(_, streams)| streams.input_is_full());
        for guest in &self.guests {
            // One whose input has to wait is not even polled: that it has gone would wake this loop again and again.
            let flags = if deaf && guest.sends_input() { PollFlags::empty() } else { PollFlags::IN };
            let flags = if guest.has_waiting() { flags | PollFlags::OUT } else { flags };
            if !flags.is_empty() {
                fds.push(PollFd::new(guest, flags));
            }
        }
        let exit = fds.len();
        let mut outputs = exit..exit;
        if let Some((child, streams)) = &self.running {
            fds.push(PollFd::new(&child.pidfd, PollFlags::IN));
            if !self.held_up() {
                let ends = &streams.ends;
                fds.extend([&ends.terminal, &ends.stdout, &ends.stderr].into_iter().flatten().map(|fd| PollFd::new(fd, PollFlags::IN)));
            }
            outputs = exit + 1..fds.len();
            if let Some(fd) = streams.input_end().filter(|_| streams.has_input()) {
                fds.push(PollFd::new(fd, PollFlags::OUT));
            }
        }
        let probe = fds.len();
        fds.extend(self.probe.iter().flat_map(Probing::watched));
        let mut inner = vec![fds.len()];
        for one in &self.inner {
            fds.extend(one.watched());
            inner.push(fds.len());
        }
        match poll(&mut fds, self.patience().as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(step("poll", "a supervisor's descriptors", e)),
        }
        let is_ready = |fd: &PollFd<'_>| fd.revents().intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR);
        let news = |all: Option<&[PollFd<'_>]>| all.filter(|all| all.iter().any(is_ready)).map(|all| all.first().is_some_and(is_ready));
        Ok(Ready {
            exited: self.running.is_some() && fds.get(exit).is_some_and(is_ready),
            probe: news(fds.get(probe..inner.first().copied().unwrap_or(probe))),
            inner: inner.windows(2).map(|at| news(fds.get(at.first().copied()?..at.last().copied()?))).collect(),
            output: fds.get(outputs).is_some_and(|all| all.iter().any(is_ready)),
        })
    }

    /// How long poll(2) may wait.
    fn patience(&self) -> Option<Timespec> {
        let timer = self.timer.map(|at| at.since(SystemClock.moment()));
        let unasked = self.unasked.map(|since| UNASKED.saturating_sub(since.elapsed()));
        let stuck = self.held_up().then_some(LOOK_AGAIN);
        let idle = self.trim.map(|at| at.saturating_duration_since(Instant::now()));
        let shortest = [timer, unasked, stuck, idle].into_iter().flatten().min()?;
        // Rounded up, so that the moment has come when poll(2) returns.
        Timespec::try_from(shortest.saturating_add(Duration::from_micros(1))).ok()
    }

    /// Acts on everything that clients have said, in the order in which they came.
    fn listen(&mut self) {
        let (mut asked, mut execs) = (Vec::new(), Vec::new());
        for at in 0..self.guests.len() {
            // Those who send no input are heard in any case: a program that reads nothing can still be stopped.
            while !(self.running.as_ref().is_some_and(|(_, s)| s.input_is_full()) && self.guests.get(at).is_some_and(Guest::sends_input))
                && let Some(frame) = self.guests.get_mut(at).and_then(Guest::next)
            {
                match frame {
                    Frame::Attach(hello) => {
                        if let Some(guest) = self.guests.get_mut(at) {
                            guest.hello = Some(hello);
                            if hello.logs {
                                guest.say(&Frame::Since(SystemClock.now()));
                                let pending = self.log.iter().flat_map(Log::pending);
                                for (stream, bytes) in pending.filter(|(stream, _)| hello.wants(*stream)) {
                                    guest.say(&Frame::Output(stream, bytes.to_vec()));
                                }
                            }
                        }
                    }
                    Frame::Input(bytes) => self.with_streams(|s| s.write(&bytes)),
                    Frame::InputEnd if self.settings.stdin_once => self.with_streams(Streams::end_input),
                    Frame::Resize(size) => self.with_streams(|s| drop(s.resize(size))),
                    Frame::Signal(signal) => asked.push((None, Request::Signal(signal))),
                    Frame::Ask(request) => asked.push((Some(at), request)),
                    Frame::Exec(exec) => execs.push((at, exec)),
                    _ => {}
                }
            }
        }
        for (at, request) in asked {
            self.answer(at, request);
        }
        // The last first: each leaves its place among the guests.
        for (at, exec) in execs.into_iter().rev() {
            let guest = self.guests.remove(at);
            self.run_for(guest, exec);
        }
    }

    /// Starts a further program for a client.
    fn run_for(&mut self, mut guest: Guest, exec: String) {
        match self.tell(Event::Request(Request::Exec { exec: exec.clone() })).unwrap_or(Ok(())) {
            Ok(()) => {
                if let Some(inner) = self.inner.iter_mut().find(|inner| inner.exec == exec) {
                    inner.give(guest);
                }
            }
            Err(error) => {
                guest.say(&Frame::reply(&Err(error)));
                self.guests.push(guest);
            }
        }
    }

    /// Hears what happened to further programs and their clients.
    fn attend(&mut self, news: &[Option<bool>]) {
        for (at, news) in news.iter().enumerate().rev() {
            match news {
                Some(true) => {
                    let inner = self.inner.remove(at);
                    self.ended(inner.end());
                }
                Some(false) => {
                    if let Some(inner) = self.inner.get_mut(at) {
                        inner.attend();
                    }
                }
                None => {}
            }
        }
    }

    /// A further program has ended: first its record, then the news for whoever asked for it.
    fn ended(&mut self, end: Result<(String, i32, Option<Guest>)>) {
        let Ok((exec, code, guest)) = end else { return };
        self.tell(Event::ExecEnded { exec, code });
        if let Some(mut guest) = guest {
            guest.say(&Frame::Exited(code));
            self.guests.push(guest);
        }
    }

    fn with_streams(&mut self, act: impl FnOnce(&mut Streams)) {
        if let Some((_, streams)) = &mut self.running {
            act(streams);
        }
    }

    fn answer(&mut self, at: Option<usize>, request: Request) {
        let reply = match request {
            Request::Resize(size) => self.running.as_ref().map_or(Ok(()), |(_, streams)| streams.resize(size)),
            Request::ResizeExec { exec, size } => match self.inner.iter().find(|inner| inner.exec == exec) {
                Some(inner) => inner.resize(size),
                None => Err(Error::new(ErrorKind::NotRunning, format!("exec {exec} has ended"))),
            },
            other => {
                self.started |= other == Request::Start;
                self.tell(Event::Request(other)).unwrap_or(Ok(()))
            }
        };
        if let Some(guest) = at.and_then(|at| self.guests.get_mut(at)) {
            guest.say(&Frame::reply(&reply));
        }
    }

    /// Tells core what happened and does what it says; answers the reply for whoever asked.
    fn tell(&mut self, event: Event) -> Option<Result<()>> {
        let reaction = (self.mind)(event);
        self.trim = Some(Instant::now() + SOON);
        self.timer = reaction.timer;
        self.finished |= reaction.finished;
        if let Some(process) = reaction.watch {
            let taken = self.kernel.take(&process).and_then(|mut child| Ok((Streams::new(std::mem::take(&mut child.ends))?, child)));
            match taken {
                Ok((streams, child)) => {
                    self.running = Some((child, streams));
                    self.log = Log::open(&Layout::of(self.kernel.facts()).log(self.id), &self.settings.log);
                }
                Err(error) => return Some(Err(error)),
            }
        }
        if let Some((exec, process)) = reaction.exec {
            match Inner::of(self.kernel, exec, &process) {
                Ok(inner) => self.inner.push(inner),
                Err(error) => return Some(Err(error)),
            }
        }
        if let Some(process) = reaction.probe {
            match Probing::of(self.kernel, &process) {
                Ok(probe) => self.probe = Some(probe),
                Err(error) => return self.tell(Event::Probed { code: -1, output: error.to_string().into_bytes() }),
            }
        }
        reaction.reply
    }

    fn probed(&mut self, ended: bool) -> Result<()> {
        if !ended {
            self.probe.as_mut().map(Probing::read);
            return Ok(());
        }
        let Some(probe) = self.probe.take() else { return Ok(()) };
        let (code, output) = probe.end()?;
        self.tell(Event::Probed { code, output });
        Ok(())
    }

    fn read_output(&mut self) -> bool {
        let Some((_, streams)) = &mut self.running else { return false };
        let (guests, log, now) = (&mut self.guests, &mut self.log, SystemClock.now());
        streams.read(&mut |stream, bytes| {
            if let Some(log) = log {
                log.push(stream, bytes, now);
            }
            let frame = Frame::Output(stream, bytes.to_vec());
            for guest in guests.iter_mut() {
                let wanted = guest.hello.is_some_and(|h| h.wants(stream));
                if wanted {
                    guest.say(&frame);
                }
            }
        })
    }

    /// The program has ended: its last words, its record, and the news for whoever is attached.
    fn exited(&mut self) -> Result<()> {
        while self.read_output() {}
        let Some((child, _)) = self.running.take() else { return Ok(()) };
        let code = reap(&child)?;
        if let Some(mut log) = self.log.take() {
            log.finish(SystemClock.now());
        }
        if let Some(probe) = self.probe.take() {
            probe.abandon();
        }
        // Only those in the host's pid namespace still live.
        for inner in std::mem::take(&mut self.inner) {
            self.ended(inner.abandon());
        }
        self.tell(Event::Exited(Exit { code, oom_killed: false }));
        for guest in self.guests.iter_mut().filter(|g| g.hello.is_some()) {
            guest.say(&Frame::Exited(code));
            guest.hello = None;
        }
        Ok(())
    }

    /// Forgets clients that have gone, and gives up if nobody is left to ask for a start.
    fn dismiss(&mut self) {
        let once = self.settings.stdin_once;
        let leaves = self.guests.iter().any(|g| g.gone && g.hello.is_some_and(|h| h.stdin));
        let attached = |guests: &[Guest]| guests.iter().filter(|g| g.hello.is_some()).count();
        let before = attached(&self.guests);
        self.guests.retain(|g| !g.gone);
        if leaves && once {
            self.with_streams(Streams::end_input);
        }
        if self.started || self.finished {
            self.unasked = None;
            return;
        }
        let now = attached(&self.guests);
        if now > 0 {
            self.unasked = Some(Instant::now());
        } else if before > 0 || self.unasked.is_some_and(|since| since.elapsed() >= UNASKED) {
            self.tell(Event::Abandoned);
            self.finished = true;
        }
    }
}

impl std::fmt::Debug for Driver<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver")
            .field("id", &self.id)
            .field("guests", &self.guests.len())
            .field("listener", &self.listener.as_fd())
            .finish()
    }
}

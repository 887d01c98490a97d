//! Supervisors as actors: they serve the streams of their containers, tell the machine of `core` what happened, and do what it says.

use crate::host::{Decide, Machine};
use crate::kernel::Ends;
use crate::process::sched::{Wait, Who};
use crate::streams::{Pump, Reader, Served};
use crate::sys::WaitStatus;
use drydock_core::container::{health::KEPT_OUTPUT, log::Encoder, log::Rotor};
use drydock_core::id::ContainerId;
use drydock_core::io::{Attach, Ended, Io, Stream};
use drydock_core::kernel::{Attachment, Exit, Process, Request};
use drydock_core::supervise::{Event, Reaction, Settings};
use drydock_core::time::Timestamp;
use drydock_core::{Error, ErrorKind, Result};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Something that a supervisor and an attachment both have.
pub(crate) type Shared<T> = Arc<Mutex<T>>;

pub(crate) fn open<T>(shared: &Shared<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One supervisor.
pub(crate) struct Supervised {
    /// Its pid.
    pub pid: u32,
    /// What decides; away while it does.
    decide: Option<Box<dyn Decide>>,
    /// Events that came meanwhile.
    queue: VecDeque<Event>,
    /// The process it watches.
    watch: Option<u32>,
    /// That process's streams.
    ends: Ends,
    /// The health check's probe that runs: its process, its streams, what it wrote.
    probe: Option<(u32, Ends, Vec<u8>)>,
    /// Further programs that run in the container, by process.
    pub inner: BTreeMap<u32, Inner>,
    /// Who waits for one to be started, by its id.
    pub expected: BTreeMap<String, Shared<Reader>>,
    /// Input that came before there was a process to get it, and whether it ended.
    early: (Vec<u8>, bool),
    /// Somebody has asked it for something.
    asked: bool,
    /// When it wants to be woken.
    timer: Option<u64>,
    /// What is asked for of its streams.
    settings: Settings,
    /// Turns output into log entries.
    log: Encoder,
    /// When the log's file is full; `None` where nothing is kept.
    rotor: Option<Rotor>,
    /// Whoever is attached.
    readers: BTreeMap<u64, Shared<Reader>>,
    next_reader: u64,
    /// Its work is done.
    finished: bool,
}

/// A further program in a container.
pub(crate) struct Inner {
    /// Its id in the records.
    pub exec: String,
    /// Its streams.
    pub ends: Ends,
    /// Whoever asked for it and is still there.
    pub reader: Option<Shared<Reader>>,
}

/// How long a supervisor waits for the first request.
const UNASKED: Duration = Duration::from_secs(10);

pub(crate) fn none_there(id: &ContainerId) -> Error {
    Error::new(ErrorKind::NotRunning, format!("container {} is not running", id.short())).subject(id.as_str())
}

impl Machine {
    /// Starts a supervisor for a container.
    pub(crate) fn start_supervisor(self: &Arc<Self>, id: &ContainerId) -> Result<()> {
        let (decider, exists) = {
            let actors = self.actors();
            (actors.decider.clone(), actors.supervisors.contains_key(id))
        };
        if exists {
            return Err(Error::conflict(format!("container {} has a supervisor already", id.short())));
        }
        let args = ["drydock", "supervise", id.as_str()].map(str::to_owned).to_vec();
        let pid = self.add_actor(1, args)?;
        let decider = decider.ok_or_else(|| Error::invalid("this simulated host has nobody to decide for containers"))?;
        // Its lock is taken as itself, before it decides anything.
        let decide = self.act_as(pid, || {
            let locked = self.hold(&format!("supervisor-{id}")).is_some();
            if locked { decider(id) } else { Err(Error::conflict("the supervisor's lock is held")) }
        });
        let decide = match decide {
            Ok(decide) => decide,
            Err(error) => {
                self.kill_actor(pid);
                return Err(error);
            }
        };
        let unasked = self.shared.lock().moment().after(UNASKED).0;
        let settings = decide.settings();
        if settings.log.forward.is_some() {
            self.kill_actor(pid);
            return Err(Error::not_modelled("a system's log"));
        }
        let supervised = Supervised {
            pid,
            decide: Some(decide),
            queue: VecDeque::new(),
            watch: None,
            ends: Ends::default(),
            probe: None,
            inner: BTreeMap::new(),
            expected: BTreeMap::new(),
            early: (Vec::new(), false),
            asked: false,
            timer: Some(unasked),
            log: Encoder::default(),
            rotor: None,
            settings,
            readers: BTreeMap::new(),
            next_reader: 0,
            finished: false,
        };
        let mut actors = self.actors();
        actors.by_pid.insert(pid, id.clone());
        actors.supervisors.insert(id.clone(), supervised);
        self.shared.lock().set_timer(unasked, Who::Supervisor(pid));
        Ok(())
    }

    /// Asks a supervisor, and lets the world settle.
    pub(crate) fn ask_supervisor(self: &Arc<Self>, id: &ContainerId, request: &Request) -> Result<()> {
        let _turn = self.motion.turn();
        if let Request::Resize(size) | Request::ResizeExec { size, .. } = request {
            let tty = {
                let actors = self.actors();
                let s = actors.supervisors.get(id).ok_or_else(|| none_there(id))?;
                match request {
                    Request::ResizeExec { exec, .. } => {
                        let inner = s.inner.values().find(|inner| inner.exec == *exec);
                        let tty = inner.and_then(|inner| inner.ends.tty);
                        Some(tty.ok_or_else(|| Error::new(ErrorKind::NotRunning, format!("exec {exec} has no terminal")))?)
                    }
                    _ => s.ends.tty,
                }
            };
            if let Some(tty) = tty {
                self.shared.lock().tty_resize(tty, size.rows, size.cols);
            }
            return Ok(());
        }
        let reply = self.handle(id, Event::Request(request.clone())).ok_or_else(|| none_there(id))?;
        self.settle();
        reply.unwrap_or(Ok(()))
    }

    /// Lets a supervisor decide about an event, and does what it says. `None` if there is no such supervisor.
    pub(crate) fn handle(self: &Arc<Self>, id: &ContainerId, event: Event) -> Option<Option<Result<()>>> {
        let (pid, mut decide) = {
            let mut actors = self.actors();
            let s = actors.supervisors.get_mut(id)?;
            let Some(decide) = s.decide.take() else {
                s.queue.push_back(event);
                return Some(None);
            };
            let pid = s.pid;
            s.asked |= matches!(event, Event::Request(_));
            (pid, decide)
        };
        let reaction = self.act_as(pid, || decide.handle(event));
        let reply = self.obey(id, pid, decide, reaction);
        let next = self.actors().supervisors.get_mut(id).and_then(|s| s.queue.pop_front());
        if let Some(event) = next {
            self.handle(id, event);
        }
        Some(reply)
    }

    fn obey(self: &Arc<Self>, id: &ContainerId, pid: u32, decide: Box<dyn Decide>, reaction: Reaction) -> Option<Result<()>> {
        let mut actors = self.actors();
        let Some(s) = actors.supervisors.get_mut(id).filter(|s| s.pid == pid) else {
            // It was cut off while it decided; whoever asked hears of it as of a connection that broke.
            drop(actors);
            drop(decide);
            return reaction.reply.map(|_| Err(crate::kernel::interrupted()));
        };
        s.decide = Some(decide);
        let mut world = self.shared.lock();
        let mut watched = None;
        if let Some(process) = &reaction.watch {
            s.watch = Some(process.pid);
            watched = Some(process.pid);
            if world.ended.contains_key(&process.pid) {
                world.just_ended.push(process.pid);
            }
            s.ends = world.ends.get(&process.pid).copied().unwrap_or_default();
            s.log = Encoder::with(s.settings.log.attributes.clone());
            s.rotor = s.settings.log.bounds.map(|bounds| Rotor::new(bounds, world.log_size(id)));
            let (early, closed) = std::mem::take(&mut s.early);
            if !early.is_empty() {
                world.feed(&s.ends, &early);
            }
            if closed {
                world.close_input(&mut s.ends, process.pid);
            }
            world.stirred.insert(pid);
        }
        let mut probed = None;
        if let Some(process) = &reaction.probe {
            probed = Some(process.pid);
            if world.ended.contains_key(&process.pid) {
                world.just_ended.push(process.pid);
            }
            let ends = world.ends.get(&process.pid).copied().unwrap_or_default();
            s.probe = Some((process.pid, ends, Vec::new()));
            world.stirred.insert(pid);
        }
        let mut started = None;
        if let Some((exec, process)) = reaction.exec {
            started = Some(process.pid);
            if world.ended.contains_key(&process.pid) {
                world.just_ended.push(process.pid);
            }
            let ends = world.ends.get(&process.pid).copied().unwrap_or_default();
            let reader = s.expected.remove(&exec);
            s.inner.insert(process.pid, Inner { exec, ends, reader });
            world.stirred.insert(pid);
        }
        let timer = reaction.timer.map(|t| t.0);
        if s.timer != timer {
            if let Some(old) = s.timer {
                world.sched.timers.remove(&(old, Who::Supervisor(pid)));
            }
            if let Some(at) = timer {
                world.set_timer(at, Who::Supervisor(pid));
            }
            s.timer = timer;
        }
        s.finished |= reaction.finished;
        let finished = s.finished;
        drop(world);
        for process in [watched, probed, started].into_iter().flatten() {
            actors.watching.insert(process, id.clone());
        }
        drop(actors);
        if finished {
            self.end_supervisor(id, pid);
        }
        reaction.reply
    }

    fn end_supervisor(self: &Arc<Self>, id: &ContainerId, pid: u32) {
        let mut actors = self.actors();
        let removed = actors.supervisors.remove(id);
        actors.by_pid.remove(&pid);
        // The only lock that it holds all its life; the others go with their guards.
        actors.locks.remove(&format!("supervisor-{id}"));
        drop(actors);
        drop(removed);
        self.shared.lock().exit_process(pid, WaitStatus::Exited(0));
        self.bury();
    }

    /// Serves supervisors in whose streams or processes something happened. Answers whether there was one.
    pub(crate) fn serve_supervisors(self: &Arc<Self>) -> bool {
        let (stirred, ended) = {
            let mut world = self.shared.lock();
            (std::mem::take(&mut world.stirred), std::mem::take(&mut world.just_ended))
        };
        let mut any = false;
        for pid in stirred {
            let id = self.actors().by_pid.get(&pid).cloned();
            if let Some(id) = id {
                any |= self.drain(&id);
            }
        }
        for process in ended {
            let watcher = self.actors().watching.remove(&process);
            let Some(id) = watcher else { continue };
            self.drain(&id);
            let exit = self.shared.lock().take_end(process);
            if let Some(exit) = exit {
                any = true;
                self.container_ended(&id, process, exit);
            }
        }
        any
    }

    fn container_ended(self: &Arc<Self>, id: &ContainerId, process: u32, exit: Exit) {
        let probe = self.actors().supervisors.get_mut(id).and_then(|s| s.probe.take_if(|(pid, ..)| *pid == process));
        if let Some((_, _, output)) = probe {
            self.shared.lock().drop_ends(process);
            self.handle(id, Event::Probed { code: exit.code, output });
            return;
        }
        let inner = self.actors().supervisors.get_mut(id).and_then(|s| s.inner.remove(&process));
        if let Some(inner) = inner {
            self.inner_ended(id, process, inner, exit.code);
            return;
        }
        let rest = {
            let mut actors = self.actors();
            let s = actors.supervisors.get_mut(id).filter(|s| s.watch == Some(process));
            s.map(|s| std::mem::take(&mut s.inner)).unwrap_or_default()
        };
        for (process, inner) in rest {
            // They died with their container, or die with its control group.
            let code = self.shared.lock().take_end(process).map_or(137, |exit| exit.code);
            self.inner_ended(id, process, inner, code);
        }
        {
            let mut actors = self.actors();
            let Some(s) = actors.supervisors.get_mut(id) else { return };
            if s.watch != Some(process) {
                return;
            }
            if let Some((pid, ..)) = s.probe.take() {
                let mut world = self.shared.lock();
                world.drop_ends(pid);
                world.ended.remove(&pid);
            }
            s.watch = None;
            s.ends = Ends::default();
            for reader in s.readers.values() {
                open(reader).ended = Some(exit.code);
            }
            let mut world = self.shared.lock();
            world.drop_ends(process);
            let mut rest = Vec::new();
            s.log.finish(world.timestamp(), &mut rest);
            world.append_log(id, s.rotor.as_mut(), &rest);
        }
        self.handle(id, Event::Exited(exit));
    }

    /// A further program has ended: first its record, then the news for whoever asked for it.
    fn inner_ended(self: &Arc<Self>, id: &ContainerId, process: u32, inner: Inner, code: i32) {
        self.shared.lock().drop_ends(process);
        self.handle(id, Event::ExecEnded { exec: inner.exec, code });
        if let Some(reader) = &inner.reader {
            open(reader).ended = Some(code);
        }
    }

    /// Carries what a container wrote to its log and to whoever is attached.
    fn drain(self: &Arc<Self>, id: &ContainerId) -> bool {
        let mut actors = self.actors();
        let Some(s) = actors.supervisors.get_mut(id) else { return false };
        let mut world = self.shared.lock();
        let mut entries = Vec::new();
        let mut any = false;
        for (stream, bytes) in world.take_output(&s.ends) {
            any = true;
            let now = world.timestamp();
            s.log.push(stream, &bytes, now, &mut entries);
            for mut reader in s.readers.values().map(open).filter(|r| r.wants(stream)) {
                reader.queue.push_back((stream, bytes.clone()));
            }
        }
        world.append_log(id, s.rotor.as_mut(), &entries);
        if let Some((_, ends, output)) = &mut s.probe {
            for (_, bytes) in world.take_output(ends) {
                any = true;
                let room = (KEPT_OUTPUT + 1).saturating_sub(output.len());
                output.extend(bytes.into_iter().take(room));
            }
        }
        for inner in s.inner.values() {
            for (stream, bytes) in world.take_output(&inner.ends) {
                any = true;
                if let Some(mut reader) = inner.reader.as_ref().map(open).filter(|r| r.wants(stream)) {
                    reader.queue.push_back((stream, bytes));
                }
            }
        }
        any
    }

    /// A supervisor's timer came.
    pub(crate) fn timer_fired(self: &Arc<Self>, pid: u32) {
        let (id, asked) = {
            let mut actors = self.actors();
            let Some(id) = actors.by_pid.get(&pid).cloned() else { return };
            let Some(s) = actors.supervisors.get_mut(&id) else { return };
            s.timer = None;
            let asked = s.asked;
            (id, asked)
        };
        self.handle(&id, if asked { Event::Timer } else { Event::Abandoned });
    }

    /// Waits until a supervisor has ended.
    pub(crate) fn wait_supervisor(self: &Arc<Self>, id: &ContainerId, timeout: Option<Duration>) -> Result<bool> {
        let gone = || !self.actors().supervisors.contains_key(id);
        let end = timeout.map(|t| self.shared.lock().moment().after(t).0);
        let ended = self.run_until(end, &mut || gone());
        self.not_modelled()?;
        Ok(ended)
    }
}

/// A connection to a container's streams.
pub(crate) struct SimAttachment {
    machine: Arc<Machine>,
    id: ContainerId,
    number: u64,
    reader: Shared<Reader>,
    pump: Pump,
    since: Option<Timestamp>,
}

impl SimAttachment {
    /// Connects to a container's supervisor.
    pub fn open(machine: &Arc<Machine>, id: &ContainerId, attach: &Attach) -> Result<Self> {
        let mut actors = machine.actors();
        let s = actors.supervisors.get_mut(id).ok_or_else(|| none_there(id))?;
        s.next_reader += 1;
        let number = s.next_reader;
        let mut reader = Reader::new(attach);
        let since = attach.logs.then(|| {
            let mut world = machine.shared.lock();
            // What was written before is older.
            world.now += 1;
            reader.queue = s.log.pending().filter(|(stream, _)| reader.wants(*stream)).map(|(s, b)| (s, b.to_vec())).collect();
            world.timestamp()
        });
        let reader = Arc::new(Mutex::new(reader));
        s.readers.insert(number, Arc::clone(&reader));
        drop(actors);
        Ok(Self { machine: Arc::clone(machine), id: id.clone(), number, reader, pump: Pump::new(attach), since })
    }
}

impl Drop for SimAttachment {
    fn drop(&mut self) {
        if let Some(s) = self.machine.actors().supervisors.get_mut(&self.id) {
            s.readers.remove(&self.number);
        }
    }
}

impl Attachment for SimAttachment {
    fn since(&self) -> Option<Timestamp> {
        self.since
    }

    fn pump(&mut self, io: &mut dyn Io) -> Result<Ended> {
        let machine = Arc::clone(&self.machine);
        let mut served = AttachedTo { machine: &machine, id: &self.id, reader: &self.reader };
        let ended = self.pump.run(&machine, &mut served, io);
        machine.not_modelled()?;
        ended
    }
}

/// A container's streams, as an attachment is served from them.
struct AttachedTo<'a> {
    machine: &'a Arc<Machine>,
    id: &'a ContainerId,
    reader: &'a Shared<Reader>,
}

impl Served for AttachedTo<'_> {
    fn output(&mut self) -> Vec<(Stream, Vec<u8>)> {
        open(self.reader).queue.drain(..).collect()
    }

    fn ended(&mut self) -> Option<Ended> {
        let supervised = self.machine.actors().supervisors.contains_key(self.id);
        // A supervisor that is gone without a word was cut off, and its container was killed with it.
        let lost = (!supervised).then_some(137);
        open(self.reader).ended.or(lost).map(Ended::Exited)
    }

    fn ends(&mut self) -> (Ends, Option<Process>) {
        let actors = self.machine.actors();
        let Some(s) = actors.supervisors.get(self.id) else { return (Ends::default(), None) };
        let born = |pid: u32| self.machine.shared.lock().procs.get(&pid).map(|p| p.born);
        let process = s.watch.and_then(|pid| Some(Process { pid, born: born(pid)? }));
        (s.ends, process)
    }

    fn input(&mut self, bytes: &[u8]) {
        let mut actors = self.machine.actors();
        let Some(s) = actors.supervisors.get_mut(self.id) else { return };
        if s.watch.is_some() {
            self.machine.shared.lock().feed(&s.ends, bytes);
        } else {
            s.early.0.extend_from_slice(bytes);
        }
    }

    fn close(&mut self) {
        let mut actors = self.machine.actors();
        let Some(s) = actors.supervisors.get_mut(self.id).filter(|s| s.settings.stdin_once) else { return };
        match s.watch {
            Some(pid) => self.machine.shared.lock().close_input(&mut s.ends, pid),
            None => s.early.1 = true,
        }
    }

    fn request(&mut self, request: Request) {
        // A container that ends meanwhile needs no signal any more.
        let _ = self.machine.ask_supervisor(self.id, &request);
    }
}

impl crate::world::World {
    /// Whether something waits to read a container's input.
    pub(crate) fn input_awaited(&self, ends: &Ends) -> bool {
        let pipe = ends.stdin.is_some_and(|id| self.sched.waiters.contains_key(&Wait::Pipe(id)));
        pipe || ends.tty.is_some_and(|id| self.sched.waiters.contains_key(&Wait::Tty(id)))
    }
}

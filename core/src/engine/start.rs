//! Starting: a command's half asks for a supervisor; the supervisor's half makes the process and lets it run.

use super::LocalEngine;
use super::events::Happening;
use super::reconcile::end;
use crate::container::health::Health;
use crate::container::lifecycle::{Action, Event};
use crate::container::{ContainerRecord, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use crate::io::{Attach, Ended, Io};
use crate::kernel::{Attachment, Exit, Process, Request, Signal, Step, Streams};
use crate::time::Timestamp;
use std::time::Duration;

/// How long a supervisor whose work is done may take to end.
pub(super) const LAST_BREATH: Duration = Duration::from_secs(10);
/// How long an end is tried to be recorded at a stretch where there is no room: people wait for it. Its supervisor keeps it after that, and
/// tries again (see `supervise::late`).
const FOR_ROOM: Duration = Duration::from_secs(1);
/// The same after any other failure of the store; and how long giving back is tried again: what could not be given back stays written down.
const FOR_LUCK: Duration = Duration::from_secs(10);
/// How long giving back is tried again while a person waits for the answer.
pub(super) const BRIEFLY: Duration = Duration::from_secs(2);
/// The exit code of what was killed: 128 and SIGKILL's number.
const KILLED: i32 = 137;
/// The exit code of a container that could not be started for a reason that is not its program's (Docker).
const NOT_STARTED: i32 = 128;

/// The end of a program, until it is recorded.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    /// How it ended.
    pub exit: Exit,
    /// When.
    pub at: Timestamp,
    /// It is started again next.
    pub again: bool,
    /// The container is removed next.
    pub removed: bool,
    /// Whether the kernel killed something in it for want of memory, once that was asked: its control group is removed before the end is
    /// recorded.
    oom: Option<bool>,
    /// It is in the list of events already.
    told: bool,
}

impl Ending {
    /// An end that nothing is recorded of.
    pub fn new(exit: Exit, at: Timestamp, again: bool, removed: bool) -> Self {
        Self { exit, at, again, removed, oom: None, told: false }
    }
}

impl LocalEngine {
    /// Starts a container in the background.
    pub(super) fn start_detached(&self, asked: &str) -> Result<()> {
        self.launch(asked, &[]).map(drop)
    }

    /// Attaches, starts, and serves the streams until the end.
    pub(super) fn start_and_serve(&self, asked: &str, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        let id = self.resolve(asked)?;
        let Some(mut attachment) = self.launch(asked, std::slice::from_ref(attach))?.and_then(|mut all| all.pop()) else {
            return self.serve(&id, attach, io);
        };
        let ended = attachment.pump(io)?;
        self.after_attachment(&id, ended)
    }

    /// Starts a container with these attached from its first byte on; `None` if it runs already.
    pub(super) fn start_with(&self, asked: &str, attaches: &[Attach]) -> Result<Option<Vec<Box<dyn Attachment>>>> {
        self.launch(asked, attaches)
    }

    /// What an attached person is told, and waits for: with the last exit everything of a run is tidied up.
    pub(super) fn after_attachment(&self, id: &ContainerId, ended: Ended) -> Result<Ended> {
        let over = match ended {
            Ended::Exited(_) => self.find_record(id)?.is_none_or(|r| r.config.restart == crate::container::RestartPolicy::No),
            _ => false,
        };
        let over = over && self.kernel().wait(id, Some(LAST_BREATH))?;
        if ended != Ended::Exited(KILLED) {
            return Ok(ended);
        }
        // Also what is heard of a supervisor that went without a word; it may have recorded the end before.
        let Some(found) = self.find_record(id)? else { return Ok(ended) };
        Ok(match self.settle(found)? {
            Some(record) if record.state.status != Status::Exited => ended,
            Some(record) if record.state.lost => Ended::Lost,
            Some(record) => Ended::Exited(record.state.exit_code),
            // Nobody was left to remove it but who settled it.
            None if over => Ended::Lost,
            None => ended,
        })
    }

    /// Starts a container; answers the attachments that were asked for, and `None` if it runs already.
    fn launch(&self, asked: &str, attaches: &[Attach]) -> Result<Option<Vec<Box<dyn Attachment>>>> {
        let id = self.resolve(asked)?;
        let _guard = self.lock_container(&id)?;
        let record = self.settle_locked(&id)?.ok_or_else(|| super::resolve::no_such(asked))?;
        let transition = self.host.machine.allow(record.state.status, Event::Start, &id, asked)?;
        if transition.actions == [Action::Nothing] {
            return Ok(None);
        }
        // The supervisor of its last run may still be closing its log.
        if !self.kernel().wait(&id, Some(LAST_BREATH))? {
            return Err(Error::conflict(format!("container {asked} is still ending its last run")).subject(id.as_str()));
        }
        // Told here and not when it is so: one write less between a person and the program.
        let happenings: Vec<_> = attaches.iter().map(|_| Happening::plain("attach")).collect();
        self.change(&id, &happenings, &[], &mut |record| {
            record.state.under_way = true;
            record.state.boot_id.clone_from(&self.kernel().facts().boot_id);
            record.state.stopped_by_hand = false;
            record.state.restarts = 0;
            Ok(())
        })?;
        let begun = self.begin(&record, attaches);
        if begun.is_err() {
            // The supervisor has tidied up after itself; if it never lived, or died of it, this does.
            self.kernel().wait(&id, Some(LAST_BREATH))?;
            if let Some(record) = self.settle_locked(&id)?.filter(|record| record.config.auto_remove) {
                // Its supervisor removes it when it ends; this one did not come to it.
                self.delete(&record, true)?;
            }
        }
        begun.map(Some)
    }

    fn begin(&self, record: &ContainerRecord, attaches: &[Attach]) -> Result<Vec<Box<dyn Attachment>>> {
        self.kernel().supervise(&record.id)?;
        let attach = |attach| self.kernel().attach(&record.id, &with_keys(attach, record.config.tty));
        match attaches.iter().map(attach).collect::<Result<Vec<_>>>() {
            Ok(attachments) => self.kernel().request(&record.id, &Request::Start).map(|()| attachments),
            Err(error) => {
                // Nobody will ask it to start any more.
                let _ = self.kernel().request(&record.id, &Request::Stop { signal: Signal::KILL, grace: None, keep: false });
                Err(error)
            }
        }
    }

    /// The supervisor's half: makes everything, starts the program, and records it. After an error nothing is left but the
    /// record's word of it.
    pub(crate) fn bring_up(&self, id: &ContainerId, again: bool) -> Result<Process> {
        let record = self.record(id)?;
        match self.assemble(&record) {
            Ok(process) => {
                let now = self.time();
                let linkless = super::networks::linkless(&record);
                let mut happenings: Vec<Happening<'_>> =
                    linkless.iter().map(|n| Happening::Network(n.id.as_str(), &n.name, "connect")).collect();
                happenings.extend(super::events::volumes(&record, true));
                happenings.push(Happening::plain("start"));
                let recorded = self.change(id, &happenings, &[], &mut |record| {
                    record.state.status = self.host.machine.allow(record.state.status, Event::Began, id, &record.name)?.status;
                    record.state.process = Some(process.clone());
                    record.state.started = now;
                    record.state.error.clear();
                    record.state.lost = false;
                    record.state.exit_code = 0;
                    record.state.oom_killed = false;
                    let probed = record.config.health.as_ref().is_some_and(|check| check.command(&[]).is_some());
                    record.state.health = probed.then(|| Health::fresh(record.state.health.take()));
                    record.state.restarts = record.state.restarts.saturating_add(u32::from(again));
                    Ok(())
                });
                if let Err(error) = recorded {
                    let _ = self.host.containers.delete(id, Some(&process));
                    if let Ok(record) = self.record(id) {
                        let _ = self.let_go(&record);
                    }
                    return Err(error);
                }
                Ok(process)
            }
            Err(error) => {
                let error = in_dockers_words(error);
                let record = self.record(id)?;
                let tidied = self.insist_for(BRIEFLY, &mut || self.let_go(&record));
                self.change(id, &[], &[], &mut |record| {
                    let finished = if record.state.started.0 > 0 { self.time() } else { record.state.finished };
                    record.state.status = self.host.machine.allow(record.state.status, Event::FailedToStart, id, &record.name)?.status;
                    record.state.exit_code = exit_code(&error);
                    record.state.error = error.to_string();
                    if tidied.is_ok() {
                        end(record, finished);
                    } else {
                        // What could not be given back stays written down, and whoever looks at the container next gives it back.
                        record.state.finished = finished;
                    }
                    Ok(())
                })?;
                tidied.and(Err(error))
            }
        }
    }

    /// Control group, process, links, ports, in this order; then the program. Everything that a later step may fail over is
    /// named by the record before it is made, but for the process: it dies with its supervisor, it is in the control group, and its
    /// number is written down once its program runs.
    fn assemble(&self, record: &ContainerRecord) -> Result<Process> {
        let id = &record.id;
        if record.state.process.is_some() || !record.endpoints.is_empty() {
            // What its last end could not give back; leases taken on top of those would never be found again.
            self.let_go(record)?;
        }
        let record = self.lease(record)?;
        self.write_files(&record)?;
        self.mount_volumes(&record)?;
        self.host.limits.apply(id, &record.config.resources)?;
        let spec = self.specification(&self.told_of_links(&record)?)?;
        let process = self.host.containers.create(id, &spec, streams(&record))?;
        let told = self.connect(&record, &process).and_then(|()| self.write_pid(&record, &process));
        match told.and_then(|()| self.host.containers.start(id, &process)) {
            Ok(()) => Ok(process),
            Err(error) => {
                // The first error is the one that counts.
                let _ = self.remove_pid(&record);
                let _ = self.host.containers.delete(id, Some(&process));
                Err(error)
            }
        }
    }

    /// Gives back everything that a container holds on the host while it runs. Safe to repeat; goes on after an error and
    /// answers the first.
    pub(super) fn let_go(&self, record: &ContainerRecord) -> Result<()> {
        let killed = self.host.containers.delete(&record.id, record.state.process.as_ref());
        let disconnected = self.disconnect(record);
        let freed = self.host.limits.remove(&record.id);
        let unmounted = self.unmount_volumes(record);
        let forgotten = self.remove_pid(record);
        killed.and(disconnected).and(freed).and(unmounted).and(forgotten)
    }

    /// Writes the number of the first process where it was asked for, before its program runs.
    fn write_pid(&self, record: &ContainerRecord, process: &Process) -> Result<()> {
        let Some(path) = record.config.pid_file.clone() else { return Ok(()) };
        let content = format!("{}\n", process.pid);
        // First what it is known by: a file that is there and is not known is not removed.
        for path in [self.layout().pid_written(&record.id), path] {
            self.kernel().perform(&Step::WriteFile { path, mode: 0o644, content: content.clone() }, None)?;
        }
        Ok(())
    }

    /// Removes that file, unless it is not the one that was written, or is somebody else's by now.
    fn remove_pid(&self, record: &ContainerRecord) -> Result<()> {
        let Some(path) = record.config.pid_file.clone() else { return Ok(()) };
        let known = self.layout().pid_written(&record.id);
        let text = |path: &str| match self.kernel().read(path, 0, 64) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        };
        let Some(written) = text(&known)? else { return Ok(()) };
        if text(&path)?.as_ref() == Some(&written) {
            self.kernel().perform(&Step::RemoveTree { path }, None)?;
        }
        self.kernel().perform(&Step::RemoveTree { path: known }, None)
    }

    /// The supervisor's half of an end: gives back, and records how the program ended. It is started again next, or removed, or neither.
    ///
    /// # Errors
    /// [`ErrorKind::Exhausted`] where there is no room to record it: to be called again with the same `ending`.
    pub(crate) fn take_down(&self, id: &ContainerId, ending: &mut Ending) -> Result<()> {
        let Exit { code, oom_killed } = ending.exit;
        let oom = *ending.oom.get_or_insert_with(|| oom_killed || self.host.limits.oom_killed(id).unwrap_or(false));
        let record = self.record(id)?;
        let mut happenings = Vec::new();
        if !ending.told {
            if oom {
                happenings.push(Happening::plain("oom"));
            }
            happenings.push(Happening::Own("die", vec![("exitCode", code.to_string())]));
        }
        // What leaving its networks makes happen comes after its end in the list; in none there is one write for both.
        let told = if record.endpoints.is_empty() || ending.told {
            Ok(())
        } else {
            let first = std::mem::take(&mut happenings);
            let told = self.insist(&mut || self.tell_of(&record, &first));
            ending.told = told.is_ok();
            told
        };
        let tidied = told.and_then(|()| self.insist_for(FOR_LUCK, &mut || self.let_go(&record)));
        if let Err(error) = &tidied
            && error.kind() == ErrorKind::Exhausted
        {
            return tidied;
        }
        let (again, event) = (ending.again, if ending.again { Event::EndedForNow } else { Event::Ended });
        let linkless = super::networks::linkless(&record);
        happenings.extend(linkless.iter().map(|n| Happening::Network(n.id.as_str(), &n.name, "disconnect")));
        happenings.extend(super::events::volumes(&record, false));
        let forgotten = self.forget_execs(id, false).unwrap_or_default();
        self.insist(&mut || {
            self.change(id, &happenings, &forgotten, &mut |record| {
                record.state.status = self.host.machine.allow(record.state.status, event, id, &record.name)?.status;
                record.state.exit_code = code;
                record.state.oom_killed = oom;
                if tidied.is_ok() {
                    end(record, ending.at);
                    record.state.under_way = again;
                    if ending.removed {
                        // Its supervisor removes it next; if that dies before, whoever finds the record does.
                        record.state.status = Status::Removing;
                        record.state.under_way = true;
                    }
                } else {
                    // What could not be given back stays written down, and whoever looks at the container next gives it back.
                    record.state.finished = ending.at;
                }
                Ok(())
            })
            .map(drop)
        })?;
        tidied
    }

    /// Does what records an end again and again: an exit code that is lost because the store failed for a moment is lost for ever.
    pub(super) fn insist(&self, record: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        self.repeat(FOR_ROOM, FOR_LUCK, record)
    }

    /// Does it again and again, at most so long.
    pub(super) fn insist_for(&self, longest: Duration, what: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        self.repeat(longest, longest.min(FOR_LUCK), what)
    }

    /// Does it again and again: so long while there is no room, and so long after failures that come and go.
    fn repeat(&self, for_room: Duration, for_luck: Duration, what: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        let since = self.moment();
        let mut pause = Duration::from_millis(20);
        loop {
            let error = match what() {
                Err(e) => e,
                done => return done,
            };
            let patience = match error.kind() {
                ErrorKind::Exhausted => for_room,
                ErrorKind::System | ErrorKind::TimedOut => for_luck,
                _ => return Err(error),
            };
            if self.moment().since(since) > patience {
                return Err(error);
            }
            self.host.clock.sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Records that a container whose restart was due stays ended.
    pub(crate) fn give_up(&self, id: &ContainerId) -> Result<()> {
        self.change(id, &[], &[], &mut |record| {
            if record.state.status == Status::Restarting {
                record.state.status = Status::Exited;
            }
            // One whose end could not be recorded, or that still holds something, is settled by whoever looks at it next.
            let running = matches!(record.state.status, Status::Running | Status::Paused);
            record.state.under_way = running || record.state.process.is_some() || !record.endpoints.is_empty();
            Ok(())
        })
        .map(drop)
    }
}

/// Keys that detach are looked for only in what a person types at a terminal: anything else is data.
pub(super) fn with_keys(attach: &Attach, tty: bool) -> Attach {
    let detach_keys = if tty { attach.detach_keys.clone() } else { Vec::new() };
    Attach { detach_keys, ..attach.clone() }
}

/// Where the standard streams of a container lead.
fn streams(record: &ContainerRecord) -> Streams {
    let stdin = record.config.open_stdin;
    if record.config.tty {
        let size = record.config.console_size.unwrap_or(crate::io::Size { rows: 0, cols: 0 });
        Streams::Terminal { stdin, rows: size.rows, cols: size.cols }
    } else {
        Streams::Pipes { stdin }
    }
}

/// The exit code that a container gets when its program could not be started.
fn exit_code(error: &Error) -> i32 {
    match error.kind() {
        ErrorKind::CommandNotFound | ErrorKind::CommandNotExecutable => error.exit_code_of_run(),
        _ => NOT_STARTED,
    }
}

/// Puts Docker's words around the kernel's where the program itself is at fault.
fn in_dockers_words(error: Error) -> Error {
    match error.kind() {
        ErrorKind::CommandNotFound | ErrorKind::CommandNotExecutable if error.operation() != "device" => {
            let kind = error.kind();
            Error::new(kind, format!("failed to create task for container: {error}"))
        }
        _ => error,
    }
}

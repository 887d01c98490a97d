//! Starting: a command's half asks for a supervisor; the supervisor's half makes the process and lets it run.

use super::LocalEngine;
use super::events::Happening;
use super::reconcile::end;
use crate::container::health::Health;
use crate::container::lifecycle::{self, Action, Event};
use crate::container::{ContainerRecord, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use crate::io::{Attach, Ended, Io};
use crate::kernel::{Attachment, Exit, Process, Request, Signal, Step, Streams};
use std::time::Duration;

/// How long a supervisor whose work is done may take to end.
pub(super) const LAST_BREATH: Duration = Duration::from_secs(10);
/// How long an end that cannot be recorded is tried again: on a full disk, and after any other failure of the store.
const FOR_ROOM: Duration = Duration::from_secs(3600);
/// See [`FOR_ROOM`]; and how long giving back is tried again: what could not be given back stays written down.
const FOR_LUCK: Duration = Duration::from_secs(10);
/// How long giving back is tried again while a person waits for the answer.
pub(super) const BRIEFLY: Duration = Duration::from_secs(2);
/// The exit code of a container that could not be started for a reason that is not its program's (Docker).
const NOT_STARTED: i32 = 128;

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
        if let Ended::Exited(_) = ended {
            let over = self.find_record(id)?.is_none_or(|r| r.config.restart == crate::container::RestartPolicy::No);
            if over {
                self.kernel().wait(id, Some(LAST_BREATH))?;
            }
        }
        Ok(ended)
    }

    /// Starts a container; answers the attachments that were asked for, and `None` if it runs already.
    fn launch(&self, asked: &str, attaches: &[Attach]) -> Result<Option<Vec<Box<dyn Attachment>>>> {
        let id = self.resolve(asked)?;
        let _guard = self.lock_container(&id)?;
        let record = self.settle_locked(&id)?.ok_or_else(|| super::resolve::no_such(asked))?;
        let transition = lifecycle::allow(record.state.status, Event::Start, &id, asked)?;
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
                let mut happenings = super::events::volumes(&record, true);
                happenings.push(Happening::plain("start"));
                let recorded = self.change(id, &happenings, &[], &mut |record| {
                    record.state.status = lifecycle::allow(record.state.status, Event::Began, id, &record.name)?.status;
                    record.state.process = Some(process.clone());
                    record.state.started = now;
                    record.state.error.clear();
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
                    record.state.status = lifecycle::allow(record.state.status, Event::FailedToStart, id, &record.name)?.status;
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
        let spec = self.specification(&record)?;
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
        self.kernel().perform(&Step::WriteFile { path, mode: 0o644, content: format!("{}\n", process.pid) }, None)
    }

    /// Removes that file, unless it is somebody else's by now: the number of a process that has ended is soon another's.
    fn remove_pid(&self, record: &ContainerRecord) -> Result<()> {
        let Some(path) = record.config.pid_file.clone() else { return Ok(()) };
        let written = match self.kernel().read(&path, 0, 64) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).trim().parse::<u32>().ok(),
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e),
        };
        // A start that failed half way has written it, and its process is in no record.
        let ours = |written: u32| record.state.process.as_ref().is_none_or(|process| process.pid == written);
        if written.is_some_and(ours) { self.kernel().perform(&Step::RemoveTree { path }, None) } else { Ok(()) }
    }

    /// The supervisor's half of an end: gives back, and records how the program ended. It is started `again` next, or removed, or neither.
    pub(crate) fn take_down(&self, id: &ContainerId, exit: Exit, again: bool, removed: bool) -> Result<()> {
        let oom = exit.oom_killed || self.host.limits.oom_killed(id).unwrap_or(false);
        let record = self.record(id)?;
        let mut happenings = Vec::new();
        if oom {
            happenings.push(Happening::plain("oom"));
        }
        happenings.push(Happening::Own("die", vec![("exitCode", exit.code.to_string())]));
        // What leaving its networks makes happen comes after its end in the list; in none there is one write for both.
        let told = if record.endpoints.is_empty() {
            Ok(())
        } else {
            let first = std::mem::take(&mut happenings);
            self.insist(&mut || self.tell_of(&record, &first))
        };
        let tidied = told.and(self.insist_for(FOR_LUCK, &mut || self.let_go(&record)));
        let event = if again { Event::EndedForNow } else { Event::Ended };
        happenings.extend(super::events::volumes(&record, false));
        let forgotten = self.forget_execs(id, false).unwrap_or_default();
        self.insist(&mut || {
            self.change(id, &happenings, &forgotten, &mut |record| {
                record.state.status = lifecycle::allow(record.state.status, event, id, &record.name)?.status;
                record.state.exit_code = exit.code;
                record.state.oom_killed = oom;
                if tidied.is_ok() {
                    end(record, self.time());
                    record.state.under_way = again;
                    if removed {
                        // Its supervisor removes it next; if that dies before, whoever finds the record does.
                        record.state.status = Status::Removing;
                        record.state.under_way = true;
                    }
                } else {
                    // What could not be given back stays written down, and whoever looks at the container next gives it back.
                    record.state.finished = self.time();
                }
                Ok(())
            })
            .map(drop)
        })?;
        tidied
    }

    /// Does what records an end again and again: an exit code that is lost because the store failed for a moment is lost for ever. A disk
    /// that is full is waited for, since somebody will make room.
    pub(super) fn insist(&self, record: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        self.insist_for(FOR_ROOM, record)
    }

    /// Does it again and again, at most so long, and shorter after a failure that nobody can be expected to put right.
    pub(super) fn insist_for(&self, longest: Duration, what: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        let since = self.moment();
        let mut pause = Duration::from_millis(20);
        loop {
            let error = match what() {
                Err(e) => e,
                done => return done,
            };
            let patience = match error.kind() {
                ErrorKind::Exhausted => longest,
                ErrorKind::System | ErrorKind::TimedOut => longest.min(FOR_LUCK),
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

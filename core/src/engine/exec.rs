//! Further programs in a running container: wanted, started, looked at, and what came of them. Each is a child of the container's
//! supervisor, which alone records its end; whoever started it only carries its streams.

use super::LocalEngine;
use super::events::Happening;
use super::start::with_keys;
use crate::container::lifecycle::Event;
use crate::container::{ContainerRecord, ExecConfig, ExecRecord, ExecStage, ExecStart, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use crate::io::{Attach, Ended, Io, Size};
use crate::kernel::{Process, Request, Streams};
use crate::store::{Change, StoreExt as _, Table, decode, put};
use std::time::Duration;

/// How many records of ended programs a running container may have before old ones are forgotten.
const MANY: usize = 64;
/// How long the exit code of an ended program is kept at least while its container runs (as Docker does).
const KEPT: Duration = Duration::from_secs(300);

/// The record of a program: all of a container have the same beginning.
fn key(container: &ContainerId, exec: &str) -> String {
    format!("exec/{container}/{exec}")
}

/// Which container a program is in.
fn whose(exec: &str) -> String {
    format!("exec-of/{exec}")
}

fn no_such(exec: &str) -> Error {
    Error::not_found(format!("No such exec instance: {}", exec.escape_debug())).subject(exec)
}

impl LocalEngine {
    /// Runs a program in a container and serves its streams.
    pub(super) fn run_inside(&self, asked: &str, exec: &ExecConfig, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        let record = self.room_for_exec(asked, exec)?;
        let mut inner = ExecRecord::new(self.new_id(), record.id.clone(), exec.clone());
        inner.stage = ExecStage::Running;
        let line = inner.command_line();
        self.keep_exec(&record, &inner, &[format!("exec_create: {line}"), format!("exec_start: {line}")])?;
        self.set_going(&record, &inner, attach, io)
    }

    /// Records that somebody wants a program in a running container. Answers its id.
    pub(super) fn create_exec(&self, asked: &str, exec: &ExecConfig) -> Result<String> {
        let record = self.room_for_exec(asked, exec)?;
        let inner = ExecRecord::new(self.new_id(), record.id.clone(), exec.clone());
        self.keep_exec(&record, &inner, &[format!("exec_create: {}", inner.command_line())])?;
        Ok(inner.id)
    }

    /// Starts a program that was created, once.
    pub(super) fn start_exec(&self, exec: &str, start: &ExecStart, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        let known = self.find_exec(exec)?;
        let record = self.settled(known.container.as_str())?;
        self.host.machine.allow(record.state.status, Event::Exec, &record.id, record.id.as_str())?;
        let inner = loop {
            let before = self.store().get(Table::Meta, &key(&record.id, exec))?.ok_or_else(|| no_such(exec))?;
            let mut inner: ExecRecord = decode(Table::Meta, exec, &before)?;
            match inner.stage {
                ExecStage::Created => {}
                ExecStage::Running => return Err(Error::conflict(format!("Error: Exec command {exec} is already running")).subject(exec)),
                ExecStage::Ended => return Err(Error::conflict(format!("Error: Exec command {exec} has already run")).subject(exec)),
            }
            inner.stage = ExecStage::Running;
            inner.config.detach |= start.detach;
            inner.config.console_size = start.console_size.or(inner.config.console_size);
            let action = format!("exec_start: {}", inner.command_line());
            let name = key(&record.id, exec);
            let mut batch = vec![Change::Expect(Table::Meta, name.clone(), Some(before)), put(Table::Meta, &name, &inner)?];
            self.append_events(&mut batch, &[Happening::Own(&action, vec![("execID", exec.to_owned())]).entry(&record, self.time())])?;
            if self.commit(&batch)? {
                break inner;
            }
        };
        self.set_going(&record, &inner, attach, io)
    }

    /// One program, its state true at the time of asking.
    pub(super) fn look_at_exec(&self, exec: &str) -> Result<ExecRecord> {
        let mut inner = self.find_exec(exec)?;
        // Its supervisor records its end. Without one it has ended with it.
        if inner.stage == ExecStage::Running && !self.supervised(&inner.container)? {
            inner.stage = ExecStage::Ended;
        }
        Ok(inner)
    }

    /// The programs of a container that have not ended, by id.
    pub(super) fn execs_of(&self, asked: &str) -> Result<Vec<String>> {
        let id = self.resolve(asked)?;
        let prefix = key(&id, "");
        let mut all = Vec::new();
        for (key, bytes) in self.store().scan(Table::Meta, &prefix, "", usize::MAX)? {
            let inner: ExecRecord = decode(Table::Meta, &key, &bytes)?;
            if inner.stage != ExecStage::Ended {
                all.push(inner.id);
            }
        }
        Ok(all)
    }

    /// Gives the terminal of a program a size.
    pub(super) fn resize_exec(&self, exec: &str, size: Size) -> Result<()> {
        let inner = self.find_exec(exec)?;
        if inner.stage != ExecStage::Running {
            return Err(Error::not_found("no such exec").subject(exec));
        }
        self.kernel().request(&inner.container, &Request::ResizeExec { exec: exec.to_owned(), size })
    }

    /// The supervisor's half: starts a program that is recorded as running. After an error it is recorded as ended.
    pub(crate) fn begin_exec(&self, id: &ContainerId, exec: &str) -> Result<Process> {
        let record = self.record(id)?;
        let inner = self.find_exec(exec)?;
        let begun = self.launch_exec(&record, &inner);
        let recorded = self.change_exec(id, exec, &[], &mut |inner| match &begun {
            Ok(process) => inner.process = Some(process.clone()),
            Err(error) => {
                inner.stage = ExecStage::Ended;
                inner.exit_code = Some(error.exit_code_of_run());
                inner.finished = self.time();
            }
        });
        match (begun, recorded) {
            (Ok(process), Err(error)) => {
                let _ = self.kernel().destroy(&process);
                Err(error)
            }
            (begun, _) => begun,
        }
    }

    fn launch_exec(&self, record: &ContainerRecord, inner: &ExecRecord) -> Result<Process> {
        let config = &inner.config;
        // A frozen group would keep the new process, and with it the supervisor, from going on.
        if record.state.status != Status::Running {
            self.host.machine.allow(record.state.status, Event::Exec, &record.id, record.id.as_str())?;
        }
        let process = first_process(record)?;
        let spec = self.specification(&self.told_of_running_links(record)?)?;
        let streams = if config.tty {
            let size = config.console_size.unwrap_or(Size { rows: 0, cols: 0 });
            Streams::Terminal { stdin: config.stdin, rows: size.rows, cols: size.cols }
        } else if config.detach {
            Streams::Null
        } else {
            Streams::Pipes { stdin: config.stdin }
        };
        self.host.containers.exec(&record.id, &process, &spec, config, streams).map_err(|e| cannot_exec(&e).unwrap_or(e))
    }

    /// The supervisor's half: records how a program ended.
    pub(crate) fn end_exec(&self, id: &ContainerId, exec: &str, code: i32) -> Result<()> {
        let Some(record) = self.find_record(id)? else { return Ok(()) };
        let own = vec![("execID", exec.to_owned()), ("exitCode", code.to_string())];
        let died = [Happening::Own("exec_die", own).entry(&record, self.time())];
        self.insist(&mut || {
            self.change_exec(id, exec, &died, &mut |inner| {
                inner.stage = ExecStage::Ended;
                inner.exit_code = Some(code);
                inner.finished = self.time();
            })
        })
    }

    /// What forgets the programs of a container, for the batch that removes its record; with `ended`, exit codes too.
    pub(super) fn forget_execs(&self, id: &ContainerId, ended: bool) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for (key, bytes) in self.store().scan(Table::Meta, &key(id, ""), "", usize::MAX)? {
            if ended || decode::<ExecRecord>(Table::Meta, &key, &bytes)?.exit_code.is_none() {
                changes.extend(forget(&key));
            }
        }
        Ok(changes)
    }

    fn room_for_exec(&self, asked: &str, exec: &ExecConfig) -> Result<ContainerRecord> {
        let record = self.settled(asked)?;
        self.host.machine.allow(record.state.status, Event::Exec, &record.id, asked)?;
        if exec.command.first().is_none_or(String::is_empty) {
            return Err(Error::invalid("No exec command specified"));
        }
        if !exec.workdir.is_empty() && !exec.workdir.starts_with('/') {
            return Err(Error::invalid(format!("Cwd must be an absolute path: {}", exec.workdir.escape_debug())));
        }
        Ok(record)
    }

    /// Keeps a new record and tells of it; of many that have ended, those that did so long ago are forgotten.
    fn keep_exec(&self, record: &ContainerRecord, inner: &ExecRecord, actions: &[String]) -> Result<()> {
        let now = self.time();
        let mut old = Vec::new();
        let known = self.store().scan(Table::Meta, &key(&record.id, ""), "", MANY)?;
        if known.len() == MANY {
            for (key, bytes) in known {
                let inner: ExecRecord = decode(Table::Meta, &key, &bytes)?;
                if inner.stage == ExecStage::Ended && now.since(inner.finished) > KEPT {
                    old.extend(forget(&key));
                }
            }
        }
        loop {
            let mut batch = old.clone();
            batch.push(put(Table::Meta, &key(&record.id, &inner.id), inner)?);
            batch.push(put(Table::Meta, &whose(&inner.id), &record.id)?);
            let tell = |action: &String| Happening::Own(action, vec![("execID", inner.id.clone())]).entry(record, now);
            self.append_events(&mut batch, &actions.iter().map(tell).collect::<Vec<_>>())?;
            if self.commit(&batch)? {
                return Ok(());
            }
        }
    }

    /// Lets the supervisor start a program, and carries its streams.
    fn set_going(&self, record: &ContainerRecord, inner: &ExecRecord, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        if inner.config.detach {
            let begun = self.kernel().request(&record.id, &Request::Exec { exec: inner.id.clone() });
            return self.begun(record, inner, begun).map(|()| Ended::Exited(0));
        }
        let attach = Attach { stdin: attach.stdin && inner.config.stdin, ..with_keys(attach, inner.config.tty) };
        let attached = self.kernel().attach_exec(&record.id, &inner.id, &attach);
        let ended = self.begun(record, inner, attached)?.pump(io)?;
        if ended == Ended::Detached {
            self.tell_of(record, &[Happening::Own("exec_detach", vec![("execID", inner.id.clone())])])?;
        }
        Ok(ended)
    }

    /// One that no supervisor was there to start has ended too.
    fn begun<T>(&self, record: &ContainerRecord, inner: &ExecRecord, answer: Result<T>) -> Result<T> {
        if answer.as_ref().is_err_and(|e| e.kind() == ErrorKind::NotRunning) {
            self.change_exec(&record.id, &inner.id, &[], &mut |inner| inner.stage = ExecStage::Ended)?;
        }
        answer
    }

    fn find_exec(&self, exec: &str) -> Result<ExecRecord> {
        let container: Option<ContainerId> = self.store().load(Table::Meta, &whose(exec))?;
        let record = container.map(|id| self.store().load(Table::Meta, &key(&id, exec))).transpose()?.flatten();
        record.ok_or_else(|| no_such(exec))
    }

    /// Changes a record with events. One that is gone needs no change.
    fn change_exec(
        &self,
        id: &ContainerId,
        exec: &str,
        happened: &[super::EventEntry],
        edit: &mut dyn FnMut(&mut ExecRecord),
    ) -> Result<()> {
        let name = key(id, exec);
        while let Some(before) = self.store().get(Table::Meta, &name)? {
            let mut inner: ExecRecord = decode(Table::Meta, &name, &before)?;
            edit(&mut inner);
            let mut batch = vec![Change::Expect(Table::Meta, name.clone(), Some(before)), put(Table::Meta, &name, &inner)?];
            self.append_events(&mut batch, happened)?;
            if self.commit(&batch)? {
                break;
            }
        }
        Ok(())
    }
}

/// What forgets one program.
fn forget(key: &str) -> [Change; 2] {
    let exec = key.rsplit('/').next().unwrap_or_default();
    [Change::Delete(Table::Meta, key.to_owned()), Change::Delete(Table::Meta, whose(exec))]
}

fn first_process(record: &ContainerRecord) -> Result<Process> {
    record
        .state
        .process
        .clone()
        .ok_or_else(|| Error::new(ErrorKind::NotRunning, format!("Container {} is not running", record.id)).subject(record.id.as_str()))
}

/// Docker's words around a program that cannot be executed.
pub(super) fn cannot_exec(error: &Error) -> Option<Error> {
    let own = matches!(error.kind(), ErrorKind::CommandNotFound | ErrorKind::CommandNotExecutable);
    own.then(|| Error::new(error.kind(), format!("OCI runtime exec failed: {error}")))
}

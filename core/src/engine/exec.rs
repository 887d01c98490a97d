//! Another program in a running container, its streams, and its processes.

use super::LocalEngine;
use super::events::Happening;
use super::start::with_keys;
use super::view::LogsRequest;
use crate::container::lifecycle::{self, Event};
use crate::container::{ContainerRecord, ExecConfig};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use crate::io::{Attach, Ended, Io, Size, Stream};
use crate::kernel::{Attachment, Process, Streams, Task};
use crate::time::Timestamp;

impl LocalEngine {
    /// Runs a program in a container and serves its streams.
    pub(super) fn run_inside(&self, asked: &str, exec: &ExecConfig, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        let record = self.settled(asked)?;
        let id = &record.id;
        lifecycle::allow(record.state.status, Event::Exec, id, asked)?;
        if exec.command.first().is_none_or(String::is_empty) {
            return Err(Error::invalid("No exec command specified"));
        }
        if !exec.workdir.is_empty() && !exec.workdir.starts_with('/') {
            return Err(Error::invalid(format!("Cwd must be an absolute path: {}", exec.workdir.escape_debug())));
        }
        let process = first_process(&record)?;
        let spec = self.specification(&record)?;
        let streams = if exec.detach {
            Streams::Null
        } else if exec.tty {
            let size = exec.console_size.unwrap_or(Size { rows: 0, cols: 0 });
            Streams::Terminal { stdin: exec.stdin, rows: size.rows, cols: size.cols }
        } else {
            Streams::Pipes { stdin: exec.stdin }
        };
        let exec_id = self.new_id();
        // Program and arguments with a blank between, also where there are no arguments, as dockerd joins them.
        let (program, arguments) = exec.command.split_first().map_or(("", &[][..]), |(p, a)| (p.as_str(), a));
        let command = format!("{program} {}", arguments.join(" "));
        let (create, start) = (format!("exec_create: {command}"), format!("exec_start: {command}"));
        let own = |action| Happening::Own(action, vec![("execID", exec_id.clone())]);
        self.tell_of(&record, &[own(&create), own(&start)])?;
        let inner = self.host.containers.exec(id, &process, &spec, exec, streams).map_err(|e| cannot_exec(&e).unwrap_or(e))?;
        if exec.detach {
            return Ok(Ended::Exited(0));
        }
        let ended = self.kernel().serve(&inner, &with_keys(attach, exec.tty), io)?;
        if let Ended::Exited(code) = ended {
            self.tell_of(&record, &[Happening::Own("exec_die", vec![("execID", exec_id), ("exitCode", code.to_string())])])?;
        }
        Ok(ended)
    }

    /// Attaches to a running container.
    pub(super) fn attach_to(&self, asked: &str, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        let record = self.settled(asked)?;
        lifecycle::allow(record.state.status, Event::Attach, &record.id, asked)?;
        self.serve(&record.id, attach, io)
    }

    /// Serves the streams of a container that has a supervisor.
    pub(super) fn serve(&self, id: &ContainerId, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        let record = self.record(id)?;
        let mut attachment = self.kernel().attach(id, &with_keys(attach, record.config.tty))?;
        self.tell_of(&record, &[Happening::plain("attach")])?;
        self.replay(id, attach, attachment.as_ref(), io)?;
        let ended = attachment.pump(io)?;
        if ended == Ended::Detached
            && let Some(record) = self.find_record(id)?
        {
            self.tell_of(&record, &[Happening::plain("detach")])?;
        }
        self.after_attachment(id, ended)
    }

    /// Shows what was written before an attachment began.
    fn replay(&self, id: &ContainerId, attach: &Attach, attachment: &dyn Attachment, io: &mut dyn Io) -> Result<()> {
        let Some(since) = attachment.since() else { return Ok(()) };
        let request = LogsRequest { until: Some(Timestamp(since.0.saturating_sub(1))), ..LogsRequest::default() };
        let mut shown = Ok(());
        let read = self.read_logs(id.as_str(), &request, &mut |line| {
            if if line.stream == Stream::Stdout { attach.stdout } else { attach.stderr } {
                shown = io.output(line.stream, &line.bytes);
            }
            shown.is_ok()
        });
        match read {
            // Where nothing is kept there is nothing to show.
            Err(e) if e.kind() == ErrorKind::Unsupported => Ok(()),
            other => other.and(shown),
        }
    }

    /// The processes of a running container.
    pub(super) fn processes_of(&self, asked: &str) -> Result<Vec<Task>> {
        let record = self.settled(asked)?;
        lifecycle::allow(record.state.status, Event::Top, &record.id, asked)?;
        self.host.containers.processes(&record.id)
    }
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

//! The streams of a container that has a supervisor, and its processes.

use super::LocalEngine;
use super::events::Happening;
use super::start::with_keys;
use super::view::LogsRequest;
use crate::container::lifecycle::Event;
use crate::error::{ErrorKind, Result};
use crate::id::ContainerId;
use crate::io::{Attach, Ended, Io, Stream};
use crate::kernel::{Attachment, Task};
use crate::time::Timestamp;

impl LocalEngine {
    /// Attaches to a running container.
    pub(super) fn attach_to(&self, asked: &str, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        let record = self.settled(asked)?;
        self.host.machine.allow(record.state.status, Event::Attach, &record.id, asked)?;
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
        self.host.machine.allow(record.state.status, Event::Top, &record.id, asked)?;
        self.host.containers.processes(&record.id)
    }
}

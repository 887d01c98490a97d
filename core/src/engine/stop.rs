//! Ending and pausing a running container: stop, kill, pause, unpause, wait, resize.

use super::LocalEngine;
use super::events::Happening;
use crate::container::lifecycle::{Action, Event};
use crate::container::{ContainerRecord, RestartPolicy, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use crate::io::Size;
use crate::kernel::{Request, Signal};
use std::time::Duration;

/// Docker's grace period.
const GRACE: i64 = 10;
/// How long after SIGKILL a container must be gone (Docker waits as long).
const AFTER_KILL: Duration = Duration::from_secs(10);

impl LocalEngine {
    /// Stops a container and waits for its end.
    pub(super) fn stop_container(&self, asked: &str, signal: Option<Signal>, grace: Option<i64>) -> Result<()> {
        self.stop_and(asked, signal, grace, false)
    }

    /// Stops a container, and with `keep` leaves it there even if it was to be removed at its end.
    pub(super) fn stop_and(&self, asked: &str, signal: Option<Signal>, grace: Option<i64>, keep: bool) -> Result<()> {
        let record = self.settled(asked)?;
        let id = &record.id;
        if self.host.machine.allow(record.state.status, Event::Stop, id, asked)?.actions == [Action::Nothing] {
            return Ok(());
        }
        let signal = signal.map_or_else(|| self.stop_signal(&record), Ok)?;
        let seconds = grace.or(record.config.stop_timeout).unwrap_or(GRACE);
        let grace = u64::try_from(seconds).ok().map(Duration::from_secs);
        self.ask_and_wait(id, &Request::Stop { signal, grace, keep }, grace.map(|g| g.saturating_add(AFTER_KILL)))?;
        if let Some(record) = self.find_record(id)? {
            self.tell_of(&record, &[Happening::plain("stop")])?;
        }
        Ok(())
    }

    /// The signal a person stops it with: its own, its image's, or SIGTERM.
    pub(crate) fn stop_signal(&self, record: &ContainerRecord) -> Result<Signal> {
        if !record.config.stop_signal.is_empty() {
            return Signal::parse(&record.config.stop_signal);
        }
        let image = self.image_record(&record.image)?.map(|i| i.defaults.stop_signal).unwrap_or_default();
        if image.is_empty() { Ok(Signal::TERM) } else { Signal::parse(&image) }
    }

    /// Sends a signal; with SIGKILL waits for the end.
    pub(super) fn kill_container(&self, asked: &str, signal: Signal) -> Result<()> {
        let record = self.settled(asked).map_err(|e| {
            let words = format!("Cannot kill container: {}: {}", asked.escape_debug(), e.message());
            Error::new(e.kind(), words).subject(asked).code(e.stable_code())
        })?;
        let id = &record.id;
        self.host.machine.allow(record.state.status, Event::Kill, id, asked)?;
        if signal == Signal::KILL {
            return self.ask_and_wait(id, &Request::Signal(signal), Some(AFTER_KILL));
        }
        match self.kernel().request(id, &Request::Signal(signal)) {
            Err(e) if e.kind() == ErrorKind::NotRunning => {
                Err(Error::conflict(format!("Cannot kill container: {asked}: Container {id} is not running")).subject(id.as_str()))
            }
            other => other,
        }
    }

    /// SIGKILL, whatever it takes: for `rm -f`.
    pub(super) fn end_by_force(&self, id: &ContainerId) -> Result<()> {
        self.ask_and_wait(id, &Request::Stop { signal: Signal::KILL, grace: None, keep: false }, Some(AFTER_KILL))
    }

    /// Asks a supervisor to end its container and waits until it has. A supervisor that is gone has ended it.
    fn ask_and_wait(&self, id: &ContainerId, request: &Request, patience: Option<Duration>) -> Result<()> {
        match self.kernel().request(id, request) {
            Err(e) if e.kind() == ErrorKind::NotRunning => {}
            Err(e) if e.kind() == ErrorKind::TimedOut => {
                // Nobody is there to do it, and it is to end: without its supervisor, which will hear of it if it ever wakes.
                if let Some(process) = self.find_record(id)?.and_then(|r| r.state.process) {
                    self.kernel().destroy(&process)?;
                }
                return Err(e);
            }
            other => other?,
        }
        if !self.kernel().wait(id, patience)? {
            return Err(Error::new(ErrorKind::TimedOut, "tried to kill container, but did not receive an exit event").subject(id.as_str()));
        }
        if let Some(record) = self.find_record(id)? {
            self.settle(record)?;
        }
        Ok(())
    }

    /// Freezes or thaws a container.
    pub(super) fn set_paused(&self, asked: &str, paused: bool) -> Result<()> {
        let id = self.settled(asked)?.id;
        let _guard = self.lock_container(&id)?;
        let record = self.record(&id)?;
        let (event, name) = if paused { (Event::Pause, "pause") } else { (Event::Unpause, "unpause") };
        self.host.machine.allow(record.state.status, event, &id, asked)?;
        if paused {
            self.host.containers.freeze(&id)?;
        } else {
            self.host.containers.thaw(&id)?;
        }
        let recorded = self.change(&id, &[Happening::plain(name)], &[], &mut |record| {
            record.state.status = self.host.machine.allow(record.state.status, event, &id, asked)?.status;
            if paused {
                super::health::unwatched(record);
            }
            Ok(())
        });
        if recorded.is_err() && paused {
            // It ended while it was being frozen; nothing must stay frozen.
            let _ = self.host.containers.thaw(&id);
        }
        recorded.map(drop)
    }

    /// The supervisor's half of ending a frozen container.
    pub(crate) fn thaw_to_end(&self, id: &ContainerId) -> Result<()> {
        let record = self.record(id)?;
        if record.state.status != Status::Paused {
            return Ok(());
        }
        self.host.containers.thaw(id)?;
        self.change(id, &[Happening::plain("unpause")], &[], &mut |record| {
            if record.state.status == Status::Paused {
                record.state.status = Status::Running;
            }
            Ok(())
        })
        .map(drop)
    }

    /// Records that a signal was sent.
    pub(crate) fn note_signal(&self, id: &ContainerId, signal: Signal) -> Result<()> {
        let happening = [Happening::Own("kill", vec![("signal", signal.number().to_string())])];
        self.find_record(id)?.map_or(Ok(()), |record| self.tell_of(&record, &happening))
    }

    /// Notes that a person ended it.
    pub(crate) fn note_stopped(&self, id: &ContainerId) -> Result<()> {
        self.change(id, &[], &[], &mut |record| {
            record.state.stopped_by_hand = true;
            Ok(())
        })
        .map(drop)
    }

    /// Waits for a container's end and answers its exit code.
    pub(super) fn await_end(&self, asked: &str, timeout: Option<Duration>) -> Result<i32> {
        let told = self.last_number()?;
        let record = self.settled(asked)?;
        if !matches!(record.state.status, Status::Running | Status::Paused | Status::Restarting) {
            return Ok(record.state.exit_code);
        }
        if record.config.restart != RestartPolicy::No {
            // Its supervisor lives on and starts it again; what is waited for is the program's next end.
            return self.await_exit(&record.id, asked, told, timeout);
        }
        if !self.kernel().wait(&record.id, timeout)? {
            return Err(Error::new(ErrorKind::TimedOut, format!("container {asked} still runs")).subject(record.id.as_str()));
        }
        match self.find_record(&record.id)?.map(|r| self.settle(r)).transpose()?.flatten() {
            Some(record) => Ok(record.state.exit_code),
            // It removed itself; what it ended with is in the events.
            None => self.exit_code_from_events(&record.id),
        }
    }

    pub(super) fn exit_code_from_events(&self, id: &ContainerId) -> Result<i32> {
        let events = self.events_after(0, usize::MAX)?;
        let died = events.iter().rev().find(|e| e.action == "die" && e.id == id.as_str());
        Ok(died.and_then(|e| e.attributes.get("exitCode")).and_then(|code| code.parse().ok()).unwrap_or(0))
    }

    /// Gives its terminal a size.
    pub(super) fn set_size(&self, asked: &str, size: Size) -> Result<()> {
        let record = self.settled(asked)?;
        self.host.machine.allow(record.state.status, Event::Top, &record.id, asked)?;
        self.kernel().request(&record.id, &Request::Resize(size))?;
        let own = vec![("height", size.rows.to_string()), ("width", size.cols.to_string())];
        self.tell_of(&record, &[Happening::Own("resize", own)])
    }
}

//! A connection to the streams of a further program in a container. The program is its supervisor's child, and goes on without it.

use crate::host::Machine;
use crate::kernel::Ends;
use crate::streams::{Pump, Reader, Served};
use crate::supervisor::{Shared, none_there, open};
use drydock_core::Result;
use drydock_core::id::ContainerId;
use drydock_core::io::{Attach, Ended, Io, Stream};
use drydock_core::kernel::{Attachment, Process, Request};
use drydock_core::supervise::Event;
use drydock_core::time::Timestamp;
use std::sync::{Arc, Mutex};

/// The exit code of a program whose supervisor was cut off: it was killed with its container.
const KILLED: i32 = 137;

/// Somebody at a program's streams.
pub(crate) struct ExecAttachment {
    to: To,
    pump: Pump,
}

struct To {
    machine: Arc<Machine>,
    id: ContainerId,
    exec: String,
    reader: Shared<Reader>,
}

impl ExecAttachment {
    /// Lets a supervisor start a program, and connects to it before it writes anything.
    pub fn open(machine: &Arc<Machine>, id: &ContainerId, exec: &str, attach: &Attach) -> Result<Self> {
        let reader = Arc::new(Mutex::new(Reader::new(attach)));
        let expect = |s: &mut crate::supervisor::Supervised| s.expected.insert(exec.to_owned(), Arc::clone(&reader));
        machine.actors().supervisors.get_mut(id).map(expect).ok_or_else(|| none_there(id))?;
        let request = Request::Exec { exec: exec.to_owned() };
        let reply = machine.handle(id, Event::Request(request)).ok_or_else(|| none_there(id))?.unwrap_or(Ok(()));
        if let Err(error) = reply {
            machine.actors().supervisors.get_mut(id).map(|s| s.expected.remove(exec));
            return Err(error);
        }
        let to = To { machine: Arc::clone(machine), id: id.clone(), exec: exec.to_owned(), reader };
        if !attach.stdin {
            to.end_pipe();
        }
        Ok(Self { to, pump: Pump::new(attach) })
    }
}

impl Drop for ExecAttachment {
    fn drop(&mut self) {
        self.to.end_pipe();
        self.to.with(|_, inner| inner.reader = None);
    }
}

impl Attachment for ExecAttachment {
    fn since(&self) -> Option<Timestamp> {
        None
    }

    fn pump(&mut self, io: &mut dyn Io) -> Result<Ended> {
        let machine = Arc::clone(&self.to.machine);
        let ended = self.pump.run(&machine, &mut self.to, io);
        machine.not_modelled()?;
        ended
    }
}

impl To {
    /// Does something with the program while it runs.
    fn with<T>(&self, act: impl FnOnce(u32, &mut crate::supervisor::Inner) -> T) -> Option<T> {
        let mut actors = self.machine.actors();
        let s = actors.supervisors.get_mut(&self.id)?;
        let (pid, inner) = s.inner.iter_mut().find(|(_, inner)| inner.exec == self.exec)?;
        Some(act(*pid, inner))
    }

    /// Ends the input of one that has no terminal.
    fn end_pipe(&self) {
        self.with(|pid, inner| {
            if inner.ends.tty.is_none() {
                self.machine.shared.lock().close_input(&mut inner.ends, pid);
            }
        });
    }
}

impl Served for To {
    fn output(&mut self) -> Vec<(Stream, Vec<u8>)> {
        open(&self.reader).queue.drain(..).collect()
    }

    fn ended(&mut self) -> Option<Ended> {
        let supervised = self.machine.actors().supervisors.contains_key(&self.id);
        let lost = (!supervised).then_some(KILLED);
        open(&self.reader).ended.or(lost).map(Ended::Exited)
    }

    fn ends(&mut self) -> (Ends, Option<Process>) {
        let found = self.with(|pid, inner| (pid, inner.ends));
        let Some((pid, ends)) = found else { return (Ends::default(), None) };
        let born = self.machine.shared.lock().procs.get(&pid).map(|p| p.born);
        (ends, born.map(|born| Process { pid, born }))
    }

    fn input(&mut self, bytes: &[u8]) {
        self.with(|_, inner| self.machine.shared.lock().feed(&inner.ends, bytes));
    }

    fn close(&mut self) {
        self.with(|pid, inner| self.machine.shared.lock().close_input(&mut inner.ends, pid));
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::Signal(signal) => {
                self.with(|pid, _| self.machine.shared.lock().deliver(pid, signal, true));
            }
            Request::Resize(size) => {
                self.with(|_, inner| inner.ends.tty.map(|tty| self.machine.shared.lock().tty_resize(tty, size.rows, size.cols)));
            }
            _ => {}
        }
    }
}

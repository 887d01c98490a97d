//! Pipes (pipe(7)).

use crate::process::sched::Wait;
use crate::sys::{Errno, Res};
use crate::world::World;
use std::collections::VecDeque;

/// Bytes a pipe holds.
pub const CAPACITY: usize = 65536;

/// A pipe.
#[derive(Clone, Debug, Default)]
pub struct Pipe {
    /// What was written and not yet read.
    pub data: VecDeque<u8>,
    /// Open files that can read it.
    pub readers: u32,
    /// Open files that can write it.
    pub writers: u32,
    /// The supervisor or client that is at one end and wants to know of changes.
    pub outside: Option<u32>,
}

impl World {
    /// Makes a pipe without ends.
    pub fn add_pipe(&mut self, outside: Option<u32>) -> u32 {
        let id = self.next_pipe;
        self.next_pipe += 1;
        self.pipes.insert(id, Pipe { outside, ..Pipe::default() });
        id
    }

    /// Something changed in a pipe.
    pub fn pipe_changed(&mut self, id: u32) {
        self.wake(Wait::Pipe(id));
        match self.pipes.get(&id) {
            Some(Pipe { outside: Some(actor), .. }) => drop(self.stirred.insert(*actor)),
            Some(pipe) if pipe.readers == 0 && pipe.writers == 0 => drop(self.pipes.remove(&id)),
            _ => {}
        }
    }

    /// Reads what is there. `None` is "wait"; nothing is the end.
    pub fn pipe_read(&mut self, id: u32, max: usize) -> Option<Vec<u8>> {
        let pipe = self.pipes.get_mut(&id)?;
        if pipe.data.is_empty() {
            return (pipe.writers == 0).then(Vec::new);
        }
        let count = max.min(pipe.data.len());
        let bytes = pipe.data.drain(..count).collect();
        self.pipe_changed(id);
        Some(bytes)
    }

    /// Writes what fits. `None` is "wait"; without readers EPIPE.
    pub fn pipe_write(&mut self, id: u32, bytes: &[u8]) -> Option<Res<usize>> {
        let pipe = self.pipes.get_mut(&id)?;
        if pipe.readers == 0 {
            return Some(Err(Errno::EPIPE));
        }
        let room = CAPACITY.saturating_sub(pipe.data.len());
        // Up to 4096 bytes are written whole or not at all (PIPE_BUF).
        if room == 0 || (bytes.len() <= 4096 && room < bytes.len()) {
            return None;
        }
        let count = room.min(bytes.len());
        pipe.data.extend(bytes.iter().take(count));
        self.pipe_changed(id);
        Some(Ok(count))
    }
}

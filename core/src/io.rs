//! The streams of a person or program at a container: what goes in, what comes out.

mod detach;

pub use detach::{DetachKeys, parse_detach_keys};

use crate::error::Result;
use crate::kernel::Signal;
use serde::{Deserialize, Serialize};

/// Which standard stream bytes belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Descriptor 1, and everything a terminal shows.
    Stdout,
    /// Descriptor 2.
    Stderr,
}

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Lines.
    pub rows: u16,
    /// Characters a line.
    pub cols: u16,
}

/// Something that arrived from the person's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Bytes for standard input.
    Bytes(Vec<u8>),
    /// Standard input ended.
    Closed,
    /// The terminal changed its size.
    Resize(Size),
    /// A signal for the container (`--sig-proxy`).
    Signal(Signal),
    /// Nothing yet.
    Pending,
}

/// A person or program at a container's streams. Hosts pump it; it never calls back into a host.
pub trait Io {
    /// Takes bytes the container wrote.
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> Result<()>;
    /// The next input. With `block` false it answers [`Input::Pending`] rather than wait.
    fn input(&mut self, block: bool) -> Result<Input>;
    /// The next input, or nothing if none came for a moment: for hosts that others move while this person thinks. Whoever is alone
    /// with its host may wait.
    fn input_soon(&mut self) -> Result<Option<Input>> {
        self.input(true).map(Some)
    }
    /// Descriptors that become readable when [`Io::input`] has something; empty where there are none.
    fn descriptors(&self) -> Vec<i32>;
}

/// What to attach, and how to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attach {
    /// Send input to the container.
    pub stdin: bool,
    /// Receive standard output.
    pub stdout: bool,
    /// Receive standard error.
    pub stderr: bool,
    /// First replay what was logged before.
    pub logs: bool,
    /// Keys that leave without stopping the container; empty for none. Docker's default is Ctrl-P Ctrl-Q.
    pub detach_keys: Vec<u8>,
}

impl Default for Attach {
    fn default() -> Self {
        Self { stdin: false, stdout: true, stderr: true, logs: false, detach_keys: vec![0x10, 0x11] }
    }
}

/// How an attachment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The process exited with this code.
    Exited(i32),
    /// The supervisor went without a word and took the process with it: SIGKILL is all that is known of its end.
    Lost,
    /// The person left with the detach keys; the container goes on.
    Detached,
    /// The simulated world has come to rest: nothing will happen without input, and there is none.
    AtRest,
}

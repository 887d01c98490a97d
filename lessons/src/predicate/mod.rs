//! Predicates: what is to be so on a host, in words, and whether it is.
//!
//! A predicate is about state: what the engine says there is, never what a command printed, and never how long anything took. So it
//! does not matter which way somebody took, and one sentence serves the simulator, a real machine and a page.
//!
//! | words | hold when |
//! | --- | --- |
//! | `container NAME` | there is one of that name |
//! | `container NAME is STATUS` | `created`, `running`, `paused`, `restarting`, `exited` or `dead` |
//! | `container NAME ended with CODE` | it does not run, and its program ended so |
//! | `container NAME of IMAGE` | it is made from what that name means now |
//! | `container NAME first PROGRAM` | its process 1 is that program |
//! | `container NAME processes COUNT` | so many processes are in it |
//! | `container NAME restarts COUNT` | its policy started it again so often |
//! | `container NAME policy POLICY` | its restart policy: `no`, `always`, `unless-stopped`, `on-failure`, `on-failure:N` |
//! | `container NAME memory SIZE` | its memory is limited to that: `64m` |
//! | `container NAME label KEY=VALUE` | it has the label |
//! | `container NAME env KEY=VALUE` | its programs are given the variable |
//! | `container NAME publishes PORT:PORT` | the host's port leads to the container's |
//! | `container NAME on NETWORK` | it is on the network while it runs |
//! | `container NAME mounts PATH from VOLUME` | the volume is mounted there |
//! | `container NAME has PATH` | there is something at that path in it |
//! | `container NAME file PATH contains "TEXT"` | a regular file is there, with that text in it |
//! | `container NAME changed PATH` | its own layer has something at that path |
//! | `container NAME deleted PATH` | its own layer hides what the image has at that path |
//! | `containers COUNT`, `containers running COUNT` | so many are there, or run |
//! | `image REF` | the name means an image |
//! | `image REF same as REF` | two names mean one image |
//! | `image REF layers COUNT` | it has so many layers |
//! | `image REF on REF` | its lower layers are the other's, and it has more |
//! | `image REF label KEY=VALUE` | its configuration has the label |
//! | `images untagged COUNT` | so many images have no name, and no other was made from them |
//! | `volume NAME`, `network NAME` | there is one of that name |
//! | `happened KIND NAME ACTION COUNT` | the engine's events tell it so often: `happened container web start 2` |
//!
//! `COUNT` is a number, `at least N` or `at most N`; after `happened` it may be left out and is then at least one. `not` before any of
//! them turns it round.

mod hold;
mod parse;

use drydock_core::Result;
use drydock_core::container::Status;
use drydock_core::engine::Engine;
use std::fmt;

/// Something that is to be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    /// It is to be otherwise.
    negated: bool,
    claim: Claim,
    words: String,
}

/// What is said to be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    Container(String, OfContainer),
    Containers { running: bool, count: Count },
    Image(String, OfImage),
    Untagged(Count),
    Volume(String),
    Network(String),
    Happened { kind: String, name: String, action: String, count: Count },
}

/// What a container is to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OfContainer {
    There,
    Is(Status),
    Ended(i32),
    Of(String),
    First(String),
    Processes(Count),
    Restarts(Count),
    Policy(String),
    Memory(u64),
    Label(String, String),
    Env(String),
    Publishes(u16, u16),
    On(String),
    Mounts { path: String, volume: String },
    Has(String),
    File { path: String, text: String },
    Changed(String),
    Deleted(String),
}

/// What an image is to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OfImage {
    There,
    SameAs(String),
    Layers(Count),
    On(String),
    Label(String, String),
}

/// How many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Exactly(u64),
    AtLeast(u64),
    AtMost(u64),
}

impl Count {
    pub(crate) fn allows(self, number: u64) -> bool {
        match self {
            Self::Exactly(n) => number == n,
            Self::AtLeast(n) => number >= n,
            Self::AtMost(n) => number <= n,
        }
    }
}

/// Whether a predicate holds, and what is the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// It is as it is to be.
    pub holds: bool,
    /// What was found, in a few words: `web is exited`.
    pub found: String,
}

impl Predicate {
    /// Reads a predicate.
    ///
    /// # Errors
    /// What is wrong with it, and what could stand there.
    pub fn parse(words: &str) -> std::result::Result<Self, String> {
        parse::predicate(words)
    }

    /// Whether it holds on an engine.
    ///
    /// # Errors
    /// What the engine could not be asked. That something is not there is an answer and no error.
    pub fn check(&self, engine: &dyn Engine) -> Result<Verdict> {
        let verdict = hold::check(&self.claim, engine)?;
        Ok(Verdict { holds: verdict.holds != self.negated, ..verdict })
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

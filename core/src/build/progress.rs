//! How a build goes, as it is told to whoever shows it.

use crate::id::ImageId;
use crate::io::Stream;
use crate::time::Timestamp;

/// Something that happened. Steps are numbered from 1 in the order they begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A step began: `[2/4] RUN make`.
    Began {
        /// Its number.
        step: u32,
        /// What it does.
        name: String,
        /// When.
        at: Timestamp,
    },
    /// An instruction's turn has come, in a count of all that are carried out: those before the first FROM, FROM itself, those that
    /// only change the configuration, and labels that the build was given.
    Instruction {
        /// Its place in the count, from 1.
        number: u32,
        /// How many there are.
        of: u32,
        /// Its text as it is written, on one line.
        text: String,
        /// The step that carries it out, which has begun.
        step: Option<u32>,
    },
    /// What a FROM begins with is there.
    Based {
        /// The place of the FROM in the count of instructions.
        number: u32,
        /// The image, if it is one of the store.
        image: Option<ImageId>,
        /// How many instructions it has left for whoever builds upon it.
        triggers: u32,
    },
    /// The turn of one of these has come.
    Trigger {
        /// The place of the FROM in the count of instructions.
        number: u32,
        /// The step that carries it out, which has begun.
        step: Option<u32>,
    },
    /// It need not be done again.
    Cached {
        /// Its number.
        step: u32,
    },
    /// Its program wrote something.
    Output {
        /// Its number.
        step: u32,
        /// Where to.
        stream: Stream,
        /// What.
        bytes: Vec<u8>,
        /// When.
        at: Timestamp,
    },
    /// Something about it worth a line: `transferring context: 2.1kB`.
    Note {
        /// Its number.
        step: u32,
        /// The line.
        text: String,
    },
    /// It ended.
    Ended {
        /// Its number.
        step: u32,
        /// When.
        at: Timestamp,
        /// Why it failed, if it did.
        error: Option<String>,
        /// It did not fail itself: another one has failed, and it was ended.
        canceled: bool,
    },
    /// Time goes by: what shows how long steps take may show it again.
    Tick {
        /// It is now.
        at: Timestamp,
    },
    /// A remark about the Dockerfile: rule, sentence, line.
    Remark {
        /// The rule's name.
        rule: String,
        /// What is remarkable.
        message: String,
        /// The line.
        line: u32,
    },
}

/// Who is told.
pub trait Progress {
    /// Takes one event. Steps of several stages come mixed.
    fn tell(&self, event: Event);
}

/// Nobody is.
pub struct Silent;

impl Progress for Silent {
    fn tell(&self, _: Event) {}
}

//! A simulated world kept in a file: the history of the commands that made it.
//!
//! The simulator is deterministic, so a world need not be saved: the first line of the file has its seed, and every further line
//! one command with everything that its environment answered (input, files, variables). Opening the file runs them all again with their
//! output thrown away. What this costs grows with the history; what it gives is a file that can be read, kept under version
//! control, sent to somebody and replayed on any platform with the same outcome.

mod record;
mod replay;

pub use record::{KeychainOf, Recorder, Tape};
pub use replay::Replay;

use drydock_core::engine::PathStat;
use drydock_core::io::{Input, Size};
use drydock_core::kernel::Signal;
use drydock_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// The format of the lines; changes when an old reader would misunderstand a new file.
const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The format of the lines.
    pub drydock: u32,
    /// What all chance in the world comes from.
    pub seed: u64,
    /// The lab that is done in this world, and by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lab: Option<Ticket>,
}

impl Default for Header {
    fn default() -> Self {
        Self { drydock: VERSION, seed: 0, lab: None }
    }
}

/// What a world is for, where that is a lab: its file is what is handed in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The lab.
    pub lab: String,
    /// Whoever does it.
    pub student: String,
    /// `linux` where it was typed on a real machine: then the file has the lines that were typed, and is no world.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
}

/// A command and what its environment answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The command line without the program's name and without the options before the command.
    pub args: Vec<String>,
    /// In the order in which they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
}

/// One answer of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Whether a standard stream is a terminal.
    Terminal(bool),
    /// The terminal's size.
    Size(Option<Size>),
    /// A file's bytes, or why there are none.
    Source(std::result::Result<Bytes, String>),
    /// A file was written, or why not.
    Written(std::result::Result<(), String>),
    /// What is at a path, or why that cannot be said.
    Found(std::result::Result<Option<PathStat>, String>),
    /// Whether a file is there.
    Exists(bool),
    /// A variable.
    Variable(Option<String>),
    /// The working directory.
    Directory(String),
    /// Bytes that were typed or piped in.
    Typed(Bytes),
    /// Input ended.
    Closed,
    /// The terminal's new size.
    Resized(Size),
    /// A signal, by number.
    Signal(i32),
    /// No input yet, so many times.
    Nothing(u64),
}

/// Bytes, as text in the file where they are text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Bytes {
    /// UTF-8.
    Text(String),
    /// Anything else, in base 64.
    Binary {
        /// RFC 4648, with padding.
        base64: String,
    },
}

impl Bytes {
    /// Writes bytes down.
    pub fn new(bytes: &[u8]) -> Self {
        use base64::Engine as _;
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Binary { base64: base64::engine::general_purpose::STANDARD.encode(bytes) },
        }
    }

    /// Reads them back.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        use base64::Engine as _;
        match self {
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::Binary { base64 } => {
                base64::engine::general_purpose::STANDARD.decode(base64).map_err(|e| damaged("bytes that are no base 64").source(e))
            }
        }
    }
}

impl Answer {
    fn of_input(input: &Input) -> Self {
        match input {
            Input::Bytes(bytes) => Self::Typed(Bytes::new(bytes)),
            Input::Closed => Self::Closed,
            Input::Resize(size) => Self::Resized(*size),
            Input::Signal(signal) => Self::Signal(signal.number()),
            Input::Pending => Self::Nothing(1),
        }
    }

    fn input(&self) -> Result<Input> {
        Ok(match self {
            Self::Typed(bytes) => Input::Bytes(bytes.bytes()?),
            Self::Closed => Input::Closed,
            Self::Resized(size) => Input::Resize(*size),
            Self::Signal(number) => Input::Signal(Signal::from_number(*number)?),
            Self::Nothing(_) => Input::Pending,
            _ => return Err(damaged("an answer where input should be")),
        })
    }
}

fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the history holds {what}")).hint("it was damaged, or recorded by another version")
}

/// Reads a whole file. An empty one is a world that nothing has happened in yet.
pub fn read(text: &str, fresh_seed: u64) -> Result<(Header, Vec<Entry>)> {
    let mut lines = text.lines().filter(|l| !l.trim().is_empty());
    let Some(first) = lines.next() else {
        return Ok((Header { seed: fresh_seed, ..Header::default() }, Vec::new()));
    };
    let header: Header = serde_json::from_str(first).map_err(|e| damaged("a first line that is no header").source(e))?;
    if header.drydock != VERSION {
        return Err(damaged(&format!("format {}, and this version reads format {VERSION}", header.drydock)));
    }
    let entry = |(number, line)| {
        serde_json::from_str(line)
            .map_err(|e: serde_json::Error| damaged(&format!("a command (the {}.) that cannot be read", number + 1usize)).source(e))
    };
    Ok((header, lines.enumerate().map(entry).collect::<Result<_>>()?))
}

/// A line of the file.
pub fn line<T: Serialize>(what: &T) -> Result<String> {
    Ok(serde_json::to_string(what)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_comes_back_as_it_was_written() {
        let header = Header { seed: 7, ..Header::default() };
        let entry = Entry {
            args: vec!["run".to_owned(), "-it".to_owned(), "busybox".to_owned()],
            answers: vec![
                Answer::Terminal(true),
                Answer::Size(Some(Size { rows: 24, cols: 80 })),
                Answer::Typed(Bytes::new(b"exit 3\n")),
                Answer::Typed(Bytes::new(&[0xff, 0])),
                Answer::Nothing(3),
                Answer::Signal(15),
                Answer::Closed,
            ],
        };
        let text = line(&header).unwrap() + &line(&entry).unwrap();
        assert_eq!(read(&text, 0).unwrap(), (header, vec![entry]));
        assert_eq!(Bytes::new(&[0xff, 0]).bytes().unwrap(), [0xff, 0]);
        assert_eq!(read("", 42).unwrap(), (Header { seed: 42, ..Header::default() }, Vec::new()));
        assert_eq!(read("nonsense\n", 0).unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(read("{\"drydock\":99,\"seed\":1}\n", 0).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

//! An environment that keeps what another one answers.

use super::{Answer, Bytes};
use crate::environment::{Environment, HostOptions, Sink, Source, Standard, StreamOptions};
use crate::keychain::{Forgetful, Keychain};
use drydock_core::Result;
use drydock_core::build::ignore::Ignore;
use drydock_core::engine::{Engine, PathStat};
use drydock_core::io::{Input, Io, Size, Stream};
use std::cell::RefCell;
use std::io::{Read, Write};
use std::rc::Rc;
use std::sync::Arc;

/// Answers as they come.
#[derive(Debug, Clone, Default)]
pub struct Tape(Rc<RefCell<Vec<Slot>>>);

#[derive(Debug)]
enum Slot {
    Known(Answer),
    /// A file that is being read: its bytes so far.
    Reading(Vec<u8>),
}

impl Tape {
    fn push(&self, answer: Answer) {
        self.0.borrow_mut().push(Slot::Known(answer));
    }

    fn input(&self, input: &Input) {
        let mut slots = self.0.borrow_mut();
        match (input, slots.last_mut()) {
            (Input::Pending, Some(Slot::Known(Answer::Nothing(count)))) => *count += 1,
            _ => slots.push(Slot::Known(Answer::of_input(input))),
        }
    }

    /// Everything so far.
    pub fn answers(&self) -> Vec<Answer> {
        let known = |slot: &Slot| match slot {
            Slot::Known(answer) => answer.clone(),
            Slot::Reading(bytes) => Answer::Source(Ok(Bytes::new(bytes))),
        };
        self.0.borrow().iter().map(known).collect()
    }
}

/// Opens a keychain, as often as a command asks for it.
pub type KeychainOf = Box<dyn Fn() -> Result<Box<dyn Keychain>>>;

/// Passes everything on to another environment, and keeps the answers.
///
/// The engine's own questions are not kept: they are what a replay asks again.
pub struct Recorder<'a> {
    inner: &'a mut dyn Environment,
    engine: Arc<dyn Engine>,
    tape: Tape,
    opened: bool,
    keychain: KeychainOf,
}

impl<'a> Recorder<'a> {
    /// Records onto `tape` what `inner` answers to a command on `engine`.
    pub fn new(inner: &'a mut dyn Environment, engine: Arc<dyn Engine>, tape: Tape) -> Self {
        Self { inner, engine, tape, opened: false, keychain: Box::new(|| Ok(Box::new(Forgetful::default()))) }
    }

    /// With the keychain of the world itself: what is in it is a matter of the replayed commands, not of the recording.
    #[must_use]
    pub fn with_keychain(self, keychain: KeychainOf) -> Self {
        Self { keychain, ..self }
    }

    /// Whether the command asked for the engine. One that did not has changed nothing that a replay would have to repeat.
    pub fn opened(&self) -> bool {
        self.opened
    }
}

impl Recorder<'_> {
    fn read_recorded(&self, source: Result<Source>) -> Result<Source> {
        match source {
            Ok(source) => {
                let mut slots = self.tape.0.borrow_mut();
                slots.push(Slot::Reading(Vec::new()));
                let reader = RecordedSource { inner: source.reader, tape: self.tape.clone(), slot: slots.len() - 1 };
                Ok(Source { reader: Box::new(reader), size: source.size })
            }
            Err(error) => {
                self.tape.push(Answer::Source(Err(error.message().to_owned())));
                Err(error)
            }
        }
    }
}

impl Environment for Recorder<'_> {
    fn open(&mut self, _: &HostOptions) -> Result<Arc<dyn Engine>> {
        self.opened = true;
        Ok(Arc::clone(&self.engine))
    }

    fn out(&mut self) -> &mut dyn Write {
        self.inner.out()
    }

    fn err(&mut self) -> &mut dyn Write {
        self.inner.err()
    }

    fn is_terminal(&self, stream: Standard) -> bool {
        let answer = self.inner.is_terminal(stream);
        self.tape.push(Answer::Terminal(answer));
        answer
    }

    fn size(&self) -> Option<Size> {
        let answer = self.inner.size();
        self.tape.push(Answer::Size(answer));
        answer
    }

    fn pace(&mut self, time: std::time::Duration) {
        self.inner.pace(time);
    }

    fn streams(&mut self, options: StreamOptions) -> Result<Box<dyn Io>> {
        Ok(Box::new(RecordedIo { inner: self.inner.streams(options)?, tape: self.tape.clone() }))
    }

    fn source(&mut self, path: &str) -> Result<Source> {
        let source = self.inner.source(path);
        self.read_recorded(source)
    }

    fn sink(&mut self, path: &str) -> Result<Box<dyn Sink>> {
        let answer = self.inner.sink(path);
        self.tape.push(Answer::Written(answer.as_ref().map(drop).map_err(|e| e.message().to_owned())));
        answer
    }

    fn look(&mut self, path: &str, follow: bool) -> Result<Option<PathStat>> {
        let answer = self.inner.look(path, follow);
        self.tape.push(Answer::Found(answer.as_ref().cloned().map_err(|e| e.message().to_owned())));
        answer
    }

    fn pack(&mut self, path: &str, follow: bool, name: &str) -> Result<Source> {
        let source = self.inner.pack(path, follow, name);
        self.read_recorded(source)
    }

    fn context(&mut self, path: &str, ignore: &Ignore) -> Result<Source> {
        let source = self.inner.context(path, ignore);
        self.read_recorded(source)
    }

    fn make_directory(&mut self, path: &str) -> Result<()> {
        let answer = self.inner.make_directory(path);
        self.tape.push(Answer::Written(answer.as_ref().copied().map_err(|e| e.message().to_owned())));
        answer
    }

    fn unpack(&mut self, directory: &str, archive: &mut dyn Read, owners: bool) -> Result<()> {
        let answer = self.inner.unpack(directory, archive, owners);
        self.tape.push(Answer::Written(answer.as_ref().copied().map_err(|e| e.message().to_owned())));
        answer
    }

    fn create_file(&mut self, path: &str, content: &[u8]) -> Result<()> {
        let answer = self.inner.create_file(path, content);
        self.tape.push(Answer::Written(answer.as_ref().copied().map_err(|e| e.message().to_owned())));
        answer
    }

    fn write_file(&mut self, path: &str, content: &[u8]) -> Result<()> {
        let answer = self.inner.write_file(path, content);
        self.tape.push(Answer::Written(answer.as_ref().copied().map_err(|e| e.message().to_owned())));
        answer
    }

    fn exists(&self, path: &str) -> bool {
        let answer = self.inner.exists(path);
        self.tape.push(Answer::Exists(answer));
        answer
    }

    fn keychain(&mut self, _: &HostOptions) -> Result<Box<dyn Keychain>> {
        (self.keychain)()
    }

    fn variable(&self, name: &str) -> Option<String> {
        let answer = self.inner.variable(name);
        self.tape.push(Answer::Variable(answer.clone()));
        answer
    }

    fn directory(&self) -> Result<String> {
        let answer = self.inner.directory()?;
        self.tape.push(Answer::Directory(answer.clone()));
        Ok(answer)
    }
}

struct RecordedIo {
    inner: Box<dyn Io>,
    tape: Tape,
}

impl Io for RecordedIo {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> Result<()> {
        self.inner.output(stream, bytes)
    }

    fn input(&mut self, block: bool) -> Result<Input> {
        let input = self.inner.input(block)?;
        self.tape.input(&input);
        Ok(input)
    }

    fn descriptors(&self) -> Vec<i32> {
        self.inner.descriptors()
    }
}

struct RecordedSource {
    inner: Box<dyn Read>,
    tape: Tape,
    slot: usize,
}

impl Read for RecordedSource {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(Slot::Reading(bytes)) = self.tape.0.borrow_mut().get_mut(self.slot) {
            bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
        Ok(count)
    }
}

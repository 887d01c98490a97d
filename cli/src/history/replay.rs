//! An environment that answers what was answered before.

use super::{Answer, Entry, damaged};
use crate::environment::{Environment, HostOptions, Sink, Source, Standard, StreamOptions};
use crate::keychain::{Forgetful, Keychain};
use drydock_core::build::ignore::Ignore;
use drydock_core::engine::{Engine, PathStat};
use drydock_core::io::{Input, Io, Size, Stream};
use drydock_core::{Error, ErrorKind, Result};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{Cursor, Read, Write};
use std::rc::Rc;
use std::sync::Arc;

#[derive(Clone)]
struct Answers(Rc<RefCell<VecDeque<Answer>>>);

impl Answers {
    fn next(&self) -> Option<Answer> {
        self.0.borrow_mut().pop_front()
    }

    /// The next input; several times nothing is given out one by one.
    fn input(&self) -> Result<Input> {
        let mut answers = self.0.borrow_mut();
        if let Some(Answer::Nothing(count @ 2..)) = answers.front_mut() {
            *count -= 1;
            return Ok(Input::Pending);
        }
        // A recording ends where its command ended, so whoever still asks gets what a closed input answers.
        answers.pop_front().map_or(Ok(Input::Closed), |answer| answer.input())
    }
}

/// Answers from a history's entry; what is printed goes nowhere.
pub struct Replay {
    engine: Arc<dyn Engine>,
    answers: Answers,
    sink: std::io::Sink,
    keychain: super::record::KeychainOf,
}

impl Replay {
    /// Answers for one entry, on an engine.
    pub fn new(engine: Arc<dyn Engine>, entry: &Entry) -> Self {
        let answers = Answers(Rc::new(RefCell::new(entry.answers.iter().cloned().collect())));
        Self { engine, answers, sink: std::io::sink(), keychain: Box::new(|| Ok(Box::new(Forgetful::default()))) }
    }

    /// With the keychain of the world itself.
    #[must_use]
    pub fn with_keychain(self, keychain: super::record::KeychainOf) -> Self {
        Self { keychain, ..self }
    }

    fn written(&self) -> Result<()> {
        match self.answers.next() {
            Some(Answer::Written(answer)) => answer.map_err(Error::invalid),
            _ => Err(damaged("no answer to a file that was written")),
        }
    }
}

impl Environment for Replay {
    fn open(&mut self, _: &HostOptions) -> Result<Arc<dyn Engine>> {
        Ok(Arc::clone(&self.engine))
    }

    fn out(&mut self) -> &mut dyn Write {
        &mut self.sink
    }

    fn err(&mut self) -> &mut dyn Write {
        &mut self.sink
    }

    fn is_terminal(&self, _: Standard) -> bool {
        matches!(self.answers.next(), Some(Answer::Terminal(true)))
    }

    fn size(&self) -> Option<Size> {
        match self.answers.next() {
            Some(Answer::Size(size)) => size,
            _ => None,
        }
    }

    fn streams(&mut self, _: StreamOptions) -> Result<Box<dyn Io>> {
        Ok(Box::new(ReplayedIo(self.answers.clone())))
    }

    fn source(&mut self, _: &str) -> Result<Source> {
        match self.answers.next() {
            Some(Answer::Source(Ok(bytes))) => {
                let bytes = bytes.bytes()?;
                let size = u64::try_from(bytes.len()).ok();
                Ok(Source { reader: Box::new(Cursor::new(bytes)), size })
            }
            Some(Answer::Source(Err(message))) => Err(Error::new(ErrorKind::NotFound, message)),
            _ => Err(damaged("no answer to a file that was read")),
        }
    }

    fn sink(&mut self, _: &str) -> Result<Box<dyn Sink>> {
        self.written().map(|()| Box::new(Nowhere) as Box<dyn Sink>)
    }

    fn look(&mut self, _: &str, _: bool) -> Result<Option<PathStat>> {
        match self.answers.next() {
            Some(Answer::Found(answer)) => answer.map_err(|message| Error::new(ErrorKind::System, message)),
            _ => Err(damaged("no answer to what is at a path")),
        }
    }

    fn pack(&mut self, path: &str, _: bool, _: &str) -> Result<Source> {
        self.source(path)
    }

    fn context(&mut self, path: &str, _: &Ignore) -> Result<Source> {
        self.source(path)
    }

    fn make_directory(&mut self, _: &str) -> Result<()> {
        self.written()
    }

    fn unpack(&mut self, _: &str, archive: &mut dyn Read, _: bool) -> Result<()> {
        // Read to its end, as it was then: whoever writes it must not notice a difference.
        std::io::copy(archive, &mut std::io::sink()).map_err(|e| damaged("an archive that cannot be read").source(e))?;
        self.written()
    }

    fn create_file(&mut self, _: &str, _: &[u8]) -> Result<()> {
        self.written()
    }

    fn write_file(&mut self, _: &str, _: &[u8]) -> Result<()> {
        self.written()
    }

    fn exists(&self, _: &str) -> bool {
        matches!(self.answers.next(), Some(Answer::Exists(true)))
    }

    fn keychain(&mut self, _: &HostOptions) -> Result<Box<dyn Keychain>> {
        (self.keychain)()
    }

    fn variable(&self, _: &str) -> Option<String> {
        match self.answers.next() {
            Some(Answer::Variable(value)) => value,
            _ => None,
        }
    }

    fn directory(&self) -> Result<String> {
        match self.answers.next() {
            Some(Answer::Directory(directory)) => Ok(directory),
            _ => Err(damaged("no answer to the working directory")),
        }
    }
}

/// A file of then.
struct Nowhere;

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink for Nowhere {
    fn finish(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

struct ReplayedIo(Answers);

impl Io for ReplayedIo {
    fn output(&mut self, _: Stream, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn input(&mut self, _: bool) -> Result<Input> {
        self.0.input()
    }

    fn descriptors(&self) -> Vec<i32> {
        Vec::new()
    }
}

//! An environment with nothing but standard streams in memory.

use crate::environment::{Environment, HostOptions, Sink, Source, Standard, StreamOptions};
use drydock_core::build::ignore::Ignore;
use drydock_core::engine::{Engine, PathStat};
use drydock_core::io::{Input, Io, Size, Stream};
use drydock_core::{Error, Result};
use std::cell::RefCell;
use std::io::{Read, Write};
use std::rc::Rc;
use std::sync::Arc;

/// Standard streams in memory, and no files.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// What was written to standard output.
    pub out: Shared,
    /// What was written to standard error.
    pub err: Shared,
}

/// Bytes that whoever has a clone of it can take.
#[derive(Clone, Debug, Default)]
pub struct Shared(Rc<RefCell<Vec<u8>>>);

impl Shared {
    /// Everything since it was taken last, as text.
    pub fn take(&self) -> String {
        String::from_utf8_lossy(&self.0.take()).into_owned()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn no_files<T>() -> Result<T> {
    Err(Error::not_found("there are no files here"))
}

impl Io for Memory {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> Result<()> {
        let to = if stream == Stream::Stdout { &mut self.out } else { &mut self.err };
        to.write_all(bytes).map_err(|e| Error::invalid(e.to_string()))
    }

    fn input(&mut self, _: bool) -> Result<Input> {
        Ok(Input::Pending)
    }

    fn descriptors(&self) -> Vec<i32> {
        Vec::new()
    }
}

impl Environment for Memory {
    fn open(&mut self, _: &HostOptions) -> Result<Arc<dyn Engine>> {
        no_files()
    }

    fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    fn err(&mut self) -> &mut dyn Write {
        &mut self.err
    }

    fn is_terminal(&self, _: Standard) -> bool {
        false
    }

    fn size(&self) -> Option<Size> {
        None
    }

    fn streams(&mut self, _: StreamOptions) -> Result<Box<dyn Io>> {
        Ok(Box::new(self.clone()))
    }

    fn source(&mut self, _: &str) -> Result<Source> {
        no_files()
    }

    fn create_file(&mut self, _: &str, _: &[u8]) -> Result<()> {
        no_files()
    }

    fn write_file(&mut self, _: &str, _: &[u8]) -> Result<()> {
        no_files()
    }

    fn sink(&mut self, _: &str) -> Result<Box<dyn Sink>> {
        no_files()
    }

    fn look(&mut self, _: &str, _: bool) -> Result<Option<PathStat>> {
        no_files()
    }

    fn pack(&mut self, _: &str, _: bool, _: &str) -> Result<Source> {
        no_files()
    }

    fn context(&mut self, _: &str, _: &Ignore) -> Result<Source> {
        no_files()
    }

    fn make_directory(&mut self, _: &str) -> Result<()> {
        no_files()
    }

    fn unpack(&mut self, _: &str, _: &mut dyn Read, _: bool) -> Result<()> {
        no_files()
    }

    fn exists(&self, _: &str) -> bool {
        false
    }

    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn directory(&self) -> Result<String> {
        Ok("/".to_owned())
    }
}

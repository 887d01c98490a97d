//! An environment whose standard streams are a pipe's.

use super::line::Errors;
use crate::environment::{Environment, HostOptions, Sink, Source, Standard, StreamOptions};
use crate::keychain::Keychain;
use crate::world::bytes::Bytes;
use drydock_core::Result;
use drydock_core::build::ignore::Ignore;
use drydock_core::engine::{Engine, PathStat};
use drydock_core::io::{Input, Io, Size, Stream};
use std::collections::VecDeque;
use std::io::{Cursor, Read, Write};
use std::sync::Arc;

/// Passes everything on, but for standard streams that are led elsewhere.
pub(super) struct Captured<'a> {
    inner: &'a mut dyn Environment,
    input: Option<Vec<u8>>,
    kept: Option<Bytes>,
    errors: Errors,
    gone: std::io::Sink,
}

impl<'a> Captured<'a> {
    /// With this input instead of the environment's, and output kept or not.
    pub fn new(inner: &'a mut dyn Environment, input: Option<Vec<u8>>, keep: bool, errors: Errors) -> Self {
        Self { inner, input, kept: keep.then(Bytes::default), errors, gone: std::io::sink() }
    }

    /// What was kept.
    pub fn finish(self) -> Vec<u8> {
        self.kept.map(|kept| kept.take()).unwrap_or_default()
    }
}

impl Environment for Captured<'_> {
    fn open(&mut self, options: &HostOptions) -> Result<Arc<dyn Engine>> {
        self.inner.open(options)
    }

    fn out(&mut self) -> &mut dyn Write {
        match &mut self.kept {
            Some(kept) => kept,
            None => self.inner.out(),
        }
    }

    fn err(&mut self) -> &mut dyn Write {
        match (self.errors, &mut self.kept) {
            (Errors::Gone, _) => &mut self.gone,
            (Errors::WithOutput, Some(kept)) => kept,
            (Errors::WithOutput, None) => self.inner.out(),
            (Errors::Shown, _) => self.inner.err(),
        }
    }

    fn is_terminal(&self, stream: Standard) -> bool {
        match stream {
            Standard::Input => self.input.is_none() && self.inner.is_terminal(stream),
            Standard::Output => self.kept.is_none() && self.inner.is_terminal(stream),
            Standard::Error => self.errors == Errors::Shown && self.inner.is_terminal(stream),
        }
    }

    fn size(&self) -> Option<Size> {
        self.inner.size()
    }

    fn streams(&mut self, options: StreamOptions) -> Result<Box<dyn Io>> {
        if self.input.is_none() && self.kept.is_none() && self.errors == Errors::Shown {
            return self.inner.streams(options);
        }
        let inner = self.inner.streams(StreamOptions { terminal: options.terminal && self.kept.is_none(), ..options })?;
        let input = self.input.take().map(|bytes| VecDeque::from([Input::Bytes(bytes), Input::Closed]));
        Ok(Box::new(CapturedIo { inner, input, kept: self.kept.clone(), errors: self.errors }))
    }

    fn source(&mut self, path: &str) -> Result<Source> {
        match (path, self.input.take()) {
            ("-", Some(bytes)) => {
                let size = u64::try_from(bytes.len()).ok();
                Ok(Source { reader: Box::new(Cursor::new(bytes)), size })
            }
            (_, input) => {
                self.input = input;
                self.inner.source(path)
            }
        }
    }

    fn create_file(&mut self, path: &str, content: &[u8]) -> Result<()> {
        self.inner.create_file(path, content)
    }

    fn write_file(&mut self, path: &str, content: &[u8]) -> Result<()> {
        self.inner.write_file(path, content)
    }

    fn sink(&mut self, path: &str) -> Result<Box<dyn Sink>> {
        self.inner.sink(path)
    }

    fn look(&mut self, path: &str, follow: bool) -> Result<Option<PathStat>> {
        self.inner.look(path, follow)
    }

    fn pack(&mut self, path: &str, follow: bool, name: &str) -> Result<Source> {
        self.inner.pack(path, follow, name)
    }

    fn context(&mut self, path: &str, ignore: &Ignore) -> Result<Source> {
        self.inner.context(path, ignore)
    }

    fn make_directory(&mut self, path: &str) -> Result<()> {
        self.inner.make_directory(path)
    }

    fn unpack(&mut self, directory: &str, archive: &mut dyn Read, owners: bool) -> Result<()> {
        self.inner.unpack(directory, archive, owners)
    }

    fn exists(&self, path: &str) -> bool {
        self.inner.exists(path)
    }

    fn keychain(&mut self, options: &HostOptions) -> Result<Box<dyn Keychain>> {
        self.inner.keychain(options)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.inner.variable(name)
    }

    fn pace(&mut self, time: std::time::Duration) {
        self.inner.pace(time);
    }

    fn directory(&self) -> Result<String> {
        self.inner.directory()
    }
}

/// A container's streams in a pipe.
struct CapturedIo {
    inner: Box<dyn Io>,
    input: Option<VecDeque<Input>>,
    kept: Option<Bytes>,
    errors: Errors,
}

impl Io for CapturedIo {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> Result<()> {
        let to_output = match (stream, self.errors) {
            (Stream::Stdout, _) | (Stream::Stderr, Errors::WithOutput) => true,
            (Stream::Stderr, Errors::Gone) => return Ok(()),
            (Stream::Stderr, Errors::Shown) => false,
        };
        match &mut self.kept {
            Some(kept) if to_output => {
                kept.put(bytes);
                Ok(())
            }
            _ => self.inner.output(if to_output { Stream::Stdout } else { stream }, bytes),
        }
    }

    fn input(&mut self, block: bool) -> Result<Input> {
        match &mut self.input {
            // The end is told once; after it there is nothing, as on a terminal.
            Some(left) => Ok(left.pop_front().unwrap_or(Input::Pending)),
            None => self.inner.input(block),
        }
    }

    fn descriptors(&self) -> Vec<i32> {
        if self.input.is_some() { Vec::new() } else { self.inner.descriptors() }
    }
}

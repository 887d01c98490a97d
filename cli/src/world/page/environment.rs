//! The environment of a line that is typed in a page: its files are the simulated host's, and what is typed for its programs is known.

use crate::environment::{CLIENT, Environment, HostOptions, Sink, Source, Standard, StreamOptions};
use crate::keychain::Keychain;
use crate::world::World;
use crate::world::bytes::Bytes;
use drydock_core::build::ignore::Ignore;
use drydock_core::engine::{Engine, PathStat};
use drydock_core::image::changeset::{Packer, Walk};
use drydock_core::image::tar::{Entry, Kind, Writer};
use drydock_core::io::{Input, Io, Size, Stream};
use drydock_core::kernel::{Extract, Kernel as _, OpenTree, Signal, Tree};
use drydock_core::time::{Clock as _, Timestamp};
use drydock_core::{Error, ErrorKind, Result};
use drydock_sim::clock::SimClock;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{Cursor, Read, Write};
use std::rc::Rc;
use std::sync::Arc;

/// The largest file that a command is given, in bytes.
const LARGEST: usize = 1 << 30;

/// What a person has typed for programs that read, line by line.
#[derive(Clone, Default)]
pub(super) struct Typed {
    lines: Rc<RefCell<VecDeque<Vec<u8>>>>,
    /// A program wanted more.
    wanting: Rc<Cell<bool>>,
}

impl Typed {
    pub fn new(lines: &[String]) -> Self {
        let lines = lines.iter().map(|line| format!("{line}\n").into_bytes()).collect();
        Self { lines: Rc::new(RefCell::new(lines)), wanting: Rc::default() }
    }

    pub fn wanting(&self) -> bool {
        self.wanting.get()
    }

    /// All lines that are left, for a command that reads to the end.
    fn rest(&self) -> Vec<u8> {
        self.wanting.set(true);
        self.lines.borrow_mut().drain(..).flatten().collect()
    }

    fn next(&self) -> Input {
        match self.lines.borrow_mut().pop_front() {
            Some(line) => Input::Bytes(line),
            None => {
                self.wanting.set(true);
                Input::Closed
            }
        }
    }
}

/// The environment of one line.
pub(super) struct Inside<'a> {
    world: &'a World,
    directory: String,
    typed: Typed,
    out: Bytes,
    err: Bytes,
}

impl<'a> Inside<'a> {
    pub fn new(world: &'a World, directory: &str, typed: Typed) -> Self {
        Self { world, directory: directory.to_owned(), typed, out: Bytes::default(), err: Bytes::default() }
    }

    /// What was written to standard output and to standard error.
    pub fn finish(self) -> (Vec<u8>, Vec<u8>) {
        (self.out.take(), self.err.take())
    }

    fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", self.directory.trim_end_matches('/')) }
    }

    fn tree(&self, path: &str, follow: bool) -> Result<Box<dyn OpenTree>> {
        let top = self.world.host().kernel().tree(&Tree::Directory { path: "/".to_owned() });
        top?.below(&self.absolute(path), follow).map_err(|e| failed("open", path, &e))
    }

    fn put(&self, path: &str, content: &[u8]) -> Result<()> {
        let absolute = self.absolute(path);
        let put = self.world.host().look(|world| {
            let ctx = world.kernel_ctx();
            world.put_file(&ctx, &absolute, 0o644, content)
        });
        put.map(drop)
            .map_err(|errno| Error::new(ErrorKind::System, format!("open {path}: {errno}").to_lowercase()).op(CLIENT).subject(path))
    }
}

/// An error in the words of Go's programs: `open /x: no such file or directory`.
fn failed(what: &str, path: &str, error: &Error) -> Error {
    let words = if error.kind() == ErrorKind::NotFound { "no such file or directory" } else { error.message() };
    Error::new(error.kind(), format!("{what} {path}: {words}")).op(CLIENT).subject(path)
}

impl Environment for Inside<'_> {
    fn open(&mut self, _: &HostOptions) -> Result<Arc<dyn Engine>> {
        Ok(self.world.engine())
    }

    fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    fn err(&mut self) -> &mut dyn Write {
        &mut self.err
    }

    fn is_terminal(&self, stream: Standard) -> bool {
        // One can type at a console of lines, and nothing can be drawn on it.
        stream == Standard::Input
    }

    fn size(&self) -> Option<Size> {
        None
    }

    fn streams(&mut self, options: StreamOptions) -> Result<Box<dyn Io>> {
        let typed = options.stdin.then(|| self.typed.clone());
        let patience = Patience { clock: self.world.host().clock(), since: None, signals: 0 };
        Ok(Box::new(Lines { typed, patience, out: self.out.clone(), err: self.err.clone() }))
    }

    fn source(&mut self, path: &str) -> Result<Source> {
        let bytes = if path == "-" {
            self.typed.rest()
        } else {
            self.world.host().kernel().read(&self.absolute(path), 0, LARGEST).map_err(|e| failed("open", path, &e))?
        };
        let size = u64::try_from(bytes.len()).ok();
        Ok(Source { reader: Box::new(Cursor::new(bytes)), size })
    }

    fn sink(&mut self, path: &str) -> Result<Box<dyn Sink>> {
        self.put(path, b"").map_err(|e| Error::invalid(format!("invalid output path: {}", e.message())).op(CLIENT))?;
        Ok(Box::new(Whole { kernel: self.world.host().kernel(), path: self.absolute(path), bytes: Vec::new() }))
    }

    fn look(&mut self, path: &str, follow: bool) -> Result<Option<PathStat>> {
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        match self.tree(path, follow) {
            Ok(mut tree) => Ok(tree.look(b"")?.map(|found| PathStat::of(name, &found))),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn pack(&mut self, path: &str, follow: bool, name: &str) -> Result<Source> {
        let archive = Packer::new(Walk::whole(self.tree(path, follow)?, name.as_bytes())?);
        Ok(Source { reader: Box::new(archive), size: None })
    }

    fn context(&mut self, path: &str, ignore: &Ignore) -> Result<Source> {
        let archive = drydock_core::build::place::context(self.tree(path, true)?, ignore)?;
        Ok(Source { reader: Box::new(archive), size: None })
    }

    fn make_directory(&mut self, path: &str) -> Result<()> {
        let absolute = self.absolute(path);
        let made = self.world.host().look(|world| {
            let ctx = world.kernel_ctx();
            world.make_dirs(&ctx, &absolute, 0o755, (0, 0))
        });
        made.map(drop).map_err(|errno| Error::new(ErrorKind::System, format!("mkdir {path}: {errno}").to_lowercase()).op(CLIENT))
    }

    fn unpack(&mut self, directory: &str, archive: &mut dyn Read, owners: bool) -> Result<()> {
        let how = Extract { keep_kinds: true, owner: (!owners).then_some((0, 0)) };
        self.tree(directory, true)?.extract(archive, &how)
    }

    fn create_file(&mut self, path: &str, content: &[u8]) -> Result<()> {
        if self.exists(path) {
            return Err(Error::new(ErrorKind::System, format!("open {path}: file exists")).op(CLIENT).subject(path));
        }
        self.put(path, content)
    }

    fn write_file(&mut self, path: &str, content: &[u8]) -> Result<()> {
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.make_directory(parent)?;
        }
        self.put(path, content)
    }

    fn exists(&self, path: &str) -> bool {
        self.tree(path, true).is_ok()
    }

    fn keychain(&mut self, _: &HostOptions) -> Result<Box<dyn Keychain>> {
        (self.world.keychain())()
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| "/root".to_owned())
    }

    fn directory(&self) -> Result<String> {
        Ok(self.directory.clone())
    }
}

/// A file that is written to the disk when it is whole.
struct Whole {
    kernel: drydock_sim::kernel::SimKernel,
    path: String,
    bytes: Vec<u8>,
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink for Whole {
    fn finish(self: Box<Self>) -> Result<()> {
        let (directory, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let mut archive = Writer::new(Vec::new());
        archive.append(&Entry::new(name, Kind::File), &self.bytes)?;
        let top = Tree::Directory { path: format!("{directory}/") };
        self.kernel.tree(&top)?.extract(&mut archive.finish()?.as_slice(), &Extract::default())
    }
}

/// The streams of a container at a console of lines.
struct Lines {
    typed: Option<Typed>,
    patience: Patience,
    out: Bytes,
    err: Bytes,
}

/// How long a person watches a program that does not end.
struct Patience {
    clock: SimClock,
    since: Option<Timestamp>,
    signals: u32,
}

/// How much virtual time a person gives a program that is watched, before Ctrl-C; and as much again before it is killed.
const PATIENCE: u64 = 60;

impl Patience {
    /// What the person's hands do now, if it is time for that.
    fn runs_out(&mut self) -> Option<Input> {
        let now = self.clock.now();
        let since = *self.since.get_or_insert(now);
        let due = since.0 + PATIENCE * 1_000_000_000 * u64::from(self.signals + 1);
        (now.0 >= due).then(|| {
            self.signals += 1;
            Input::Signal(if self.signals == 1 { Signal::INT } else { Signal::KILL })
        })
    }
}

impl Io for Lines {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> Result<()> {
        let to = if stream == Stream::Stdout { &self.out } else { &self.err };
        to.put(bytes);
        Ok(())
    }

    fn input(&mut self, block: bool) -> Result<Input> {
        // Somebody types when the program has come to rest, and not before.
        match &self.typed {
            _ if !block => Ok(self.patience.runs_out().unwrap_or(Input::Pending)),
            Some(typed) => Ok(typed.next()),
            None => Ok(Input::Closed),
        }
    }

    fn descriptors(&self) -> Vec<i32> {
        Vec::new()
    }
}

//! Files, variables and standard streams of this process.

use super::sink::WholeFile;
use super::streams::Streams;
use crate::environment::{CLIENT, Environment, HostOptions, Sink, Source, Standard, StreamOptions};
use crate::keychain::{Forgetful, Keychain};
use drydock_core::build::ignore::Ignore;
use drydock_core::engine::{Engine, PathStat};
use drydock_core::image::changeset::{Packer, Walk};
use drydock_core::io::{Io, Size};
use drydock_core::kernel::{Extract, Facts, OpenTree};
use drydock_core::{Error, ErrorKind, Result};
use std::io::{IsTerminal as _, Read, Write};
use std::sync::Arc;

/// What opens hosts and runs the commands that only this program has.
pub trait Opener {
    /// Opens the engine of a host.
    fn open(&mut self, options: &HostOptions) -> Result<Arc<dyn Engine>>;
    /// What a host is, without its engine.
    fn facts(&mut self, options: &HostOptions) -> Result<Facts>;
    /// Opens files of this machine's as a tree.
    fn tree(&mut self, path: &str, follow: bool) -> Result<Box<dyn OpenTree>>;
    /// The commands of this program's own that its help lists.
    fn own_commands(&self) -> &'static [(&'static str, &'static str)];
    /// Runs a command of this program's own.
    fn own_command(&mut self, name: &str, args: &[String], options: &HostOptions) -> Option<i32>;
}

/// The environment of a real process.
pub struct Native<O> {
    opener: O,
    out: std::io::Stdout,
    err: std::io::Stderr,
}

impl<O: Opener> Native<O> {
    /// The environment of this process.
    pub fn new(opener: O) -> Self {
        Self { opener, out: std::io::stdout(), err: std::io::stderr() }
    }
}

/// An error of the system's in the words of Go's programs, which is how Docker's users know it: `open /x: no such file or directory`.
fn failed(what: &str, path: &str, error: &std::io::Error) -> Error {
    let words = error.raw_os_error().map(|code| nix::errno::Errno::from_raw(code).desc().to_lowercase());
    let words = words.unwrap_or_else(|| error.to_string());
    let kind = if error.kind() == std::io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::System };
    Error::new(kind, format!("{what} {path}: {words}")).op(CLIENT).subject(path)
}

impl<O: Opener> Environment for Native<O> {
    fn open(&mut self, options: &HostOptions) -> Result<Arc<dyn Engine>> {
        self.opener.open(options)
    }

    fn facts(&mut self, options: &HostOptions) -> Result<Facts> {
        self.opener.facts(options)
    }

    fn own_commands(&self) -> &'static [(&'static str, &'static str)] {
        self.opener.own_commands()
    }

    fn own_command(&mut self, name: &str, args: &[String], options: &HostOptions) -> Option<i32> {
        self.opener.own_command(name, args, options)
    }

    fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    fn err(&mut self) -> &mut dyn Write {
        &mut self.err
    }

    fn is_terminal(&self, stream: Standard) -> bool {
        match stream {
            Standard::Input => std::io::stdin().is_terminal(),
            Standard::Output => self.out.is_terminal(),
            Standard::Error => self.err.is_terminal(),
        }
    }

    fn size(&self) -> Option<Size> {
        super::terminal::size()
    }

    fn streams(&mut self, options: StreamOptions) -> Result<Box<dyn Io>> {
        Ok(Box::new(Streams::new(options)?))
    }

    fn source(&mut self, path: &str) -> Result<Source> {
        if path == "-" {
            return Ok(Source { reader: Box::new(std::io::stdin()), size: None });
        }
        let file = std::fs::File::open(path).map_err(|e| failed("open", path, &e))?;
        let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
        Ok(Source { reader: Box::new(file), size })
    }

    fn sink(&mut self, path: &str) -> Result<Box<dyn Sink>> {
        WholeFile::create(path).map(|file| Box::new(file) as Box<dyn Sink>)
    }

    fn look(&mut self, path: &str, follow: bool) -> Result<Option<PathStat>> {
        let mut tree = match self.opener.tree(path, follow) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let name = std::path::Path::new(path).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(tree.look(b"")?.map(|found| PathStat::of(&name, &found)))
    }

    fn pack(&mut self, path: &str, follow: bool, name: &str) -> Result<Source> {
        let archive = Packer::new(Walk::whole(self.opener.tree(path, follow)?, name.as_bytes())?);
        Ok(Source { reader: Box::new(archive), size: None })
    }

    fn context(&mut self, path: &str, ignore: &Ignore) -> Result<Source> {
        let archive = drydock_core::build::place::context(self.opener.tree(path, true)?, ignore)?;
        Ok(Source { reader: Box::new(archive), size: None })
    }

    fn make_directory(&mut self, path: &str) -> Result<()> {
        std::fs::create_dir_all(path).map_err(|e| failed("mkdir", path, &e))
    }

    fn unpack(&mut self, directory: &str, archive: &mut dyn Read, owners: bool) -> Result<()> {
        let me = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        let how = Extract { keep_kinds: true, owner: (!owners).then_some(me) };
        self.opener.tree(directory, true)?.extract(archive, &how)
    }

    fn create_file(&mut self, path: &str, content: &[u8]) -> Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(|e| failed("open", path, &e))?;
        file.write_all(content).map_err(|e| failed("write", path, &e))
    }

    fn write_file(&mut self, path: &str, content: &[u8]) -> Result<()> {
        if let Some(parent) = std::path::Path::new(path).parent() {
            std::fs::create_dir_all(parent).map_err(|e| failed("mkdir", &parent.to_string_lossy(), &e))?;
        }
        std::fs::write(path, content).map_err(|e| failed("open", path, &e))
    }

    fn exists(&self, path: &str) -> bool {
        std::path::Path::new(path).exists()
    }

    fn keychain(&mut self, options: &HostOptions) -> Result<Box<dyn Keychain>> {
        // Nobody's real credentials are shown to a simulated registry, and no simulated ones are kept among real ones.
        if options.host.as_deref().is_some_and(|host| host.starts_with("sim")) {
            return Ok(Box::new(Forgetful::default()));
        }
        Ok(Box::new(super::keychain::Files::of_user(options.config.as_deref())))
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn pace(&mut self, time: std::time::Duration) {
        std::thread::sleep(time);
    }

    fn directory(&self) -> Result<String> {
        let path = std::env::current_dir().map_err(|e| failed("getwd", "", &e))?;
        path.into_os_string().into_string().map_err(|_| Error::invalid("the working directory's name is not UTF-8").op(CLIENT))
    }
}

//! A simulated host: fresh for one command, or kept in a file as the history of its commands.

use drydock::history::{self, Entry, Header, Recorder, Tape};
use drydock::world::{SEED, World};
use drydock::{Environment, HostOptions};
use drydock_core::engine::Engine;
use drydock_core::{Error, ErrorKind, Result};
use drydock_sim::Ran;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::sync::Arc;

pub(super) fn seed() -> Result<u64> {
    match std::env::var("DRYDOCK_SEED") {
        Ok(text) => text.parse().map_err(|_| Error::invalid(format!("DRYDOCK_SEED is no number: {}", text.escape_debug()))),
        Err(_) => Ok(SEED),
    }
}

/// A fresh world for one command.
pub(super) fn open() -> Result<Arc<dyn Engine>> {
    Ok(World::new(seed()?)?.engine())
}

/// The command that runs a program on the simulated host itself, beside the containers: `drydock sim [--] PROGRAM [ARG...]`;
/// without a program, a terminal.
pub(super) const COMMAND: &str = drydock::world::PROGRAM;

const USAGE: &str = "drydock: 'drydock sim' requires at least 1 argument\n\nUsage:  drydock --host sim:FILE sim [--] PROGRAM [ARG...]";

/// Opens a terminal, or runs a program on a fresh simulated host.
pub(super) fn on_fresh_host(args: &[String], options: &HostOptions) -> i32 {
    #[cfg(unix)]
    if args.first().is_none_or(|word| word.starts_with("--") && word != "--") {
        return super::terminal::run(args, None);
    }
    if options.host.as_deref() != Some("sim") {
        eprintln!("drydock: this host is not simulated; use --host sim:FILE");
        return 1;
    }
    let ran = seed().and_then(World::new).map(|world| on_host(&world, args));
    ran.map_or_else(|e| tell(&e, &mut std::io::stderr()), |ran| print(&ran, &mut std::io::stdout(), &mut std::io::stderr()))
}

/// Passes on what a program of the host wrote; answers its exit code.
fn print(ran: &Ran, out: &mut dyn Write, err: &mut dyn Write) -> i32 {
    let written = out.write_all(&ran.stdout).and_then(|()| out.flush()).and_then(|()| err.write_all(&ran.stderr));
    if written.is_ok() { ran.code } else { 1 }
}

fn on_host(world: &World, args: &[String]) -> Ran {
    let named = args.iter().skip(usize::from(args.first().is_some_and(|a| a == "--"))).count() > 0;
    if !named {
        return Ran { code: 1, stdout: Vec::new(), stderr: format!("{USAGE}\n").into_bytes() };
    }
    world.run_program(args)
}

fn tell(error: &Error, err: &mut dyn Write) -> i32 {
    let _ = writeln!(err, "drydock: {error}");
    error.exit_code_of_run()
}

/// Runs a command in the world that is kept in a file, and adds it to the file.
pub(crate) fn run(path: &str, command: &[String], options: HostOptions, environment: &mut dyn Environment) -> i32 {
    match try_run(path, command, options, environment) {
        Ok(code) => code,
        Err(error) => tell(&error, environment.err()),
    }
}

fn try_run(path: &str, command: &[String], options: HostOptions, environment: &mut dyn Environment) -> Result<i32> {
    #[cfg(unix)]
    if matches!(command, [only] if only == COMMAND) {
        return Ok(super::terminal::run(&[], Some(path)));
    }
    let mut file = WorldFile::open(path)?;
    if let Some((first, args)) = command.split_first()
        && first == COMMAND
    {
        let ran = on_host(&file.world, args);
        file.add(&Entry { args: command.to_vec(), answers: Vec::new() })?;
        return Ok(print(&ran, &mut std::io::stdout(), &mut std::io::stderr()));
    }
    let tape = Tape::default();
    let mut recorder = Recorder::new(environment, file.world.engine(), tape.clone()).with_keychain(file.world.keychain());
    let code = drydock::run_on(command, options, &mut recorder);
    let opened = recorder.opened();
    if opened {
        file.add(&Entry { args: command.to_vec(), answers: tape.answers() })?;
    }
    Ok(code)
}

/// A world that is kept in a file, and the file, locked: one command at a time, each begins where the last one ended.
pub(super) struct WorldFile {
    /// What the file's history made.
    pub world: World,
    /// Its first line.
    pub header: Header,
    file: File,
    path: String,
    /// How much of the file is whole.
    end: usize,
}

impl WorldFile {
    /// Opens a file, or makes one, and does again what it tells.
    pub fn open(path: &str) -> Result<Self> {
        Self::open_with(path, seed()?)
    }

    /// The same, with this seed for a world that nothing has happened in.
    pub fn open_with(path: &str, fresh: u64) -> Result<Self> {
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(wrong("open", path))?;
        file.lock().map_err(wrong("lock", path))?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(wrong("read", path))?;
        // A line without its end is a command whose recording was cut off; it did not happen.
        let end = text.rfind('\n').map_or(0, |end| end + 1);
        let (header, entries) = history::read(text.get(..end).unwrap_or_default(), fresh)?;
        let world = World::new(header.seed)?;
        for entry in &entries {
            world.replay(entry);
        }
        Ok(Self { world, header, file, path: path.to_owned(), end })
    }

    /// Adds what was done.
    pub fn add(&mut self, entry: &Entry) -> Result<()> {
        self.end += append(&mut self.file, self.end, &self.header, entry).map_err(wrong("write", &self.path))?;
        Ok(())
    }
}

fn wrong<'a>(what: &'static str, path: &'a str) -> impl Fn(std::io::Error) -> Error + 'a {
    move |e| Error::new(ErrorKind::System, format!("{what} {path}")).op(what).subject(path).source(e)
}

/// Answers how many bytes were added.
fn append(file: &mut File, at: usize, header: &Header, entry: &Entry) -> std::io::Result<usize> {
    let mut lines = if at == 0 { history::line(header).map_err(std::io::Error::other)? } else { String::new() };
    lines.push_str(&history::line(entry).map_err(std::io::Error::other)?);
    let at = u64::try_from(at).map_err(std::io::Error::other)?;
    file.set_len(at)?;
    file.seek(SeekFrom::Start(at))?;
    file.write_all(lines.as_bytes())?;
    Ok(lines.len())
}

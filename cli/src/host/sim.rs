//! A simulated host: fresh for one command, or kept in a file as the history of its commands.

use super::keychain::OnDisk;
use drydock::history::{self, Entry, Header, KeychainOf, Recorder, Replay, Tape};
use drydock::{Environment, HostOptions};
use drydock_core::engine::Engine;
use drydock_core::{Error, ErrorKind, Result};
use drydock_sim::{SimConfig, SimHost, image, programs};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::sync::Arc;
use std::time::Duration;

/// How far the clock goes on from one command to the next.
const BETWEEN: Duration = Duration::from_secs(1);

/// What a world's chance comes from unless DRYDOCK_SEED says otherwise.
const SEED: u64 = 1;

/// The images that every simulated host begins with: name, program that must be simulated, changes.
const IMAGES: [(&str, &str, &[&str]); 2] = [
    ("busybox", "sh", &["CMD [\"sh\"]", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]),
    (
        "nginx",
        "nginx",
        &[
            "CMD [\"nginx\",\"-g\",\"daemon off;\"]",
            "EXPOSE 80",
            "STOPSIGNAL SIGQUIT",
            "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ],
    ),
];

/// A simulated host and its engine.
struct World {
    host: SimHost,
    engine: Arc<dyn Engine>,
}

impl World {
    fn new(seed: u64) -> Result<Self> {
        let host = SimHost::new(SimConfig { seed, ..SimConfig::default() });
        let engine = host.engine()?;
        let root = image::busybox()?;
        for (name, program, changes) in IMAGES {
            if programs::registry().iter().any(|(known, _)| *known == program) {
                let changes: Vec<String> = changes.iter().map(|c| (*c).to_owned()).collect();
                engine.import(&mut root.as_slice(), &drydock_core::engine::ImportRequest::of(name, &changes, "simulated programs"))?;
            }
        }
        Ok(Self { host, engine })
    }

    /// What opens the keychain on its disk.
    fn keychain(&self) -> KeychainOf {
        let kernel = Arc::new(self.host.kernel());
        Box::new(move || Ok(Box::new(OnDisk(Arc::clone(&kernel)))))
    }
}

fn seed() -> Result<u64> {
    match std::env::var("DRYDOCK_SEED") {
        Ok(text) => text.parse().map_err(|_| Error::invalid(format!("DRYDOCK_SEED is no number: {}", text.escape_debug()))),
        Err(_) => Ok(SEED),
    }
}

/// A fresh world for one command.
pub(super) fn open() -> Result<Arc<dyn Engine>> {
    Ok(World::new(seed()?)?.engine)
}

/// The command that runs a program on the simulated host itself, beside the containers: `drydock sim [--] PROGRAM [ARG...]`.
pub(super) const COMMAND: &str = "sim";

const USAGE: &str = "drydock: 'drydock sim' requires at least 1 argument\n\nUsage:  drydock --host sim:FILE sim [--] PROGRAM [ARG...]";

/// Runs a program on a fresh simulated host.
pub(super) fn on_fresh_host(args: &[String], options: &HostOptions) -> i32 {
    if options.host.as_deref() != Some("sim") {
        eprintln!("drydock: this host is not simulated; use --host sim:FILE");
        return 1;
    }
    let ran = seed().and_then(World::new).map(|world| on_host(&world, args));
    ran.map_or_else(|e| tell(&e, &mut std::io::stderr()), |ran| ran.print(&mut std::io::stdout(), &mut std::io::stderr()))
}

/// What a program of the host left.
struct Ran {
    code: i32,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Ran {
    /// Passes on what it wrote; answers its exit code.
    fn print(&self, out: &mut dyn Write, err: &mut dyn Write) -> i32 {
        let written = out.write_all(&self.stdout).and_then(|()| out.flush()).and_then(|()| err.write_all(&self.stderr));
        if written.is_ok() { self.code } else { 1 }
    }
}

fn on_host(world: &World, args: &[String]) -> Ran {
    let words: Vec<&str> = args.iter().map(String::as_str).skip(usize::from(args.first().is_some_and(|a| a == "--"))).collect();
    if words.is_empty() {
        return Ran { code: 1, stdout: Vec::new(), stderr: format!("{USAGE}\n").into_bytes() };
    }
    let ran = world.host.run(&words);
    if ran.code >= 0 {
        return Ran { code: ran.code, stdout: ran.stdout, stderr: ran.stderr };
    }
    let mut stderr = ran.stderr;
    stderr.extend_from_slice(b"drydock: the program waits for something that will never come in this world, and was ended\n");
    Ran { code: 1, stdout: ran.stdout, stderr }
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
    let wrong = |what: &'static str| {
        move |e: std::io::Error| Error::new(ErrorKind::System, format!("{what} {path}")).op(what).subject(path).source(e)
    };
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(wrong("open"))?;
    // One command at a time: each begins where the last one ended.
    file.lock().map_err(wrong("lock"))?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(wrong("read"))?;
    // A line without its end is a command whose recording was cut off; it did not happen.
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let (header, entries) = history::read(text.get(..whole).unwrap_or_default(), seed()?)?;
    let world = World::new(header.seed)?;
    for entry in &entries {
        match entry.args.split_first() {
            Some((first, args)) if first == COMMAND => drop(on_host(&world, args)),
            _ => {
                drydock::run_on(
                    &entry.args,
                    HostOptions::default(),
                    &mut Replay::new(Arc::clone(&world.engine), entry).with_keychain(world.keychain()),
                );
            }
        }
        world.host.advance(BETWEEN);
    }
    if let Some((first, args)) = command.split_first()
        && first == COMMAND
    {
        let ran = on_host(&world, args);
        append(&mut file, whole, &header, &Entry { args: command.to_vec(), answers: Vec::new() }).map_err(wrong("write"))?;
        return Ok(ran.print(&mut std::io::stdout(), &mut std::io::stderr()));
    }
    let tape = Tape::default();
    let mut recorder = Recorder::new(environment, Arc::clone(&world.engine), tape.clone()).with_keychain(world.keychain());
    let code = drydock::run_on(command, options, &mut recorder);
    if recorder.opened() {
        let entry = Entry { args: command.to_vec(), answers: tape.answers() };
        append(&mut file, whole, &header, &entry).map_err(wrong("write"))?;
    }
    Ok(code)
}

fn append(file: &mut File, at: usize, header: &Header, entry: &Entry) -> std::io::Result<()> {
    let mut lines = if at == 0 { history::line(header).map_err(std::io::Error::other)? } else { String::new() };
    lines.push_str(&history::line(entry).map_err(std::io::Error::other)?);
    let at = u64::try_from(at).map_err(std::io::Error::other)?;
    file.set_len(at)?;
    file.seek(SeekFrom::Start(at))?;
    file.write_all(lines.as_bytes())
}

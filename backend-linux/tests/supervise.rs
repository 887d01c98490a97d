//! The supervisor process and its clients on the real kernel, with a small mind in place of core's.

mod common;

use common::{Place, container};
use drydock_core::container::log::{LogConfig, Sink};
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::id::ContainerId;
use drydock_core::io::{Attach, Ended, Input, Io, Stream};
use drydock_core::kernel::{Attachment, Kernel, Launch, Request, Signal, Streams};
use drydock_core::supervise::{Event, Reaction};
use drydock_linux::LinuxKernel;
use drydock_linux::supervisor::{self, Settings};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if let [_, word, _, data, _, run, id] = args.as_slice()
        && word == "supervise"
    {
        supervise(data, run, &ContainerId::new(id.as_str())).expect("supervises");
        return ExitCode::SUCCESS;
    }
    common::main(&[
        ("what a container writes arrives whole, and its exit code with it", output),
        ("input reaches the program, and its end too", input),
        ("an error of the start is the starter's, and leaves nothing", start_error),
        ("a supervisor that nobody asks ends", abandoned),
        ("detach keys leave and a second client finds it running", detach),
        ("killing the supervisor kills the container", killed),
        ("a slow client holds the output back and loses none", slow),
        ("a program that reads nothing can be stopped, and its client's death wakes nobody", unread),
        ("a supervisor is small", small),
    ])
}

/// Launches what the test has written down, once.
fn supervise(data: &str, run: &str, id: &ContainerId) -> Result<()> {
    supervisor::close_inherited();
    let kernel = LinuxKernel::open(data, run)?;
    supervisor::enter();
    supervisor::main(&kernel, id, supervisor::inherited()?, || {
        let launch: Launch = serde_json::from_slice(&std::fs::read(format!("{data}/launch.json")).expect("written by the test"))?;
        let (kernel, mut running) = (&kernel, None);
        let mind = move |event| match event {
            Event::Request(Request::Start) => match kernel.launch(&launch).and_then(|p| kernel.release(&p).map(|()| p)) {
                Ok(process) => {
                    running = Some(process.clone());
                    Reaction { reply: Some(Ok(())), watch: Some(process), ..Reaction::default() }
                }
                Err(error) => Reaction { reply: Some(Err(error)), finished: true, ..Reaction::default() },
            },
            Event::Request(Request::Signal(signal) | Request::Stop { signal, .. }) => {
                let reply = running.as_ref().map_or(Ok(()), |process| kernel.signal(process, signal));
                Reaction { reply: Some(reply), ..Reaction::default() }
            }
            Event::Request(
                Request::Resize(_)
                | Request::Update(_)
                | Request::Connect(_)
                | Request::Disconnect(_)
                | Request::Trouble
                | Request::Exec { .. }
                | Request::ResizeExec { .. },
            )
            | Event::Timer
            | Event::ExecEnded { .. } => Reaction::default(),
            Event::Exited(_) | Event::Probed { .. } | Event::Abandoned => Reaction { finished: true, ..Reaction::default() },
        };
        let bounds = LogConfig::default().bounds()?;
        let settings = Settings { stdin_once: true, log: Sink { bounds: Some(bounds), ..Sink::default() } };
        Ok((settings, Box::new(mind) as supervisor::Mind<'_>))
    })
}

/// A person who has typed everything beforehand.
#[derive(Default)]
struct Person {
    types: Vec<Input>,
    out: Vec<u8>,
    err: Vec<u8>,
    /// How long it takes to read what arrives.
    slowness: Duration,
}

impl Io for Person {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> Result<()> {
        std::thread::sleep(self.slowness);
        match stream {
            Stream::Stdout => self.out.extend_from_slice(bytes),
            Stream::Stderr => self.err.extend_from_slice(bytes),
        }
        Ok(())
    }

    fn input(&mut self, _block: bool) -> Result<Input> {
        Ok(if self.types.is_empty() { Input::Pending } else { self.types.remove(0) })
    }

    fn descriptors(&self) -> Vec<i32> {
        Vec::new()
    }
}

struct Run {
    kernel: LinuxKernel,
    id: ContainerId,
}

impl Run {
    fn new(place: &Place, streams: Streams, command: &[&str]) -> Self {
        let launch = container(place, streams, vec![], vec![], command, false);
        std::fs::write(place.path("data/launch.json"), serde_json::to_vec(&launch).expect("serializes")).expect("writes");
        let id = ContainerId::new("ab".repeat(32));
        std::fs::create_dir_all(place.path(&format!("data/containers/{id}"))).expect("makes");
        let kernel = LinuxKernel::open(&place.path("data"), &place.path("run")).expect("opens");
        kernel.supervise(&id).expect("starts a supervisor");
        Self { kernel, id }
    }

    fn attach(&self, stdin: bool) -> Box<dyn Attachment> {
        self.kernel.attach(&self.id, &Attach { stdin, ..Attach::default() }).expect("attaches")
    }

    fn start(&self) {
        self.kernel.request(&self.id, &Request::Start).expect("starts");
    }

    fn over(&self, place: &Place) {
        assert!(self.kernel.wait(&self.id, Some(Duration::from_secs(5))).expect("waits"), "the supervisor ends");
        assert_eq!(std::fs::read_dir(place.path("run/locks")).expect("lists").count(), 0, "no lock is left");
        assert_eq!(std::fs::read_dir(place.path("run/s")).expect("lists").count(), 0, "no socket is left");
    }
}

const PIPES: Streams = Streams::Pipes { stdin: true };

fn output(place: &Place) {
    let run = Run::new(place, PIPES, &["sh", "-c", "echo out; echo err >&2; yes | head -c 1000000; exit 5"]);
    let mut attachment = run.attach(false);
    run.start();
    let mut person = Person::default();
    assert_eq!(attachment.pump(&mut person).expect("pumps"), Ended::Exited(5));
    assert_eq!((person.out.len(), person.err.as_slice()), (1_000_004, b"err\n".as_slice()));
    run.over(place);
    let log = std::fs::read_to_string(place.path(&format!("data/containers/{0}/{0}-json.log", run.id))).expect("a log");
    assert_eq!(log.lines().count(), 500_002);
    assert!(log.contains("{\"log\":\"err\\n\",\"stream\":\"stderr\",\"time\":\"20"));
}

fn input(place: &Place) {
    let run = Run::new(place, PIPES, &["cat"]);
    let mut attachment = run.attach(true);
    run.start();
    let text = "line\n".repeat(100_000);
    let mut person = Person { types: vec![Input::Bytes(text.clone().into_bytes()), Input::Closed], ..Person::default() };
    assert_eq!(attachment.pump(&mut person).expect("pumps"), Ended::Exited(0));
    assert!(person.out == text.as_bytes(), "{} of {} bytes came back", person.out.len(), text.len());
    run.over(place);
}

fn start_error(place: &Place) {
    let run = Run::new(place, PIPES, &["nope"]);
    let error: Error = run.kernel.request(&run.id, &Request::Start).expect_err("does not start");
    assert_eq!((error.kind(), error.message()), (ErrorKind::CommandNotFound, "exec: \"nope\": executable file not found in $PATH"));
    run.over(place);
    let error = run.kernel.request(&run.id, &Request::Start).expect_err("nobody is there");
    assert_eq!(error.kind(), ErrorKind::NotRunning);
}

fn abandoned(place: &Place) {
    let run = Run::new(place, PIPES, &["true"]);
    let clash = run.kernel.supervise(&run.id).expect_err("there is one already");
    assert_eq!(clash.kind(), ErrorKind::Conflict);
    drop(run.attach(true));
    run.over(place);
}

fn detach(place: &Place) {
    let streams = Streams::Terminal { stdin: true, rows: 24, cols: 80 };
    let run = Run::new(place, streams, &["sh", "-c", "read a; echo got $a; read b; exit 4"]);
    let mut first = run.attach(true);
    run.start();
    let mut person = Person { types: vec![Input::Bytes(b"one\n\x10\x11".to_vec())], ..Person::default() };
    assert_eq!(first.pump(&mut person).expect("pumps"), Ended::Detached);
    drop(first);
    assert!(!run.kernel.wait(&run.id, Some(Duration::from_millis(50))).expect("waits"), "it goes on");
    let mut second = run.attach(true);
    let mut person = Person { types: vec![Input::Bytes(b"two\n".to_vec())], ..Person::default() };
    assert_eq!(second.pump(&mut person).expect("pumps"), Ended::Exited(4));
    run.over(place);
    let log = std::fs::read_to_string(place.path(&format!("data/containers/{0}/{0}-json.log", run.id))).expect("a log");
    assert!(log.contains("got one\\r\\n"), "{log}");
}

/// Processes whose command line holds a word.
fn processes(word: &str) -> Vec<i32> {
    let all = std::fs::read_dir("/proc").expect("lists").flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|c| String::from_utf8_lossy(&c).contains(word))).collect()
}

fn killed(place: &Place) {
    let run = Run::new(place, PIPES, &["sleep", "87654"]);
    run.start();
    assert_eq!(processes("87654").len(), 1);
    let supervisors = processes(&place.path("data"));
    let [supervisor] = supervisors.as_slice() else { panic!("{supervisors:?}") };
    assert_eq!(
        nix::unistd::getsid(Some(nix::unistd::Pid::from_raw(*supervisor))).map(|p| p.as_raw()),
        Ok(*supervisor),
        "a session of its own"
    );
    let exe = std::fs::File::open(format!("/proc/{supervisor}/exe")).expect("opens");
    let mount = nix::sys::statvfs::fstatvfs(&exe).expect("asks");
    assert!(mount.flags().contains(nix::sys::statvfs::FsFlags::ST_RDONLY), "its program cannot be overwritten through /proc");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(*supervisor), nix::sys::signal::Signal::SIGKILL).expect("kills");
    run.over(place);
    for _ in 0..100 {
        if processes("87654").is_empty() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the container outlives its supervisor");
}

fn slow(place: &Place) {
    let run = Run::new(place, PIPES, &["sh", "-c", "yes 0123456789 | head -c 3000000"]);
    let mut attachment = run.attach(false);
    run.start();
    let mut person = Person { slowness: Duration::from_millis(5), ..Person::default() };
    assert_eq!(attachment.pump(&mut person).expect("pumps"), Ended::Exited(0));
    assert_eq!(person.out.len(), 3_000_000);
    run.over(place);
}

fn small(place: &Place) {
    let run = Run::new(place, PIPES, &["sleep", "100"]);
    run.start();
    let [supervisor] = processes(&place.path("data"))[..] else { panic!("one supervisor") };
    std::thread::sleep(Duration::from_millis(600));
    let text = std::fs::read_to_string(format!("/proc/{supervisor}/smaps_rollup")).expect("reads");
    let pss: u64 = text.lines().find_map(|l| l.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.trim().parse().ok()).expect("Pss");
    println!("     a supervisor without an engine: {pss} KiB proportional set size");
    assert!(pss <= 2 * 1024, "{pss} KiB");
    run.kernel.request(&run.id, &Request::Signal(Signal::KILL)).expect("kills");
    run.over(place);
}

fn unread(place: &Place) {
    let run = Run::new(place, PIPES, &["sleep", "100"]);
    let path = place.path("run/s/") + run.id.as_str().get(..24).expect("an id");
    let socket = supervisor::wire::connect_to(&path).expect("connects").expect("is there");
    let hello = supervisor::wire::Hello { stdin: true, stdout: true, stderr: true, logs: false };
    let say = |frame: supervisor::wire::Frame| supervisor::wire::transmit(&socket, &frame.encode().expect("encodes"), false);
    say(supervisor::wire::Frame::Attach(hello)).expect("sends");
    run.start();
    // Until the pipe, the supervisor's buffer and the socket are full, and then the client is gone.
    let mut sent = 0;
    while sent < 10_000 && say(supervisor::wire::Frame::Input(vec![b'x'; 16 * 1024])).expect("sends") {
        sent += 1;
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(sent < 10_000, "the buffers are bounded");
    drop(socket);
    let [pid] = processes(&place.path("data"))[..] else { panic!("one supervisor") };
    let ticks = || {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("reads");
        text.split(' ').skip(13).take(2).map(|t| t.parse::<u64>().expect("a number")).sum::<u64>()
    };
    let before = ticks();
    std::thread::sleep(Duration::from_millis(500));
    assert!(ticks() - before < 10, "it does not spin");
    run.kernel.request(&run.id, &Request::Signal(Signal::KILL)).expect("is heard");
    run.over(place);
}

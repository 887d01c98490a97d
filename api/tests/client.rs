//! The client and the server face each other over a real socket, with a simulated host behind: what is asked for through Docker's API
//! is what the engine itself would have done. The book shows a part of it.

mod common;

use common::World;
use drydock_api::client::DockerEngine;
use drydock_api::listen;
use drydock_core::ErrorKind;
use drydock_core::container::{ContainerConfig, ExecConfig, NetworkMode, Status};
use drydock_core::docker::Object;
use drydock_core::engine::{Engine, LogsRequest, RemoveOptions};
use drydock_core::io::{Attach, Ended, Input, Io, Stream};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// A server on a socket of its own, gone with the test.
struct Socket(PathBuf);

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A simulated Docker behind a socket, and a client of it.
fn docker() -> (DockerEngine, Socket) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("drydock-client-{}-{}.sock", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let listener = UnixListener::bind(&path).unwrap();
    listener.set_nonblocking(true).unwrap();
    let world = World::new();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::UnixListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(listen::connection(stream, world.api.clone(), world.stop.subscribe()));
            }
        });
    });
    (DockerEngine::open(&format!("unix://{}", path.display())).unwrap(), Socket(path))
}

/// Stands between a client and `server`, and tells what is asked for: the first line of each request.
fn overheard(server: &Socket) -> (DockerEngine, Socket, Arc<Mutex<Vec<String>>>) {
    let path = server.0.with_extension("between");
    let listener = UnixListener::bind(&path).unwrap();
    let (target, asked) = (server.0.clone(), Arc::new(Mutex::new(Vec::new())));
    let heard = Arc::clone(&asked);
    std::thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let (far, heard) = (UnixStream::connect(&target).unwrap(), Arc::clone(&heard));
            let (mut answers, mut back) = (far.try_clone().unwrap(), near.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut answers, &mut back);
                let _ = back.shutdown(Shutdown::Write);
            });
            std::thread::spawn(move || {
                let mut requests = BufReader::new(near);
                let mut line = String::new();
                let _ = requests.read_line(&mut line);
                heard.lock().unwrap().push(line.trim_end().to_owned());
                let _ = (&far).write_all(line.as_bytes()).and_then(|()| std::io::copy(&mut requests, &mut &far));
                let _ = far.shutdown(Shutdown::Write);
            });
        }
    });
    (DockerEngine::open(&format!("unix://{}", path.display())).unwrap(), Socket(path), asked)
}

/// Somebody who types a text and reads what comes.
#[derive(Default)]
struct Person {
    types: Option<Vec<u8>>,
    ended: bool,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Io for Person {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> drydock_core::Result<()> {
        if stream == Stream::Stdout {
            self.out.extend_from_slice(bytes)
        } else {
            self.err.extend_from_slice(bytes)
        }
        Ok(())
    }

    fn input(&mut self, _: bool) -> drydock_core::Result<Input> {
        Ok(match self.types.take() {
            Some(bytes) => Input::Bytes(bytes),
            None if self.ended => Input::Pending,
            None => {
                self.ended = true;
                Input::Closed
            }
        })
    }

    fn descriptors(&self) -> Vec<i32> {
        Vec::new()
    }
}

fn config(args: &[&str]) -> ContainerConfig {
    ContainerConfig {
        image: "busybox".to_owned(),
        command: args.iter().map(|a| (*a).to_owned()).collect(),
        network: NetworkMode::None,
        ..ContainerConfig::default()
    }
}

fn run(engine: &dyn Engine, config: &ContainerConfig, person: &mut Person) -> i32 {
    let id = engine.create(config).unwrap();
    let attach = Attach { stdin: config.open_stdin, logs: true, ..Attach::default() };
    match engine.start_attached(id.as_str(), &attach, person).unwrap() {
        Ended::Exited(code) => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn output_and_exit_codes_come_through() {
    let (engine, _socket) = docker();
    let mut person = Person::default();
    assert_eq!(run(&engine, &config(&["sh", "-c", "echo out; echo err >&2; exit 7"]), &mut person), 7);
    assert_eq!((person.out.as_slice(), person.err.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
}

#[test]
fn many_clients_at_once_lose_nothing() {
    let (engine, _socket) = docker();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let engine = &engine;
            scope.spawn(move || {
                for round in 0..5 {
                    let mut person = Person::default();
                    let script = format!("echo out; echo err >&2; exit {}", n + 1);
                    let code = run(engine, &config(&["sh", "-c", &script]), &mut person);
                    let got = (code, person.out.as_slice(), person.err.as_slice());
                    assert_eq!(got, (n + 1, &b"out\n"[..], &b"err\n"[..]), "client {n}, round {round}");
                }
            });
        }
    });
}

#[test]
fn input_goes_in_and_its_end_too() {
    let (engine, _socket) = docker();
    // More than any buffer on the way holds.
    let typed: Vec<u8> = (0..400_000u32).flat_map(|n| n.to_le_bytes()).collect();
    let mut person = Person { types: Some(typed.clone()), ..Person::default() };
    let config = ContainerConfig { open_stdin: true, stdin_once: true, ..config(&["cat"]) };
    assert_eq!(run(&engine, &config, &mut person), 0);
    assert!(person.out == typed, "{} bytes of {}", person.out.len(), typed.len());
}

#[test]
fn what_is_read_back_is_what_was_asked_for() {
    let (engine, _socket) = docker();
    let mut asked = ContainerConfig { name: Some("box".to_owned()), tty: true, workdir: "/tmp".to_owned(), ..config(&["sleep", "100"]) };
    asked.labels.insert("who".to_owned(), "me".to_owned());
    asked.resources.memory = Some(64 << 20);
    let id = engine.create(&asked).unwrap();
    engine.start("box").unwrap();
    let record = engine.container("box").unwrap();
    assert_eq!((record.id, record.state.status, record.name.as_str()), (id.clone(), Status::Running, "box"));
    assert_eq!((record.config.tty, record.config.workdir.as_str()), (true, "/tmp"));
    assert_eq!(record.config.resources.memory, Some(64 << 20));
    assert_eq!(record.config.labels.get("who").map(String::as_str), Some("me"));
    let listed = engine.containers(false).unwrap();
    assert_eq!(listed.iter().map(|c| (c.name.as_str(), c.status)).collect::<Vec<_>>(), [("box", Status::Running)]);
    let object = engine.inspect(Object::Container { sizes: false }, "box").unwrap();
    assert_eq!(object["Id"], id.as_str());
    engine.remove("box", RemoveOptions { force: true, volumes: true }).unwrap();
    assert!(engine.containers(true).unwrap().is_empty());
}

#[test]
fn refusals_keep_their_kind() {
    let (engine, _socket) = docker();
    let kind = |error: drydock_core::Error| error.kind();
    assert_eq!(kind(engine.container("nosuch").unwrap_err()), ErrorKind::NotFound);
    assert_eq!(kind(engine.create(&ContainerConfig { image: "nosuch".to_owned(), ..config(&["true"]) }).unwrap_err()), ErrorKind::NotFound);
    let id = engine.create(&ContainerConfig { name: Some("twice".to_owned()), ..config(&["true"]) }).unwrap();
    assert_eq!(
        kind(engine.create(&ContainerConfig { name: Some("twice".to_owned()), ..config(&["true"]) }).unwrap_err()),
        ErrorKind::Conflict
    );
    assert_eq!(
        kind(engine.exec_create(id.as_str(), &ExecConfig { command: vec!["true".to_owned()], ..ExecConfig::default() }).unwrap_err()),
        ErrorKind::NotRunning
    );
    assert_eq!(kind(engine.observe().unwrap_err()), ErrorKind::Unsupported);
    assert_eq!(kind(engine.explain(&config(&["true"])).unwrap_err()), ErrorKind::Unsupported);
    assert_eq!(kind(DockerEngine::open("unix:///nowhere/at/all.sock").unwrap_err()), ErrorKind::System);
}

// ANCHOR: suite
/// What a program under test might do: it keeps its work in a container, and reads what came of it.
fn answer_of(engine: &dyn Engine, question: &str) -> drydock_core::Result<String> {
    let id = engine.create(&ContainerConfig {
        image: "busybox".to_owned(),
        command: vec!["sh".to_owned(), "-c".to_owned(), format!("sleep 3600; echo {question}: 42")],
        network: NetworkMode::None,
        ..ContainerConfig::default()
    })?;
    engine.start(id.as_str())?;
    engine.wait(id.as_str(), None)?;
    let mut said = Vec::new();
    engine.logs(id.as_str(), &LogsRequest::default(), &mut |line| {
        said.extend(line.bytes);
        true
    })?;
    engine.remove(id.as_str(), RemoveOptions::default())?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn an_hour_of_work_takes_no_time() {
    let (engine, _socket) = docker();
    let begun = std::time::Instant::now();
    assert_eq!(answer_of(&engine, "everything").unwrap(), "everything: 42\n");
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "the hour was a real one");
    assert!(engine.containers(true).unwrap().is_empty(), "it cleans up behind itself");
}
// ANCHOR_END: suite

#[test]
fn whoever_is_there_before_the_start_asks_for_no_log() {
    let (_, server) = docker();
    let (engine, _between, asked) = overheard(&server);
    let mut person = Person::default();
    assert_eq!(run(&engine, &config(&["echo", "once"]), &mut person), 0);
    assert_eq!(person.out, b"once\n");
    let asked = asked.lock().unwrap();
    let attached: Vec<&String> = asked.iter().filter(|line| line.contains("/attach?")).collect();
    assert!(matches!(attached.as_slice(), [one] if !one.contains("logs=1")), "{asked:?}");
}

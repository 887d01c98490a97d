//! Containers from beginning to end on a simulated host.

use drydock_core::Result;
use drydock_core::container::{ContainerConfig, NetworkMode};
use drydock_core::engine::{Engine, RemoveOptions};
use drydock_core::io::{Attach, Ended, Input, Io, Stream};
use drydock_sim::{SimConfig, SimHost};

/// Somebody who types what was prepared, and keeps what is shown.
#[derive(Default)]
struct Person {
    input: Vec<Input>,
    shown: String,
    errors: String,
}

impl Io for Person {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> Result<()> {
        let to = if stream == Stream::Stdout { &mut self.shown } else { &mut self.errors };
        to.push_str(&String::from_utf8_lossy(bytes));
        Ok(())
    }

    fn input(&mut self, _: bool) -> Result<Input> {
        Ok(if self.input.is_empty() { Input::Pending } else { self.input.remove(0) })
    }

    fn descriptors(&self) -> Vec<i32> {
        Vec::new()
    }
}

fn host() -> SimHost {
    let host = SimHost::new(SimConfig::default());
    let engine = host.engine().expect("the engine opens");
    let image = drydock_sim::image::busybox().expect("the image is made");
    engine.import(&mut image.as_slice(), "busybox", &[], "").expect("the image is imported");
    host
}

fn config(command: &[&str]) -> ContainerConfig {
    ContainerConfig {
        image: "busybox".to_owned(),
        command: command.iter().map(|a| (*a).to_owned()).collect(),
        network: NetworkMode::None,
        ..ContainerConfig::default()
    }
}

fn run(host: &SimHost, config: &ContainerConfig) -> (Ended, Person) {
    let engine = host.engine().expect("the engine opens");
    let id = engine.create(config).expect("the container is created");
    let mut person = Person::default();
    let ended = engine.start_attached(id.as_str(), &Attach::default(), &mut person).expect("it starts");
    engine.remove(id.as_str(), RemoveOptions { force: true, volumes: true }).expect("it is removed");
    (ended, person)
}

#[test]
fn an_exit_code_is_seen() {
    let host = host();
    let before = host.engine().and_then(|e| e.observe()).expect("the host can be looked at");
    let (ended, person) = run(&host, &config(&["sh", "-c", "echo hello; echo oops >&2; exit 7"]));
    assert_eq!((ended, person.shown.as_str(), person.errors.as_str()), (Ended::Exited(7), "hello\n", "oops\n"));
    let after = host.engine().and_then(|e| e.observe()).expect("the host can be looked at");
    assert_eq!(before.difference(&after), Vec::<String>::new());
}

#[test]
fn the_host_has_a_shell() {
    let host = host();
    let ran = host.shell("cat /etc/hostname; exit 3");
    assert_eq!((ran.code, ran.text().as_str()), (3, "simhost\n"), "{}", String::from_utf8_lossy(&ran.stderr));
}

//! Containers from beginning to end on a simulated host.

mod common;

use common::{Person, config, host};
use drydock_core::container::ContainerConfig;
use drydock_core::engine::{Engine, RemoveOptions};
use drydock_core::io::{Attach, Ended, Input};
use drydock_core::limits::CgroupMode;
use drydock_sim::{SimConfig, SimHost};

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

#[test]
fn a_terminal_echoes_and_ctrl_c_interrupts() {
    let host = host();
    let engine = host.engine().expect("the engine opens");
    let mut config = config(&["sh"]);
    (config.tty, config.open_stdin, config.stdin_once) = (true, true, true);
    let id = engine.create(&config).expect("it is created");
    let mut person = Person::default();
    for text in ["tty\n", "sleep 1000\n", "\x03", "echo code $?\n", "exit 5\n"] {
        // A person waits for the prompt, and here for nothing to happen any more, before the next line.
        person.input.push(Input::Bytes(text.as_bytes().to_vec()));
        person.input.push(Input::Pending);
    }
    let attach = Attach { stdin: true, ..Attach::default() };
    let ended = engine.start_attached(id.as_str(), &attach, &mut person).expect("it starts");
    assert_eq!(ended, Ended::Exited(5), "{}", person.shown);
    for part in ["/dev/pts/0\r\n", "^C", "code 130\r\n"] {
        assert!(person.shown.contains(part), "no {part:?} in {:?}", person.shown);
    }
}

#[test]
fn what_takes_too_much_memory_is_killed() {
    for cgroup in [CgroupMode::V1, CgroupMode::Hybrid, CgroupMode::V2] {
        killed_for_memory(&common::host_of(SimConfig { cgroup, ..SimConfig::default() }));
    }
}

fn killed_for_memory(host: &SimHost) {
    let mut config = config(&["stress", "--vm", "1", "--vm-bytes", "150M"]);
    config.resources.memory = Some(64 << 20);
    let engine = host.engine().expect("the engine opens");
    let id = engine.create(&config).expect("it is created");
    engine.start(id.as_str()).expect("it starts");
    engine.wait(id.as_str(), None).expect("it ends");
    assert!(engine.container(id.as_str()).expect("it is there").state.oom_killed);
}

#[test]
fn processor_time_is_shared_by_quota() {
    let host = host();
    let mut config = config(&["sh", "-c", "stress --cpu 1 -t 10; cat /proc/uptime"]);
    config.resources.nano_cpus = Some(500_000_000);
    let engine = host.engine().expect("the engine opens");
    let id = engine.create(&config).expect("it is created");
    engine.start(id.as_str()).expect("it starts");
    host.advance(std::time::Duration::from_secs(5));
    let used = host.look(|w| w.cgroups.find(&format!("drydock/{id}")).and_then(|g| w.cgroups.get(g).ok().map(|g| g.cpu)));
    let seconds = used.unwrap_or_default() as f64 / 1e9;
    assert!((2.3..2.7).contains(&seconds), "half a processor for five seconds is not {seconds} s");
}

#[test]
fn a_copy_of_a_host_goes_its_own_way_and_the_same_way() {
    let host = host();
    run(&host, &config(&["true"]));
    let copies = [host.copy().expect("it is at rest"), host.copy().expect("it is at rest")];
    let told = copies.map(|copy| {
        let engine = copy.engine().expect("the engine opens");
        let id = engine.create(&ContainerConfig { name: Some("box".to_owned()), ..config(&["sleep", "9"]) }).expect("it is created");
        engine.start(id.as_str()).expect("it starts");
        assert!(copy.copy().is_none(), "a program runs on it");
        copy.shell("echo mine >/tmp/mine");
        engine.remove(id.as_str(), RemoveOptions { force: true, volumes: true }).expect("it is removed");
        assert!(copy.copy().is_some(), "it is at rest again");
        (id, copy.shell("cat /tmp/mine; date; ls /proc").text())
    });
    let [one, other] = &told;
    assert_eq!(one, other);
    assert_eq!(host.shell("cat /tmp/mine 2>/dev/null || echo none").text(), "none\n");
    assert!(host.engine().and_then(|e| e.container("box")).is_err());
}
